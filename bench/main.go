// Command bench compares wxsign with the programs that people use today, on
// this machine, in one run: only ratios to bare Gin mean something elsewhere.
//
//	go run .                                  every part
//	go run . table herd                       those parts only
//	go run . -only silenceper -rounds 5 table bare Gin and whose name contains that
//	go run . -docs ../docs/performance.md     and write all into that page
//
// The parts are in parts.go. Each is bounded in time, and one that fails says so in
// its place and leaves the others alone.
//
// Every server runs on one CPU with GOMAXPROCS=1 and the load generator on
// another. All sign for the same pretended WeChat, and only on loopback.
package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"
	"time"
)

// bench is one run.
type bench struct {
	dir     string // scratch files
	bin     string // what was built
	rounds  int
	seconds time.Duration
	docs    string // file whose marked part is rewritten, "" = none

	only     string // part of the names of the servers to be measured
	accounts int    // the most of the part scale
	rows     int    // of old history in the part stall

	masterKey string       // of all replicas, base64
	databases atomic.Int64 // made so far
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1) // nothing is left to clean up
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	b := &bench{}
	flags.IntVar(&b.rounds, "rounds", 3, "times that everybody is measured, in turns")
	flags.DurationVar(&b.seconds, "seconds", 3*time.Second, "length of one measurement")
	flags.StringVar(&b.docs, "docs", "", "Markdown `file` whose marked part gets the result")
	flags.StringVar(&b.only, "only", "", "measure only servers whose name contains this, and bare Gin")
	flags.IntVar(&b.accounts, "accounts", 50_000, "the most accounts of the part scale, at least 1")
	flags.IntVar(&b.rows, "rows", 2_000_000, "rows of old history in the part stall, at least 1")
	if err := flags.Parse(args); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "wxsign-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	key := make([]byte, 32) //nolint:mnd // AES-256
	_, _ = rand.Read(key)   // never fails
	b.dir, b.bin, b.masterKey = dir, dir+"/bin", base64.StdEncoding.EncodeToString(key)
	if err := b.build(ctx); err != nil {
		return err
	}
	return b.parts(ctx, flags.Args())
}
