package purge_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/purge"
)

const (
	retention = 24 * time.Hour
	chunk     = 20 * time.Millisecond
	young     = 3 // rows that stay
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// slow is a database that takes its time for a chunk, and notes who had one when.
type slow struct {
	*model.Store
	name   string
	before func(chunks int) (time.Duration, error) // of each chunk; nil = it takes the usual time
	lost   bool                                    // cannot leave its duty

	mu     sync.Mutex
	chunks []time.Time // those with rows in them, at their end
}

func (s *slow) PurgeHistory(ctx context.Context, after model.HistoryKey, beforeMs int64) (int64, model.HistoryKey, error) {
	takes, err := chunk, error(nil)
	if s.before != nil {
		takes, err = s.before(len(s.chunks))
	}
	time.Sleep(takes)
	if err != nil {
		return 0, after, err
	}
	n, last, err := s.Store.PurgeHistory(ctx, after, beforeMs)
	if n > 0 {
		s.mu.Lock()
		s.chunks = append(s.chunks, time.Now())
		s.mu.Unlock()
	}
	return n, last, err
}

func (s *slow) LeavePurgeDuty(ctx context.Context, holder string) error {
	if s.lost {
		return errDown
	}
	return s.Store.LeavePurgeDuty(ctx, holder)
}

// replicas share a database with old rows and some young ones.
func replicas(t *testing.T, old int, names ...string) []*slow {
	t.Helper()
	path := filepath.Join(t.TempDir(), "wxsign.db")
	var all []*slow
	for _, name := range names {
		store, err := model.Open(model.Options{Driver: model.SQLite, DSN: path, NowMS: "bubble_now_ms()"})
		must(t, err)
		t.Cleanup(func() { must(t, store.Close()) })
		all = append(all, &slow{Store: store, name: name})
	}
	_, err := all[0].MigrateUp(t.Context())
	must(t, err)
	nowMs := time.Now().UnixMilli()
	var rows []model.History
	for i := range old + young {
		row := model.History{AttemptID: strconv.Itoa(i), AtMs: nowMs, AppID: "wx", Kind: "jsapi", TriggerName: model.TriggerSchedule, Outcome: model.OutcomeRenewed}
		if i < old {
			row.AtMs = nowMs - retention.Milliseconds() - 1 - int64(i/7)
		}
		rows = append(rows, row)
	}
	for part := range slices.Chunk(rows, 100) {
		must(t, all[0].AddHistories(t.Context(), part))
	}
	return all
}

func (s *slow) left(t *testing.T) int {
	t.Helper()
	rows, err := s.HistoryOf(t.Context(), "wx", 100_000)
	must(t, err)
	return len(rows) - young
}

// watched is a purge with what it tells.
type watched struct {
	*purge.History
	log   bytes.Buffer
	notes []error
}

func start(t *testing.T, s *slow) *watched {
	t.Helper()
	w := &watched{}
	var err error
	w.History, err = purge.NewHistory(purge.Options{
		Store: s, Replica: s.name, Retention: retention, Logger: slog.New(slog.NewTextHandler(&w.log, nil)),
		Note: func(err error) { w.notes = append(w.notes, err) },
	})
	must(t, err)
	return w
}

func TestRunDeletesWhatIsOld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		one := replicas(t, 1050, "one")[0]
		w, begin := start(t, one), time.Now()
		w.Run(t.Context())
		if left, chunks := one.left(t), len(one.chunks); left != 0 || chunks != 11 {
			t.Errorf("%d old rows left after %d chunks, want none after 11", left, chunks)
		}
		if took, want := time.Since(begin), 11*21*chunk+chunk; took != want {
			t.Errorf("it took %v, want %v", took, want)
		}
		if log := w.log.String(); strings.Count(log, "\n") != 1 || !strings.Contains(log, `"purged old history" deleted=1050 retention=24h0m0s took=4.64s stopped=false`) {
			t.Errorf("the log:\n%s", log)
		}
		w.Run(t.Context()) // nothing to do, nothing to say
		if log := w.log.String(); strings.Count(log, "\n") != 1 {
			t.Errorf("the log:\n%s", log)
		}
	})
}

// Cron wakes all replicas at the same time.
func TestOneReplicaAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all := replicas(t, 2000, "one", "two", "three")
		var ended sync.WaitGroup
		for _, s := range all {
			ended.Go(func() { start(t, s).Run(t.Context()) })
		}
		ended.Wait()
		working := slices.DeleteFunc(slices.Clone(all), func(s *slow) bool { return len(s.chunks) == 0 })
		if len(working) != 1 || len(working[0].chunks) != 20 || all[0].left(t) != 0 {
			t.Errorf("%d replicas purged, %d old rows left; want that of 20 chunks alone", len(working), all[0].left(t))
		}
	})
}

func TestAnotherReplicaGoesOn(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		lost bool
		most time.Duration // between two chunks
	}{
		"it stopped": {false, 30*time.Second + 21*chunk},
		"it died":    {true, 90*time.Second + 21*chunk},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				all := replicas(t, 8000, "one", "two")
				one, two := all[0], all[1]
				one.lost = tt.lost
				ctx, stop := context.WithCancel(t.Context())
				var ended sync.WaitGroup
				var stopping time.Time
				ended.Go(func() {
					w := start(t, one)
					w.Run(ctx)
					if late := time.Since(stopping); late > chunk {
						t.Errorf("it stopped %v after it was told to", late)
					}
					if log := w.log.String(); strings.Contains(log, "WARN") || !strings.Contains(log, "stopped=true") {
						t.Errorf("the log:\n%s", log)
					}
				})
				time.Sleep(time.Millisecond) // one has the duty
				ended.Go(func() { start(t, two).Run(t.Context()) })
				time.Sleep(25*time.Second + 7*time.Millisecond) // one has taken it again
				stopping = time.Now()
				stop()
				ended.Wait()
				if len(one.chunks)+len(two.chunks) != 80 || two.left(t) != 0 || len(two.chunks) == 0 {
					t.Fatalf("%d and %d chunks, %d old rows left", len(one.chunks), len(two.chunks), two.left(t))
				}
				if gap := two.chunks[0].Sub(one.chunks[len(one.chunks)-1]); gap > tt.most || gap < 0 {
					t.Errorf("nobody purged for %v, want %v at most", gap, tt.most)
				}
			})
		})
	}
}

// A replica that was frozen for longer than its duty lasts finds it taken.
func TestDutyLostIsNotGoneOnWith(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		all := replicas(t, 5000, "one", "two")
		one, two := all[0], all[1]
		one.before = func(chunks int) (time.Duration, error) {
			if chunks == 10 {
				return 65 * time.Second, nil // and the chunk that was sent is still deleted
			}
			return chunk, nil
		}
		var ended sync.WaitGroup
		ended.Go(func() { start(t, one).Run(t.Context()) })
		time.Sleep(time.Millisecond)
		ended.Go(func() { start(t, two).Run(t.Context()) })
		ended.Wait()
		if len(one.chunks) != 11 || len(two.chunks) != 39 || two.left(t) != 0 {
			t.Errorf("%d chunks of the one that was frozen and %d of the other, want 11 and 39; %d old rows left", len(one.chunks), len(two.chunks), two.left(t))
		}
	})
}

func TestErrorsDoNotEndTheRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		one := replicas(t, 1000, "one")[0]
		failures := 0
		one.before = func(chunks int) (time.Duration, error) {
			if chunks == 4 && failures < 3 {
				failures++
				return chunk, errDown
			}
			return chunk, nil
		}
		w := start(t, one)
		w.Run(t.Context())
		if one.left(t) != 0 {
			t.Errorf("%d old rows left", one.left(t))
		}
		var told []bool
		for _, err := range w.notes {
			told = append(told, errors.Is(err, errDown))
		}
		if told = slices.Compact(told); !slices.Equal(told, []bool{false, true, false}) || failures != 3 {
			t.Errorf("told %v, want well, ill and well again", w.notes)
		}
		if log := w.log.String(); strings.Count(log, "cannot purge old history") != 1 || !strings.Contains(log, `deleted=400 err="the database is away"`) {
			t.Errorf("the log:\n%s", log)
		}
	})
}

func TestNewHistoryChecksItsOptions(t *testing.T) {
	t.Parallel()
	whole := purge.Options{Store: &slow{}, Replica: "one", Retention: time.Hour}
	for name, breakIt := range map[string]func(*purge.Options){
		"no store":     func(o *purge.Options) { o.Store = nil },
		"no name":      func(o *purge.Options) { o.Replica = "" },
		"no retention": func(o *purge.Options) { o.Retention = 0 },
	} {
		o := whole
		breakIt(&o)
		if _, err := purge.NewHistory(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := purge.NewHistory(whole); err != nil {
		t.Error(err)
	}
}
