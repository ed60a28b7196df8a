package secret_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/wxsign/wxsign/service/secret"
)

const place = "credential|wx0123456789abcdef|jsapi|value"

// derivedStable was computed by another implementation of RFC 5869.
const derivedStable = "34431eb618121ea7da0a41618b35438b4bc40b9e92782503d4db6a57e027c04c"

// key makes a raw key that is not weak and the same in each run.
func key(seed byte) []byte {
	raw := make([]byte, secret.KeySize)
	for i := range raw {
		raw[i] = seed + byte(i*i) + byte(i)*37
	}
	return raw
}

func ring(t testing.TB, keys ...[]byte) *secret.Keyring {
	t.Helper()
	r, err := secret.NewKeyring(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSealOpen(t *testing.T) {
	t.Parallel()
	r := ring(t, key(1))
	for name, value := range map[string]string{
		"token": canary, "empty": "", "one byte": "x", "binary": "\x00\xff\x80", "Chinese": "密钥", "long": strings.Repeat("v", 1<<16),
	} {
		envelope := r.Seal(secret.New(value), place)
		if len(value) > 3 && bytes.Contains(envelope, []byte(value)) {
			t.Errorf("%s: the envelope shows the value", name)
		}
		if secret.KeyID(envelope) != r.SealingKeyID() {
			t.Errorf("%s: key id %s, want %s", name, secret.KeyID(envelope), r.SealingKeyID())
		}
		got, err := r.Open(envelope, place)
		if err != nil || got.Reveal() != value {
			t.Errorf("%s: %q, %v", name, got.Reveal(), err)
		}
		if again := r.Seal(secret.New(value), place); bytes.Equal(again, envelope) {
			t.Errorf("%s: sealed twice to the same bytes: the nonce repeats", name)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	r := ring(t, key(1), key(2))
	envelope := r.Seal(secret.New(canary), place)
	for name, row := range map[string]struct {
		envelope []byte
		place    string
		want     error
	}{
		"nothing":         {nil, place, secret.ErrNotAuthentic},
		"header alone":    {envelope[:5], place, secret.ErrNotAuthentic},
		"header cut":      {envelope[:4], place, secret.ErrNotAuthentic},
		"without its tag": {envelope[:len(envelope)-16], place, secret.ErrNotAuthentic},
		"longer":          {append(bytes.Clone(envelope), 0), place, secret.ErrNotAuthentic},
		"twice":           {append(bytes.Clone(envelope), envelope...), place, secret.ErrNotAuthentic},
		"plain text":      {[]byte(canary), place, secret.ErrNotAuthentic},
		"other account":   {envelope, "credential|wxfedcba9876543210|jsapi|value", secret.ErrNotAuthentic},
		"other kind":      {envelope, "credential|wx0123456789abcdef|wx_card|value", secret.ErrNotAuthentic},
		"no place":        {envelope, "", secret.ErrNotAuthentic},
		"place and more":  {envelope, place + "|", secret.ErrNotAuthentic},
		"stranger's key":  {ring(t, key(3)).Seal(secret.New(canary), place), place, secret.ErrNoKey},
	} {
		got, err := r.Open(row.envelope, row.place)
		if !errors.Is(err, row.want) || !got.IsZero() {
			t.Errorf("%s: %v, want %v and no value", name, err, row.want)
		}
		checkSilent(t, name, fmt.Sprint(err))
	}
	// The key id of another key of the ring: it must be bound to the rest.
	swapped := append(bytes.Clone(ring(t, key(2)).Seal(secret.Secret{}, place)[:5]), envelope[5:]...)
	if _, err := r.Open(swapped, place); !errors.Is(err, secret.ErrNotAuthentic) {
		t.Errorf("another key's id: %v", err)
	}
}

func TestOpenNoticesEveryChangeAndCut(t *testing.T) {
	t.Parallel()
	r := ring(t, key(1))
	envelope := r.Seal(secret.New(canary), place)
	for i := range envelope {
		for _, flip := range []byte{0x01, 0x80, 0xff} {
			changed := bytes.Clone(envelope)
			changed[i] ^= flip
			want := secret.ErrNotAuthentic
			if i >= 1 && i < 5 {
				want = secret.ErrNoKey
			}
			if got, err := r.Open(changed, place); !errors.Is(err, want) || !got.IsZero() {
				t.Errorf("byte %d changed by %#x: %v, want %v", i, flip, err, want)
			}
		}
		if got, err := r.Open(envelope[:i], place); !errors.Is(err, secret.ErrNotAuthentic) || !got.IsZero() {
			t.Errorf("cut to %d bytes: %v", i, err)
		}
		if i > 0 {
			if _, err := r.Open(envelope[i:], place); err == nil {
				t.Errorf("opened without its first %d bytes", i)
			}
		}
	}
}

// A new key in front seals; the old one behind it still opens; without it
// nothing of the past opens.
func TestKeyRotation(t *testing.T) {
	t.Parallel()
	before, during, after := ring(t, key(1)), ring(t, key(2), key(1)), ring(t, key(2))
	old := before.Seal(secret.New("old"), place)
	renewed := during.Seal(secret.New("new"), place)
	if got, err := during.Open(old, place); err != nil || got.Reveal() != "old" {
		t.Errorf("the old value during the rotation: %v", err)
	}
	if during.SealingKeyID() != after.SealingKeyID() || during.SealingKeyID() == before.SealingKeyID() {
		t.Error("the first key does not seal")
	}
	if got, err := after.Open(renewed, place); err != nil || got.Reveal() != "new" {
		t.Errorf("the new value after the rotation: %v", err)
	}
	for name, open := range map[string]func() (secret.Secret, error){
		"old value, new key": func() (secret.Secret, error) { return after.Open(old, place) },
		"new value, old key": func() (secret.Secret, error) { return before.Open(renewed, place) },
	} {
		if _, err := open(); !errors.Is(err, secret.ErrNoKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := after.Open(old, place); err == nil || !strings.Contains(err.Error(), before.SealingKeyID()) {
		t.Errorf("%v does not name the key %s", err, before.SealingKeyID())
	}
}

func TestKeyID(t *testing.T) {
	t.Parallel()
	for name, envelope := range map[string][]byte{"nothing": nil, "short": {1, 2, 3, 4}, "other version": {2, 1, 2, 3, 4, 5}} {
		if id := secret.KeyID(envelope); id != "" {
			t.Errorf("%s: %q", name, id)
		}
	}
	if id := secret.KeyID([]byte{1, 0xde, 0xad, 0xbe, 0xef}); id != "deadbeef" {
		t.Errorf("%q, want deadbeef", id)
	}
}

func TestKeyIDs(t *testing.T) {
	t.Parallel()
	first, second := ring(t, key(1)).SealingKeyID(), ring(t, key(2)).SealingKeyID()
	want := []string{min(first, second), max(first, second)}
	for name, r := range map[string]*secret.Keyring{
		"two": ring(t, key(1), key(2)), "the other way round": ring(t, key(2), key(1)), "one twice": ring(t, key(1), key(2), key(1)),
	} {
		if got := r.KeyIDs(); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	if got := ring(t, key(1)).KeyIDs(); !slices.Equal(got, []string{first}) {
		t.Errorf("of one key: %v, want %s", got, first)
	}
}

func TestDerive(t *testing.T) {
	t.Parallel()
	r := ring(t, key(1), key(2))
	derive := func(r *secret.Keyring, purpose string) string {
		k, err := r.Derive(purpose)
		if err != nil || len(k) != secret.KeySize {
			t.Fatalf("%d bytes, %v", len(k), err)
		}
		return string(k)
	}
	first := derive(r, "demo report")
	if first != derive(r, "demo report") || first != derive(ring(t, key(1)), "demo report") {
		t.Error("not the same on every replica with the same sealing key")
	}
	for name, other := range map[string]string{
		"other purpose":  derive(r, "session"),
		"no purpose":     derive(r, ""),
		"other key":      derive(ring(t, key(2)), "demo report"),
		"the key itself": string(key(1)),
	} {
		if first == other {
			t.Errorf("%s: the same key", name)
		}
	}
	// RFC 5869 with SHA-256, no salt, info "wxsign stable": it must not change
	// between releases, or replicas of two releases disagree.
	if got := fmt.Sprintf("%x", derive(r, "stable")); got != derivedStable {
		t.Errorf("the derived key changed: %s", got)
	}
}

// A ring that somebody logs does not give its keys away.
func TestKeyringShowsNothing(t *testing.T) {
	t.Parallel()
	// Regression: the sealing key stood in the ring as plain bytes.
	r := ring(t, key(1), key(2))
	holder := struct{ ring any }{*r}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		for _, printed := range []any{r, *r, holder, []any{r, *r}} {
			out := fmt.Sprintf(verb, printed)
			for seed := byte(1); seed <= 2; seed++ {
				for _, spelling := range []string{
					string(key(seed)), decimals(key(seed)), fmt.Sprintf("%x", key(seed)),
					strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", key(seed)), "[]byte{"), "}"),
				} {
					if strings.Contains(out, spelling) {
						t.Errorf("%s shows key %d: %s", verb, seed, out)
					}
				}
			}
		}
	}
}

func TestNewKeyringRefuses(t *testing.T) {
	t.Parallel()
	for name, keys := range map[string][][]byte{
		"none":            nil,
		"nil":             {nil},
		"16 bytes":        {key(1)[:16]},
		"31 bytes":        {key(1)[:31]},
		"33 bytes":        {append(key(1), 1)},
		"second is short": {key(1), key(2)[:8]},
	} {
		if r, err := secret.NewKeyring(keys...); !errors.Is(err, secret.ErrKeyInvalid) || r != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParseKeys(t *testing.T) {
	t.Parallel()
	one, two := base64.StdEncoding.EncodeToString(key(1)), base64.StdEncoding.EncodeToString(key(2))
	for name, row := range map[string]struct {
		text string
		want [][]byte
	}{
		"one":               {one, [][]byte{key(1)}},
		"with a line end":   {one + "\n", [][]byte{key(1)}},
		"two, in order":     {two + "\n" + one, [][]byte{key(2), key(1)}},
		"Windows line ends": {one + "\r\n" + two + "\r\n", [][]byte{key(1), key(2)}},
		"comments, blanks":  {"# new\n\n  " + one + "\t\n  # old\n" + two + "\n\n", [][]byte{key(1), key(2)}},
	} {
		keys, err := secret.ParseKeys(row.text)
		if err != nil || fmt.Sprint(keys) != fmt.Sprint(row.want) {
			t.Errorf("%s: %v, %v", name, keys, err)
		}
	}
	if keys, err := secret.ParseKeys(secret.NewKey()); err != nil || len(keys) != 1 {
		t.Errorf("a key of our own: %v", err)
	}
}

func TestParseKeysRefuses(t *testing.T) {
	t.Parallel()
	encode := base64.StdEncoding.EncodeToString
	good := encode(key(1))
	steps := func(width byte) []byte {
		raw := make([]byte, secret.KeySize)
		for i := range raw {
			raw[i] = 7 + byte(i)*width
		}
		return raw
	}
	for name, row := range map[string]struct{ text, want string }{
		"nothing":            {"", "none given"},
		"comments alone":     {"# key\n\n", "none given"},
		"no base64":          {"not a key!", "line 1 is not"},
		"URL alphabet":       {strings.Repeat("-_", 21) + "-=", "line 1 is not"},
		"no padding":         {strings.TrimRight(good, "="), "line 1 is not"},
		"16 bytes":           {encode(key(1)[:16]), "line 1 is not"},
		"33 bytes":           {encode(append(key(1), 1)), "line 1 is not"},
		"second is bad":      {good + "\n# x\n" + good[:20], "line 3 is not"},
		"two on a line":      {good + " " + good, "line 1 is not"},
		"hex of 32 bytes":    {fmt.Sprintf("%x", key(1)), "line 1 is not"},
		"zeros":              {encode(make([]byte, 32)), "a pattern"},
		"one byte repeated":  {encode(bytes.Repeat([]byte{0xa5}, 32)), "a pattern"},
		"a short cycle":      {encode(bytes.Repeat(key(1)[:8], 4)), "a pattern"},
		"one half twice":     {encode(bytes.Repeat(key(1)[:16], 2)), "a pattern"},
		"00 01 02 …":         {encode(steps(1)), "a pattern"},
		"… 02 01 00":         {encode(steps(0xff)), "a pattern"},
		"steps of 17":        {encode(steps(17)), "a pattern"},
		"a password":         {encode([]byte("correct horse battery staple 123")), "a pattern"},
		"hex of 16 bytes":    {encode(fmt.Appendf(nil, "%x", key(1)[:16])), "a pattern"},
		"second is a sample": {good + "\n" + encode(make([]byte, 32)), "line 2"},
	} {
		keys, err := secret.ParseKeys(row.text)
		if keys != nil || !errors.Is(err, secret.ErrKeyInvalid) || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want …%s…", name, err, row.want)
			continue
		}
		for line := range strings.SplitSeq(row.text, "\n") {
			if len(line) > 3 && strings.Contains(err.Error(), line) {
				t.Errorf("%s: the error quotes the key: %v", name, err)
			}
		}
	}
}

// No key that was drawn at random is taken for a weak one.
func TestRandomKeysAreNotWeak(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 20000 {
		text := secret.NewKey()
		if seen[text] {
			t.Fatal("a new key is not new")
		}
		seen[text] = true
		if _, err := secret.ParseKeys(text); err != nil {
			t.Fatal(err)
		}
	}
}

// Nothing opens but what was sealed here, for this place, unchanged.
func FuzzOpen(f *testing.F) {
	r := ring(f, key(1), key(2))
	sealed := r.Seal(secret.New(canary), place)
	f.Add(sealed, place)
	f.Add(sealed, "")
	f.Add(sealed[:20], place)
	f.Add(append(bytes.Clone(sealed), sealed...), place)
	f.Add(ring(f, key(2)).Seal(secret.New("x"), place), place)
	f.Add([]byte{}, place)
	f.Add([]byte{1, 0, 0, 0, 0}, place)
	f.Add([]byte{2, 0, 0, 0, 0, 1, 2, 3}, place)
	f.Fuzz(func(t *testing.T, envelope []byte, at string) {
		before := bytes.Clone(envelope)
		value, err := r.Open(envelope, at)
		if !bytes.Equal(before, envelope) {
			t.Fatal("Open writes into the envelope")
		}
		if id := secret.KeyID(envelope); len(id) != 0 && len(id) != 8 {
			t.Fatalf("key id %q", id)
		}
		if err != nil {
			if !value.IsZero() || !errors.Is(err, secret.ErrNoKey) && !errors.Is(err, secret.ErrNotAuthentic) {
				t.Fatalf("%v with a value, or no sentinel", err)
			}
			return
		}
		// Only the seeds can open, and only at their place.
		if at != place || value.Reveal() != canary && value.Reveal() != "x" {
			t.Fatalf("%x opened at %q", envelope, at)
		}
	})
}

func FuzzParseKeys(f *testing.F) {
	f.Add("# comment\n" + base64.StdEncoding.EncodeToString(key(1)) + "\n")
	f.Add("\n\n=\n")
	f.Add(strings.Repeat("A", 43) + "=")
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := secret.ParseKeys(text)
		if (err == nil) != (len(keys) > 0) || err != nil && !errors.Is(err, secret.ErrKeyInvalid) {
			t.Fatalf("%d keys, %v", len(keys), err)
		}
		if err != nil {
			return
		}
		if _, err := secret.NewKeyring(keys...); err != nil {
			t.Fatal(err)
		}
	})
}
