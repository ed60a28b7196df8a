package schedule_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/service/schedule"
)

func start(t *testing.T, spec string, job func(ctx context.Context)) *schedule.Scheduler {
	t.Helper()
	s := schedule.New(slog.New(slog.DiscardHandler))
	if err := s.Add("job", spec, job); err != nil {
		t.Fatal(err)
	}
	s.Start()
	return s
}

func stop(t *testing.T, s *schedule.Scheduler) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestJobRunsOnTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int64
		s := start(t, "@every 5s", func(context.Context) { runs.Add(1) })
		time.Sleep(time.Hour + time.Second)
		stop(t, s)
		if got := runs.Load(); got != 720 {
			t.Errorf("%d runs in an hour, want 720", got)
		}
	})
}

// cron gives names and values one after the other.
func TestWordsOfCronCanBeRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var text bytes.Buffer
		s := schedule.New(slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug})))
		if err := s.Add("job", "@every 1m", func(context.Context) {}); err != nil {
			t.Fatal(err)
		}
		s.Start()
		time.Sleep(2 * time.Minute)
		stop(t, s)
		for _, part := range []string{`msg=cron text=run details="now 2000-01-01 `, " entry 1 next 2000-01-01 "} {
			if !strings.Contains(text.String(), part) {
				t.Errorf("%q is not in the log:\n%s", part, text.String())
			}
		}
	})
}

// Regression: with the guard outside of SkipIfStillRunning a job that has
// panicked once counts as running for ever.
func TestPanickingJobRunsAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int64
		var text bytes.Buffer
		s := schedule.New(slog.New(slog.NewTextHandler(&text, nil)))
		if err := s.Add("purge", "@every 1m", func(context.Context) { runs.Add(1); panic("a value of ours") }); err != nil {
			t.Fatal(err)
		}
		s.Start()
		time.Sleep(time.Hour + time.Second)
		stop(t, s)
		if got := runs.Load(); got != 60 {
			t.Errorf("%d runs in an hour, want 60", got)
		}
		log := text.String()
		if n := strings.Count(log, `job=purge err="panic: string" stack=`); n != 60 || strings.Contains(log, "a value of ours") {
			t.Errorf("the log tells of %d panics, or of what they carried:\n%.3000s", n, log)
		}
	})
}

func TestSlowJobIsNotStartedTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var at, most atomic.Int64
		s := start(t, "@every 1s", func(context.Context) {
			most.Store(max(most.Load(), at.Add(1)))
			time.Sleep(90 * time.Second)
			at.Add(-1)
		})
		time.Sleep(10 * time.Minute)
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		if err := s.Stop(ctx); err != nil {
			t.Error(err)
		}
		if most.Load() != 1 {
			t.Errorf("%d runs at once", most.Load())
		}
	})
}

func TestStopEndsTheContextOfRunningJobs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ended atomic.Bool
		s := start(t, "@every 1s", func(ctx context.Context) {
			<-ctx.Done()
			ended.Store(true)
		})
		time.Sleep(3 * time.Second)
		before := time.Now()
		stop(t, s)
		if !ended.Load() || time.Since(before) > time.Second {
			t.Errorf("ended %v after %v", ended.Load(), time.Since(before))
		}
	})
}

func TestStopGivesUpOnAJobThatDoesNotEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := start(t, "@every 1s", func(context.Context) { time.Sleep(time.Hour) })
		time.Sleep(3 * time.Second)
		ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
		defer cancel()
		before := time.Now()
		if err := s.Stop(ctx); err == nil {
			t.Error("Stop says that the job has ended")
		}
		if took := time.Since(before); took != 15*time.Second {
			t.Errorf("Stop waited %v, want 15s", took)
		}
		time.Sleep(time.Hour) // the bubble ends with all its goroutines
	})
}

// The bubble's clock starts in UTC; a wall-clock spec must not follow the zone
// of the machine, or an hour would be skipped in spring and repeated in autumn.
func TestSpecsAreReadInUTC(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hours := make(chan int, 400)
		s := start(t, "30 2 * * *", func(context.Context) { hours <- time.Now().UTC().Hour() })
		time.Sleep(366 * 24 * time.Hour)
		stop(t, s)
		close(hours)
		runs := 0
		for hour := range hours {
			runs++
			if hour != 2 {
				t.Errorf("ran at %d o'clock UTC", hour)
			}
		}
		if runs != 366 {
			t.Errorf("%d runs in 366 days", runs)
		}
	})
}

func TestAddRefusesNonsense(t *testing.T) {
	t.Parallel()
	for _, spec := range []string{"", "every 5s", "* * *", "@every never"} {
		if err := schedule.New(nil).Add("job", spec, func(context.Context) {}); err == nil {
			t.Errorf("spec %q was accepted", spec)
		}
	}
}

func TestInterval(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	for spec, want := range map[string]time.Duration{
		"@every 5s":   5 * time.Second,
		"* * * * *":   time.Minute,
		"17 3 * * *":  24 * time.Hour,
		"@every 1h2m": 62 * time.Minute,
	} {
		if got, err := schedule.Interval(spec, now); err != nil || got != want {
			t.Errorf("Interval(%q) = %v, %v; want %v", spec, got, err, want)
		}
	}
	if _, err := schedule.Interval("nonsense", now); err == nil {
		t.Error("nonsense has an interval")
	}
}
