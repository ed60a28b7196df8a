package apikey_test

import (
	"errors"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/service/apikey"
)

// Every scope × account × address, for keys of every kind: nothing is allowed
// that the key does not name.
func TestCheck(t *testing.T) {
	t.Parallel()
	keys := []apikey.Draft{
		{Name: "one", Scopes: []string{apikey.ScopeToken}, Accounts: []string{"wx1"}},
		{Name: "two", Scopes: []string{apikey.ScopeTicket, apikey.ScopeSign}, Accounts: []string{"wx1", "ww1:7"}, CIDRs: []string{"10.0.0.0/8"}},
		{Name: "all", Scopes: apikey.Scopes(), Accounts: []string{apikey.AllAccounts}, CIDRs: []string{"10.1.2.3", "2001:db8::/32"}},
	}
	mapped, zoned := netip.MustParseAddr("::ffff:10.1.2.3"), netip.MustParseAddr("2001:db8::1%eth0")
	k := newKeys(t, &table{})
	allowed := 0
	for _, d := range keys {
		_, key := create(t, k, d)
		c, err := k.Authenticate(t.Context(), key)
		must(t, err)
		for _, scope := range append(apikey.Scopes(), "", "Token", "admin") {
			for _, appID := range []string{"wx1", "wx2", "ww1:7", "WX1", "*", ""} {
				for _, addr := range []netip.Addr{inside, outside, {}, mapped, zoned} {
					err := c.Check(scope, appID, addr)
					if want := wanted(d, scope, appID, addr); !errors.Is(err, want) {
						t.Errorf("%s: %q for %q from %v: %v, want %v", d.Name, scope, appID, addr, err, want)
					}
					if err == nil {
						allowed++
					}
				}
			}
		}
	}
	if allowed != 10+12+90 {
		t.Errorf("%d of the combinations are allowed", allowed)
	}
}

// wanted says the rule once more, in other words.
func wanted(d apikey.Draft, scope, appID string, addr netip.Addr) error {
	from := map[string]bool{"10.1.2.3": true, "::ffff:10.1.2.3": true, "2001:db8::1%eth0": d.Name == "all"} // others are not listed
	switch {
	case d.Name != "one" && !from[addr.String()]:
		return apikey.ErrAddressNotAllowed
	case !slices.Contains(d.Scopes, scope):
		return apikey.ErrScopeMissing
	case d.Name != "all" && appID != "" && !slices.Contains(d.Accounts, appID):
		return apikey.ErrAccountNotAllowed
	}
	return nil
}

func TestAccounts(t *testing.T) {
	t.Parallel()
	k := newKeys(t, &table{})
	d := draft()
	d.Accounts = []string{"wx2", "wx1", "wx2"}
	_, key := create(t, k, d)
	c, err := k.Authenticate(t.Context(), key)
	must(t, err)
	appIDs, all := c.Accounts()
	if diff := cmp.Diff([]string{"wx1", "wx2"}, appIDs); diff != "" || all {
		t.Errorf("accounts, all %v: %s", all, diff)
	}
	d.Name, d.Accounts = "all", []string{"wx1", apikey.AllAccounts}
	_, key = create(t, k, d)
	c, err = k.Authenticate(t.Context(), key)
	must(t, err)
	if appIDs, all = c.Accounts(); !all || len(appIDs) != 0 || !c.Covers("wx9") {
		t.Errorf("%v, all %v", appIDs, all)
	}
}

// A key without a list of networks lets its holder in from everywhere, but says
// nothing about an address on which somebody else calls.
func TestWithoutAKeyOnlyListedAddresses(t *testing.T) {
	t.Parallel()
	s := &table{}
	k := newKeys(t, s)
	add := func(name, scope string, cidrs ...string) string {
		id, _, err := k.Create(t.Context(), apikey.Draft{Name: name, Scopes: []string{scope}, Accounts: []string{"wx1"}, CIDRs: cidrs}, ann)
		must(t, err)
		must(t, k.Load(t.Context()))
		return id
	}
	check := func(what string, relay bool, ticket error) {
		t.Helper()
		if got := k.RelayAllows("wx1", inside); got != relay {
			t.Errorf("%s: the relay allows it: %v", what, got)
		}
		wantError(t, k.Admits(apikey.ScopeTicket, "wx1", inside), ticket)
		for _, addr := range []netip.Addr{outside, {}} {
			if k.RelayAllows("wx1", addr) {
				t.Errorf("%s: the relay allows %v", what, addr)
			}
		}
		if k.RelayAllows("wx2", inside) || k.Admits(apikey.ScopeTicket, "wx2", inside) == nil {
			t.Errorf("%s: another account is allowed", what)
		}
	}
	check("no key", false, apikey.ErrScopeMissing)
	add("open", apikey.ScopeRelay)
	check("a relay key for every address", false, apikey.ErrScopeMissing)
	add("token", apikey.ScopeToken, "10.0.0.0/8")
	check("a key of another scope", false, apikey.ErrScopeMissing)
	id := add("relay", apikey.ScopeRelay, "10.0.0.0/8")
	check("a relay key with the network", true, apikey.ErrScopeMissing)
	add("ticket", apikey.ScopeTicket, "192.0.2.9")
	check("a ticket key of another network", true, apikey.ErrAddressNotAllowed)
	add("tickets", apikey.ScopeTicket)
	check("a ticket key for every address", true, nil)
	must(t, k.Revoke(t.Context(), id, ann))
	check("after the revocation", false, nil)
}

func TestKeyEndsInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := newKeys(t, &table{})
		d := draft()
		d.Life, d.CIDRs = time.Hour, []string{"10.0.0.0/8"}
		d.Scopes = []string{apikey.ScopeRelay}
		_, key := create(t, k, d)
		c, err := k.Authenticate(t.Context(), key)
		must(t, err)
		time.Sleep(time.Hour - time.Second)
		must(t, c.Check(apikey.ScopeRelay, "wx1", inside))
		time.Sleep(time.Second)
		wantError(t, c.Check(apikey.ScopeRelay, "wx1", inside), apikey.ErrInvalid)
		_, err = k.Authenticate(t.Context(), key)
		wantError(t, err, apikey.ErrInvalid)
		if k.RelayAllows("wx1", inside) {
			t.Error("the relay still takes the network of an expired key")
		}
	})
}
