package cli_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wxsign/wxsign/cli"
	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/config"
	"github.com/wxsign/wxsign/service/secret"
)

// Who insists may give a key up although somebody seems to have it.
func TestLostKeyThatAReplicaMayHave(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		nowMs   string // when the replica was seen; "" = now
		args    []string
		refused bool
	}{
		"a replica lives":            {"", nil, true},
		"it was seen a minute ago":   {"unixepoch()*1000 - 60000", nil, false},
		"it lives, and one insists":  {"", []string{"--replicas-ended"}, false},
		"it is gone, and one insist": {"unixepoch()*1000 - 60000", []string{"--replicas-ended"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "wxsign.db")
			id := sealedBy(t, path, secret.NewKey(), tt.nowMs)
			var stdout, stderr bytes.Buffer
			code := cli.Run(t.Context(), cli.Env{
				Args:    append(append([]string{"master-key", "lost"}, tt.args...), id),
				Environ: []string{"WXSIGN_DATABASE_DSN=" + path, "WXSIGN_SECURITY_MASTER_KEY=" + secret.NewKey()},
				Stdin:   strings.NewReader(""), Stdout: &stdout, Stderr: &stderr,
			})
			if refused := code == 1 && strings.Contains(stderr.String(), "somewhere/1/abcdefgh lives"); refused != tt.refused {
				t.Errorf("exit code %d: %s%s", code, &stdout, &stderr)
			}
			if given := strings.Contains(stdout.String(), "Given up: "+id); given == tt.refused {
				t.Errorf("given up: %t: %s%s", given, &stdout, &stderr)
			}
		})
	}
}

// Regression: the fingerprint told only of the first key. In the midst of a rotation a
// replica had the new key and the old one, whoever called only the new one: so the
// replica seemed to have no other, and the old key was given up beneath it.
func TestFingerprintTellsOfEveryKey(t *testing.T) {
	t.Parallel()
	a, b := secret.NewKey(), secret.NewKey()
	of := func(keys string) string {
		t.Helper()
		parsed, err := secret.ParseKeys(keys)
		if err != nil {
			t.Fatal(err)
		}
		ring, err := secret.NewKeyring(parsed...)
		if err != nil {
			t.Fatal(err)
		}
		text, err := cli.ConfigFingerprint(config.Default(), ring)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	both, one := of(a+"\n"+b), of(a)
	if both == one {
		t.Error("[A, B] and [A] have the same fingerprint")
	}
	if both == of(b+"\n"+a) {
		t.Error("[A, B] and [B, A] have the same fingerprint, but seal with different keys")
	}
	if one != of(a+"\n"+a) || both != of(a+"\n"+b) {
		t.Error("the same keys have different fingerprints")
	}
}

// sealedBy makes a database that was begun with a key, and a replica of it.
func sealedBy(t *testing.T, path, key, nowMs string) (id string) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	keys, err := secret.ParseKeys(key)
	must(err)
	ring, err := secret.NewKeyring(keys...)
	must(err)
	store, err := model.Open(model.Options{Driver: model.SQLite, DSN: path, NowMS: nowMs})
	must(err)
	defer func() { must(store.Close()) }()
	_, err = store.MigrateUp(t.Context())
	must(err)
	id = ring.SealingKeyID()
	must(store.AddKeyCheck(t.Context(), model.KeyCheck{KeyID: id, CheckEnc: ring.Seal(secret.New("x"), "master_key|"+id+"|check")}))
	must(store.SeeReplica(t.Context(), model.Replica{Name: "somewhere/1/abcdefgh", Version: "1", Config: "another"}))
	return id
}
