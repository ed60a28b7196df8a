package outbox_test

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/glebarez/go-sqlite"
	"go.uber.org/goleak"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/outbox"
)

// TestMain gives SQLite a clock that obeys testing/synctest.
func TestMain(m *testing.M) {
	sqlite.MustRegisterScalarFunction("bubble_now_ms", 0, func(*sqlite.FunctionContext, []driver.Value) (driver.Value, error) {
		return time.Now().UnixMilli(), nil
	})
	goleak.VerifyTestMain(m)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// database is the path of an empty one with the present schema.
func database(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "wxsign.db")
	store := open(t, path)
	_, err := store.MigrateUp(t.Context())
	must(t, err)
	return path
}

func open(t *testing.T, path string) *model.Store {
	t.Helper()
	store, err := model.Open(model.Options{Driver: model.SQLite, DSN: path, NowMS: "bubble_now_ms()"})
	must(t, err)
	t.Cleanup(func() { must(t, store.Close()) })
	return store
}

// channel notes what it is given and answers what the test wants.
type channel struct {
	name   string
	answer func(ctx context.Context, m outbox.Message) error // nil = it arrives

	mu       sync.Mutex
	messages []outbox.Message
	times    []time.Time
}

func (c *channel) Name() string { return c.name }

func (c *channel) Deliver(ctx context.Context, m outbox.Message) error {
	c.mu.Lock()
	c.messages = append(c.messages, m)
	c.times = append(c.times, time.Now())
	c.mu.Unlock()
	if c.answer == nil {
		return nil
	}
	return c.answer(ctx, m)
}

// given are the ids of the messages in order, with repetitions.
func (c *channel) given() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var ids []string
	for _, m := range c.messages {
		ids = append(ids, m.EventID)
	}
	return ids
}

// attempts are the times at which it was given something, since the first.
func (c *channel) attempts() []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	var since []time.Duration
	for _, at := range c.times {
		since = append(since, at.Sub(c.times[0]))
	}
	return since
}

// replica is one outbox with its scans.
type replica struct {
	*outbox.Outbox
	t    *testing.T
	stop context.CancelFunc
	done sync.WaitGroup
	log  bytes.Buffer // to be read after end
}

// start scans every two seconds, as wxsign does.
func start(t *testing.T, store outbox.Store, name string, channels ...outbox.Channel) *replica {
	t.Helper()
	return startScanning(t, 2*time.Second, store, name, channels...)
}

// startScanning is for tests of days.
func startScanning(t *testing.T, every time.Duration, store outbox.Store, name string, channels ...outbox.Channel) *replica {
	t.Helper()
	r := &replica{t: t}
	box, err := outbox.New(outbox.Options{
		Store: store, Channels: channels, Replica: name, Logger: slog.New(slog.NewTextHandler(&r.log, nil)),
	})
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	r.Outbox, r.stop = box, cancel
	r.done.Go(func() {
		for ctx.Err() == nil {
			box.Scan(ctx)
			select {
			case <-time.After(every):
			case <-ctx.Done():
			}
		}
	})
	return r
}

// end stops scans and deliveries; it returns what Stop does.
func (r *replica) end(patience time.Duration) error {
	r.stop()
	r.done.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return r.Stop(ctx)
}

func (r *replica) add(channel string, ids ...string) {
	r.t.Helper()
	for _, id := range ids {
		must(r.t, r.Add(r.t.Context(), outbox.Message{
			EventID: id, Channel: channel, Type: "alert.raised", At: time.UnixMilli(1_700_000_000_123), Body: []byte(`{"id":"` + id + `"}`),
		}))
	}
}

// entry reads back the only delivery there is.
func (r *replica) entry() outbox.Entry {
	r.t.Helper()
	page, err := r.List(r.t.Context(), outbox.Filter{}, "", 10)
	must(r.t, err)
	if len(page.Entries) != 1 {
		r.t.Fatalf("%d deliveries, want 1", len(page.Entries))
	}
	return page.Entries[0]
}

func sorted(ids []string) []string {
	slices.Sort(ids)
	return ids
}

var errDown = errors.New("the receiver is down")
