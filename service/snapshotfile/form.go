package snapshotfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/wxsign/wxsign/service/pageurl"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/snapshot"
)

var (
	// ErrDamaged says that the file is none of ours, or not whole.
	ErrDamaged = errors.New("the snapshot file is damaged")
	// ErrOtherKey says that no master key here opens the file.
	ErrOtherKey = errors.New("the snapshot file was sealed with another master key")
	// ErrNewer says that a later wxsign has written the file.
	ErrNewer = errors.New("the snapshot file was written by a newer wxsign")
)

// The first line of a file, and the number of its form. A form that an older
// wxsign would misread gets the next number.
const (
	magic = "wxsign snapshot "
	form  = 1
)

// sealedFor is the place that the envelope is bound to; it ends in the form.
const sealedFor = "snapshot file|1"

// document is the sealed part. Lives are what was left when it was written, in
// milliseconds.
type document struct {
	WrittenMs int64           `json:"written_ms"`
	Boot      string          `json:"boot,omitempty"`
	UptimeMs  int64           `json:"uptime_ms,omitempty"`
	Synced    bool            `json:"synced,omitempty"`
	Accounts  []accountRecord `json:"accounts"`
	Keys      []keyRecord     `json:"keys,omitempty"`
}

type accountRecord struct {
	AppID       string                      `json:"app_id"`
	Name        string                      `json:"name"`
	Platform    string                      `json:"platform"`
	Classic     bool                        `json:"classic,omitempty"`
	Enabled     bool                        `json:"enabled"`
	Domains     []string                    `json:"domains"`
	AllowHTTP   bool                        `json:"allow_http,omitempty"`
	Profiles    map[string]snapshot.Profile `json:"profiles"`
	Tickets     []string                    `json:"tickets"`
	Rev         int64                       `json:"rev"`
	Credentials []credentialRecord          `json:"credentials"`
}

type credentialRecord struct {
	Kind      string `json:"kind"`
	Value     string `json:"value"`
	Version   int64  `json:"version"`
	PublishID string `json:"publish_id"`
	IssuedAt  int64  `json:"issued_at"`
	ExpiresAt int64  `json:"expires_at"`
	LeftMs    int64  `json:"left_ms"`
}

type keyRecord struct {
	Key
	LeftMs *int64 `json:"left_ms,omitempty"` // nil = no end
}

// encode writes content down. at was read before now, and now after the content
// was collected: so no life can come out too long.
func encode(c *Content, at Stamp, now time.Time, ring *secret.Keyring) ([]byte, error) {
	d := document{
		WrittenMs: at.Wall.UnixMilli(), Boot: at.Boot, UptimeMs: at.Uptime.Milliseconds(), Synced: at.Synced,
		Accounts: []accountRecord{},
	}
	for i := range c.Served {
		d.Accounts = append(d.Accounts, record(&c.Served[i], now))
	}
	for _, key := range c.Keys {
		r := keyRecord{Key: key}
		if !key.End.IsZero() {
			left := key.End.Sub(now).Milliseconds()
			r.LeftMs = &left
		}
		d.Keys = append(d.Keys, r)
	}
	text, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("write down the snapshot: %w", err)
	}
	return append([]byte(magic+strconv.Itoa(form)+"\n"), ring.Seal(secret.New(string(text)), sealedFor)...), nil
}

func record(kept *snapshot.Kept, now time.Time) accountRecord {
	a := &kept.Account
	r := accountRecord{
		AppID: a.AppID, Name: a.Name, Platform: a.Platform, Classic: a.Classic, Enabled: a.Enabled, Domains: []string{}, AllowHTTP: a.AllowHTTP,
		Profiles: a.Profiles, Tickets: a.Tickets, Rev: a.Rev, Credentials: []credentialRecord{},
	}
	for _, p := range a.Domains {
		r.Domains = append(r.Domains, p.String())
	}
	for _, c := range kept.Credentials {
		r.Credentials = append(r.Credentials, credentialRecord{
			Kind: c.Kind, Value: c.Value.Reveal(), Version: c.Version, PublishID: c.PublishID,
			IssuedAt: c.IssuedAt, ExpiresAt: c.ExpiresAt, LeftMs: c.Deadline.Sub(now).Milliseconds(),
		})
	}
	return r
}

// decode reads a file at the instant now, which is at by the clocks: read after
// now, so no life can come out too long. What has ended is left out.
func decode(raw []byte, at Stamp, now time.Time, ring *secret.Keyring) (Content, error) {
	d, err := open(raw, ring)
	if err != nil {
		return Content{}, err
	}
	written := Stamp{Wall: time.UnixMilli(d.WrittenMs), Boot: d.Boot, Uptime: time.Duration(d.UptimeMs) * time.Millisecond, Synced: d.Synced}
	passed, err := at.since(written)
	if err != nil {
		return Content{}, err
	}
	c := Content{Written: written.Wall}
	for i := range d.Accounts {
		kept, err := d.Accounts[i].kept(now.Add(-passed), now)
		if err != nil {
			return Content{}, fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		c.Served = append(c.Served, kept)
	}
	for _, r := range d.Keys {
		if r.LeftMs != nil {
			r.End = now.Add(-passed).Add(time.Duration(*r.LeftMs) * time.Millisecond)
			if !now.Before(r.End) {
				continue
			}
		}
		c.Keys = append(c.Keys, r.Key)
	}
	return c, nil
}

// open takes the envelope off.
func open(raw []byte, ring *secret.Keyring) (d document, err error) {
	line, envelope, found := bytes.Cut(raw, []byte("\n"))
	number, ours := bytes.CutPrefix(line, []byte(magic))
	n, err := strconv.Atoi(string(number))
	switch {
	case !found || !ours || err != nil || n < form:
		return d, fmt.Errorf("%w: it does not begin like one", ErrDamaged)
	case n > form:
		return d, fmt.Errorf("%w: its form is %d, this one knows %d", ErrNewer, n, form)
	}
	text, err := ring.Open(envelope, sealedFor)
	switch {
	case errors.Is(err, secret.ErrNoKey):
		return d, fmt.Errorf("%w: %w", ErrOtherKey, err)
	case err != nil:
		return d, fmt.Errorf("%w: what it holds was changed or cut", ErrDamaged)
	}
	if err := json.Unmarshal([]byte(text.Reveal()), &d); err != nil {
		return d, fmt.Errorf("%w: what it holds cannot be read", ErrDamaged) // the error might quote it
	}
	return d, nil
}

// kept is the record with its lives on this process's clock.
func (r *accountRecord) kept(written, now time.Time) (snapshot.Kept, error) {
	kept := snapshot.Kept{Account: snapshot.Account{
		AppID: r.AppID, Name: r.Name, Platform: r.Platform, Classic: r.Classic, Enabled: r.Enabled, AllowHTTP: r.AllowHTTP,
		Profiles: r.Profiles, Tickets: r.Tickets, Rev: r.Rev,
	}}
	for _, text := range r.Domains {
		p, err := pageurl.ParsePattern(text)
		if err != nil {
			return kept, fmt.Errorf("account %s: %w", r.AppID, err)
		}
		kept.Account.Domains = append(kept.Account.Domains, p)
	}
	for _, c := range r.Credentials {
		credential := snapshot.Credential{
			Kind: c.Kind, Value: secret.New(c.Value), Version: c.Version, PublishID: c.PublishID,
			IssuedAt: c.IssuedAt, ExpiresAt: c.ExpiresAt, Deadline: written.Add(time.Duration(c.LeftMs) * time.Millisecond),
		}
		if credential.Live(now) {
			kept.Credentials = append(kept.Credentials, credential)
		}
	}
	return kept, nil
}
