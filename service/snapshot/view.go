// Package snapshot is what this process may serve right now: for each account
// its configuration and its live credentials, in memory.
//
// A View never changes; a change makes a new View and swaps a pointer. Readers
// take no lock, open no connection and never see half of a change. Writers are
// the keeper's goroutines; Table orders them.
package snapshot

import (
	"slices"
	"time"

	"github.com/wxsign/wxsign/service/pageurl"
	"github.com/wxsign/wxsign/service/secret"
)

// The kinds of credential. They are the names in the database, in logs, in the
// HTTP API and in the panel.
const (
	KindAccessToken = "access_token"
	KindJSAPI       = "jsapi"
	KindWXCard      = "wx_card"
)

// Credential is a token or a ticket with its version and expiry.
type Credential struct {
	Kind      string
	Value     secret.Secret
	Version   int64  // +1 per publish
	PublishID string // random per publish; the identity of this publish
	IssuedAt  int64  // database clock, Unix milliseconds
	ExpiresAt int64  // database clock, Unix milliseconds
	// Deadline is ExpiresAt on this process's monotonic clock. It was computed
	// from the moment before the row was read, so it can only be early.
	Deadline time.Time
}

// Live reports whether the credential may be used at now, which must carry a
// monotonic reading (time.Now does).
func (c Credential) Live(now time.Time) bool {
	return !c.Value.IsZero() && now.Before(c.Deadline)
}

// Profile is a named set of what a page may use; it goes into wx.config.
type Profile struct {
	JSAPIList   []string
	OpenTagList []string
	Debug       bool
}

// Account is the part of an account's configuration that serving needs.
type Account struct {
	AppID     string
	Name      string
	Platform  string
	Classic   bool // a new access_token ends the one before, five minutes later
	Enabled   bool
	AllowHTTP bool
	Domains   []pageurl.Pattern
	Profiles  map[string]Profile
	Tickets   []string // kinds of ticket that are kept for it
	Rev       int64    // config_rev of the row this was read from
}

// Serves reports whether a page at u belongs to the account.
func (a *Account) Serves(u pageurl.URL) bool {
	for _, p := range a.Domains {
		if p.Match(u, a.AllowHTTP) {
			return true
		}
	}
	return false
}

// ServesOrigin is Serves without the path, for the Origin header.
func (a *Account) ServesOrigin(origin pageurl.URL) bool {
	for _, p := range a.Domains {
		if p.MatchOrigin(origin, a.AllowHTTP) {
			return true
		}
	}
	return false
}

// Trouble is why the newest attempt at a credential failed. The zero value
// means that it did not.
type Trouble struct {
	Errcode int       // WeChat's errcode, 0 where there was none
	Text    string    // what happened, for administrators
	Failing int       // attempts failed in a row
	NextTry time.Time // this process's clock
}

// View is one account as it may be served. It never changes after it was
// published; do not write to what it holds.
type View struct {
	Account     Account
	credentials []Credential
	troubles    map[string]Trouble
	replaced    moment
}

// Credential returns the credential of a kind, live or not, and whether there
// is one.
func (v *View) Credential(kind string) (Credential, bool) {
	for i := range v.credentials {
		if v.credentials[i].Kind == kind {
			return v.credentials[i], true
		}
	}
	return Credential{}, false
}

// Trouble returns why the newest attempt at a kind failed; the zero value
// where it did not.
func (v *View) Trouble(kind string) Trouble { return v.troubles[kind] }

// Failing reports whether the newest attempt at any credential of the account failed.
func (v *View) Failing() bool {
	failing := func(kind string) bool { return v.troubles[kind].Failing > 0 }
	return failing(KindAccessToken) || slices.ContainsFunc(v.Account.Tickets, failing)
}

// Replaced is closed when a newer View of the account has been published.
func (v *View) Replaced() <-chan struct{} { return v.replaced.wait() }

// Keeps reports whether tickets of this kind are kept for the account.
func (v *View) Keeps(kind string) bool {
	return kind == KindAccessToken || slices.Contains(v.Account.Tickets, kind)
}
