package chaos_test

import (
	"database/sql"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/glebarez/sqlite"
)

// openSQLite is a second handle on the file of a replica; nil without a path.
func openSQLite(t *testing.T, path string) *sql.DB {
	t.Helper()
	if path == "" {
		return nil
	}
	db, err := sql.Open(sqlite.DriverName, path+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// The one server of a SQLite file dies by kill -9 at each of the eight points,
// and comes again: the file is whole, and the work is done within a minute.
// Nobody stands between it and its database here. What it has done is read in the
// file; what it asks for is kept waiting by a lock on the file.
func TestKillOnSQLite(t *testing.T) {
	t.Parallel()
	size := sizeOf(t)
	for _, p := range points() {
		t.Run(p.slug(), func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, plan{sqlite: filepath.Join(t.TempDir(), "wxsign.db"), replicas: 1, stable: 1, wechat: eager()})
			c.start()
			probes := probe(t, c.truth, c.targets(), c.appIDs, 1, 100*time.Millisecond)
			kills := min(size.kills, 5)
			var took []time.Duration
			for n := range kills {
				took = append(took, c.killAlone(p, []string{"jsapi", "access_token"}[n%2]))
			}
			probes.end()
			probes.holdValid(t)
			slices.Sort(took)
			t.Logf("%d kills at %q: all well after p50 %s, most %s", kills, p.name, percentile(took, 50), percentile(took, 100))
			total := c.holdBooks(size.bookTime, kills)
			if most := total.versions + total.unchanged + kills; total.calls > most {
				t.Errorf("%s; want at most %d calls after %d kills", total, most, kills)
			}
			var verdict string
			if err := c.db.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
				t.Errorf("integrity_check: %q, %v", verdict, err)
			}
			c.holdNothingStuck()
			c.holdQuiet()
		})
	}
}

// killAlone kills the only server at a point, starts it again, and tells how
// long it took from the kill until the credential was renewed and served.
func (c *cluster) killAlone(p point, kind string) time.Duration {
	c.t.Helper()
	r, appID := c.replicas[0], c.appIDs[0]
	c.ripen(appID, kind)
	before := c.row(appID, kind)
	c.dieAt(p, r, before)
	died := time.Now()
	r.start()
	done := waitFor(takeOver, func() bool {
		now := c.row(appID, kind)
		return now.Version > before.Version && now.Owner == "" && r.base() != "" && (kind != "jsapi" || c.servedBy(r, appID) == now.Hash)
	})
	if !done {
		c.t.Errorf("not well within %s after a kill at %q: %+v; the log:\n%s", takeOver, p.name, c.row(appID, kind), r.log.tail(20))
	}
	return time.Since(died)
}

// lastHour is how a server comes to the point at which it is killed.
type lastHour struct {
	c      *cluster
	r      *replica
	before row
	unlock func() // the file
}

// dieAt makes the credential due and has the server dead at the point.
func (c *cluster) dieAt(p point, r *replica, before row) {
	c.t.Helper()
	l := &lastHour{c: c, r: r, before: before, unlock: func() {}}
	var came bool
	switch {
	case p.call:
		came = l.inTheCall(p.issued, func() bool { r.kill(); return true })
	case p.name == "claim sent":
		came = l.beforeTheClaim()
	case p.name == "publish sent":
		came = l.inTheCall(true, func() bool { l.unlock = c.lock(); return false })
		time.Sleep(300 * time.Millisecond) // it waits for the file by now
	default:
		came = l.after(p)
	}
	if !came {
		c.t.Errorf("it did not come to the point %q: %+v; the log:\n%s", p.name, c.row(before.AppID, before.Kind), r.log.tail(20))
	}
	r.kill()
	l.unlock()
}

func (l *lastHour) nudge(wait time.Duration) {
	l.c.t.Helper()
	if err := l.c.nudgeIn(l.before.AppID, l.before.Kind, wait); err != nil {
		l.c.t.Fatal(err)
	}
}

// beforeTheClaim locks the file before the credential is due, so that the claim
// waits.
func (l *lastHour) beforeTheClaim() bool {
	l.nudge(5 * time.Second)
	l.unlock = l.c.lock()
	time.Sleep(7 * time.Second) // a scan comes every second
	return l.c.row(l.before.AppID, l.before.Kind).Fence == l.before.Fence
}

// inTheCall does something while WeChat is being asked, or has answered.
func (l *lastHour) inTheCall(answered bool, do func() bool) bool {
	sprung := make(chan struct{})
	l.r.door.add(&trap{
		match:    func(path string) bool { return kindOf(path) == l.before.Kind },
		answered: answered,
		spring:   func() bool { defer close(sprung); return do() },
	})
	l.nudge(0)
	select {
	case <-sprung:
		return true
	case <-time.After(takeOver):
		return false
	}
}

// after waits until a step can be read in the file. Nothing holds the next one
// up meanwhile: the history row of a publish may just have been written.
func (l *lastHour) after(p point) bool {
	c, before := l.c, l.before
	published := func() bool { return c.row(before.AppID, before.Kind).Version > before.Version }
	seen := map[string]func() bool{
		"claim applied":   func() bool { return c.row(before.AppID, before.Kind).Fence > before.Fence },
		"publish applied": published,
		"history sent":    published,
		"history applied": func() bool {
			return slices.ContainsFunc(c.history(), func(h past) bool { return h.Kind == before.Kind && h.Version > before.Version })
		},
	}[p.name]
	l.nudge(0)
	came := c.watch(seen)
	if came && p.name == "history sent" {
		l.unlock = c.lock()
	}
	return came
}

// watch looks without a pause until something has happened.
func (c *cluster) watch(happened func() bool) bool {
	for deadline := time.Now().Add(takeOver); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if happened() {
			return true
		}
	}
	return false
}

// lock keeps everybody else from writing to the file until unlock.
func (c *cluster) lock() (unlock func()) {
	conn, err := c.db.Conn(c.t.Context())
	if err == nil {
		_, err = conn.ExecContext(c.t.Context(), "BEGIN IMMEDIATE")
	}
	if err != nil {
		c.t.Errorf("lock the file: %v", err)
		return func() {}
	}
	return func() {
		_, _ = conn.ExecContext(c.t.Context(), "ROLLBACK")
		_ = conn.Close()
	}
}
