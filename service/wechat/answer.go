package wechat

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/wxsign/wxsign/service/secret"
)

const (
	// maxValue bounds a credential in bytes. WeChat asks for room for 512;
	// 136 to 160 (token) and 86 (ticket) were observed.
	maxValue = 1024
	// maxLife is the longest life WeChat documents. A longer one is never
	// assumed: a value used past its death is worse than one renewed early.
	maxLife = 7200 * time.Second
)

// answer is the JSON object of an answer, its fields not read yet.
type answer map[string]json.RawMessage

// parseAnswer reads a whole body. Anything but one JSON object is ErrGarbage; a
// JSON null reads as an object without fields, which grants nothing.
func parseAnswer(body []byte) (answer, error) {
	if len(body) > maxBody {
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrGarbage, maxBody)
	}
	var a answer
	if err := json.Unmarshal(body, &a); err != nil {
		return nil, fmt.Errorf("%w: not a JSON object", ErrGarbage)
	}
	return a, nil
}

// errcode is 0 for success; success of the token endpoints has no such field
// (https://developers.weixin.qq.com/doc/offiaccount/Basic_Information/Get_access_token.html).
func (a answer) errcode() (int, error) {
	raw, ok := a["errcode"]
	if !ok {
		return 0, nil
	}
	code, err := strconv.ParseInt(string(raw), 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%w: errcode is not an integer", ErrGarbage)
	}
	return int(code), nil
}

// text is a string field, "" if it is missing or no string.
func (a answer) text(field string) string {
	var s string
	if err := json.Unmarshal(a[field], &s); err != nil {
		return ""
	}
	return s
}

// grant reads a credential and its life. Errors name the field and never quote
// it.
func (a answer) grant(field string) (Grant, error) {
	value := a.text(field)
	switch {
	case value == "":
		return Grant{}, fmt.Errorf("%w: %s is missing, empty or no string", ErrGarbage, field)
	case len(value) > maxValue:
		return Grant{}, fmt.Errorf("%w: %s is longer than %d bytes", ErrGarbage, field, maxValue)
	case !isVisibleASCII(value):
		return Grant{}, fmt.Errorf("%w: %s has a character that no credential has", ErrGarbage, field)
	}
	life, err := a.life()
	if err != nil {
		return Grant{}, err
	}
	return Grant{Value: secret.New(value), ExpiresIn: life}, nil
}

// life reads expires_in, a JSON integer of seconds.
func (a answer) life() (time.Duration, error) {
	raw, ok := a["expires_in"]
	if !ok {
		return 0, fmt.Errorf("%w: expires_in is missing", ErrGarbage)
	}
	seconds, err := strconv.ParseInt(string(raw), 10, 64) // out of range: the nearest int64
	switch {
	case err != nil && !errors.Is(err, strconv.ErrRange):
		return 0, fmt.Errorf("%w: expires_in is not an integer", ErrGarbage)
	case seconds < 1:
		return 0, fmt.Errorf("%w: expires_in is not above 0", ErrGarbage)
	}
	return time.Duration(min(seconds, int64(maxLife/time.Second))) * time.Second, nil
}

// checkIPList wants the list that getcallbackip gives: an empty object must not
// pass as proof that a token lives.
func (a answer) checkIPList() error {
	var list []string
	if err := json.Unmarshal(a["ip_list"], &list); err != nil || list == nil {
		return fmt.Errorf("%w: ip_list is missing or no list of strings", ErrGarbage)
	}
	return nil
}

// isVisibleASCII is wider than the alphabet seen (0-9 A-Z a-z _ -): WeChat may
// change that, but a blank or control character is a broken answer for sure.
func isVisibleASCII(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
