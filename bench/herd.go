package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	herdPages    = 1000 // at once, over all processes
	herdReplicas = 4
	// herdDelay is how long WeChat takes for each call, so that all pages come in
	// the middle of it.
	herdDelay = 500 * time.Millisecond
)

// herd lets many pages ask at once while nothing is stored anywhere.
func (b *bench) herd(ctx context.Context, w world) (string, error) {
	var text strings.Builder
	fmt.Fprintf(&text, "%d pages at once, nothing stored, WeChat takes %s for each call:\n\n| server | processes | token calls | ticket calls | signed | last answer after |\n|---|---:|---:|---:|---:|---:|\n", herdPages, herdDelay)
	for _, c := range []struct {
		contestant
		processes int
	}{
		{contestant{"wxsign", "one MariaDB", wxsignOn(w)}, herdReplicas},
		{contestant{"wxsign", "SQLite", wxsignCold}, 1},
		{contestant{"silenceper/wechat", "memory", goPeer("silenceper")}, 1},
		{contestant{"silenceper/wechat", "memory", goPeer("silenceper")}, herdReplicas},
		{contestant{"silenceper/wechat", "one Redis", onRedis("silenceper")}, herdReplicas},
		{contestant{"PowerWeChat", "memory", goPeer("powerwechat")}, 1},
		{contestant{"PowerWeChat", "one Redis", onRedis("powerwechat")}, herdReplicas},
		{contestant{"co-wechat-api", "memory", nodePeer("co-wechat-api")}, 1},
		{contestant{"wechat-jssdk", "its file store", nodePeer("wechat-jssdk")}, 1},
	} {
		line, err := b.oneHerd(ctx, c.contestant, c.processes, w)
		if err != nil {
			line = "not measured: " + firstLine(err.Error()) + " | | | |"
		}
		fmt.Fprintf(&text, "| %s | %d | %s\n", c.title(), c.processes, line)
	}
	return text.String(), ctx.Err()
}

// wxsignOn starts replicas on one new database.
func wxsignOn(w world) func(context.Context, *bench, world) (*process, error) {
	database := sync.OnceValues(func() (string, error) { return newDatabase(context.Background(), w) })
	return func(ctx context.Context, b *bench, w world) (*process, error) {
		lines, err := database()
		if err != nil {
			return nil, err
		}
		return b.startWxsign(ctx, replica{wechat: w.wechat, database: lines, path: accountsLoaded})
	}
}

func wxsignCold(ctx context.Context, b *bench, w world) (*process, error) {
	return b.startWxsign(ctx, replica{wechat: w.wechat, database: b.sqlite(fmt.Sprint("cold", b.databases.Add(1))), path: accountsLoaded})
}

func (b *bench) oneHerd(ctx context.Context, c contestant, processes int, w world) (string, error) {
	simulator, err := b.startSimulator(ctx, 1)
	if err != nil {
		return "", err
	}
	defer simulator.stop()
	w.wechat, w.cold = "http://"+simulator.addr, true
	if err := flush(ctx, w.redis); err != nil {
		return "", err
	}
	slow := fmt.Sprintf(`{"path":"*","mode":"slow","delay":%q,"count":-1}`, herdDelay)
	if err := steer(ctx, w.wechat, http.MethodPost, "/_sim/fault", slow); err != nil {
		return "", err
	}
	addresses := make([]string, processes)
	started, stop, err := startAll(ctx, b, c, processes, w)
	defer stop()
	if err != nil {
		return "", err
	}
	for i, p := range started {
		addresses[i] = p.addr
	}
	signed, took := stampede(ctx, addresses)
	tokens, tickets, err := calls(ctx, w.wechat)
	return fmt.Sprintf("%d | %d | %d | %s |", tokens, tickets, signed, took.Round(time.Millisecond)), err
}

// startAll starts all processes at once.
func startAll(ctx context.Context, b *bench, c contestant, processes int, w world) (started []*process, stop func(), err error) {
	started, errs := make([]*process, processes), make([]error, processes)
	var beside sync.WaitGroup
	for i := range processes {
		beside.Go(func() { started[i], errs[i] = c.start(ctx, b, w) })
	}
	beside.Wait()
	stop = func() {
		for _, p := range started {
			if p != nil {
				p.stop()
			}
		}
	}
	return started, stop, errors.Join(errs...)
}

// stampede asks for all pages at once and tells how many were signed.
func stampede(ctx context.Context, addresses []string) (signed int, took time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: herdPages}}
	defer client.CloseIdleConnections()
	answers := make([]error, herdPages)
	var pages sync.WaitGroup
	began := time.Now()
	for i := range herdPages {
		pages.Go(func() { answers[i] = visit(ctx, client, "http://"+addresses[i%len(addresses)]+page, io.Discard) })
	}
	pages.Wait()
	took = time.Since(began)
	for _, err := range answers {
		if err == nil {
			signed++
		}
	}
	return signed, took
}

// statusError is the status of an answer that is no signature.
type statusError int

func (e statusError) Error() string { return fmt.Sprintf("not signed: status %d", int(e)) }

// visit asks for a page's signature.
func visit(ctx context.Context, client *http.Client, address string, body io.Writer) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err = io.Copy(body, response.Body); err == nil && response.StatusCode != http.StatusOK {
		err = statusError(response.StatusCode)
	}
	return err
}
