package apikey_test

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/apikey"
	"github.com/wxsign/wxsign/service/audit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// table is the database as the package sees it: model has its own tests on real
// engines, and here time must run as a bubble says.
type table struct {
	mu      sync.Mutex
	rows    []model.APIKey
	mark    int64
	down    error
	reads   atomic.Int32 // of keys, not of the mark
	entries []audit.Entry
	refuse  error // of Record
	onRead  func()
}

func (s *table) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = err
}

func (s *table) AddAPIKey(_ context.Context, k model.APIKey, lifeMs int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down != nil {
		return s.down
	}
	live := 0
	for _, row := range s.rows {
		if row.Name == k.Name && isLive(row) {
			live++
		}
	}
	if live == 2 {
		return model.ErrDuplicate
	}
	k.CreatedMs = time.Now().UnixMilli()
	if lifeMs != 0 {
		k.ExpiresMs = k.CreatedMs + lifeMs
	}
	s.rows, s.mark = append(s.rows, k), s.mark+1
	return nil
}

func isLive(row model.APIKey) bool {
	return row.RevokedMs == 0 && (row.ExpiresMs == 0 || row.ExpiresMs > time.Now().UnixMilli())
}

func (s *table) RevokeAPIKey(_ context.Context, id string) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.rows {
		if s.rows[i].ID == id && s.rows[i].RevokedMs == 0 {
			s.rows[i].RevokedMs = time.Now().UnixMilli()
			s.mark++
			return true, s.down
		}
	}
	return false, s.down
}

func (s *table) APIKeys(context.Context) ([]model.APIKey, int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.rows), time.Now().UnixMilli(), s.down
}

func (s *table) LiveAPIKeys(context.Context) ([]model.APIKey, int64, error) {
	s.reads.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	rows := slices.DeleteFunc(slices.Clone(s.rows), func(row model.APIKey) bool { return !isLive(row) })
	return rows, time.Now().UnixMilli(), s.down
}

func (s *table) LiveAPIKey(_ context.Context, hash string) (model.APIKey, int64, error) {
	s.reads.Add(1)
	if s.onRead != nil {
		s.onRead()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down != nil {
		return model.APIKey{}, 0, s.down
	}
	for _, row := range s.rows {
		if row.KeyHash == hash && isLive(row) {
			return row, time.Now().UnixMilli(), nil
		}
	}
	return model.APIKey{}, 0, model.ErrNotFound
}

func (s *table) APIKeysMark(context.Context) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mark, s.down
}

func (s *table) NoteAPIKeyUsed(_ context.Context, id, address string, agoMs int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.rows {
		if s.rows[i].ID == id {
			s.rows[i].UsedMs, s.rows[i].UsedAddress = time.Now().UnixMilli()-agoMs, address
		}
	}
	return s.down
}

func (s *table) Record(_ context.Context, e audit.Entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse == nil {
		s.entries = append(s.entries, e)
	}
	return s.refuse
}

// newKeys is one replica on the table.
func newKeys(t testing.TB, s *table) *apikey.Keys {
	t.Helper()
	k, err := apikey.New(apikey.Options{Store: s, Audit: s, Logger: slog.New(slog.DiscardHandler)})
	must(t, err)
	return k
}

// draft is what most tests make.
func draft() apikey.Draft {
	return apikey.Draft{Name: "shop", Scopes: []string{apikey.ScopeToken}, Accounts: []string{"wx1"}}
}

var ann = apikey.Actor{Name: "ann", Address: "192.0.2.1", RequestID: "request-1"}

// create makes a key and returns its id and text.
func create(t testing.TB, k *apikey.Keys, d apikey.Draft) (id, key string) {
	t.Helper()
	id, made, err := k.Create(t.Context(), d, ann)
	must(t, err)
	return id, made.Reveal()
}

var (
	inside  = netip.MustParseAddr("10.1.2.3")
	outside = netip.MustParseAddr("192.0.2.9")
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantError holds that err is target; nil = none.
func wantError(t testing.TB, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("error %v, want %v", err, target)
	}
}
