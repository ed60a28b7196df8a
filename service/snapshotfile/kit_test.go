package snapshotfile_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wxsign/wxsign/service/pageurl"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/snapshot"
	"github.com/wxsign/wxsign/service/snapshotfile"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// canary is part of every value; it must not be seen.
const canary = "CANARY-77ab"

func ring(t testing.TB, seeds ...byte) *secret.Keyring {
	t.Helper()
	var keys [][]byte
	for _, seed := range seeds {
		keys = append(keys, bytes.Repeat([]byte{seed}, secret.KeySize))
	}
	r, err := secret.NewKeyring(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// machine is a computer whose clocks a test sets. Its zero value has the clocks
// of the bubble, kept by a time service, in one boot.
type machine struct {
	mu       sync.Mutex
	booted   time.Time // monotonic; zero = long ago
	boots    int
	wallOff  time.Duration
	unsynced bool
	unknown  bool // it is no Linux
}

func (m *machine) now() snapshotfile.Stamp {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := snapshotfile.Stamp{Wall: time.Now().Round(0).Add(m.wallOff), Synced: !m.unsynced && !m.unknown}
	if !m.unknown {
		s.Boot = fmt.Sprint("boot ", m.boots)
		s.Uptime = (24*time.Hour + time.Since(m.booted)).Truncate(time.Second)
	}
	return s
}

func (m *machine) set(change func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change()
}

// world is a file on a machine.
type world struct {
	*machine
	path string
	file *snapshotfile.File
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{machine: &machine{booted: time.Now()}, path: filepath.Join(t.TempDir(), "served.snapshot")}
	w.file = w.sealedBy(t, 1)
	return w
}

// sealedBy is the same file as another key ring sees it.
func (w *world) sealedBy(t testing.TB, seeds ...byte) *snapshotfile.File {
	t.Helper()
	f, err := snapshotfile.New(snapshotfile.Options{Path: w.path, Keyring: ring(t, seeds...), Clock: w.now})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (w *world) write(t testing.TB, c snapshotfile.Content) {
	t.Helper()
	at := w.now()
	if err := w.file.Write(at, &c); err != nil {
		t.Fatal(err)
	}
}

func (w *world) read(t testing.TB) snapshotfile.Content {
	t.Helper()
	c, err := w.file.Read()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// content is one account whose token and ticket live for so long from now.
func content(t testing.TB, token, ticket time.Duration) snapshotfile.Content {
	t.Helper()
	p, err := pageurl.ParsePattern("*.example.com:8443/shop")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	value := func(kind string, life time.Duration) snapshot.Credential {
		return snapshot.Credential{
			Kind: kind, Value: secret.New(canary + kind), Version: 7, PublishID: "publish of " + kind,
			IssuedAt: now.UnixMilli(), ExpiresAt: now.Add(life).UnixMilli(), Deadline: now.Add(life),
		}
	}
	return snapshotfile.Content{
		Served: []snapshot.Kept{{
			Account: snapshot.Account{
				AppID: "wx1", Name: "shop", Platform: "official_account", Classic: true, Enabled: true, Domains: []pageurl.Pattern{p}, AllowHTTP: true,
				Profiles: map[string]snapshot.Profile{"default": {JSAPIList: []string{"checkJsApi"}, OpenTagList: []string{}, Debug: true}},
				Tickets:  []string{snapshot.KindJSAPI}, Rev: 3,
			},
			Credentials: []snapshot.Credential{value(snapshot.KindAccessToken, token), value(snapshot.KindJSAPI, ticket)},
		}},
		Keys: []snapshotfile.Key{{
			ID: "k1", Name: "till", Hash: "hash", Scopes: []string{"token"}, Accounts: []string{"*"}, Networks: []string{"10.0.0.0/8"},
			End: now.Add(ticket),
		}, {ID: "k2", Name: "for ever", Hash: "other", Scopes: []string{"sign"}, Accounts: []string{"wx1"}}},
	}
}

// kinds are those that a content still holds.
func kinds(c *snapshotfile.Content) (all []string) {
	for i := range c.Served {
		for _, v := range c.Served[i].Credentials {
			all = append(all, v.Kind)
		}
	}
	return all
}
