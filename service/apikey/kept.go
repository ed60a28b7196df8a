package apikey

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Kept is a live key outside of the set: on the way into a file, and back. It
// says no more of the key itself than the database does.
type Kept struct {
	ID       string
	Name     string
	Hash     string // SHA-256 of the key, lower-case hex
	Scopes   []string
	Accounts []string // AllAccounts alone = all
	Networks []string
	End      time.Time // on this process's monotonic clock; zero = none
}

// Kept are the live keys in memory, by id.
func (k *Keys) Kept() []Kept {
	var kept []Kept
	for _, c := range k.live.Load().byHash {
		if c.ended() {
			continue
		}
		one := Kept{ID: c.ID, Name: c.Name, Hash: c.hash, Scopes: c.scopes, Accounts: c.accounts, End: c.end}
		if c.accounts == nil {
			one.Accounts = []string{AllAccounts}
		}
		for _, network := range c.networks {
			one.Networks = append(one.Networks, network.String())
		}
		kept = append(kept, one)
	}
	slices.SortFunc(kept, func(a, b Kept) int { return cmp.Compare(a.ID, b.ID) })
	return kept
}

// Restore takes keys that an earlier process has kept, until the database can be
// read. It is for the start: keys that are in memory already stay as they are.
// A key that does not read as it should is left out and told in the error.
func (k *Keys) Restore(kept []Kept) (err error) {
	k.reading <- struct{}{} // nobody reads for longer than a few time-outs
	defer k.end()
	if !k.live.Load().whole.IsZero() {
		return nil
	}
	for _, one := range kept {
		c, fault := one.caller()
		if fault != nil {
			err = fault
			continue
		}
		k.live.Store(k.live.Load().with(c))
	}
	return err
}

func (o Kept) caller() (*Caller, error) {
	c := &Caller{ID: o.ID, Name: o.Name, scopes: o.Scopes, hash: o.Hash, end: o.End, use: &use{}}
	if !slices.Contains(o.Accounts, AllAccounts) {
		c.accounts = append([]string{}, o.Accounts...)
	}
	for _, text := range o.Networks {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("API key %s: %w", o.ID, err) // left out, the list would narrow nothing
		}
		c.networks = append(c.networks, network)
	}
	return c, nil
}
