package auth

import (
	"context"
	"errors"
	"regexp"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/audit"
	"github.com/wxsign/wxsign/service/secret"
)

// oneTimeLife is how long a one-time password can be used.
const oneTimeLife = 24 * time.Hour

// FirstName is the administrator whom the first start makes.
const FirstName = "admin"

var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// ChangePassword gives the person of a session a password of their own choice,
// ends all of their sessions and begins a new one, whose cookie it returns.
// current is asked for unless the person has just come with a one-time
// password. It fails with ErrTooShort, ErrTooLong, ErrSame, ErrWrong (current),
// ErrBusy, *ThrottledError, ErrNoSession or the database's error.
func (a *Auth) ChangePassword(ctx context.Context, s Session, v Visit, current, chosen string) (string, error) {
	if err := checkNew(chosen); err != nil {
		return "", err
	}
	person := s.row.Person
	if !person.MustChange {
		if len(current) > maxPassword {
			return "", ErrWrong
		}
		if _, err := a.check(ctx, v, person.Name, current); err != nil {
			return "", err
		}
	}
	hash, err := a.hashNew(person, chosen)
	if err != nil {
		return "", err
	}
	err = a.audit.Record(ctx, audit.Entry{
		Actor: person.Name, Address: v.Address, Action: audit.ChangePassword, Target: person.Name, RequestID: v.RequestID,
	})
	if err != nil {
		return "", err
	}
	changed, err := a.store.SetPassword(ctx, person, hash)
	if err != nil {
		return "", err
	}
	if !changed {
		return "", ErrNoSession // another change was faster and has ended this session
	}
	if err := a.store.ForgetTries(ctx, hashOfName(person.Name), networkOf(v.Address)); err != nil {
		return "", err
	}
	person.Epoch++
	return a.begin(ctx, person, v)
}

// hashNew hashes the chosen password, unless it is the old one.
func (a *Auth) hashNew(person model.Person, chosen string) (string, error) {
	if !a.hashing.TryAcquire(1) {
		return "", ErrBusy
	}
	defer a.hashing.Release(1)
	if verify(person.PasswordHash, chosen) {
		return "", ErrSame
	}
	return hashPassword(chosen), nil
}

// ResetPassword gives the person a one-time password, valid for 24 hours, and
// returns it. Who is not there yet is made an administrator; the sessions of
// who is there end. It fails with ErrName or the database's error.
func (a *Auth) ResetPassword(ctx context.Context, name string) (secret.Secret, error) {
	name = NameOf(name)
	if !nameForm.MatchString(name) {
		return secret.Secret{}, ErrName
	}
	err := a.audit.Record(ctx, audit.Entry{Actor: audit.ActorCommandLine, Action: audit.ResetPassword, Target: name})
	if err != nil {
		return secret.Secret{}, err
	}
	password := newOneTimePassword()
	if err := a.store.ResetPassword(ctx, name, hashPassword(password), oneTimeLife.Milliseconds()); err != nil {
		return secret.Secret{}, err
	}
	return secret.New(password), a.store.ForgetTries(ctx, hashOfName(name), "")
}

// First is what a start finds out about the first administrator.
type First struct {
	// Password is the one-time password that was just made, to be shown once.
	Password secret.Secret
	// Locked says that nobody can sign in before an operator has reset a
	// password.
	Locked bool
}

// FirstStart makes the administrator FirstName where there is nobody yet. Only
// where the operator reads the log, show is true and there is a password to
// show; otherwise it stays locked until somebody resets it. Of several
// replicas that start at once, one makes the administrator.
func (a *Auth) FirstStart(ctx context.Context, show bool) (First, error) {
	exists, usable, err := a.store.AnyPerson(ctx)
	if err != nil || exists {
		return First{Locked: err == nil && !usable}, err
	}
	err = a.audit.Record(ctx, audit.Entry{Actor: audit.ActorProgram, Action: audit.FirstPerson, Target: FirstName})
	if err != nil {
		return First{}, err
	}
	first := First{Locked: !show}
	person := model.Person{Name: FirstName, Role: RoleAdmin, Enabled: true, MustChange: true}
	if show {
		first.Password = secret.New(newOneTimePassword())
		person.PasswordHash = hashPassword(first.Password.Reveal())
	}
	err = a.store.AddPerson(ctx, person, oneTimeLife.Milliseconds())
	if errors.Is(err, model.ErrDuplicate) {
		return First{Locked: !show}, nil // another replica was faster, and has told
	}
	if err != nil {
		return First{}, err
	}
	return first, nil
}
