package apikey_test

import (
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/apikey"
)

// started is a replica that follows the table until the end of the test.
func started(t *testing.T, s *table) *apikey.Keys {
	t.Helper()
	k := newKeys(t, s)
	must(t, k.Load(t.Context()))
	k.Start()
	t.Cleanup(func() { _ = k.Stop(t.Context()) })
	return k
}

func TestRevokedKeyIsRefusedEverywhereWithinASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &table{}
		here, there := started(t, s), started(t, s)
		id, key := create(t, here, draft())
		for _, k := range []*apikey.Keys{here, there} {
			_, err := k.Authenticate(t.Context(), key) // a new key needs no waiting
			must(t, err)
		}
		must(t, here.Revoke(t.Context(), id, ann))
		_, err := here.Authenticate(t.Context(), key)
		wantError(t, err, apikey.ErrInvalid)
		time.Sleep(time.Second)
		_, err = there.Authenticate(t.Context(), key)
		wantError(t, err, apikey.ErrInvalid)
	})
}

func TestKeysInMemoryOutliveTheDatabase(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &table{}
		k := started(t, s)
		id, key := create(t, k, draft())
		_, unseen := create(t, newKeys(t, s), apikey.Draft{Name: "unseen", Scopes: []string{"token"}, Accounts: []string{"wx1"}})
		_, err := k.Authenticate(t.Context(), key)
		must(t, err)
		s.fail(model.ErrUnreachable)
		time.Sleep(time.Hour)
		c, err := k.Authenticate(t.Context(), key)
		must(t, err)
		must(t, c.Check(apikey.ScopeToken, "wx1", outside))
		wantError(t, k.Revoke(t.Context(), id, ann), model.ErrUnreachable)

		// Of an unknown one nobody can say that it is wrong.
		fresh := newKeys(t, s)
		_, err = fresh.Authenticate(t.Context(), unseen)
		wantError(t, err, apikey.ErrUnchecked)
		if errors.Is(err, apikey.ErrInvalid) {
			t.Error("it is called invalid")
		}
		wantError(t, fresh.Load(t.Context()), model.ErrUnreachable)
		s.fail(nil)
		_, err = fresh.Authenticate(t.Context(), unseen)
		must(t, err)
	})
}

// Regression: a lookup that began before a revocation and ended behind the look
// of follow would have kept the key alive for ever.
func TestSlowLookupDoesNotBringARevokedKeyBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &table{}
		k := started(t, s)
		other := newKeys(t, s)
		id, key := create(t, other, draft())
		s.onRead = func() { time.Sleep(2 * time.Second) }
		var lookups sync.WaitGroup
		lookups.Go(func() { _, _ = k.Authenticate(t.Context(), key) })
		synctest.Wait()
		must(t, other.Revoke(t.Context(), id, ann))
		lookups.Wait()
		time.Sleep(time.Second)
		s.onRead = nil
		_, err := k.Authenticate(t.Context(), key)
		wantError(t, err, apikey.ErrInvalid)
	})
}

// Strangers can make up keys with a right checksum. They get one query at a
// time, the same key none for a while, and holders of known keys do not notice.
func TestMadeUpKeysAreNoLoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		elsewhere := newKeys(t, &table{})
		s := &table{}
		k := started(t, s)
		_, key := create(t, k, draft())
		_, err := k.Authenticate(t.Context(), key)
		must(t, err)

		_, stranger := create(t, elsewhere, draft())
		before := s.reads.Load()
		for range 1000 {
			_, err := k.Authenticate(t.Context(), stranger)
			wantError(t, err, apikey.ErrInvalid)
		}
		if n := s.reads.Load() - before; n != 1 {
			t.Errorf("one made-up key cost %d queries", n)
		}

		s.onRead = func() { time.Sleep(100 * time.Millisecond) } // a slow database
		var flood sync.WaitGroup
		var mu sync.Mutex
		unchecked := 0
		for range 300 {
			id, made := create(t, elsewhere, apikey.Draft{Name: "flood", Scopes: []string{"token"}, Accounts: []string{"*"}})
			must(t, elsewhere.Revoke(t.Context(), id, ann))
			flood.Go(func() {
				if _, err := k.Authenticate(t.Context(), made); errors.Is(err, apikey.ErrUnchecked) {
					mu.Lock()
					unchecked++
					mu.Unlock()
				}
			})
		}
		synctest.Wait()
		if _, err := k.Authenticate(t.Context(), key); err != nil {
			t.Errorf("a known key in the flood: %v", err)
		}
		flood.Wait()
		if unchecked < 200 {
			t.Errorf("%d of 300 were turned away, want most", unchecked)
		}
	})
}

func TestLastUseIsWrittenOnceAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &table{}
		k := started(t, s)
		_, key := create(t, k, draft())
		used := func() apikey.Key {
			all, err := k.List(t.Context())
			must(t, err)
			return all[0]
		}
		if u := used(); !u.Used.IsZero() {
			t.Errorf("a new key was used %v", u.Used)
		}
		c, err := k.Authenticate(t.Context(), key)
		must(t, err)
		wantError(t, c.Check(apikey.ScopeSign, "wx1", inside), apikey.ErrScopeMissing)
		time.Sleep(time.Minute)
		if u := used(); !u.Used.IsZero() {
			t.Error("a refused call counts as a use")
		}
		must(t, c.Check(apikey.ScopeToken, "wx1", inside))
		first := time.Now().UTC()
		time.Sleep(time.Second)
		if u := used(); !u.Used.Equal(first) || u.UsedAddress != "10.1.2.3" {
			t.Errorf("used %v from %s, want %v", u.Used, u.UsedAddress, first)
		}
		must(t, c.Check(apikey.ScopeToken, "wx1", outside))
		time.Sleep(50 * time.Second)
		if u := used(); !u.Used.Equal(first) {
			t.Errorf("the second use was written down after 50 s")
		}
		time.Sleep(11 * time.Second)
		if u := used(); !u.Used.Equal(first.Add(time.Second)) || u.UsedAddress != "192.0.2.9" {
			t.Errorf("used %v from %s", u.Used, u.UsedAddress)
		}
		must(t, c.Check(apikey.ScopeToken, "wx1", inside))
		must(t, k.Stop(t.Context()))
		if u := used(); !u.Used.Equal(time.Now().UTC()) {
			t.Error("the end of the process lost a use")
		}
	})
}
