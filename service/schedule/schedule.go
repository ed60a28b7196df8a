// Package schedule runs named jobs by cron specs.
//
// It wraps robfig/cron so that its traps are closed in one place: a panicking
// job does not end the process and runs again next time, a job that is still
// running is not started twice, specs are read in UTC (wall-clock specs would
// skip or repeat an hour with daylight saving), and Stop ends the jobs' context
// and waits for them.
//
// Jobs only wake somebody up. What is due is decided elsewhere, by stored rows
// and the database's clock.
package schedule

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/wxsign/wxsign/service/panics"
)

// Scheduler is made by New; add its jobs, then Start it.
type Scheduler struct {
	cron   *cron.Cron
	chain  cron.Chain
	ctx    context.Context
	cancel context.CancelFunc
	log    *slog.Logger
}

// New makes an empty Scheduler.
func New(log *slog.Logger) *Scheduler {
	if log == nil {
		log = slog.Default()
	}
	logger := cronLogger{log}
	ctx, cancel := context.WithCancel(context.Background())
	return &Scheduler{
		cron: cron.New(cron.WithLocation(time.UTC), cron.WithLogger(logger)),
		// Skip around guarded: the other way round a job that has panicked
		// once keeps its "still running" mark and never runs again.
		chain: cron.NewChain(cron.SkipIfStillRunning(logger)),
		ctx:   ctx, cancel: cancel, log: log,
	}
}

// Add schedules a job. The context it gets ends on Stop.
func (s *Scheduler) Add(name, spec string, job func(ctx context.Context)) error {
	schedule, err := cron.ParseStandard(spec)
	if err != nil {
		return fmt.Errorf("schedule of %s: %w", name, err)
	}
	s.cron.Schedule(schedule, s.chain.Then(s.guarded(name, job)))
	return nil
}

// Start begins to run the jobs.
func (s *Scheduler) Start() { s.cron.Start() }

// Stop starts no job any more, ends the context of the running ones and waits
// for them until ctx ends.
func (s *Scheduler) Stop(ctx context.Context) error {
	s.cancel()
	select {
	case <-s.cron.Stop().Done():
		return nil
	case <-ctx.Done():
		return fmt.Errorf("jobs still run: %w", ctx.Err())
	}
}

// Interval is the time between the next two runs of a spec, counted from now.
func Interval(spec string, now time.Time) (time.Duration, error) {
	schedule, err := cron.ParseStandard(spec)
	if err != nil {
		return 0, fmt.Errorf("cron spec %q: %w", spec, err)
	}
	first := schedule.Next(now.UTC())
	return schedule.Next(first).Sub(first), nil
}

// guarded is the job with its context, and keeps a panic from ending the process. It
// is not cron.Recover, which logs what the job panicked with, whatever that holds.
func (s *Scheduler) guarded(name string, job func(ctx context.Context)) cron.FuncJob {
	return func() {
		defer func() {
			if fault := recover(); fault != nil {
				s.log.Error("a scheduled job panicked; it runs again at its next time", "job", name,
					"err", "panic: "+panics.Describe(fault), "stack", string(debug.Stack()))
			}
		}()
		job(s.ctx)
	}
}

// cronLogger gives cron's own words to slog: wake-ups are noise, faults are not.
type cronLogger struct{ log *slog.Logger }

// Info implements cron.Logger.
func (l cronLogger) Info(text string, details ...any) {
	l.log.Debug("cron", "text", text, "details", spaced(details))
}

// Error implements cron.Logger.
func (l cronLogger) Error(err error, text string, details ...any) {
	l.log.Error("the scheduler of jobs has a fault", "err", err, "text", text, "details", spaced(details))
}

// spaced is names and values in one text, with blanks between them.
func spaced(details []any) string { return strings.TrimSuffix(fmt.Sprintln(details...), "\n") }
