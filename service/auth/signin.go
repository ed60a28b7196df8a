package auth

import (
	"context"
	"errors"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/audit"
)

// Visit is where a request comes from.
type Visit struct {
	Token     string // of the session that the browser sent, if any
	Address   string // of the client
	UserAgent string
	RequestID string
}

// maxName is the longest name, in bytes.
const maxName = 64

// SignIn checks name and password and begins a session; it returns the value
// of its cookie. It fails with ErrWrong, ErrExpired, ErrBusy, *ThrottledError
// or the database's error. An unknown name takes the same steps and the same
// time as a known one.
func (a *Auth) SignIn(ctx context.Context, v Visit, name, password string) (string, error) {
	name = NameOf(name)
	if len(name) > maxName || len(password) > maxPassword {
		return "", ErrWrong
	}
	person, err := a.check(ctx, v, name, password)
	if err != nil {
		return "", err
	}
	err = a.audit.Record(ctx, audit.Entry{
		Actor: person.Name, Address: v.Address, Action: audit.SignIn, Target: person.Name, RequestID: v.RequestID,
	})
	if err != nil {
		return "", err
	}
	if err := a.store.ForgetTries(ctx, hashOfName(name), networkOf(v.Address)); err != nil {
		return "", err
	}
	return a.begin(ctx, person, v)
}

// check finds the person whom name and password belong to.
func (a *Auth) check(ctx context.Context, v Visit, name, password string) (model.Person, error) {
	if !a.hashing.TryAcquire(1) {
		return model.Person{}, ErrBusy
	}
	defer a.hashing.Release(1)
	if err := a.takeTry(ctx, hashOfName(name), networkOf(v.Address)); err != nil {
		return model.Person{}, err
	}
	person, nowMs, err := a.store.PersonNamed(ctx, name)
	if err != nil && !errors.Is(err, model.ErrNotFound) {
		return model.Person{}, err
	}
	hash := person.PasswordHash
	if hash == "" {
		hash = a.nobody
	}
	switch fits := verify(hash, password); {
	case !fits || person.PasswordHash == "" || !person.Enabled:
		a.log.Warn("a sign-in to the panel failed", "client", v.Address, "request_id", v.RequestID)
		return model.Person{}, ErrWrong
	case person.PasswordUntilMs > 0 && person.PasswordUntilMs <= nowMs:
		return model.Person{}, ErrExpired
	}
	return person, nil
}

// SignOut ends a session at once, on all replicas.
func (a *Auth) SignOut(ctx context.Context, s Session, v Visit) error {
	err := a.audit.Record(ctx, audit.Entry{
		Actor: s.Person.Name, Address: v.Address, Action: audit.SignOut, Target: s.Person.Name, RequestID: v.RequestID,
	})
	if err != nil {
		return err
	}
	return a.store.DeleteSession(ctx, s.row.TokenHash)
}
