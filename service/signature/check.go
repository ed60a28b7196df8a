package signature

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/wxsign/wxsign/service/pageurl"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/snapshot"
)

// Case is what somebody brings to have a signature checked.
type Case struct {
	AppID string // "" = the account whose domains match the page; a corp id counts for its agents there
	// Kind is the ticket that should have signed: "" = snapshot.KindJSAPI, for
	// wx.config; snapshot.KindAgentConfig for wx.agentConfig.
	Kind string
	Used
	Signed string // the URL that was signed, where that is known; "" = it is not
	Ticket string // of a pasted string to sign, to be compared and forgotten
}

// Hint is something about a case that is worth a word beside the verdict.
type Hint string

// The hints; the words are keys of texts in the panel.
const (
	HintForm        Hint = "form"         // the signature is not 40 hex digits
	HintFragment    Hint = "fragment"     // the page's URL has a # part, which was cut
	HintFuture      Hint = "future"       // the timestamp lies ahead
	HintBefore      Hint = "before"       // the live ticket is younger than the timestamp
	HintDomain      Hint = "domain"       // the page is on no domain of the account
	HintURL         Hint = "url"          // the page's URL would be refused
	HintSigned      Hint = "signed"       // another URL was signed than the page is open at
	HintTicketOther Hint = "ticket_other" // the pasted ticket is not the live one
	HintTicketLive  Hint = "ticket_live"  // the pasted ticket is the live one
	HintDisabled    Hint = "disabled"     // the account is disabled
)

// Hints lists all of them.
func Hints() []Hint {
	return []Hint{
		HintForm, HintFragment, HintFuture, HintBefore, HintDomain, HintURL, HintSigned, HintTicketOther, HintTicketLive, HintDisabled,
	}
}

// Finding is what a check came to.
type Finding struct {
	Explanation
	AppID        string // the account whose ticket was taken
	Kind         string // of the ticket
	Page         string // the URL that the verdict is about, without its fragment
	StringToSign string // with the ticket masked; "" where Timestamp is no number
	Version      int64  // of the ticket
	Fingerprint  string // of the ticket: first 8 hex digits of its SHA-256
	Issued       time.Time
	Expires      time.Time
	Hints        []Hint
	Difference   *Difference // between Signed and the page; nil where there is one URL only
}

// Checker explains signatures that pages have used. It is safe for concurrent use.
type Checker struct {
	signer Signer
}

// NewChecker makes a Checker of the options that a Signer takes.
func NewChecker(o Options) (*Checker, error) {
	signer, err := New(o)
	if err != nil {
		return nil, err
	}
	return &Checker{*signer}, nil
}

// Check says what a signature was made of. It fails with *pageurl.Error where the
// page's account is to be found by an URL that is none, or with one of this
// package's sentinels.
func (c *Checker) Check(of Case) (Finding, error) {
	if of.URL == "" {
		of.URL = of.Signed
	}
	view, err := c.account(of)
	if err != nil {
		return Finding{}, err
	}
	kind := kindOf(view, of.Kind)
	if kind == "" {
		return Finding{}, ErrTicketNotConfigured
	}
	now := c.signer.now()
	ticket, found := view.Credential(kind)
	if !found || !ticket.Live(now) {
		return Finding{}, &NotReady{RetryAfter: retryAfter(view, kind, now)}
	}
	page, _, _ := strings.Cut(of.URL, "#")
	f := Finding{
		Explanation: Explain(of.Used, ticket.Value, otherCredentials(view, kind, now)), AppID: view.Account.AppID, Kind: kind, Page: page,
		Version: ticket.Version, Fingerprint: ticket.Value.Fingerprint(),
		Issued: time.UnixMilli(ticket.IssuedAt), Expires: time.UnixMilli(ticket.ExpiresAt),
		Hints: hints(of, view, ticket, now),
	}
	if seconds, err := strconv.ParseInt(of.Timestamp, 10, 64); err == nil {
		f.StringToSign = StringToSign(of.NonceStr, seconds, page)
	}
	f.tryOther(of, ticket.Value)
	if signed := f.signed(of); signed != "" && signed != of.URL {
		difference := Compare(signed, of.URL)
		f.Difference = &difference
	}
	return f, nil
}

// tryOther finds a signature that is right, but for another URL than the page's.
func (f *Finding) tryOther(of Case, ticket secret.Secret) {
	if f.Cause != CauseUnknown || of.Signed == "" {
		return
	}
	other := of.Used
	other.URL = of.Signed
	if e := Explain(other, ticket, nil); e.Right {
		f.Cause, f.Signed = CauseOtherURL, e.Signed
		f.Mistake = "The signature is right, but for another URL than the page is open at. WeChat verifies the page's own: sign location.href of that very page."
	}
}

// signed is the URL that was signed: what the hash proves before what was said.
func (f *Finding) signed(of Case) string {
	if f.Signed != "" && !f.Right {
		return f.Signed
	}
	return of.Signed
}

// account finds whose ticket to take. Unlike for a signature, the page need not be
// on a domain of an account that was named.
func (c *Checker) account(of Case) (*snapshot.View, error) {
	if of.AppID == "" {
		_, view, err := c.signer.resolve(Request{URL: of.URL, Exact: true})
		return view, err
	}
	if view, found := c.signer.accounts.Lookup(of.AppID); found {
		return view, nil
	}
	if view := c.agentOf(of); view != nil {
		return view, nil
	}
	return nil, ErrAccountUnknown
}

// agentOf finds the agent of a corp whose page it is, nil where there is none: the
// appId of wx.config is the corp's (企业微信: 使用JS-SDK).
func (c *Checker) agentOf(of Case) *snapshot.View {
	u, err := pageurl.ParseExact(of.URL)
	if err != nil {
		return nil
	}
	for view := range c.signer.accounts.Serving(u) {
		if corpID, _, is := view.Account.Agent(); is && corpID == of.AppID && view.Account.Serves(u) {
			return view
		}
	}
	return nil
}

// otherCredentials are the live ones that are mistaken for the ticket of a kind.
func otherCredentials(view *snapshot.View, wanted string, now time.Time) map[string]secret.Secret {
	others := map[string]secret.Secret{}
	for _, kind := range append([]string{snapshot.KindAccessToken}, view.Account.Tickets...) {
		if c, found := view.Credential(kind); found && c.Live(now) && kind != wanted {
			others[kind] = c.Value
		}
	}
	return others
}

// ahead is how far clocks of page servers may be wrong without a word.
const ahead = 10 * time.Minute

func hints(of Case, view *snapshot.View, ticket snapshot.Credential, now time.Time) []Hint {
	var all []Hint
	note := func(is bool, hint Hint) {
		if is {
			all = append(all, hint)
		}
	}
	note(!view.Account.Enabled, HintDisabled)
	note(!isSignature(of.Signature), HintForm)
	note(strings.Contains(of.URL, "#"), HintFragment)
	note(of.Signed != "" && of.Signed != of.URL, HintSigned)
	u, err := pageurl.ParseExact(of.URL)
	note(err != nil, HintURL)
	note(err == nil && !view.Account.Serves(u), HintDomain)
	if seconds, err := strconv.ParseInt(of.Timestamp, 10, 64); err == nil && seconds < 1e11 { // else milliseconds
		at := time.Unix(seconds, 0)
		note(at.After(now.Add(ahead)), HintFuture)
		note(at.UnixMilli()+ahead.Milliseconds() < ticket.IssuedAt, HintBefore)
	}
	note(of.Ticket != "" && of.Ticket == ticket.Value.Reveal(), HintTicketLive)
	note(of.Ticket != "" && of.Ticket != ticket.Value.Reveal(), HintTicketOther)
	return all
}

func isSignature(text string) bool {
	text = strings.TrimSpace(text)
	const length = 40
	return len(text) == length && strings.Trim(strings.ToLower(text), "0123456789abcdef") == ""
}

// ErrNothingToCheck says that a pasted text has nothing of a signature in it.
var ErrNothingToCheck = errors.New("there is no signature in the text")
