package model

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
)

// Strings is a list that is stored as JSON text: engines differ in JSON
// columns, none differs in TEXT.
//
//nolint:recvcheck // database/sql wants Value on the value and Scan on a pointer
type Strings []string

// Value implements driver.Valuer.
func (s Strings) Value() (driver.Value, error) { return toJSON(s, "[]") }

// Scan implements sql.Scanner.
func (s *Strings) Scan(column any) error { return fromJSON(column, s) }

// Profile is a named set of what a page may use.
type Profile struct {
	JSAPIList   []string `json:"js_api_list"`
	OpenTagList []string `json:"open_tag_list"`
	Debug       bool     `json:"debug"`
}

// Profiles are an account's profiles by name, stored as JSON text.
//
//nolint:recvcheck // as Strings
type Profiles map[string]Profile

// Value implements driver.Valuer.
func (p Profiles) Value() (driver.Value, error) { return toJSON(p, "{}") }

// Scan implements sql.Scanner.
func (p *Profiles) Scan(column any) error { return fromJSON(column, p) }

func toJSON(v any, empty string) (driver.Value, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode column: %w", err)
	}
	if string(text) == "null" {
		return empty, nil
	}
	return string(text), nil
}

func fromJSON(column, v any) error {
	var text []byte
	switch c := column.(type) {
	case string:
		text = []byte(c)
	case []byte:
		text = c
	default:
		return fmt.Errorf("decode column: %T is not text", column)
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("decode column: %w", err)
	}
	return nil
}
