package main

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"time"
)

// sample is one run of the load generator against one server.
type sample struct {
	perSecond float64
	p50, p99  time.Duration
	cpu       time.Duration // of the server, per request
	memory    int64         // of the server after the run, bytes
}

// connections is how many the load generator keeps open.
const connections = 64

var (
	perSecondLine = regexp.MustCompile(`Requests/sec:\s+([\d.]+)`)
	requestsLine  = regexp.MustCompile(`(\d+) requests in`)
	failedLine    = regexp.MustCompile(`(?m)^\s*(Non-2xx.*|Socket errors.*)$`)
	percentile    = regexp.MustCompile(`(?m)^\s+(50|99)%\s+([\d.]+)(us|ms|s)$`)
)

// load asks one address over and over and measures. A run with a single failed
// answer does not count: a server that refuses is quick. more are flags of wrk.
func load(ctx context.Context, p *process, address string, d time.Duration, more ...string) (sample, error) {
	before, err := p.cpuTime()
	if err != nil {
		return sample{}, err
	}
	args := append([]string{
		"-c", loadCPU, "wrk", "-t1", "-c" + strconv.Itoa(connections), "-d" + strconv.Itoa(int(d.Seconds())) + "s", "--latency",
	}, more...)
	out, err := exec.CommandContext(ctx, "taskset", append(args, address)...).CombinedOutput() //nolint:gosec // our own command
	if err != nil {
		return sample{}, fmt.Errorf("wrk: %w: %s", err, out)
	}
	after, err := p.cpuTime()
	if err != nil {
		return sample{}, err
	}
	if failed := failedLine.FindString(string(out)); failed != "" {
		return sample{}, fmt.Errorf("wrk: %s", failed)
	}
	s, requests, err := parse(string(out))
	if err != nil {
		return sample{}, err
	}
	s.cpu = (after - before) / time.Duration(max(1, requests))
	s.memory, err = p.memory()
	return s, err
}

func parse(out string) (s sample, requests int64, err error) {
	rate, count := perSecondLine.FindStringSubmatch(out), requestsLine.FindStringSubmatch(out)
	if rate == nil || count == nil {
		return s, 0, fmt.Errorf("wrk said something else than expected: %s", out)
	}
	if s.perSecond, err = strconv.ParseFloat(rate[1], 64); err != nil {
		return s, 0, err
	}
	for _, line := range percentile.FindAllStringSubmatch(out, -1) {
		d, err := time.ParseDuration(line[2] + line[3])
		if err != nil {
			return s, 0, err
		}
		if line[1] == "50" {
			s.p50 = d
		} else {
			s.p99 = d
		}
	}
	requests, err = strconv.ParseInt(count[1], 10, 64)
	return s, requests, err
}
