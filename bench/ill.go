package main

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"time"
)

const (
	illCounted = 5 * time.Second       // pages are counted after the store fell ill
	illPace    = 20 * time.Millisecond // between two pages
)

// stored is a server that keeps its values in a store.
type stored struct {
	contestant
	store func(ctx context.Context, b *bench) (*store, error)
}

func (b *bench) allStored() []stored {
	redis := func(ctx context.Context, b *bench) (*store, error) { return b.startRedis(ctx) }
	mariaDB := func(ctx context.Context, b *bench) (*store, error) { return b.startMariaDB(ctx) }
	return []stored{
		{contestant{"wxsign", "MariaDB", wxsignStored("")}, mariaDB},
		{contestant{"wxsign", "MariaDB, snapshot_file", wxsignStored("served.snapshot")}, mariaDB},
		{contestant{"silenceper/wechat", "Redis", onRedis("silenceper")}, redis},
		{contestant{"PowerWeChat", "Redis", onRedis("powerwechat")}, redis},
		{contestant{"Gin + GORM", "the ticket's row read per request, MariaDB", onMySQL("gormgin")}, mariaDB},
	}
}

// wxsignStored starts a replica on the world's MariaDB, with a file of that name for
// what it serves.
func wxsignStored(snapshot string) func(context.Context, *bench, world) (*process, error) {
	return func(ctx context.Context, b *bench, w world) (*process, error) {
		r := replica{wechat: w.wechat, database: fmt.Sprintf("driver = \"mysql\"\ndsn = %q", w.dsn), cpu: serverCPU}
		if snapshot != "" {
			r.database += fmt.Sprintf("\nsnapshot_file = %q", filepath.Join(b.dir, filepath.Base(w.wechat)+"-"+snapshot))
		}
		if w.cold {
			r.path = listening
		}
		return b.startWxsign(ctx, r)
	}
}

// illness is something that befalls a store while its server signs well.
type illness struct {
	title   string
	begin   func(*store) error
	end     func(context.Context, *store) error
	restart bool // the server is started anew while it lasts
}

func illnesses() []illness {
	die := func(s *store) error { s.kill(); return nil }
	again := func(ctx context.Context, s *store) error { return s.start(ctx) }
	return []illness{
		{"frozen", (*store).freeze, func(_ context.Context, s *store) error { return s.thaw() }, false},
		{"killed", die, again, false},
		{"killed, and the server started anew", die, again, true},
	}
}

// stores lets the store of each server fall ill while pages ask at a steady pace.
func (b *bench) stores(ctx context.Context, w world) (string, error) {
	var text strings.Builder
	fmt.Fprintf(&text, `Every server has signed, then its store is ill. A page asks each %s and waits %s at most; WeChat checks each signature.
A cell says how many of those that asked in the first %s were signed, and how quickly; what the others got; the calls to WeChat meanwhile,
if any; and how long after the store was back the last page asked that was not signed (watched for %s; 0s: none).

`, illPace, faultPatience, illCounted, faultRecovery)
	all := illnesses()
	titles := make([]string, 0, len(all))
	for _, ill := range all {
		titles = append(titles, ill.title)
	}
	text.WriteString(gridHead(titles))
	for _, c := range b.allStored() {
		if !strings.Contains(c.title(), b.only) {
			continue
		}
		text.WriteString(gridRow(c.title(), len(all), func(i int) (string, error) { return b.oneIllness(ctx, c, all[i], w) }))
	}
	return text.String(), ctx.Err()
}

// oneIllness gives a server a WeChat and a store of its own.
func (b *bench) oneIllness(ctx context.Context, c stored, ill illness, w world) (string, error) {
	simulator, err := b.startSimulator(ctx, 1)
	if err != nil {
		return "", err
	}
	defer simulator.stop()
	s, err := c.store(ctx, b)
	if err != nil {
		return "", err
	}
	defer s.kill()
	w.wechat, w.redis, w.dsn = "http://"+simulator.addr, s.address, s.dsn
	p, err := c.start(ctx, b, w)
	if err != nil {
		return "", err
	}
	defer func() { p.stop() }()
	if f := askPage(ctx, http.DefaultClient, p, w.wechat); !f.signed() {
		return "", fmt.Errorf("before the store was ill: %s", f)
	}
	if ill.restart {
		p.stop()
	}
	if err := ill.begin(s); err != nil {
		return "", err
	}
	if ill.restart {
		w.cold = true
		again, err := c.start(ctx, b, w)
		if err != nil {
			return "does not start", nil // that is the result
		}
		p = again
	}
	return watch(ctx, p, w.wechat, func() error { return ill.end(ctx, s) })
}
