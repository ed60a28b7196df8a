package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"github.com/wxsign/wxsign/service/audit"
)

// ErrNoSuchSession says that a session to be ended is not there any more.
var ErrNoSuchSession = errors.New("this session has ended already")

// Device is a session as the list of sessions shows it.
type Device struct {
	ID        string // names the session in forms; opens nothing
	Address   string
	UserAgent string
	Began     time.Time
	Seen      time.Time
	Ends      time.Time // unless it is used before, and at the latest
	This      bool      // is the session that looks at the list
}

// Sessions lists the sessions of a person that are alive: first looking, the one
// that asks, if it is theirs, then the one used last.
func (a *Auth) Sessions(ctx context.Context, looking Session, name string) ([]Device, error) {
	rows, _, err := a.store.SessionsOf(ctx, name)
	if err != nil {
		return nil, err
	}
	devices := make([]Device, 0, len(rows))
	for _, row := range rows {
		devices = append(devices, Device{
			ID: sessionID(row.TokenHash), Address: row.Address, UserAgent: row.UserAgent, Began: time.UnixMilli(row.CreatedMs),
			Seen: time.UnixMilli(row.SeenMs), Ends: time.UnixMilli(row.IdleMs), This: row.TokenHash == looking.row.TokenHash,
		})
	}
	slices.SortStableFunc(devices, func(a, b Device) int {
		switch {
		case a.This == b.This:
			return 0
		case a.This:
			return -1
		}
		return 1
	})
	return devices, nil
}

// EndSession ends one session of a person. It fails with ErrNoSuchSession or the
// database's error.
func (a *Auth) EndSession(ctx context.Context, by Session, v Visit, name, id string) error {
	rows, _, err := a.store.SessionsOf(ctx, name)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if sessionID(row.TokenHash) != id {
			continue
		}
		if err := a.record(ctx, by, v, audit.EndSession, name); err != nil {
			return err
		}
		return a.store.DeleteSession(ctx, row.TokenHash)
	}
	return ErrNoSuchSession
}

// EndSessions ends all sessions of a person, that of by among them if it is
// theirs.
func (a *Auth) EndSessions(ctx context.Context, by Session, v Visit, name string) error {
	if err := a.record(ctx, by, v, audit.EndSessions, name); err != nil {
		return err
	}
	return a.store.EndSessions(ctx, name)
}

// EndOthers ends all sessions of the person of by, however they began, and begins
// a new one in place of by, whose cookie it returns.
func (a *Auth) EndOthers(ctx context.Context, by Session, v Visit) (string, error) {
	if err := a.EndSessions(ctx, by, v, by.Person.Name); err != nil {
		return "", err
	}
	person, _, err := a.store.PersonNamed(ctx, by.Person.Name)
	if err != nil {
		return "", err
	}
	// Whoever changed the person at this very moment has the last word: the epoch
	// is then another than the one that this session leads to.
	if !person.Enabled || person.ID != by.row.PersonID || person.Epoch != by.row.Epoch+1 {
		return "", ErrNoSession
	}
	return a.begin(ctx, person, v)
}

// sessionID names a session without its hash, which is nobody's business.
func sessionID(tokenHash string) string {
	const length = 12 // bytes
	sum := sha256.Sum256([]byte("wxsign session " + tokenHash))
	return hex.EncodeToString(sum[:length])
}
