package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
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
func (b *bench) table(ctx context.Context, w world) (string, error) {
	var results []*result
	for i, c := range contestants() {
		if i == 0 || strings.Contains(c.title(), b.only) {
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
	if results[0].err != nil {
		return "", results[0].err
	}
	text := report(results)
	if b.docs == "" {
		return text, nil
	}
	name := strings.TrimSuffix(b.docs, ".md") + ".svg"
	image := "\n![Requests a second of each server, bare Gin = 1](" + filepath.Base(name) + ")\n"
	return text + image, os.WriteFile(name, []byte(chart(results)), 0o644) //nolint:gosec // a picture
}

func (r *result) last() string {
	if r.err != nil {
		return r.err.Error()
	}
	return fmt.Sprintf("%.0f/s", r.samples[len(r.samples)-1].perSecond)
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
	if _, err := load(ctx, p, "http://"+p.addr+page, warmUp); err != nil {
		return err
	}
	s, err := load(ctx, p, "http://"+p.addr+page, b.seconds)
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

func (r *result) rate() float64 {
	return median(r.samples, func(s sample) float64 { return s.perSecond })
}

// report is the table in Markdown.
func report(results []*result) string {
	var text strings.Builder
	text.WriteString("| server | requests a second | of bare Gin | p50 | p99 | CPU a request | memory |\n|---|---:|---:|---:|---:|---:|---:|\n")
	for _, r := range results {
		if r.err != nil {
			fmt.Fprintf(&text, "| %s | not measured: %s | | | | | |\n", r.title(), strings.ReplaceAll(firstLine(r.err.Error()), "|", "/"))
			continue
		}
		rate := r.rate()
		fmt.Fprintf(&text, "| %s | %.0f | **%.2f** | %s | %s | %s | %.0f MB |\n", r.title(), rate, rate/results[0].rate(),
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
