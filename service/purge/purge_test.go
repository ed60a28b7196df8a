package purge_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/glebarez/go-sqlite"
	"go.uber.org/goleak"

	"github.com/wxsign/wxsign/service/purge"
)

// TestMain gives SQLite a clock that obeys testing/synctest.
func TestMain(m *testing.M) {
	sqlite.MustRegisterScalarFunction("bubble_now_ms", 0, func(*sqlite.FunctionContext, []driver.Value) (driver.Value, error) {
		return time.Now().UnixMilli(), nil
	})
	goleak.VerifyTestMain(m)
}

var errDown = errors.New("the database is away")

// steps are chunks of 100 rows, each of which takes a while.
type steps struct {
	left   int
	chunk  time.Duration
	worked time.Duration
}

func (s *steps) next(context.Context) (int64, error) {
	time.Sleep(s.chunk)
	s.worked += s.chunk
	if s.left == 0 {
		return 0, nil
	}
	s.left--
	return 100, nil
}

func TestAllWorksForAFractionOfTheTime(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		chunk, want time.Duration // of 50 chunks and a last look
		most        float64
	}{
		"a chunk of 5 ms":             {5 * time.Millisecond, 50*105*time.Millisecond + 5*time.Millisecond, 0.05},
		"20 ms":                       {20 * time.Millisecond, 50*420*time.Millisecond + 20*time.Millisecond, 0.05},
		"100 ms":                      {100 * time.Millisecond, 50*2100*time.Millisecond + 100*time.Millisecond, 0.05},
		"a second, and it still ends": {time.Second, 50*3*time.Second + time.Second, 0.34},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, begin := &steps{left: 50, chunk: tt.chunk}, time.Now()
				n, err := purge.All(t.Context(), s.next)
				took := time.Since(begin)
				if n != 5000 || err != nil || took != tt.want {
					t.Errorf("deleted %d in %v, %v; want 5000 in %v", n, took, err, tt.want)
				}
				if share := s.worked.Seconds() / took.Seconds(); share > tt.most {
					t.Errorf("worked for %.3f of the time, want %.2f at most", share, tt.most)
				}
			})
		})
	}
}

func TestAllEndsWithItsContext(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		after time.Duration
		want  int64
	}{
		"before it began": {0, 0},
		"in the rest":     {50 * time.Millisecond, 100},
		"in a step":       {430 * time.Millisecond, 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(tt.after, cancel)
				if tt.after == 0 {
					cancel()
				}
				s, begin := &steps{left: 50, chunk: 20 * time.Millisecond}, time.Now()
				n, err := purge.All(ctx, s.next)
				if n != tt.want || err != nil || time.Since(begin) > tt.after+s.chunk {
					t.Errorf("%d, %v after %v; want %d at once", n, err, time.Since(begin), tt.want)
				}
			})
		})
	}
}

func TestAllTellsOfErrorsButNotOfItsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		failing := func(context.Context) (int64, error) {
			if n++; n == 2 {
				return 0, errDown
			}
			return 100, nil
		}
		if deleted, err := purge.All(ctx, failing); deleted != 100 || !errors.Is(err, errDown) {
			t.Errorf("%d, %v", deleted, err)
		}
		stopped := func(context.Context) (int64, error) { cancel(); return 0, context.Canceled }
		if _, err := purge.All(ctx, stopped); err != nil {
			t.Errorf("a stop is told as %v", err)
		}
	})
}
