package secret_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/wxsign/wxsign/service/secret"
)

// canary must not be found in anything printed, in no spelling.
const canary = "CANARY-5f1a"

// spellings of the canary that verbs such as %x, %q and %d give.
func spellings() []string {
	text := []byte(canary)
	return []string{
		canary, fmt.Sprintf("%x", text), fmt.Sprintf("%X", text), fmt.Sprintf("% x", text),
		decimals(text), fmt.Sprintf("%U", []rune(canary))[1:20],
	}
}

// decimals is how %v and %d print bytes, without the brackets.
func decimals(b []byte) string {
	text := fmt.Sprintf("%d", b)
	return text[1 : len(text)-1]
}

func checkSilent(t *testing.T, how, output string) {
	t.Helper()
	for _, spelling := range spellings() {
		if strings.Contains(output, spelling) {
			t.Errorf("%s shows the secret: %s", how, output)
			return
		}
	}
}

type exported struct {
	Name    string
	Value   secret.Secret
	Pointer *secret.Secret
}

type unexported struct {
	name    string
	value   secret.Secret
	pointer *secret.Secret
	list    []secret.Secret
	byName  map[string]secret.Secret
	keys    map[secret.Secret]int
	any     any
	array   [1]secret.Secret
	inner   exported
}

// carelessError is an error that carries a secret by mistake.
type carelessError struct{ value secret.Secret }

func (e carelessError) Error() string { return fmt.Sprintf("refused %v", e.value) }

// holders are all the places where a secret can stand.
func holders(s secret.Secret) map[string]any {
	in := exported{Name: "in", Value: s, Pointer: &s}
	out := unexported{
		name: "out", value: s, pointer: &s, list: []secret.Secret{s}, byName: map[string]secret.Secret{"k": s},
		keys: map[secret.Secret]int{s: 1}, any: s, array: [1]secret.Secret{s}, inner: in,
	}
	return map[string]any{
		"itself":               s,
		"pointer":              &s,
		"exported fields":      in,
		"pointer to exported":  &in,
		"unexported fields":    out,
		"pointer to them":      &out,
		"slice":                []secret.Secret{s},
		"slice of pointers":    []*secret.Secret{&s},
		"array":                [2]secret.Secret{s, s},
		"map":                  map[string]secret.Secret{"k": s},
		"map key":              map[secret.Secret]string{s: "v"},
		"map of structs":       map[string]exported{"k": in},
		"slice of any":         []any{s, &s, out},
		"anonymous struct":     struct{ secret.Secret }{s},
		"anonymous unexported": struct{ s struct{ v secret.Secret } }{struct{ v secret.Secret }{s}},
		"error":                carelessError{s},
		"wrapped error":        fmt.Errorf("sign: %w", carelessError{s}),
		"joined errors":        errors.Join(carelessError{s}, io.EOF),
	}
}

func TestFmtShowsNothing(t *testing.T) {
	t.Parallel()
	verbs := strings.Fields("%v %+v %#v %s %q %+q %#q %x %X %#x %d %o %b %c %U %e %g %t %T %p %w %z %20v %-20s %.3s %06d %[1]*[1]v %!")
	for name, holder := range holders(secret.New(canary)) {
		for _, verb := range verbs {
			checkSilent(t, name+" with "+verb, fmt.Sprintf(verb, holder))
		}
		checkSilent(t, name+" with Sprint", fmt.Sprint(holder))
		checkSilent(t, name+" with Sprintln", fmt.Sprintln(holder, holder))
		checkSilent(t, name+" with Errorf", fmt.Errorf("%v: %w", holder, io.EOF).Error())
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if got := fmt.Sprintf(verb, secret.New(canary)); got != "[redacted]" {
			t.Errorf("%s: %s, want [redacted]", verb, got)
		}
	}
	if got := secret.New(canary).String(); got != "[redacted]" {
		t.Errorf("String() = %s", got)
	}
}

func TestPanicShowsNothing(t *testing.T) {
	t.Parallel()
	for name, holder := range holders(secret.New(canary)) {
		func() {
			defer func() { checkSilent(t, "a panic with "+name, fmt.Sprint(recover())) }()
			panic(holder)
		}()
	}
}

func TestEncodersShowNothing(t *testing.T) {
	t.Parallel()
	for name, holder := range holders(secret.New(canary)) {
		text, err := json.Marshal(holder)
		checkSilent(t, name+" in JSON", fmt.Sprint(string(text), err))
	}
	text, err := json.Marshal(map[string]any{"a": secret.New(canary), "b": exported{Name: "n"}})
	if want := `{"a":"[redacted]","b":{"Name":"n","Value":"[redacted]","Pointer":null}}`; err != nil || string(text) != want {
		t.Errorf("%s, %v; want %s", text, err, want)
	}
}

func TestLogsShowNothing(t *testing.T) {
	t.Parallel()
	for name, holder := range holders(secret.New(canary)) {
		var out bytes.Buffer
		for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
			log := slog.New(handler)
			log.Info("logged", "holder", holder)
			log.With("holder", holder).WithGroup("g").Info("logged", slog.Group("h", "holder", holder), slog.Any("again", []any{holder}))
		}
		if out.Len() == 0 {
			t.Fatal("nothing was logged")
		}
		checkSilent(t, name+" in a log", out.String())
	}
}

func TestSecretKeepsItsValue(t *testing.T) {
	t.Parallel()
	s := secret.New(canary)
	if s.Reveal() != canary || s.IsZero() {
		t.Error("Reveal does not give the value back")
	}
	var zero secret.Secret
	if !zero.IsZero() || zero.Reveal() != "" || !secret.New("").IsZero() || zero.Fingerprint() != "" {
		t.Error("the zero value is not the empty secret")
	}
	for name, row := range map[string]struct {
		a, b secret.Secret
		want bool
	}{
		"same value":    {s, secret.New(canary), true},
		"both empty":    {zero, secret.New(""), true},
		"other value":   {s, secret.New("CANARY-5f1b"), false},
		"prefix":        {s, secret.New("CANARY"), false},
		"against empty": {s, zero, false},
	} {
		if row.a.Equal(row.b) != row.want || row.b.Equal(row.a) != row.want {
			t.Errorf("%s: not %t", name, row.want)
		}
	}
	const hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" // of abc, FIPS 180-2
	if abc := secret.New("abc"); abc.Hash() != hash || abc.Fingerprint() != hash[:8] {
		t.Errorf("hash %s, fingerprint %s", abc.Hash(), abc.Fingerprint())
	}
}

func TestSecretIsReadButNotWritten(t *testing.T) {
	t.Parallel()
	var read exported
	if err := json.Unmarshal([]byte(`{"Value":"`+canary+`","Pointer":"x"}`), &read); err != nil {
		t.Fatal(err)
	}
	if read.Value.Reveal() != canary || read.Pointer.Reveal() != "x" {
		t.Error("a secret is not read from JSON")
	}
	err := json.Unmarshal([]byte(`{"Value":{"`+canary+`":1}}`), &read)
	if err == nil {
		t.Error("an object was taken for a secret")
	}
	checkSilent(t, "the error of a wrong type", fmt.Sprint(err))
}
