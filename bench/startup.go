package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"
)

// startUp measures a start on a migrated SQLite database with stored credentials,
// the memory of an idle process, and the size of the release build.
func (b *bench) startUp(ctx context.Context, w world) (string, error) {
	file, err := os.Stat(b.bin + "/wxsign")
	if err != nil {
		return "", err
	}
	r := replica{wechat: w.wechat, database: b.sqlite("startup"), cpu: serverCPU}
	first, err := b.startWxsign(ctx, r) // migrates and fetches
	if err != nil {
		return "", err
	}
	first.stop()
	var listens, signs []time.Duration
	var idle int64
	const starts = 5
	for range starts {
		accepts, ready, memory, err := b.timeStart(ctx, r)
		if err != nil {
			return "", err
		}
		listens, signs, idle = append(listens, accepts), append(signs, ready), max(idle, memory)
	}
	slices.Sort(listens)
	slices.Sort(signs)
	return fmt.Sprintf(`| what | figure |
|---|---:|
| release build, stripped, -tags nomsgpack | %.1f MB |
| process to listening, on one CPU, median of %d | %s |
| process to the first signed page | %s |
| memory after 3 s without a request, the most | %.0f MB |
`, float64(file.Size())/1e6, starts, listens[starts/2].Round(time.Millisecond), signs[starts/2].Round(time.Millisecond),
		float64(idle)/(1<<20)), nil
}

func (b *bench) timeStart(ctx context.Context, r replica) (accepts, ready time.Duration, memory int64, err error) {
	began := time.Now()
	r.path = listening
	p, err := b.startWxsign(ctx, r)
	if err != nil {
		return 0, 0, 0, err
	}
	defer p.stop()
	accepts = time.Since(began)
	if err := p.ready(ctx, page); err != nil {
		return 0, 0, 0, err
	}
	ready = time.Since(began)
	time.Sleep(3 * time.Second)
	memory, err = p.memory()
	return accepts, ready, memory, err
}
