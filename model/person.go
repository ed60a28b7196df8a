package model

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"
)

// Roles of a person.
const (
	RoleAdmin  = "admin"
	RoleViewer = "viewer"
)

// Person is a row of table person: somebody who may enter the panel.
type Person struct {
	ID              int64
	Name            string
	Role            string
	Enabled         bool
	PasswordHash    string // argon2id in PHC form; "" = no password fits
	PasswordUntilMs int64  // end of a one-time password; 0 = it has none
	MustChange      bool   // may only choose a password
	Epoch           int64  // sessions of another epoch are over
	CreatedMs       int64
	UpdatedMs       int64
}

const personColumns = `p.id, p.name, p.role, p.enabled, p.password_hash, p.password_until_ms,
  p.must_change, p.epoch, p.created_ms, p.updated_ms`

// PersonNamed reads a person with the database clock, or ErrNotFound.
func (s *Store) PersonNamed(ctx context.Context, name string) (Person, int64, error) {
	var rows []struct {
		Person `gorm:"embedded"`
		NowMs  int64
	}
	err := s.query(ctx, "SELECT "+personColumns+", NOWMS AS now_ms FROM person p WHERE p.name = ?", name).Scan(&rows).Error
	if err != nil {
		return Person{}, 0, wrap("read a person", err)
	}
	if len(rows) == 0 {
		return Person{}, 0, fmt.Errorf("person: %w", ErrNotFound)
	}
	return rows[0].Person, rows[0].NowMs, nil
}

// AnyPerson tells whether there is a person at all, and whether one of them
// has a password that can be used now.
func (s *Store) AnyPerson(ctx context.Context) (exists, usable bool, err error) {
	var found []int
	if err = s.query(ctx, "SELECT 1 FROM person LIMIT 1").Scan(&found).Error; err != nil || len(found) == 0 {
		return false, false, wrap("look for people", err)
	}
	found = nil
	err = s.query(ctx, `
SELECT 1 FROM person
WHERE enabled = 1 AND password_hash <> '' AND (password_until_ms = 0 OR password_until_ms > NOWMS) LIMIT 1`).Scan(&found).Error
	return true, len(found) > 0, wrap("look for people", err)
}

// AddPerson adds a person whose password ends lifeMs from now; 0 = it does
// not. It fails with ErrDuplicate where the name is taken.
func (s *Store) AddPerson(ctx context.Context, p Person, lifeMs int64) error {
	_, err := s.exec(ctx, "add a person", `
INSERT INTO person (name, role, enabled, password_hash, password_until_ms, must_change, epoch, created_ms, updated_ms)
VALUES (@Name, @Role, @Enabled, @Hash, CASE WHEN @Life = 0 THEN 0 ELSE NOWMS + @Life END, @MustChange, 1, NOWMS, NOWMS)`,
		map[string]any{
			"Name": p.Name, "Role": p.Role, "Enabled": p.Enabled, "Hash": p.PasswordHash, "Life": lifeMs, "MustChange": p.MustChange,
		})
	return err
}

// SetPassword gives the person a password of their own choice. All of their
// sessions are over with it. It changes nothing, and says so, where the
// person's epoch is not the one given: somebody else was faster.
func (s *Store) SetPassword(ctx context.Context, p Person, hash string) (bool, error) {
	n, err := s.exec(ctx, "set a password", `
UPDATE person SET password_hash=?, password_until_ms=0, must_change=0, epoch=epoch+1, updated_ms=NOWMS WHERE id=? AND epoch=?`,
		hash, p.ID, p.Epoch)
	return n > 0, err
}

// ResetPassword gives a person a one-time password, enables them, and ends
// their sessions; who is not there yet is made an administrator.
func (s *Store) ResetPassword(ctx context.Context, name, hash string, lifeMs int64) error {
	const most = 3
	for range most {
		given, err := s.GivePassword(ctx, name, hash, lifeMs)
		if err != nil || given {
			return err
		}
		err = s.AddPerson(ctx, Person{Name: name, Role: RoleAdmin, Enabled: true, PasswordHash: hash, MustChange: true}, lifeMs)
		if !errors.Is(err, ErrDuplicate) {
			return err
		}
	}
	return errors.New("reset a password: the person comes and goes")
}

// GivePassword gives somebody who is there a one-time password, enables them, and
// ends their sessions; false where nobody has the name.
func (s *Store) GivePassword(ctx context.Context, name, hash string, lifeMs int64) (bool, error) {
	n, err := s.exec(ctx, "reset a password", `
UPDATE person SET password_hash=?, password_until_ms=NOWMS+?, must_change=1, enabled=1, epoch=epoch+1, updated_ms=NOWMS WHERE name=?`,
		hash, lifeMs, name)
	return n > 0, err
}

// People reads at most limit people whose name comes after the given one, in
// order, and the database clock (0 where there is nobody).
func (s *Store) People(ctx context.Context, after string, limit int) ([]Person, int64, error) {
	var rows []struct {
		Person `gorm:"embedded"`
		NowMs  int64
	}
	err := s.query(ctx, "SELECT "+personColumns+", NOWMS AS now_ms FROM person p WHERE p.name > ? ORDER BY p.name LIMIT ?",
		after, limit).Scan(&rows).Error
	people, now := make([]Person, 0, len(rows)), int64(0)
	for _, row := range rows {
		people, now = append(people, row.Person), row.NowMs
	}
	return people, now, wrap("list people", err)
}

// SetRole gives a person another role and ends their sessions. It changes
// nothing, and says so, where nobody of that name is left or where it would leave
// the panel without an administrator.
func (s *Store) SetRole(ctx context.Context, name, role string) (bool, error) {
	return s.taking(ctx, turnPeople, "change a role", func(tx *gorm.DB) error {
		err := s.change(tx, "UPDATE person SET role = ?, epoch = epoch + 1, updated_ms = NOWMS WHERE name = ?", role, name)
		return s.keepAdmin(tx, err)
	})
}

// SetEnabled lets a person in or keeps them out, which ends their sessions; the
// result is as SetRole's.
func (s *Store) SetEnabled(ctx context.Context, name string, enabled bool) (bool, error) {
	return s.taking(ctx, turnPeople, "enable or disable a person", func(tx *gorm.DB) error {
		err := s.change(tx, "UPDATE person SET enabled = ?, epoch = epoch + 1, updated_ms = NOWMS WHERE name = ?", enabled, name)
		return s.keepAdmin(tx, err)
	})
}

// RemovePerson deletes a person and their sessions; the result is as SetRole's.
func (s *Store) RemovePerson(ctx context.Context, name string) (bool, error) {
	return s.taking(ctx, turnPeople, "remove a person", func(tx *gorm.DB) error {
		err := tx.Exec("DELETE FROM session WHERE person_id IN (SELECT id FROM person WHERE name = ?)", name).Error
		if err == nil {
			err = s.change(tx, "DELETE FROM person WHERE name = ?", name)
		}
		return s.keepAdmin(tx, err)
	})
}

// keepAdmin refuses a change after which no administrator can sign in: one without
// a password, as the first start makes them, is none.
func (s *Store) keepAdmin(tx *gorm.DB, err error) error {
	if err != nil {
		return err
	}
	var found []int
	err = tx.Raw(s.sql(`
SELECT 1 FROM person
WHERE role = ? AND enabled = 1 AND password_hash <> '' AND (password_until_ms = 0 OR password_until_ms > NOWMS) LIMIT 1`),
		RoleAdmin).Scan(&found).Error
	if err == nil && len(found) == 0 {
		return errNotNow
	}
	return err
}

// EndSessions ends all sessions of a person, also those that begin at this
// moment with what was read before.
func (s *Store) EndSessions(ctx context.Context, name string) error {
	_, err := s.exec(ctx, "end sessions", "UPDATE person SET epoch = epoch + 1, updated_ms = NOWMS WHERE name = ?", name)
	return err
}
