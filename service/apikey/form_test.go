package apikey_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/wxsign/wxsign/service/apikey"
)

func TestKeyForm(t *testing.T) {
	t.Parallel()
	s := &table{}
	k := newKeys(t, s)
	form := regexp.MustCompile(`^wxs_[0-9A-Za-z]{38}$`)
	seen := map[string]bool{}
	for range 200 {
		id, key := create(t, k, draft())
		if !form.MatchString(key) || seen[key] {
			t.Fatalf("key of the form %q, seen before: %v", form, seen[key])
		}
		seen[key] = true
		if _, err := k.Authenticate(t.Context(), key); err != nil {
			t.Fatalf("a new key: %v", err)
		}
		must(t, k.Revoke(t.Context(), id, ann))
	}
}

// What cannot be a key never reaches the database: every typo in one place is
// told by the checksum.
func TestTypoCostsNoQuery(t *testing.T) {
	t.Parallel()
	s := &table{}
	k := newKeys(t, s)
	_, key := create(t, k, draft())
	wrong := []string{
		"x", "wxs_", key[:len(key)-1], key + "0", " " + key[1:], strings.ToLower(key), strings.ToUpper(key), "WXS_" + key[4:],
		"wxs_" + strings.Repeat("0", 38), strings.Repeat("a", 1<<20), "wxs_" + strings.Repeat("é", 19), key + "@wx1",
	}
	for i := len(apikey.Prefix); i < len(key); i++ {
		other := byte('0')
		if key[i] == other {
			other = '1'
		}
		wrong = append(wrong, key[:i]+string(other)+key[i+1:], key[:i]+"-"+key[i+1:])
	}
	for _, raw := range wrong {
		_, err := k.Authenticate(t.Context(), raw)
		wantError(t, err, apikey.ErrInvalid)
		if !k.Knows(raw) {
			t.Errorf("%.60q would be looked up", raw)
		}
	}
	if n := s.reads.Load(); n != 0 {
		t.Errorf("%d queries", n)
	}
	_, err := k.Authenticate(t.Context(), "")
	wantError(t, err, apikey.ErrMissing)
}

func FuzzAuthenticate(f *testing.F) {
	s := &table{}
	k := newKeys(f, s)
	_, key := create(f, k, draft())
	for _, seed := range []string{"", "wxs_", key, key[:20], key + "@wx1", "wxs_" + strings.Repeat("0", 38)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		c, err := k.Authenticate(t.Context(), raw)
		if (err == nil) != (raw == key) || (c != nil) != (raw == key) {
			t.Errorf("%q: %v, %v", raw, c, err)
		}
		if err != nil && !errors.Is(err, apikey.ErrInvalid) && !errors.Is(err, apikey.ErrMissing) {
			t.Errorf("%q: %v", raw, err)
		}
		if err != nil && len(raw) > 8 && strings.Contains(err.Error(), raw) {
			t.Errorf("the error quotes the key: %v", err)
		}
	})
}
