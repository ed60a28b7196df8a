// Release builds the archives of a release from a commit:
//
//	go run ./scripts/release                        all targets, into dist/
//	go run ./scripts/release -targets linux/amd64   one of them
//	go run ./scripts/release -twice                 builds each twice, in another
//	                                                folder with an empty build
//	                                                cache, and compares the bytes
//
// It builds in a fresh clone of HEAD, so that nothing of a working folder gets
// in. SOURCE_DATE_EPOCH overrides the date, which else is the commit's.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
)

// defaultTargets are what people run servers on, and work on.
const defaultTargets = "linux/amd64,linux/arm64,darwin/amd64,darwin/arm64,windows/amd64"

func main() {
	out := flag.String("out", "dist", "the `folder` to write to")
	targets := flag.String("targets", defaultTargets, "`os/arch,…`")
	twice := flag.Bool("twice", false, "build twice and compare the bytes")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := release(ctx, options{out: *out, targets: strings.Split(*targets, ","), twice: *twice}); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		stop()
		os.Exit(1) //nolint:forbidigo // this is a main
	}
}
