package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// result is a contestant with its samples, one per round.
type result struct {
	contestant
	samples []sample
	err     error // why it could not be measured
}

// table measures everybody in turns.
func (b *bench) table(ctx context.Context, only string) error {
	w, stop, err := b.openWorld(ctx)
	if err != nil {
		return err
	}
	defer stop()
	var results []*result
	for i, c := range contestants() {
		if i == 0 || strings.Contains(c.title(), only) {
			results = append(results, &result{contestant: c})
		}
	}
	for round := range b.rounds {
		for _, r := range results {
			if r.err == nil {
				r.err = b.measure(ctx, r, w)
			}
			fmt.Fprintf(os.Stderr, "round %d of %d: %s: %s\n", round+1, b.rounds, r.title(), r.last())
		}
	}
	text := report(results)
	fmt.Println(text)
	return b.write("table", text)
}

func (r *result) last() string {
	if r.err != nil {
		return r.err.Error()
	}
	return fmt.Sprintf("%.0f/s", r.samples[len(r.samples)-1].perSecond)
}

// openWorld starts the pretended WeChat and the stores.
func (b *bench) openWorld(ctx context.Context) (w world, stop func(), err error) {
	var stops []func()
	stop = func() {
		for _, s := range slices.Backward(stops) {
			s()
		}
	}
	simulator, err := b.startSimulator(ctx)
	if err != nil {
		return w, stop, err
	}
	stops = append(stops, simulator.stop)
	w.wechat = "http://" + simulator.addr
	var stopStore func()
	if w.redis, stopStore, err = b.startRedis(ctx); err != nil {
		stop()
		return w, stop, err
	}
	stops = append(stops, stopStore)
	if w.dsn, stopStore, err = b.startMariaDB(ctx); err != nil {
		stop()
		return w, stop, err
	}
	stops = append(stops, stopStore)
	return w, stop, nil
}

// warmUp lets a server fill its caches before it is measured.
const warmUp = time.Second

// measure starts the server anew, so that no round profits from another.
func (b *bench) measure(ctx context.Context, r *result, w world) error {
	p, err := r.start(ctx, b, w)
	if err != nil {
		return err
	}
	defer p.stop()
	if _, err := load(ctx, p, "http://"+p.addr+page, loadCPU, warmUp); err != nil {
		return err
	}
	s, err := load(ctx, p, "http://"+p.addr+page, loadCPU, b.seconds)
	if err != nil {
		return err
	}
	r.samples = append(r.samples, s)
	return nil
}

// median of one number over the rounds.
func median[T int64 | float64 | time.Duration](samples []sample, of func(sample) T) T {
	values := make([]T, 0, len(samples))
	for _, s := range samples {
		values = append(values, of(s))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// report is the table in Markdown.
func report(results []*result) string {
	var text strings.Builder
	text.WriteString("| server | requests a second | of bare Gin | p50 | p99 | CPU a request | memory |\n|---|---:|---:|---:|---:|---:|---:|\n")
	base := median(results[0].samples, func(s sample) float64 { return s.perSecond })
	for _, r := range results {
		if r.err != nil {
			fmt.Fprintf(&text, "| %s | not measured: %s | | | | | |\n", r.title(), strings.ReplaceAll(firstLine(r.err.Error()), "|", "/"))
			continue
		}
		rate := median(r.samples, func(s sample) float64 { return s.perSecond })
		fmt.Fprintf(&text, "| %s | %.0f | **%.2f** | %s | %s | %s | %.0f MB |\n", r.title(), rate, rate/base,
			median(r.samples, func(s sample) time.Duration { return s.p50 }), median(r.samples, func(s sample) time.Duration { return s.p99 }),
			median(r.samples, func(s sample) time.Duration { return s.cpu }).Round(100*time.Nanosecond),
			float64(median(r.samples, func(s sample) int64 { return s.memory }))/(1<<20))
	}
	return text.String()
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// write puts a part between its markers in the document.
func (b *bench) write(part, text string) error {
	if b.docs == "" {
		return nil
	}
	raw, err := os.ReadFile(b.docs)
	if err != nil {
		return err
	}
	begin, end := "<!-- bench:"+part+" -->\n", "<!-- /bench:"+part+" -->"
	before, rest, found := strings.Cut(string(raw), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		return fmt.Errorf("%s has no part between %q and %q", b.docs, strings.TrimSpace(begin), end)
	}
	return os.WriteFile(b.docs, []byte(before+begin+text+end+after), 0o644) //nolint:gosec // a document
}
