// Package qa takes in the verdicts that the demo share page reaches on people's
// phones, and what pages with the page helper say of their failures, so that the
// panel can show them.
//
// The routes are public, so a report is believed only as far as this: the demo's
// comes from a page that this server showed less than NonceLife ago, for that
// account; a page's from one that the account would sign, which handler has
// found out. The oldest reports give way to the newest.
package qa

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/wxsign/wxsign/model"
)

// Keep is how many reports of an account are kept: so many of the demo page, and
// so many that pages have sent about themselves.
const Keep = 1000

// MaxBody is the longest report as it travels, in bytes.
const MaxBody = 4 << 10

// The two verdicts of the demo page.
const (
	VerdictOK     = "ok"
	VerdictFailed = "failed"
)

// Longest fields, in bytes; the columns are no narrower.
const (
	maxProfile   = 64
	maxClient    = 32 - len(pageClient)
	maxPageURL   = 2048
	maxUserAgent = 512
	maxDetail    = 2048
)

var (
	// ErrNonceInvalid says that a report carries no nonce of this server, an old
	// one, or another account's.
	ErrNonceInvalid = errors.New("the report's nonce is unknown or older than 10 minutes")
	// ErrReportInvalid says that a field of a report is missing, too long or not
	// one of the known words.
	ErrReportInvalid = errors.New("the report is not complete")
)

// Store keeps reports. *model.Store is one.
type Store interface {
	AddQAReport(ctx context.Context, r model.QAReport, keep int) error
}

// Options says where reports go and how their nonces are made.
type Options struct {
	Store Store
	// Key makes nonces: 32 bytes or more, the same on every replica.
	Key []byte
	// Now is the clock of nonces; default time.Now.
	Now func() time.Time
}

// Desk hands out nonces and takes in reports. It is safe for concurrent use.
type Desk struct {
	store Store
	key   []byte
	now   func() time.Time
}

// New checks the options.
func New(o Options) (*Desk, error) {
	if o.Store == nil {
		return nil, errors.New("qa: a Store is needed")
	}
	if len(o.Key) < minKeySize {
		return nil, fmt.Errorf("qa: the key has %d bytes, %d are needed", len(o.Key), minKeySize)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Desk{store: o.Store, key: o.Key, now: o.Now}, nil
}

// Report is what a page says.
type Report struct {
	Nonce     string // of the demo page
	AppID     string
	Profile   string
	PageURL   string
	UserAgent string // from the request's header, not from the page
	Client    string // android, ios, desktop, …
	Verdict   string // VerdictOK or VerdictFailed
	Detail    string // JSON text of the page: errMsg, urls, milliseconds
}

// File stores the report of a demo page. It fails with ErrReportInvalid,
// ErrNonceInvalid or the store's error.
func (d *Desk) File(ctx context.Context, r Report) error {
	if err := r.check(); err != nil {
		return err
	}
	if !d.validNonce(r.Nonce, r.AppID) {
		return ErrNonceInvalid
	}
	return d.add(ctx, r)
}

// pageClient marks the client of a report that came from a page, for people and
// for the panel's filter: the demo page says "ios", a page "page ios".
const pageClient = model.PageClient

// FilePage stores the report of a page that the caller knows to be the
// account's; Nonce is not looked at. It fails with ErrReportInvalid or the
// store's error.
func (d *Desk) FilePage(ctx context.Context, r Report) error {
	if err := r.check(); err != nil {
		return err
	}
	r.Client = pageClient + r.Client
	return d.add(ctx, r)
}

func (d *Desk) add(ctx context.Context, r Report) error {
	row := model.QAReport{
		AppID: r.AppID, Profile: r.Profile, PageURL: r.PageURL, UserAgent: cut(r.UserAgent, maxUserAgent),
		Client: r.Client, Verdict: r.Verdict, Detail: r.Detail,
	}
	if err := d.store.AddQAReport(ctx, row, Keep); err != nil {
		return fmt.Errorf("file QA report of %s: %w", r.AppID, err)
	}
	return nil
}

func (r Report) check() error {
	if r.Verdict != VerdictOK && r.Verdict != VerdictFailed {
		return fmt.Errorf("%w: verdict is %q or %q", ErrReportInvalid, VerdictOK, VerdictFailed)
	}
	for _, field := range []struct {
		name, value string
		limit       int
	}{
		{"profile", r.Profile, maxProfile},
		{"client", r.Client, maxClient},
		{"page_url", r.PageURL, maxPageURL},
		{"detail", r.Detail, maxDetail},
	} {
		if len(field.value) > field.limit {
			return fmt.Errorf("%w: %s is longer than %d bytes", ErrReportInvalid, field.name, field.limit)
		}
		if !utf8.ValidString(field.value) {
			return fmt.Errorf("%w: %s is not UTF-8", ErrReportInvalid, field.name)
		}
	}
	if r.PageURL == "" || r.Client == "" {
		return fmt.Errorf("%w: page_url and client are needed", ErrReportInvalid)
	}
	return nil
}

// cut shortens a header, which a client may make as long as it likes, to whole
// UTF-8 characters.
func cut(s string, limit int) string {
	s = strings.ToValidUTF8(s, "�")
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}
