package main

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// replicasWatched is how long queries are counted.
const replicasWatched = 10 * time.Second

// replicas counts the queries of idle replicas on one database, and how long a new
// value needs to be everywhere.
func (b *bench) replicas(ctx context.Context, w world) (string, error) {
	database, err := newDatabase(ctx, w)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	text.WriteString("| replicas | queries a second | of each replica |\n|---:|---:|---:|\n")
	var all []*process
	defer func() {
		for _, p := range all {
			p.stop()
		}
	}()
	for _, want := range []int{1, 2, 4} {
		for len(all) < want {
			p, err := b.startWxsign(ctx, replica{wechat: w.wechat, database: database, extra: quickReports})
			if err != nil {
				return text.String(), err
			}
			all = append(all, p)
		}
		time.Sleep(2 * time.Second)
		rate, err := queryRate(ctx, w)
		if err != nil {
			return text.String(), err
		}
		fmt.Fprintf(&text, "| %d | %.1f | %.1f |\n", want, rate, rate/float64(want))
	}
	key, err := b.apiKey(ctx, all[0])
	if err != nil {
		return text.String(), err
	}
	spread, err := spreadTime(ctx, w.wechat, all, key)
	fmt.Fprintf(&text, "\nA token that one replica was told to be dead was replaced everywhere %s after that replica had answered.\n", spread.Round(time.Millisecond))
	return text.String(), err
}

// queryRate is of the whole server, without the questions of this program.
func queryRate(ctx context.Context, w world) (float64, error) {
	before, err := questions(ctx, w)
	if err != nil {
		return 0, err
	}
	time.Sleep(replicasWatched)
	after, err := questions(ctx, w)
	return float64(after-before-1) / replicasWatched.Seconds(), err
}

func questions(ctx context.Context, w world) (int64, error) {
	var name, text string
	if err := w.sql.QueryRowContext(ctx, "SHOW GLOBAL STATUS LIKE 'Questions'").Scan(&name, &text); err != nil {
		return 0, err
	}
	return strconv.ParseInt(text, 10, 64)
}

// spreadTime reports the live token as dead to one replica and waits until all give
// out the next one. WeChat probes are answered truly, so it revokes it first.
func spreadTime(ctx context.Context, wechat string, all []*process, key string) (time.Duration, error) {
	var v value
	if _, err := ask(ctx, http.DefaultClient, tokenOf(all[0], key), &v); err != nil {
		return 0, err
	}
	if err := replace(ctx, wechat, all[0], key, v); err != nil {
		return 0, err
	}
	began := time.Now()
	for _, p := range all {
		for next := v; next.Version <= v.Version; time.Sleep(5 * time.Millisecond) {
			if _, err := ask(ctx, http.DefaultClient, tokenOf(p, key), &next); err != nil {
				return 0, err
			}
		}
	}
	return time.Since(began), nil
}
