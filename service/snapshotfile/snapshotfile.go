// Package snapshotfile keeps what this process serves in a sealed file of this
// machine, so that a start while the database is away can go on serving it.
//
//	snapshotfile.go  what is in the file; New
//	stamp.go         how long ago it was written, whatever became of the clocks
//	form.go          what it looks like: a line of text, then one envelope
//	disk.go          writing without a moment of half a file; what is refused
//	writer.go        the background job
//
// The file is a copy: nothing is ever decided by it, no call to WeChat is made
// because of it, and the database's rows replace it as soon as they can be
// read. It holds access_tokens and tickets, sealed by the master key like the
// rows; of API keys only what the database has, too: their SHA-256. It holds no
// AppSecret.
//
// The danger of such a file is that a value is served after its end, for nobody
// who reads a file knows what time it is: the machine's clock may be wrong just
// after it was started. See Stamp for what is believed.
package snapshotfile

import (
	"errors"
	"time"

	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/snapshot"
)

// Content is what a file holds.
type Content struct {
	Served []snapshot.Kept
	Keys   []Key
	// Written is when, by the clock of the machine that wrote it; for people. It
	// is set by Read.
	Written time.Time
}

// Values is the number of credentials in it.
func (c *Content) Values() (n int) {
	for i := range c.Served {
		n += len(c.Served[i].Credentials)
	}
	return n
}

// Key is a live API key without the key itself.
type Key struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Hash     string   `json:"hash"` // SHA-256, lower-case hex
	Scopes   []string `json:"scopes"`
	Accounts []string `json:"accounts"`
	Networks []string `json:"networks,omitempty"`
	// End is the key's end on this process's monotonic clock; zero = none.
	End time.Time `json:"-"`
}

// Options of New. Path and Keyring are required; a nil Clock is this machine's.
type Options struct {
	Path    string
	Keyring *secret.Keyring
	Clock   func() Stamp
}

// File is a snapshot file that may or may not be there.
type File struct {
	path  string
	ring  *secret.Keyring
	clock func() Stamp
}

// New touches nothing.
func New(o Options) (*File, error) {
	if o.Path == "" || o.Keyring == nil {
		return nil, errors.New("snapshotfile: Path and Keyring are required")
	}
	if o.Clock == nil {
		o.Clock = Now
	}
	return &File{path: o.Path, ring: o.Keyring, clock: o.Clock}, nil
}
