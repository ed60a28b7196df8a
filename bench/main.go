// Command bench compares wxsign with the programs that people use today, on
// this machine, in one run: only ratios to bare Gin mean something elsewhere.
//
//	go run .                                  everybody, in turns
//	go run . -only silenceper -rounds 3       bare Gin and whose name contains that
//	go run . -docs ../docs/performance.md     and write the table there
//
// Every server runs on one CPU with GOMAXPROCS=1 and the load generator on
// another. All sign for the same pretended WeChat, and only on loopback.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"
)

// bench is one run.
type bench struct {
	dir     string // scratch files
	bin     string // what was built
	rounds  int
	seconds time.Duration
	docs    string // file whose marked part is rewritten, "" = none
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to clean up
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	b := &bench{}
	flags.IntVar(&b.rounds, "rounds", 5, "times that everybody is measured, in turns")
	flags.DurationVar(&b.seconds, "seconds", 4*time.Second, "length of one measurement")
	flags.StringVar(&b.docs, "docs", "", "Markdown `file` whose marked part gets the result")
	only := flags.String("only", "", "measure only servers whose name contains this")
	if err := flags.Parse(args); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "wxsign-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b.dir, b.bin = dir, dir+"/bin"
	if err := b.build(ctx); err != nil {
		return err
	}
	return b.table(ctx, *only)
}
