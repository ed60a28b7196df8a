package snapshot

import (
	"iter"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/wxsign/wxsign/service/pageurl"
)

// Table holds the newest View of every account. The zero value is not usable;
// take NewTable.
type Table struct {
	writers sync.Mutex // held by Put…, Set… and Remove; readers never touch it
	common  common     // of those who hold writers
	index   atomic.Pointer[index]
}

// entry is an account's fixed place; views replace one another in it.
type entry struct{ view atomic.Pointer[View] }

// index changes only when accounts come, go or change their domains.
type index struct {
	byAppID     map[string]*entry
	byHost      map[string][]*entry // exact hosts
	bySubdomain map[string][]*entry // the name behind "*."
}

// NewTable makes an empty table.
func NewTable() *Table {
	t := &Table{}
	t.index.Store(&index{})
	return t
}

// Lookup returns the newest view of an account: two atomic loads, no lock.
func (t *Table) Lookup(appID string) (*View, bool) {
	e, found := t.index.Load().byAppID[appID]
	if !found {
		return nil, false
	}
	return e.view.Load(), true
}

// Len is the number of accounts.
func (t *Table) Len() int { return len(t.index.Load().byAppID) }

// All iterates over the newest views in no particular order.
func (t *Table) All() iter.Seq[*View] {
	idx := t.index.Load()
	return func(yield func(*View) bool) {
		for _, e := range idx.byAppID {
			if !yield(e.view.Load()) {
				return
			}
		}
	}
}

// Serving iterates over the accounts one of whose domain entries could match
// the page's host; an account may come twice. Its cost depends on the depth of
// the host name, not on the number of accounts.
func (t *Table) Serving(u pageurl.URL) iter.Seq[*View] {
	idx := t.index.Load()
	return func(yield func(*View) bool) {
		for _, e := range idx.byHost[u.Hostname()] {
			if !yield(e.view.Load()) {
				return
			}
		}
		for parent := range u.Parents() {
			for _, e := range idx.bySubdomain[parent] {
				if !yield(e.view.Load()) {
					return
				}
			}
		}
	}
}

// PutAccounts publishes new or changed configurations. Credentials that are
// held stay, except tickets of kinds the account no longer keeps.
func (t *Table) PutAccounts(accounts ...Account) {
	t.writers.Lock()
	defer t.writers.Unlock()
	byAppID := maps.Clone(t.index.Load().byAppID)
	if byAppID == nil {
		byAppID = make(map[string]*entry, len(accounts))
	}
	for _, a := range accounts {
		t.common.share(&a)
		e, found := byAppID[a.AppID]
		if !found {
			e = &entry{}
			byAppID[a.AppID] = e
		}
		e.replace(func(v *View) {
			v.Account = a
			v.credentials = slices.DeleteFunc(v.credentials, func(c Credential) bool { return !v.Keeps(c.Kind) })
		})
	}
	t.index.Store(newIndex(byAppID))
}

// Remove takes an account out.
func (t *Table) Remove(appID string) {
	t.writers.Lock()
	defer t.writers.Unlock()
	byAppID := maps.Clone(t.index.Load().byAppID)
	e, found := byAppID[appID]
	if !found {
		return
	}
	delete(byAppID, appID)
	t.index.Store(newIndex(byAppID))
	e.view.Load().replaced.end()
}

// PutCredential publishes a credential of a known account. It reports false
// for an account that is not here.
func (t *Table) PutCredential(appID string, c Credential) bool {
	c.Kind = kindName(c.Kind)
	return t.update(appID, func(v *View) {
		i := slices.IndexFunc(v.credentials, func(old Credential) bool { return old.Kind == c.Kind })
		if i < 0 {
			v.credentials = append(v.credentials, c)
		} else {
			v.credentials[i] = c
		}
	})
}

// SetTrouble notes why the newest attempt at a kind failed; the zero Trouble
// clears it.
func (t *Table) SetTrouble(appID, kind string, trouble Trouble) bool {
	return t.update(appID, func(v *View) {
		if trouble == (Trouble{}) {
			delete(v.troubles, kind)
			return
		}
		if v.troubles == nil {
			v.troubles = make(map[string]Trouble, 1)
		}
		v.troubles[kind] = trouble
	})
}

func (t *Table) update(appID string, change func(*View)) bool {
	t.writers.Lock()
	defer t.writers.Unlock()
	e, found := t.index.Load().byAppID[appID]
	if found {
		e.replace(change)
	}
	return found
}

// replace publishes a changed copy of the view and wakes those who wait for it.
// The caller holds Table.writers.
func (e *entry) replace(change func(*View)) {
	old := e.view.Load()
	next := &View{}
	if old != nil {
		next.Account = old.Account
		next.credentials = slices.Clone(old.credentials)
		next.troubles = maps.Clone(old.troubles)
	}
	change(next)
	e.view.Store(next)
	if old != nil {
		old.replaced.end()
	}
}

func newIndex(byAppID map[string]*entry) *index {
	idx := &index{byAppID: byAppID, byHost: map[string][]*entry{}, bySubdomain: map[string][]*entry{}}
	for _, e := range byAppID {
		for _, p := range e.view.Load().Account.Domains {
			name, wildcard := p.Host()
			hosts := idx.byHost
			if wildcard {
				hosts = idx.bySubdomain
			}
			if !slices.Contains(hosts[name], e) {
				hosts[name] = append(hosts[name], e)
			}
		}
	}
	return idx
}
