package auth_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/auth"
)

// boss makes an administrator and returns their session.
func boss(t testing.TB, a *auth.Auth) auth.Session {
	t.Helper()
	return session(t, a, person(t, a, "boss"))
}

var visit = auth.Visit{Address: address, RequestID: "r1"}

func TestPeopleAreManaged(t *testing.T) {
	t.Parallel()
	eachEngine(t, 1, func(t *testing.T, replicas []*model.Store) {
		t.Helper()
		a := newAuth(t, replicas[0], replicas[0])
		by := boss(t, a)
		oneTime, err := a.AddPerson(t.Context(), by, visit, " Eve ", auth.RoleViewer)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := signIn(t, a, "eve", oneTime.Reveal(), address); err != nil {
			t.Errorf("the one-time password: %v", err)
		}
		if _, err := a.AddPerson(t.Context(), by, visit, "eve", auth.RoleViewer); !errors.Is(err, auth.ErrTaken) {
			t.Errorf("the same name again: %v", err)
		}
		if _, err := a.AddPerson(t.Context(), by, visit, "a b", auth.RoleViewer); !errors.Is(err, auth.ErrName) {
			t.Errorf("a name that is none: %v", err)
		}
		if _, err := a.AddPerson(t.Context(), by, visit, "mallory", "root"); !errors.Is(err, auth.ErrRole) {
			t.Errorf("a role that is none: %v", err)
		}
		profile, err := a.Profile(t.Context(), "eve")
		if err != nil || profile.Role != auth.RoleViewer || !profile.Enabled || !profile.MustChange || profile.Expired ||
			profile.Until.IsZero() {
			t.Errorf("eve is %+v, %v", profile, err)
		}
		list, next, err := a.People(t.Context(), "")
		if err != nil || len(list) != 2 || next != "" || list[0].Name != "boss" {
			t.Errorf("the list: %+v, %q, %v", list, next, err)
		}
		if err := a.SetEnabled(t.Context(), by, visit, "eve", false); err != nil {
			t.Fatal(err)
		}
		if _, err := signIn(t, a, "eve", oneTime.Reveal(), address); !errors.Is(err, auth.ErrWrong) {
			t.Errorf("a disabled person signs in: %v", err)
		}
		again, err := a.GiveOneTimePassword(t.Context(), by, visit, "eve")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := signIn(t, a, "eve", again.Reveal(), address); err != nil {
			t.Errorf("a new one-time password lets nobody in: %v", err)
		}
		for name, act := range onPeople(t.Context(), a, by) {
			if err := act("nobody"); !errors.Is(err, auth.ErrNoPerson) && name != "end sessions" && name != "end a session" && name != "add" {
				t.Errorf("%s, of nobody: %v", name, err)
			}
		}
		if err := a.RemovePerson(t.Context(), by, visit, "boss"); !errors.Is(err, auth.ErrLastAdmin) {
			t.Errorf("remove the last administrator: %v", err)
		}
		if err := a.RemovePerson(t.Context(), by, visit, "eve"); err != nil {
			t.Error(err)
		}
	})
}

// onPeople is everything that an administrator does to somebody.
func onPeople(ctx context.Context, a *auth.Auth, by auth.Session) map[string]func(name string) error {
	return map[string]func(name string) error{
		"role":         func(name string) error { return a.SetRole(ctx, by, visit, name, auth.RoleAdmin) },
		"disable":      func(name string) error { return a.SetEnabled(ctx, by, visit, name, false) },
		"enable":       func(name string) error { return a.SetEnabled(ctx, by, visit, name, true) },
		"remove":       func(name string) error { return a.RemovePerson(ctx, by, visit, name) },
		"password":     func(name string) error { _, err := a.GiveOneTimePassword(ctx, by, visit, name); return err },
		"add":          func(name string) error { _, err := a.AddPerson(ctx, by, visit, name+"2", auth.RoleViewer); return err },
		"end sessions": func(name string) error { return a.EndSessions(ctx, by, visit, name) },
		"end a session": func(name string) error {
			devices, err := a.Sessions(ctx, by, name)
			if err != nil || len(devices) == 0 {
				return errors.Join(err, auth.ErrNoSuchSession)
			}
			return a.EndSession(ctx, by, visit, name, devices[0].ID)
		},
	}
}

// No entry, no action: neither upon people nor upon their sessions.
func TestNothingUponPeopleWithoutAudit(t *testing.T) {
	t.Parallel()
	eachEngine(t, 1, func(t *testing.T, replicas []*model.Store) {
		t.Helper()
		store := replicas[0]
		sound := newAuth(t, store, store)
		by := boss(t, sound)
		eve := person(t, sound, "eve")
		before, _, err := store.PersonNamed(t.Context(), "eve")
		if err != nil {
			t.Fatal(err)
		}
		deaf := newAuth(t, store, deafAudit{})
		for name, act := range onPeople(t.Context(), deaf, by) {
			if err := act("eve"); !errors.Is(err, errDeaf) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := deaf.EndOthers(t.Context(), by, visit); !errors.Is(err, errDeaf) {
			t.Errorf("end the others: %v", err)
		}
		after, _, err := store.PersonNamed(t.Context(), "eve")
		if err != nil || before != after || !alive(t, sound, eve, true) {
			t.Errorf("eve was %+v and is %+v, %v", before, after, err)
		}
		if _, _, err := store.PersonNamed(t.Context(), "eve2"); !errors.Is(err, model.ErrNotFound) {
			t.Errorf("somebody was added: %v", err)
		}
	})
}

func TestDevices(t *testing.T) {
	t.Parallel()
	eachEngine(t, 2, func(t *testing.T, replicas []*model.Store) {
		t.Helper()
		here, there := newAuth(t, replicas[0], replicas[0]), newAuth(t, replicas[1], replicas[1])
		person(t, here, "ann")
		token, err := here.SignIn(t.Context(), auth.Visit{Address: "192.0.2.9", UserAgent: "phone"}, "ann", goodPassword)
		if err != nil {
			t.Fatal(err)
		}
		mine := session(t, here, token)
		devices, err := there.Sessions(t.Context(), mine, "ann")
		if err != nil || len(devices) != 2 {
			t.Fatalf("%d devices, %v", len(devices), err)
		}
		var this, other auth.Device
		for _, d := range devices {
			if d.This {
				this = d
			} else {
				other = d
			}
		}
		if this.UserAgent != "phone" || this.Address != "192.0.2.9" || this.Began.IsZero() || this.Seen.IsZero() || !this.Ends.After(this.Seen) || other.ID == "" {
			t.Errorf("this one is %+v, the other %+v", this, other)
		}
		if err := there.EndSession(t.Context(), mine, visit, "boss", other.ID); !errors.Is(err, auth.ErrNoSuchSession) {
			t.Errorf("by another name: %v", err)
		}
		fresh, err := there.EndOthers(t.Context(), mine, visit)
		if err != nil || alive(t, here, token, true) || !alive(t, here, fresh, true) {
			t.Errorf("after ending the others: %v", err)
		}
		if devices, err = here.Sessions(t.Context(), session(t, here, fresh), "ann"); err != nil || len(devices) != 1 || !devices[0].This {
			t.Errorf("%+v, %v", devices, err)
		}
		if _, err := here.EndOthers(t.Context(), mine, visit); !errors.Is(err, auth.ErrNoSession) {
			t.Errorf("with a session that is over: %v", err)
		}
	})
}

// 10,000 wrong passwords within a quarter of an hour cost five hashes.
func TestTenThousandWrongPasswords(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := bubbleStore(t)
		a := newAuth(t, store, store)
		person(t, a, "ann")
		const tries = 10_000
		hashes := 0
		for range tries {
			if _, err := signIn(t, a, "ann", "wrong", address); hashed(t, err) {
				hashes++
			}
			time.Sleep(15 * time.Minute / (tries + 1))
		}
		if hashes != 5 {
			t.Errorf("%d hashes, want 5", hashes)
		}
	})
}
