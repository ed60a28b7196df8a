package auth

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/audit"
	"github.com/wxsign/wxsign/service/secret"
)

var (
	// ErrNoPerson says that nobody has this name.
	ErrNoPerson = errors.New("nobody has this name")
	// ErrTaken refuses a name that somebody has.
	ErrTaken = errors.New("somebody has this name")
	// ErrRole refuses a role that is none.
	ErrRole = errors.New("a role is admin or viewer")
	// ErrLastAdmin refuses a change after which nobody could manage the panel.
	ErrLastAdmin = errors.New("this is the last administrator who may sign in")
)

// Roles lists the roles, the least first.
func Roles() []string { return []string{RoleViewer, RoleAdmin} }

// NameOf is the name that somebody means by what was typed.
func NameOf(typed string) string { return strings.ToLower(strings.TrimSpace(typed)) }

// Profile is a person as the list of people shows them.
type Profile struct {
	Name       string
	Role       string
	Enabled    bool
	MustChange bool      // has a one-time password and has not chosen one yet
	Until      time.Time // end of that one-time password; zero = there is none
	Expired    bool      // that end has passed
	Locked     bool      // has no password at all
	Created    time.Time
}

// PeoplePerPage is how many people a page has.
const PeoplePerPage = 100

// People reads the page of people whose name comes after the given one; next is
// where the page after it begins, "" at the end.
func (a *Auth) People(ctx context.Context, after string) (list []Profile, next string, err error) {
	rows, nowMs, err := a.store.People(ctx, after, PeoplePerPage+1)
	if err != nil {
		return nil, "", err
	}
	if len(rows) > PeoplePerPage {
		rows = rows[:PeoplePerPage]
		next = rows[PeoplePerPage-1].Name
	}
	for _, row := range rows {
		list = append(list, profileOf(row, nowMs))
	}
	return list, next, nil
}

// Profile reads one person, or fails with ErrNoPerson.
func (a *Auth) Profile(ctx context.Context, name string) (Profile, error) {
	row, nowMs, err := a.store.PersonNamed(ctx, name)
	if errors.Is(err, model.ErrNotFound) {
		return Profile{}, ErrNoPerson
	}
	return profileOf(row, nowMs), err
}

func profileOf(row model.Person, nowMs int64) Profile {
	p := Profile{
		Name: row.Name, Role: row.Role, Enabled: row.Enabled, MustChange: row.MustChange, Locked: row.PasswordHash == "",
		Created: time.UnixMilli(row.CreatedMs),
	}
	if row.PasswordUntilMs > 0 {
		p.Until, p.Expired = time.UnixMilli(row.PasswordUntilMs), row.PasswordUntilMs <= nowMs
	}
	return p
}

// AddPerson makes a person and returns their one-time password, valid for 24
// hours. It fails with ErrName, ErrRole, ErrTaken or the database's error.
func (a *Auth) AddPerson(ctx context.Context, by Session, v Visit, name, role string) (secret.Secret, error) {
	name = NameOf(name)
	switch {
	case !nameForm.MatchString(name):
		return secret.Secret{}, ErrName
	case !slices.Contains(Roles(), role):
		return secret.Secret{}, ErrRole
	}
	if _, err := a.Profile(ctx, name); err == nil {
		return secret.Secret{}, ErrTaken
	} else if !errors.Is(err, ErrNoPerson) {
		return secret.Secret{}, err
	}
	if err := a.record(ctx, by, v, audit.AddPerson, name); err != nil {
		return secret.Secret{}, err
	}
	password := newOneTimePassword()
	person := model.Person{Name: name, Role: role, Enabled: true, MustChange: true, PasswordHash: hashPassword(password)}
	err := a.store.AddPerson(ctx, person, oneTimeLife.Milliseconds())
	if errors.Is(err, model.ErrDuplicate) {
		return secret.Secret{}, ErrTaken
	}
	if err != nil {
		return secret.Secret{}, err
	}
	return secret.New(password), a.store.ForgetTries(ctx, hashOfName(name), "")
}

// GiveOneTimePassword gives somebody who is there a one-time password, as
// ResetPassword does; it never makes a person. It fails with ErrNoPerson or the
// database's error.
func (a *Auth) GiveOneTimePassword(ctx context.Context, by Session, v Visit, name string) (secret.Secret, error) {
	if _, err := a.Profile(ctx, name); err != nil {
		return secret.Secret{}, err
	}
	if err := a.record(ctx, by, v, audit.ResetPassword, name); err != nil {
		return secret.Secret{}, err
	}
	password := newOneTimePassword()
	given, err := a.store.GivePassword(ctx, name, hashPassword(password), oneTimeLife.Milliseconds())
	switch {
	case err != nil:
		return secret.Secret{}, err
	case !given:
		return secret.Secret{}, ErrNoPerson // removed meanwhile
	}
	return secret.New(password), a.store.ForgetTries(ctx, hashOfName(name), "")
}

// SetRole gives a person another role; their sessions end. It fails with ErrRole,
// ErrNoPerson, ErrLastAdmin or the database's error.
func (a *Auth) SetRole(ctx context.Context, by Session, v Visit, name, role string) error {
	if !slices.Contains(Roles(), role) {
		return ErrRole
	}
	change := personChange{by, v, audit.ChangeRole, func() (bool, error) { return a.store.SetRole(ctx, name, role) }}
	return a.changePerson(ctx, name, change)
}

// SetEnabled lets a person in or keeps them out; their sessions end. It fails with
// ErrNoPerson, ErrLastAdmin or the database's error.
func (a *Auth) SetEnabled(ctx context.Context, by Session, v Visit, name string, enabled bool) error {
	action := audit.DisablePerson
	if enabled {
		action = audit.EnablePerson
	}
	change := personChange{by, v, action, func() (bool, error) { return a.store.SetEnabled(ctx, name, enabled) }}
	return a.changePerson(ctx, name, change)
}

// RemovePerson removes a person for ever; their name stays in the audit log. It
// fails with ErrNoPerson, ErrLastAdmin or the database's error.
func (a *Auth) RemovePerson(ctx context.Context, by Session, v Visit, name string) error {
	change := personChange{by, v, audit.RemovePerson, func() (bool, error) { return a.store.RemovePerson(ctx, name) }}
	return a.changePerson(ctx, name, change)
}

// personChange is a change of a person that must leave an administrator: who makes
// it from where, what it is called, and how it is done.
type personChange struct {
	by     Session
	visit  Visit
	action audit.Action
	do     func() (bool, error)
}

// changePerson records and carries out a change.
func (a *Auth) changePerson(ctx context.Context, name string, c personChange) error {
	if _, err := a.Profile(ctx, name); err != nil {
		return err
	}
	if err := a.record(ctx, c.by, c.visit, c.action, name); err != nil {
		return err
	}
	changed, err := c.do()
	if err != nil || changed {
		return err
	}
	if _, err := a.Profile(ctx, name); err != nil {
		return err // removed meanwhile
	}
	return ErrLastAdmin
}

func (a *Auth) record(ctx context.Context, by Session, v Visit, action audit.Action, target string) error {
	return a.audit.Record(ctx, audit.Entry{
		Actor: by.Person.Name, Address: v.Address, Action: action, Target: target, RequestID: v.RequestID,
	})
}
