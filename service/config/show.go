package config

import (
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"strconv"
	"strings"

	"github.com/wxsign/wxsign/service/secret"
)

// mask stands for a secret that is set.
const mask = "***"

// Show writes the effective values as TOML, each with a comment that says where
// it came from. Secrets are masked, but not the names of their files.
func Show(cfg Config, report Report) string {
	s := shower{report: report, driver: cfg.Database.Driver}
	s.table("", "", reflect.ValueOf(cfg))
	return strings.TrimLeft(s.text.String(), "\n")
}

type shower struct {
	report Report
	driver string // of the database
	text   strings.Builder
}

// table writes the keys of a table, then the tables in it. In a header the
// lists of tables have no index.
func (s *shower) table(path, header string, table reflect.Value) {
	var tables []field
	for _, f := range fieldsOf(table.Type()) {
		if !isLeaf(f.typ) {
			tables = append(tables, f)
			continue
		}
		origin := s.report.origins[join(path, f.key)]
		value := table.Field(f.index).Interface()
		if address, is := value.(string); is && f.key == "url" {
			value = withoutKey(address)
		}
		if dsn, is := value.(secret.Secret); is && f.key == "dsn" {
			value = withoutPassword(s.driver, dsn.Reveal())
		}
		fmt.Fprintf(&s.text, "%s = %s # %s\n", f.key, literal(value, origin), origin)
	}
	for _, f := range tables {
		s.below(join(path, f.key), join(header, f.key), table.Field(f.index))
	}
}

func (s *shower) below(path, header string, value reflect.Value) {
	switch value.Kind() {
	case reflect.Slice:
		for i := range value.Len() {
			fmt.Fprintf(&s.text, "\n[[%s]]\n", header)
			s.table(join(path, strconv.Itoa(i)), header, value.Index(i))
		}
	case reflect.Map:
		for _, name := range sortedNames(value) {
			fmt.Fprintf(&s.text, "\n[%s]\n", join(header, name))
			s.table(join(path, name), join(header, name), value.MapIndex(reflect.ValueOf(name)))
		}
	default:
		if isLeaf(value.Type().Field(0).Type) { // a table of tables only needs no header
			fmt.Fprintf(&s.text, "\n[%s]\n", header)
		}
		s.table(path, header, value)
	}
}

// literal writes a value in TOML. A default is in the source code and no
// secret.
func literal(value any, origin Origin) string {
	switch value := value.(type) {
	case bool:
		return strconv.FormatBool(value)
	case int:
		return strconv.Itoa(value)
	case []string:
		quoted := make([]string, len(value))
		for i, text := range value {
			quoted[i] = quoteTOML(text)
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	case Duration:
		return quoteTOML(value.String())
	case secret.Secret:
		if origin.IsDefault() {
			return quoteTOML(value.Reveal())
		}
		return quoteTOML(masked(value))
	case KeySource:
		if value.File != "" {
			return quoteTOML(fileReference + value.File)
		}
		return quoteTOML(masked(value.Inline))
	default:
		return quoteTOML(fmt.Sprint(value))
	}
}

// withoutKey is the address of a receiver up to its host: many have the key that
// opens them in their path or query.
func withoutKey(address string) string {
	u, err := url.Parse(address)
	switch {
	case address == "":
		return ""
	case err != nil || u.Host == "":
		return mask
	case u.User == nil && u.RawQuery == "" && u.Fragment == "" && strings.Trim(u.Path, "/") == "":
		return address
	}
	return u.Scheme + "://" + u.Host + "/" + mask
}

func masked(value secret.Secret) string {
	if value.IsZero() {
		return ""
	}
	return mask
}

// quoteTOML writes a basic string of TOML, which has the escapes of JSON.
func quoteTOML(text string) string {
	var quoted strings.Builder
	to := json.NewEncoder(&quoted)
	to.SetEscapeHTML(false)                 // a DSN with \u0026 in it is hard to read
	if err := to.Encode(text); err != nil { // a string always has a JSON form
		return `""`
	}
	return strings.ReplaceAll(strings.TrimSuffix(quoted.String(), "\n"), "\x7f", `\u007f`)
}
