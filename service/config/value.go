package config

import (
	"reflect"
	"strconv"
	"strings"

	"github.com/wxsign/wxsign/service/secret"
)

// wrong is a fault without its place.
type wrong struct{ problem, mend string }

// setValue puts what TOML read into a leaf, or says what is wrong with it. It
// quotes no value: any of them may be a secret in the wrong place.
func setValue(target reflect.Value, value any) *wrong {
	switch target := target.Addr().Interface().(type) {
	case *bool:
		flag, ok := value.(bool)
		if !ok {
			return &wrong{"must be true or false, not " + kindOf(value), "write true or false without quotes"}
		}
		*target = flag
	case *int:
		number, ok := value.(int64)
		if !ok || int64(int(number)) != number {
			return &wrong{"must be a whole number, not " + kindOf(value), "write digits without quotes"}
		}
		*target = int(number)
	case *[]string:
		list, ok := stringsOf(value)
		if !ok {
			return &wrong{"must be a list of texts, not " + kindOf(value), `write it as in ["a", "b"]`}
		}
		*target = list
	default:
		text, ok := value.(string)
		if !ok {
			return &wrong{"must be a text, not " + kindOf(value), mendText(target)}
		}
		return setText(target, text)
	}
	return nil
}

func mendText(target any) string {
	if _, ok := target.(*Duration); ok {
		return `write it in quotes and with its unit, as in "30s"`
	}
	return "write it in quotes"
}

func setText(target any, text string) *wrong {
	switch target := target.(type) {
	case *string:
		*target = text
	case *secret.Secret:
		*target = secret.New(text)
	case *KeySource:
		if text == fileReference {
			return &wrong{"names no file", `write the path behind "file:"`}
		}
		*target = parseKeySource(text)
	case *Duration:
		duration, err := ParseDuration(text)
		if err != nil {
			return &wrong{"is not a duration", `write a number with its unit, as in "30s", "15m", "2h" or "90d"`}
		}
		*target = duration
	}
	return nil
}

// valueOfText turns the text of an environment variable into what TOML would
// have read for such a leaf; a text that does not fit stays a text, and
// setValue complains. Lists are comma-separated.
func valueOfText(typ reflect.Type, text string) any {
	switch typ.Kind() {
	case reflect.Bool:
		if flag, err := strconv.ParseBool(text); err == nil {
			return flag
		}
	case reflect.Int:
		if number, err := strconv.ParseInt(text, 10, strconv.IntSize); err == nil {
			return number
		}
	case reflect.Slice:
		list := []any{}
		for entry := range strings.SplitSeq(text, ",") {
			if entry = strings.TrimSpace(entry); entry != "" {
				list = append(list, entry)
			}
		}
		return list
	default: // all others are written as text
	}
	return text
}

func stringsOf(value any) ([]string, bool) {
	list, ok := value.([]any)
	if !ok {
		return nil, false
	}
	var texts []string
	for _, entry := range list {
		text, ok := entry.(string)
		if !ok {
			return nil, false
		}
		texts = append(texts, text)
	}
	return texts, true
}

func kindOf(value any) string {
	switch value.(type) {
	case string:
		return "a text"
	case bool:
		return "a true or a false"
	case int64:
		return "a number"
	case float64:
		return "a fraction"
	case []any:
		return "a list of other things"
	case map[string]any:
		return "a table"
	default:
		return "a date"
	}
}
