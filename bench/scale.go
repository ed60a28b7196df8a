package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// scaleWatched is how long an idle replica's CPU is watched. It holds the moment, a
// minute after the start, in which an idle process returns what it does not need.
const scaleWatched = 65 * time.Second

// scaleSteps are the numbers of accounts, up to the most that is wanted.
func (b *bench) scaleSteps() []int {
	most := max(1, b.accounts)
	steps := slices.DeleteFunc([]int{1, 100, 1000, 10_000}, func(n int) bool { return n >= most })
	return append(steps, most)
}

// scale measures replicas with more and more accounts, all of which are stored and
// signed for.
func (b *bench) scale(ctx context.Context, w world) (string, error) {
	var text strings.Builder
	fmt.Fprintf(&text, "| accounts | start to the first signed page, all stored | requests a second | of one account | memory | of each account | CPU while idle | renewed in %s, the latest |\n|---:|---:|---:|---:|---:|---:|---:|---:|\n",
		punctualSpread)
	var one measured
	for _, n := range b.scaleSteps() {
		m, err := b.oneScale(ctx, w, n)
		if err != nil {
			return text.String(), fmt.Errorf("%d accounts: %w", n, err)
		}
		if n == 1 {
			one = m
		}
		each := "–"
		if n > 1 {
			each = fmt.Sprintf("%.1f KB", float64(m.memory-one.memory)/1024/float64(n))
		}
		fmt.Fprintf(&text, "| %d | %s | %.0f | %.2f | %.0f MB | %s | %.1f %% of a core | %s |\n", n, m.start.Round(time.Millisecond), m.rate, m.rate/one.rate,
			float64(m.memory)/(1<<20), each, m.idle*100, m.punctual)
	}
	return text.String(), nil
}

// measured is a row of scale.
type measured struct {
	start    time.Duration
	rate     float64
	memory   int64   // idle, bytes
	idle     float64 // cores
	punctual punctual
}

func (b *bench) oneScale(ctx context.Context, w world, accounts int) (m measured, err error) {
	simulator, err := b.startSimulator(ctx, accounts)
	if err != nil {
		return m, err
	}
	defer simulator.stop()
	database, err := newDatabase(ctx, w)
	if err != nil {
		return m, err
	}
	r := replica{wechat: "http://" + simulator.addr, database: database, accounts: accounts}
	filling := time.Now()
	if err := b.fill(ctx, w, r); err != nil {
		return m, err
	}
	fmt.Fprintf(os.Stderr, "%d accounts were filled in within %s\n", accounts, time.Since(filling).Round(time.Second))
	r.cpu = serverCPU
	began := time.Now()
	p, err := b.startWxsign(ctx, r)
	if err != nil {
		return m, err
	}
	defer p.stop()
	m.start = time.Since(began)
	time.Sleep(3 * time.Second)
	before, err := p.cpuTime()
	if err != nil {
		return m, err
	}
	time.Sleep(scaleWatched)
	after, err := p.cpuTime()
	if err != nil {
		return m, err
	}
	m.idle = (after - before).Seconds() / scaleWatched.Seconds()
	if m.memory, err = p.memory(); err != nil {
		return m, err
	}
	if m.punctual, err = renewals(ctx, w, r); err != nil {
		return m, err
	}
	m.rate, err = b.warmRate(ctx, p)
	return m, err
}

// warmRate is how many pages a second are signed, once the idle process has had a
// moment to see that it is one no more.
func (b *bench) warmRate(ctx context.Context, p *process) (float64, error) {
	if _, err := load(ctx, p, "http://"+p.addr+page, 3*warmUp); err != nil {
		return 0, err
	}
	s, err := load(ctx, p, "http://"+p.addr+page, b.seconds)
	return s.perSecond, err
}

// fill lets a replica register and renew everything, and waits for it. Meanwhile the
// database need not wait for its disk at each commit: that is not measured here.
func (b *bench) fill(ctx context.Context, w world, r replica) error {
	if err := durable(ctx, w, false); err != nil {
		return err
	}
	return errors.Join(b.register(ctx, w, r), durable(ctx, w, true))
}

func durable(ctx context.Context, w world, each bool) error {
	commits := "2" // once a second
	if each {
		commits = "1"
	}
	_, err := w.sql.ExecContext(ctx, "SET GLOBAL innodb_flush_log_at_trx_commit = "+commits)
	return err
}

func (b *bench) register(ctx context.Context, w world, r replica) error {
	r.path = accountsLoaded // the ticket of the page's account may be the last
	r.extra = "[refresh]\nconcurrency = 50"
	p, err := b.startWxsign(ctx, r)
	if err != nil {
		return err
	}
	defer p.stop()
	for ctx.Err() == nil {
		var there int
		err := w.sql.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+databaseName(r.database)+".credential WHERE version > 0").Scan(&there)
		if err != nil || there == 2*r.accounts { // a token and a ticket of each
			return err
		}
		time.Sleep(200 * time.Millisecond)
	}
	return ctx.Err()
}
