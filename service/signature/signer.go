package signature

import (
	"context"
	"errors"
	"time"

	"github.com/wxsign/wxsign/service/pageurl"
	"github.com/wxsign/wxsign/service/snapshot"
)

// The reasons not to sign, beside those of package pageurl. Every one of them
// is safe to show to the page that asked.
var (
	ErrAccountUnknown      = errors.New("no account has this app_id")
	ErrAccountDisabled     = errors.New("the account is disabled")
	ErrAccountAmbiguous    = errors.New("several accounts serve this page")
	ErrDomainNotAllowed    = errors.New("the page is not on a domain of the account")
	ErrProfileUnknown      = errors.New("the account has no profile of this name")
	ErrTicketNotConfigured = errors.New("the account keeps no ticket of this kind")
	ErrTicketNotReady      = errors.New("there is no live ticket at the moment")
)

// DefaultProfile is used where a request names none. Every account has it.
const DefaultProfile = "default"

// Signer answers signing requests. It is safe for concurrent use.
type Signer struct {
	accounts *snapshot.Table
	now      func() time.Time
}

// Options of New. Zero fields mean: Now = time.Now.
type Options struct {
	Accounts *snapshot.Table
	Now      func() time.Time
}

// New makes a Signer.
func New(o Options) (*Signer, error) {
	if o.Accounts == nil {
		return nil, errors.New("signature: Accounts is missing")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Signer{accounts: o.Accounts, now: o.Now}, nil
}

// Request is what a page asks for.
type Request struct {
	URL     string // percent-decoded once, fragment allowed
	AppID   string // "" = the account whose domains match
	Profile string // "" = DefaultProfile
	Kind    string // "" = snapshot.KindJSAPI
	Exact   bool   // the caller vouches that URL is location.href
}

// Config is a signed page. Answer is what to encode as JSON; for wx.config that
// is the Config itself.
type Config struct {
	AppID       string   `json:"appId"`
	Timestamp   int64    `json:"timestamp"` // Unix seconds
	NonceStr    string   `json:"nonceStr"`
	Signature   string   `json:"signature"`
	URL         string   `json:"url"` // what was signed
	JSAPIList   []string `json:"jsApiList"`
	OpenTagList []string `json:"openTagList"`
	Debug       bool     `json:"debug"`
	Beta        bool     `json:"beta,omitempty"` // of WeCom

	Account string `json:"-"` // whose ticket signed
	Kind    string `json:"-"` // of that ticket
	AgentID string `json:"-"` // of WeCom
}

// Config signs the page. Errors are *pageurl.Error or wrap one of this
// package's sentinels; it never signs with an expired ticket.
func (s *Signer) Config(req Request) (Config, error) {
	u, view, err := s.resolve(req)
	if err != nil {
		return Config{}, err
	}
	profile, err := profileOf(view, req.Profile)
	if err != nil {
		return Config{}, err
	}
	kind := kindOf(view, req.Kind)
	if kind == "" {
		return Config{}, ErrTicketNotConfigured
	}
	now := s.now()
	ticket, found := view.Credential(kind)
	if !found || !ticket.Live(now) {
		return Config{}, &NotReady{RetryAfter: retryAfter(view, kind, now)}
	}
	timestamp := now.Unix()
	nonce, signature := signNew(ticket.Value, timestamp, u.Signed())
	return Config{
		AppID:       view.Account.AppID,
		Account:     view.Account.AppID,
		Kind:        kind,
		Timestamp:   timestamp,
		NonceStr:    nonce,
		Signature:   signature,
		URL:         u.Signed(),
		JSAPIList:   profile.JSAPIList,
		OpenTagList: profile.OpenTagList,
		Debug:       profile.Debug,
	}.ofWeCom(&view.Account), nil
}

// NotReady says that no live ticket is there and when to ask again. It is an
// ErrTicketNotReady.
type NotReady struct{ RetryAfter time.Duration } //nolint:errname // it is a word to the caller first

// Error implements error.
func (e *NotReady) Error() string { return ErrTicketNotReady.Error() }

// Unwrap makes it an ErrTicketNotReady.
func (e *NotReady) Unwrap() error { return ErrTicketNotReady }

// maxWait is how far away the keeper's next try may be for a page to wait.
const maxWait = 2 * time.Second

// AwaitConfig is Config for a caller who can wait until ctx ends: where the
// ticket is not ready, it tries again after each change of the account. It
// waits only where a renewal may be on its way, not where the keeper has
// already been told to come back much later.
func (s *Signer) AwaitConfig(ctx context.Context, req Request) (Config, error) {
	for {
		_, view, err := s.resolve(req)
		if err != nil {
			return Config{}, err
		}
		config, err := s.Config(req)
		var notReady *NotReady
		if !errors.As(err, &notReady) || notReady.RetryAfter > maxWait {
			return config, err
		}
		select {
		case <-view.Replaced():
		case <-ctx.Done():
			return Config{}, err
		}
	}
}

// retryAfter is how long a caller whose ticket is not ready does best to wait.
// A token that fails to renew but still lives does not hold a ticket up.
func retryAfter(view *snapshot.View, ticket string, now time.Time) time.Duration {
	wait := time.Second
	for _, kind := range []string{snapshot.KindAccessToken, ticket} {
		if held, found := view.Credential(kind); found && held.Live(now) {
			continue
		}
		if trouble := view.Trouble(kind); trouble.Failing > 0 {
			wait = max(wait, trouble.NextTry.Sub(now))
		}
	}
	return wait
}

// AllowsOrigin reports whether any account serves pages of this origin: the
// value of an Origin header.
func (s *Signer) AllowsOrigin(origin string) bool {
	u, err := pageurl.ParseExact(origin)
	if err != nil || u.Origin() != origin {
		return false
	}
	for view := range s.accounts.Serving(u) {
		if view.Account.ServesOrigin(u) {
			return true
		}
	}
	return false
}
