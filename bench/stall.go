package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

const (
	stallAccounts = 500
	stallLasts    = 5 * time.Second
)

// meanwhile is something that goes on while pages are signed.
type meanwhile struct {
	title      string
	begin, end func() error
}

// stall measures how long the slowest pages take while nothing else happens, while
// all credentials are renewed, while the database does not answer, and while very many
// rows of the history are deleted.
func (b *bench) stall(ctx context.Context, w world) (string, error) {
	simulator, err := b.startSimulator(ctx, stallAccounts)
	if err != nil {
		return "", err
	}
	defer simulator.stop()
	database, err := newDatabase(ctx, w)
	if err != nil {
		return "", err
	}
	wechat := "http://" + simulator.addr
	r := replica{wechat: wechat, database: database, accounts: stallAccounts, cpu: serverCPU, extra: "[history]\npurge = \"@every 1s\""}
	p, err := b.startWxsign(ctx, r)
	if err != nil {
		return "", err
	}
	defer p.stop()
	time.Sleep(5 * time.Second) // the first renewals end
	old := history{ctx: ctx, w: w, database: databaseName(database), rows: b.rows}
	if err := old.fill(); err != nil {
		return "", err
	}
	text, err := stalls(ctx, p, []meanwhile{
		{"nothing", nothing, nothing},
		{"all credentials are renewed", func() error { return renewAll(ctx, w, database) }, nothing},
		{"nothing", nothing, nothing},
		{"the database is frozen", w.mariadb.freeze, w.mariadb.thaw},
		{"nothing", nothing, nothing},
		{"old history is purged", old.age, old.count},
	})
	if err != nil {
		return text, err
	}
	purged, err := old.story()
	if err != nil {
		return text, err
	}
	tokens, tickets, err := calls(ctx, wechat)
	return text + fmt.Sprintf("\n%s WeChat was asked for %d tokens and %d tickets in all, the first ones included.\n", purged, tokens, tickets), err
}

// stalls measures the signing of pages during each of them.
func stalls(ctx context.Context, p *process, all []meanwhile) (string, error) {
	var text strings.Builder
	fmt.Fprintf(&text, "%d accounts on MariaDB, %d connections:\n\n| meanwhile | requests a second | p50 | p99 |\n|---|---:|---:|---:|\n", stallAccounts, connections)
	for _, m := range all {
		if err := m.begin(); err != nil {
			return text.String(), err
		}
		s, err := load(ctx, p, "http://"+p.addr+page, stallLasts)
		if ended := m.end(); err == nil {
			err = ended
		}
		if err != nil {
			return text.String(), err
		}
		fmt.Fprintf(&text, "| %s | %.0f | %s | %s |\n", m.title, s.perSecond, s.p50, s.p99)
	}
	return text.String(), nil
}

func nothing() error { return nil }

// renewAll makes all credentials due at once.
func renewAll(ctx context.Context, w world, database string) error {
	_, err := w.sql.ExecContext(ctx, "UPDATE "+databaseName(database)+".credential SET next_refresh_ms = 1") //nolint:gosec // a name of ours
	return err
}
