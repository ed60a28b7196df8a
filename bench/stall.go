package main

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"time"
)

const (
	stallAccounts = 500
	stallSeconds  = 5 * time.Second
)

// stall measures how long the slowest pages take while nothing else happens, while
// all credentials are renewed, and while the database does not answer.
func (b *bench) stall(ctx context.Context, w world) (string, error) {
	simulator, err := b.startSimulator(ctx, stallAccounts, "")
	if err != nil {
		return "", err
	}
	defer simulator.stop()
	wechat := "http://" + simulator.addr
	database, err := newDatabase(ctx, w)
	if err != nil {
		return "", err
	}
	p, err := b.startWxsign(ctx, replica{wechat: wechat, database: database, accounts: stallAccounts, cpu: serverCPU})
	if err != nil {
		return "", err
	}
	defer p.stop()
	time.Sleep(5 * time.Second) // the first renewals end
	var text strings.Builder
	fmt.Fprintf(&text, "%d accounts on MariaDB, %d connections:\n\n| meanwhile | requests a second | p50 | p99 |\n|---|---:|---:|---:|\n", stallAccounts, connections)
	for _, meanwhile := range []struct {
		title string
		begin func() error
		end   func() error
	}{
		{"nothing", nothing, nothing},
		{"all credentials are renewed", func() error { return renewAll(ctx, w, database) }, nothing},
		{"nothing", nothing, nothing},
		{
			"the database is frozen",
			func() error { return w.mariadb.Process.Signal(syscall.SIGSTOP) },
			func() error { return w.mariadb.Process.Signal(syscall.SIGCONT) },
		},
	} {
		if err := meanwhile.begin(); err != nil {
			return text.String(), err
		}
		s, err := load(ctx, p, "http://"+p.addr+page, loadCPU, stallSeconds)
		if ended := meanwhile.end(); err == nil {
			err = ended
		}
		if err != nil {
			return text.String(), err
		}
		fmt.Fprintf(&text, "| %s | %.0f | %s | %s |\n", meanwhile.title, s.perSecond, s.p50, s.p99)
	}
	tokens, tickets, err := calls(ctx, wechat)
	fmt.Fprintf(&text, "\nWeChat was asked for %d tokens and %d tickets in all, the first ones included.\n", tokens, tickets)
	return text.String(), err
}

func nothing() error { return nil }

// renewAll makes all credentials due at once.
func renewAll(ctx context.Context, w world, database string) error {
	_, err := w.sql.ExecContext(ctx, "UPDATE "+databaseName(database)+".credential SET next_refresh_ms = 1")
	return err
}
