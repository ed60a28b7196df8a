package auth_test

import (
	"strings"
	"testing"

	"github.com/wxsign/wxsign/service/auth"
)

func TestPasswordHash(t *testing.T) {
	t.Parallel()
	hash := auth.HashPassword(goodPassword)
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") || len(hash) > 191 {
		t.Errorf("the hash is %q", hash)
	}
	if hash == auth.HashPassword(goodPassword) {
		t.Error("two hashes have the same salt")
	}
	if !auth.Verify(hash, goodPassword) {
		t.Error("the right password does not fit")
	}
	for _, wrong := range []string{"", goodPassword + " ", strings.ToUpper(goodPassword), hash} {
		if auth.Verify(hash, wrong) {
			t.Errorf("%q fits", wrong)
		}
	}
}

func TestHashOfOthers(t *testing.T) {
	t.Parallel()
	weaker := "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$"
	for name, c := range map[string]struct {
		hash string
		ours bool
	}{
		"ours":            {auth.HashPassword("x"), true},
		"empty":           {"", false},
		"plain text":      {"password", false},
		"bcrypt":          {"$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy", false},
		"argon2i":         {strings.Replace(auth.HashPassword("x"), "argon2id", "argon2i", 1), false},
		"version 16":      {strings.Replace(auth.HashPassword("x"), "v=19", "v=16", 1), false},
		"too much memory": {strings.Replace(auth.HashPassword("x"), "m=19456", "m=4000000000", 1), false},
		"too many passes": {strings.Replace(auth.HashPassword("x"), "t=2", "t=4000000", 1), false},
		"no lanes":        {strings.Replace(auth.HashPassword("x"), "p=1", "p=0", 1), false},
		"no key":          {weaker, false},
		"short key":       {weaker + "AAAA", false},
		"bad base64":      {weaker + "!!!!", false},
	} {
		if got := auth.ParseHash(c.hash); got != c.ours {
			t.Errorf("%s: ours %v, want %v", name, got, c.ours)
		}
		if !c.ours && auth.Verify(c.hash, "") {
			t.Errorf("%s fits the empty password", name)
		}
	}
}

func FuzzParseHash(f *testing.F) {
	f.Add(auth.HashPassword("x"))
	f.Add("$argon2id$v=19$m=8,t=1,p=1$$")
	f.Add("$$$$$")
	f.Fuzz(func(t *testing.T, hash string) {
		if auth.ParseHash(hash) && strings.Count(hash, "$") != 5 {
			t.Errorf("%q was taken for a hash", hash)
		}
	})
}
