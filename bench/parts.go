package main

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	_ "github.com/go-sql-driver/mysql" // of database/sql
)

// part is one question and the way to its answer, in Markdown.
type part struct {
	name    string
	most    time.Duration // it may take
	measure func(ctx context.Context, w world) (string, error)
}

// all parts, in the order in which they are measured.
func (b *bench) all() []part {
	return []part{
		{"table", 7 * time.Minute, b.table},
		{"start", time.Minute, b.startUp},
		{"control", 2 * time.Minute, b.control},
		{"relay", time.Minute, b.relay},
		{"herd", 2 * time.Minute, b.herd},
		{"faults", 3 * time.Minute, b.faults},
		{"stores", 5 * time.Minute, b.stores},
		{"stall", 15 * time.Minute, b.stall},
		{"replicas", 2 * time.Minute, b.replicas},
		{"scale", 40 * time.Minute, b.scale},
	}
}

// parts measures those that were named, or all of them.
func (b *bench) parts(ctx context.Context, names []string) error {
	known := b.all()
	for _, name := range names {
		if !slices.ContainsFunc(known, func(p part) bool { return p.name == name }) {
			return fmt.Errorf("there is no part %q", name)
		}
	}
	w, stop, err := b.openWorld(ctx)
	defer stop()
	if err != nil {
		return err
	}
	for _, p := range known {
		if len(names) > 0 && !slices.Contains(names, p.name) {
			continue
		}
		began := time.Now()
		text := b.attempt(ctx, p, w)
		fmt.Fprintf(os.Stderr, "%s took %s\n", p.name, time.Since(began).Round(time.Second))
		fmt.Printf("## %s\n\n%s\n", p.name, text)
		if err := b.write(p.name, b.stamp(text)); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// attempt measures a part; its failure is its text.
func (b *bench) attempt(ctx context.Context, p part, w world) string {
	ctx, cancel := context.WithTimeout(ctx, p.most)
	defer cancel()
	text, err := p.measure(ctx, w)
	if err != nil {
		text += fmt.Sprintf("\nNot measured to the end: %s.\n", strings.ReplaceAll(firstLine(err.Error()), b.dir, "…"))
	}
	return text
}

// stamp says when and where, and how busy the machine was.
func (b *bench) stamp(text string) string {
	busy := "unknown"
	if raw, err := os.ReadFile("/proc/loadavg"); err == nil {
		busy = strings.Join(strings.Fields(string(raw))[:3], ", ")
	}
	return text + fmt.Sprintf("\n%s; %s; load averages at the end %s.\n", time.Now().UTC().Format("2006-01-02 15:04 UTC"), machine(), busy)
}

// openWorld starts the pretended WeChat and the stores.
func (b *bench) openWorld(ctx context.Context) (w world, stop func(), err error) {
	var stops []func()
	stop = func() {
		for _, s := range slices.Backward(stops) {
			s()
		}
	}
	simulator, err := b.startSimulator(ctx, 1)
	if err != nil {
		return w, stop, err
	}
	stops = append(stops, simulator.stop)
	w.wechat = "http://" + simulator.addr
	redis, err := b.startRedis(ctx)
	if err != nil {
		return w, stop, err
	}
	stops = append(stops, redis.kill)
	w.redis = redis.address
	if w.mariadb, err = b.startMariaDB(ctx, "--innodb-buffer-pool-size=1G", "--innodb-log-file-size=1G"); err != nil {
		return w, stop, err
	}
	stops = append(stops, w.mariadb.kill)
	w.dsn = w.mariadb.dsn
	if w.sql, err = sql.Open("mysql", w.dsn); err == nil {
		stops = append(stops, func() { _ = w.sql.Close() })
	}
	return w, stop, err
}
