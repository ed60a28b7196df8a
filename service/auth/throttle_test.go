package auth_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/auth"
)

// hashed tells whether a try got as far as a hash.
func hashed(t testing.TB, err error) bool {
	t.Helper()
	var throttled *auth.ThrottledError
	switch {
	case errors.Is(err, auth.ErrWrong):
		return true
	case errors.As(err, &throttled), errors.Is(err, auth.ErrBusy):
		return false
	}
	t.Fatalf("sign-in: %v", err)
	return false
}

// 10,000 wrong passwords cost 5 hashes in the first 15 minutes, and then one
// each time that the pause is over, which doubles up to a day.
func TestThrottle(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"ann", "nobody-has-this-name"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := bubbleStore(t)
				a := newAuth(t, store, store)
				person(t, a, "ann")
				var at []int
				begin := time.Now()
				for range 10000 {
					if _, err := signIn(t, a, name, "wrong", address); hashed(t, err) {
						at = append(at, int(time.Since(begin).Round(time.Minute).Minutes()))
					}
					time.Sleep(time.Minute)
				}
				const quarter = 15
				want := []int{0, 1, 2, 3, 4} // in minutes
				for pause := quarter; pause < 24*60; pause *= 2 {
					want = append(want, want[len(want)-1]+pause)
				}
				for next := want[len(want)-1] + 24*60; next < 10000; next += 24 * 60 {
					want = append(want, next)
				}
				// Each pause is asked about once a minute, so it may look a minute longer.
				if len(at) != len(want) {
					t.Fatalf("%d hashes at %v, want %d at %v", len(at), at, len(want), want)
				}
				for i := range at {
					if late := at[i] - want[i]; late < 0 || late > i {
						t.Errorf("hash %d in minute %d, want %d", i+1, at[i], want[i])
					}
				}
			})
		})
	}
}

func TestThrottleForgets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := bubbleStore(t)
		a := newAuth(t, store, store)
		person(t, a, "ann")
		wrong := func(n int) (hashes int) {
			for range n {
				if _, err := signIn(t, a, "ann", "wrong", address); hashed(t, err) {
					hashes++
				}
			}
			return hashes
		}
		wrong(4)
		if _, err := signIn(t, a, "ann", goodPassword, address); err != nil {
			t.Fatalf("the right password on the fifth try: %v", err)
		}
		if got := wrong(9); got != 5 {
			t.Errorf("after a success %d tries, want 5", got)
		}
		if _, err := signIn(t, a, "ann", goodPassword, "192.0.2.8"); err != nil {
			t.Errorf("from another address: %v", err)
		}
		time.Sleep(15*time.Minute + 24*time.Hour)
		if got := wrong(9); got != 5 {
			t.Errorf("after a quiet day %d tries, want 5", got)
		}
		if _, err := a.ResetPassword(t.Context(), "ann"); err != nil {
			t.Fatal(err)
		}
		if got := wrong(9); got != 5 {
			t.Errorf("after a reset by the operator %d tries, want 5", got)
		}
	})
}

func TestThrottleNetworks(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		addresses []string
		hashes    int
	}{
		"one household": {[]string{
			"2001:db8:1:2::1", "2001:db8:1:2::2", "2001:db8:1:2:ffff::3", "2001:db8:1:2:a:b:c:d", "2001:db8:1:2::9", "2001:db8:1:2::7",
		}, 5},
		"two households": {[]string{
			"2001:db8:1:2::1", "2001:db8:1:3::1", "2001:db8:1:2::1", "2001:db8:1:3::1", "2001:db8:1:2::1", "2001:db8:1:3::1",
		}, 6},
		"mapped and bare": {[]string{"192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1", "::ffff:192.0.2.1"}, 5},
		"no address":      {[]string{"", "x", "", "x", "", "x"}, 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store := bubbleStore(t)
				a := newAuth(t, store, store)
				hashes := 0
				for _, from := range c.addresses {
					if _, err := signIn(t, a, "ann", "wrong", from); hashed(t, err) {
						hashes++
					}
				}
				if hashes != c.hashes {
					t.Errorf("%d hashes, want %d", hashes, c.hashes)
				}
			})
		})
	}
}

// Tries at the same instant, on two replicas, share one count.
func TestThrottleHoldsAcrossReplicas(t *testing.T) {
	t.Parallel()
	eachEngine(t, 2, func(t *testing.T, replicas []*model.Store) {
		t.Helper()
		var hashes atomic.Int64
		var tries sync.WaitGroup
		for _, store := range replicas {
			a := newAuth(t, store, store)
			for range 4 {
				tries.Go(func() {
					for range 15 {
						_, err := signIn(t, a, "ann", "wrong", address)
						if errors.Is(err, auth.ErrWrong) {
							hashes.Add(1)
						}
					}
				})
			}
		}
		tries.Wait()
		if got := hashes.Load(); got < 1 || got > 5 {
			t.Errorf("%d hashes, want at most 5", got)
		}
	})
}

// At most two passwords are hashed at once; who comes in between is told to
// come back, and costs neither a hash nor a try.
func TestHashesAtOnce(t *testing.T) {
	t.Parallel()
	eachEngine(t, 1, func(t *testing.T, replicas []*model.Store) {
		t.Helper()
		gate := &slowStore{Store: replicas[0], inside: make(chan struct{}), open: make(chan struct{})}
		a := newAuth(t, gate, replicas[0])
		var tries sync.WaitGroup
		for i := range 2 {
			tries.Go(func() {
				if _, err := signIn(t, a, fmt.Sprint("person-", i), "wrong", address); !errors.Is(err, auth.ErrWrong) {
					t.Errorf("while there is room: %v", err)
				}
			})
			<-gate.inside
		}
		if _, err := signIn(t, a, "third", "wrong", address); !errors.Is(err, auth.ErrBusy) {
			t.Errorf("the third at once: %v, want ErrBusy", err)
		}
		close(gate.open)
		tries.Wait()
		if _, err := signIn(t, a, "third", "wrong", address); !errors.Is(err, auth.ErrWrong) {
			t.Errorf("afterwards: %v, want ErrWrong", err)
		}
	})
}

// slowStore holds whoever looks a person up until open is closed.
type slowStore struct {
	*model.Store
	inside, open chan struct{}
}

func (s *slowStore) PersonNamed(ctx context.Context, name string) (model.Person, int64, error) {
	select {
	case s.inside <- struct{}{}:
	case <-s.open:
	}
	<-s.open
	return s.Store.PersonNamed(ctx, name)
}
