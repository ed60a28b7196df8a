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
	"time"

	"github.com/robfig/cron/v3"
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
		// Skip around Recover: the other way round a job that has panicked
		// once keeps its "still running" mark and never runs again.
		chain: cron.NewChain(cron.SkipIfStillRunning(logger), cron.Recover(logger)),
		ctx:   ctx, cancel: cancel, log: log,
	}
}

// Add schedules a job. The context it gets ends on Stop.
func (s *Scheduler) Add(name, spec string, job func(ctx context.Context)) error {
	schedule, err := cron.ParseStandard(spec)
	if err != nil {
		return fmt.Errorf("schedule of %s: %w", name, err)
	}
	s.cron.Schedule(schedule, s.chain.Then(cron.FuncJob(func() { job(s.ctx) })))
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

// cronLogger gives cron's own words to slog: wake-ups are noise, panics are not.
type cronLogger struct{ log *slog.Logger }

// Info implements cron.Logger.
func (l cronLogger) Info(text string, details ...any) {
	l.log.Debug("cron", "text", text, "details", fmt.Sprint(details...))
}

// Error implements cron.Logger.
func (l cronLogger) Error(err error, text string, details ...any) {
	l.log.Error("a scheduled job failed; it runs again at its next time", "err", err, "text", text, "details", fmt.Sprint(details...))
}
