package apikey

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/audit"
	"github.com/wxsign/wxsign/service/secret"
)

// What the audit log says.
const (
	ActionCreate audit.Action = "create_key"
	ActionRevoke audit.Action = "revoke_key"
)

var (
	// ErrTwoLive says that a name has its two live keys already.
	ErrTwoLive = errors.New("there are two live keys of this name already: revoke the one that is no longer used")
	// ErrUnknown says that there is no live key of this id.
	ErrUnknown = errors.New("there is no key of this id that could be revoked")
)

// Actor is who makes or revokes a key.
type Actor struct {
	Name      string // a person, or audit.ActorCommandLine
	Address   string // "" = on this machine
	RequestID string
}

// Key is a key as people see it: all but the key itself.
type Key struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	State       string    `json:"state"` // live, expired or revoked
	Scopes      []string  `json:"scopes"`
	Accounts    []string  `json:"accounts"`
	CIDRs       []string  `json:"cidrs"`
	Created     time.Time `json:"created"`
	CreatedBy   string    `json:"created_by"`
	Expires     time.Time `json:"expires,omitzero"`
	Revoked     time.Time `json:"revoked,omitzero"`
	Used        time.Time `json:"used,omitzero"` // last, exact to a minute
	UsedAddress string    `json:"used_address,omitempty"`
}

// The states of a Key.
const (
	StateLive    = "live"
	StateExpired = "expired"
	StateRevoked = "revoked"
)

// Create makes a key and returns it with its id. It is not to be had again. It
// fails with ErrDraft or ErrTwoLive, and where the audit log cannot be written.
func (k *Keys) Create(ctx context.Context, d Draft, by Actor) (id string, key secret.Secret, err error) {
	if d, err = d.checked(); err != nil {
		return "", secret.Secret{}, err
	}
	key = newKey()
	row := model.APIKey{
		ID: newID(), Name: d.Name, KeyHash: key.Hash(), Scopes: d.Scopes, Accounts: d.Accounts, CIDRs: d.CIDRs, CreatedBy: by.Name,
	}
	target := row.ID + " " + row.Name + " " + strings.Join(d.Scopes, ",") + " " + strings.Join(d.Accounts, ",")
	if err = k.record(ctx, by, ActionCreate, target); err != nil {
		return "", secret.Secret{}, err
	}
	err = k.store.AddAPIKey(ctx, row, d.Life.Milliseconds())
	if errors.Is(err, model.ErrDuplicate) {
		err = ErrTwoLive
	}
	if err != nil {
		return "", secret.Secret{}, err
	}
	return row.ID, key, nil
}

// List is all keys there ever were, by name, the newest of a name first.
func (k *Keys) List(ctx context.Context) ([]Key, error) {
	rows, nowMs, err := k.store.APIKeys(ctx)
	if err != nil {
		return nil, err
	}
	keys := make([]Key, 0, len(rows))
	for _, row := range rows {
		keys = append(keys, Key{
			ID: row.ID, Name: row.Name, State: stateOf(row, nowMs), Scopes: row.Scopes, Accounts: row.Accounts, CIDRs: row.CIDRs,
			Created: instant(row.CreatedMs), CreatedBy: row.CreatedBy, Expires: instant(row.ExpiresMs),
			Revoked: instant(row.RevokedMs), Used: instant(row.UsedMs), UsedAddress: row.UsedAddress,
		})
	}
	return keys, nil
}

// Revoke ends a key for good: here at once, on other replicas within a second.
// It fails with ErrUnknown, and where the audit log cannot be written.
func (k *Keys) Revoke(ctx context.Context, id string, by Actor) error {
	if err := k.record(ctx, by, ActionRevoke, id); err != nil {
		return err
	}
	if err := k.begin(ctx); err != nil {
		return err
	}
	defer k.end()
	revoked, err := k.store.RevokeAPIKey(ctx, id)
	if err != nil {
		return err
	}
	k.live.Store(k.live.Load().without(id))
	if !revoked {
		return fmt.Errorf("%w: %s", ErrUnknown, id)
	}
	return nil
}

func (k *Keys) record(ctx context.Context, by Actor, action audit.Action, target string) error {
	return k.audit.Record(ctx, audit.Entry{
		Actor: by.Name, Address: by.Address, Action: action, Target: target, RequestID: by.RequestID,
	})
}

func stateOf(row model.APIKey, nowMs int64) string {
	switch {
	case row.RevokedMs > 0:
		return StateRevoked
	case row.ExpiresMs > 0 && row.ExpiresMs <= nowMs:
		return StateExpired
	}
	return StateLive
}

// instant is a database time in UTC; 0 is no time.
func instant(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// newID names a key for people: 10 characters that are easy to read aloud.
func newID() string { return strings.ToLower(rand.Text()[:10]) }
