package apikey

import (
	"fmt"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"
)

// The scopes: what a key may be for.
const (
	ScopeToken   = "token"   // read the access_token
	ScopeTicket  = "ticket"  // read tickets
	ScopeRefresh = "refresh" // report a value as dead; clear quotas
	ScopeRelay   = "relay"   // call WeChat through this server
	ScopeSign    = "sign"    // have pages and cards signed
)

// Scopes are all scopes.
func Scopes() []string {
	return []string{ScopeToken, ScopeTicket, ScopeRefresh, ScopeRelay, ScopeSign}
}

// AllAccounts stands in a key's list for every account, later ones too.
const AllAccounts = "*"

// Caller is the holder of a live key. It does not change; a key that is edited
// or revoked is another Caller or none, so do not keep one longer than a request.
type Caller struct {
	ID   string // of the key; no secret
	Name string // of the program

	scopes   []string
	accounts []string // nil = all
	networks []netip.Prefix
	hash     string
	end      time.Time // monotonic; zero = none
	use      *use
}

// use is when and from where a key was used last. It outlives the Caller.
type use struct {
	at      atomic.Int64 // Unix nanoseconds of this machine
	address atomic.Pointer[netip.Addr]
	written int64 // the use that was written down last; of follow alone
	wrote   time.Time
}

// Check reports why the caller may not do what scope names with the account
// from the address: ErrAddressNotAllowed, ErrScopeMissing or
// ErrAccountNotAllowed, in this order, so that a stolen key tells elsewhere
// nothing of what it may do. An invalid addr is in no network. appID need not
// exist; "" asks for no account in particular. A check that is passed counts as
// a use of the key.
func (c *Caller) Check(scope, appID string, addr netip.Addr) error {
	switch {
	case c.ended():
		return ErrInvalid
	case !c.reaches(addr):
		return fmt.Errorf("%w: it is %s", ErrAddressNotAllowed, addressText(addr))
	case !c.Has(scope):
		return fmt.Errorf("%w %q", ErrScopeMissing, scope)
	case appID != "" && !c.Covers(appID):
		return ErrAccountNotAllowed
	}
	c.use.note(addr)
	return nil
}

// Has reports whether the key has the scope.
func (c *Caller) Has(scope string) bool { return slices.Contains(c.scopes, scope) }

// Covers reports whether the key is for the account.
func (c *Caller) Covers(appID string) bool {
	return c.accounts == nil || slices.Contains(c.accounts, appID)
}

// Accounts are the app_ids that the key is for; all says that it is for every
// account, and then there is no list.
func (c *Caller) Accounts() (appIDs []string, all bool) {
	return slices.Clone(c.accounts), c.accounts == nil
}

// reaches reports whether the key may be used from addr.
func (c *Caller) reaches(addr netip.Addr) bool {
	return len(c.networks) == 0 || c.lists(addr)
}

// lists reports whether addr is in the key's list of networks.
func (c *Caller) lists(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	return slices.ContainsFunc(c.networks, func(n netip.Prefix) bool { return n.Contains(addr) })
}

func (c *Caller) ended() bool { return !c.end.IsZero() && !time.Now().Before(c.end) }

func (u *use) note(addr netip.Addr) {
	u.at.Store(time.Now().UnixNano())
	if old := u.address.Load(); old == nil || *old != addr {
		kept := addr // on the heap only where it is new
		u.address.Store(&kept)
	}
}

func addressText(addr netip.Addr) string {
	if !addr.IsValid() {
		return "unknown"
	}
	return addr.Unmap().String()
}
