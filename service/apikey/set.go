package apikey

import (
	"crypto/subtle"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/wxsign/wxsign/model"
)

// set is the live keys as they were at one moment. It never changes.
type set struct {
	byHash map[string]*Caller
	mark   int64     // model's APIKeysMark before the keys were read
	whole  time.Time // when all keys were read; zero = never
}

// find looks a key up by its hash. That a map is not constant in time tells
// nothing: whoever can choose a hash knows the key. The comparison is made all
// the same, so that this does not rest on how maps work.
func (s *set) find(hash []byte) (*Caller, bool) {
	c, found := s.byHash[string(hash)]
	if !found || subtle.ConstantTimeCompare([]byte(c.hash), hash) != 1 {
		return nil, false
	}
	return c, true
}

// with is the set with one more key.
func (s *set) with(c *Caller) *set {
	next := &set{byHash: make(map[string]*Caller, len(s.byHash)+1), mark: s.mark, whole: s.whole}
	maps.Copy(next.byHash, s.byHash)
	next.byHash[c.hash] = c
	return next
}

// without is the set without the key of an id.
func (s *set) without(id string) *set {
	next := &set{byHash: make(map[string]*Caller, len(s.byHash)), mark: s.mark, whole: s.whole}
	for hash, c := range s.byHash {
		if c.ID != id {
			next.byHash[hash] = c
		}
	}
	return next
}

// newCaller makes a Caller of a row. nowMs is the database clock of the reading
// and asked the moment before it: an end counted from there can only be early.
func newCaller(row model.APIKey, nowMs int64, asked time.Time) (*Caller, error) {
	c := &Caller{ID: row.ID, Name: row.Name, scopes: row.Scopes, hash: row.KeyHash, use: &use{}}
	if !slices.Contains(row.Accounts, AllAccounts) {
		c.accounts = append([]string{}, row.Accounts...)
	}
	for _, text := range row.CIDRs {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			// Left out, a list that narrows would become a list that does not.
			return nil, fmt.Errorf("API key %s: %w", row.ID, err)
		}
		c.networks = append(c.networks, network)
	}
	if row.ExpiresMs > 0 {
		c.end = asked.Add(time.Duration(row.ExpiresMs-nowMs) * time.Millisecond)
	}
	return c, nil
}

// RelayAllows reports whether addr is in the list of networks of a live key
// that has the scope relay and covers the account. Tokens that were given out
// come without a key, so the address is all there is to judge by: a key without
// a list of networks says nothing here, and a list cannot hold every address.
func (k *Keys) RelayAllows(appID string, addr netip.Addr) bool {
	return k.any(func(c *Caller) bool { return c.Has(ScopeRelay) && c.Covers(appID) && c.lists(addr) })
}

// Admits reports why no live key at all would let the scope be used for the
// account from the address: ErrScopeMissing or ErrAddressNotAllowed. It is for
// Tencent's calls that carry a token of ours in place of a key.
func (k *Keys) Admits(scope, appID string, addr netip.Addr) error {
	covers := func(c *Caller) bool { return c.Has(scope) && c.Covers(appID) }
	switch {
	case !k.any(covers):
		return fmt.Errorf("%w %q", ErrScopeMissing, scope)
	case !k.any(func(c *Caller) bool { return covers(c) && c.reaches(addr) }):
		return fmt.Errorf("%w: it is %s", ErrAddressNotAllowed, addressText(addr))
	}
	return nil
}

func (k *Keys) any(is func(*Caller) bool) bool {
	for _, c := range k.live.Load().byHash {
		if !c.ended() && is(c) {
			return true
		}
	}
	return false
}
