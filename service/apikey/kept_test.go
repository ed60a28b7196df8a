package apikey_test

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/apikey"
)

// What one process has kept lets callers in at the next one, with all its
// limits, until the database can be asked; then only the database counts.
func TestRestoredKeys(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &table{}
		before := started(t, s)
		_, open := create(t, before, apikey.Draft{Name: "open", Scopes: []string{"token"}, Accounts: []string{apikey.AllAccounts}})
		id, narrow := create(t, before, apikey.Draft{
			Name: "narrow", Scopes: []string{"ticket"}, Accounts: []string{"wx1"}, CIDRs: []string{"10.0.0.0/8"}, Life: time.Hour,
		})
		for _, key := range []string{open, narrow} { // a new key is taken in when it is used
			_, err := before.Authenticate(t.Context(), key)
			must(t, err)
		}
		kept := before.Kept()
		if len(kept) != 2 {
			t.Fatalf("%d keys are kept", len(kept))
		}
		must(t, before.Revoke(t.Context(), id, ann))
		s.fail(model.ErrUnreachable)

		k := newKeys(t, s)
		must(t, k.Restore(kept))
		c, err := k.Authenticate(t.Context(), open)
		must(t, err)
		must(t, c.Check(apikey.ScopeToken, "of any account", outside))
		wantError(t, c.Check(apikey.ScopeTicket, "wx1", outside), apikey.ErrScopeMissing)
		c, err = k.Authenticate(t.Context(), narrow)
		must(t, err)
		inside := netip.MustParseAddr("10.1.2.3")
		must(t, c.Check(apikey.ScopeTicket, "wx1", inside))
		wantError(t, c.Check(apikey.ScopeTicket, "wx2", inside), apikey.ErrAccountNotAllowed)
		wantError(t, c.Check(apikey.ScopeTicket, "wx1", netip.MustParseAddr("192.0.2.1")), apikey.ErrAddressNotAllowed)
		time.Sleep(time.Hour)
		_, err = k.Authenticate(t.Context(), narrow)
		wantError(t, err, apikey.ErrInvalid) // it has ended

		s.fail(nil)
		must(t, k.Load(t.Context()))
		_, err = k.Authenticate(t.Context(), open)
		must(t, err)
		must(t, k.Restore(kept)) // too late: nothing
		_, err = k.Authenticate(t.Context(), narrow)
		wantError(t, err, apikey.ErrInvalid)
	})
}

// Ended keys are not kept, and one whose networks cannot be read opens nothing.
func TestKeptKeysAreWhole(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &table{}
		k := started(t, s)
		_, key := create(t, k, apikey.Draft{
			Name: "short", Scopes: []string{"token"}, Accounts: []string{"wx1"}, CIDRs: []string{"10.0.0.0/8"}, Life: time.Hour,
		})
		_, err := k.Authenticate(t.Context(), key)
		must(t, err)
		kept := k.Kept()
		time.Sleep(time.Hour)
		if n := len(k.Kept()); n != 0 {
			t.Errorf("%d ended keys are kept", n)
		}
		s.fail(model.ErrUnreachable)
		kept[0].End = time.Time{}
		kept[0].Networks[0] = "10.0.0.0/99"
		next := newKeys(t, s)
		if err := next.Restore(kept); err == nil {
			t.Error("no word of networks that are none")
		}
		_, err = next.Authenticate(t.Context(), key)
		wantError(t, err, apikey.ErrUnchecked)
	})
}
