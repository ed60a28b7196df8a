package auth_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/audit"
	"github.com/wxsign/wxsign/service/auth"
)

// Several replicas that start at once on an empty database make one person,
// and its password is told once.
func TestFirstStartOfManyReplicas(t *testing.T) {
	t.Parallel()
	eachEngine(t, 4, func(t *testing.T, replicas []*model.Store) {
		t.Helper()
		firsts := make([]auth.First, len(replicas))
		var starts sync.WaitGroup
		for i, store := range replicas {
			a := newAuth(t, store, store)
			starts.Go(func() {
				var err error
				if firsts[i], err = a.FirstStart(t.Context(), true); err != nil {
					t.Error(err)
				}
			})
		}
		starts.Wait()
		told := 0
		for _, first := range firsts {
			if first.Password.IsZero() {
				continue
			}
			told++
			if _, err := signIn(t, newAuth(t, replicas[0], replicas[0]), auth.FirstName, first.Password.Reveal(), address); err != nil {
				t.Errorf("the password that was told: %v", err)
			}
		}
		if told != 1 {
			t.Errorf("%d passwords were told, want 1", told)
		}
	})
}

// Where nobody reads the log, nothing is told, and the operator's command is
// the way in.
func TestFirstStartWithoutTelling(t *testing.T) {
	t.Parallel()
	eachEngine(t, 1, func(t *testing.T, replicas []*model.Store) {
		t.Helper()
		a := newAuth(t, replicas[0], replicas[0])
		for range 2 {
			if first, err := a.FirstStart(t.Context(), false); err != nil || !first.Locked || !first.Password.IsZero() {
				t.Fatalf("first start: %+v, %v; want locked and no password", first, err)
			}
		}
		if _, err := signIn(t, a, auth.FirstName, "", address); !errors.Is(err, auth.ErrWrong) {
			t.Errorf("the empty password: %v", err)
		}
		person(t, a, auth.FirstName)
		if first, err := a.FirstStart(t.Context(), false); err != nil || first.Locked {
			t.Errorf("after the reset: %+v, %v", first, err)
		}
	})
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	eachEngine(t, 1, func(t *testing.T, replicas []*model.Store) {
		t.Helper()
		a := newAuth(t, replicas[0], replicas[0])
		person(t, a, "ann")
		for name, c := range map[string]struct {
			name, password string
			want           error
		}{
			"right":               {"ann", goodPassword, nil},
			"name typed on phone": {" Ann ", goodPassword, nil},
			"wrong password":      {"ann", goodPassword + "x", auth.ErrWrong},
			"empty password":      {"ann", "", auth.ErrWrong},
			"unknown name":        {"bob", goodPassword, auth.ErrWrong},
			"empty name":          {"", goodPassword, auth.ErrWrong},
			"injection":           {"ann' --", goodPassword, auth.ErrWrong},
			"long name":           {strings.Repeat("a", 65), goodPassword, auth.ErrWrong},
			"long password":       {"ann", strings.Repeat("a", 129), auth.ErrWrong},
		} {
			token, err := a.SignIn(t.Context(), auth.Visit{Address: "198.51.100." + name}, c.name, c.password)
			if !errors.Is(err, c.want) || (err == nil) != (token != "") {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
		}
	})
}

func TestChangePassword(t *testing.T) {
	t.Parallel()
	eachEngine(t, 1, func(t *testing.T, replicas []*model.Store) {
		t.Helper()
		a := newAuth(t, replicas[0], replicas[0])
		token := person(t, a, "ann")
		for name, c := range map[string]struct {
			current, chosen string
			want            error
		}{
			"short":              {goodPassword, "elevenchars", auth.ErrTooShort},
			"short in Chinese":   {goodPassword, "一二三四五六七八九十一", auth.ErrTooShort},
			"long":               {goodPassword, strings.Repeat("x", 129), auth.ErrTooLong},
			"the old one":        {goodPassword, goodPassword, auth.ErrSame},
			"wrong current":      {"wrong", "a quite new one", auth.ErrWrong},
			"very long current":  {strings.Repeat("x", 129), "a quite new one", auth.ErrWrong},
			"current left empty": {"", "a quite new one", auth.ErrWrong},
		} {
			visit := auth.Visit{Token: token, Address: "198.51.100." + name}
			_, err := a.ChangePassword(t.Context(), session(t, a, token), visit, c.current, c.chosen)
			if !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
		}
		stale := session(t, a, token)
		visit := auth.Visit{Token: token, Address: address}
		if _, err := a.ChangePassword(t.Context(), stale, visit, goodPassword, "一二三四五六七八九十一二"); err != nil {
			t.Fatalf("twelve Chinese characters: %v", err)
		}
		if _, err := signIn(t, a, "ann", "一二三四五六七八九十一二", address); err != nil {
			t.Errorf("sign in with them: %v", err)
		}
	})
}

// Two changes at once: one wins, the other one's session is over.
func TestTwoPasswordChangesAtOnce(t *testing.T) {
	t.Parallel()
	eachEngine(t, 2, func(t *testing.T, replicas []*model.Store) {
		t.Helper()
		one, two := newAuth(t, replicas[0], replicas[0]), newAuth(t, replicas[1], replicas[1])
		oneTime, err := one.ResetPassword(t.Context(), "ann")
		if err != nil {
			t.Fatal(err)
		}
		token, err := one.SignIn(t.Context(), auth.Visit{Address: address}, "ann", oneTime.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		same := session(t, one, token)
		errs := make([]error, 2)
		var changes sync.WaitGroup
		for i, a := range []*auth.Auth{one, two} {
			changes.Go(func() {
				_, errs[i] = a.ChangePassword(t.Context(), same, auth.Visit{Address: address}, "", "chosen by replica "+string(rune('1'+i)))
			})
		}
		changes.Wait()
		if (errs[0] == nil) == (errs[1] == nil) || !errors.Is(errors.Join(errs...), auth.ErrNoSession) {
			t.Errorf("errors %v, want one nil and one ErrNoSession", errs)
		}
	})
}

func TestResetPasswordNames(t *testing.T) {
	t.Parallel()
	eachEngine(t, 1, func(t *testing.T, replicas []*model.Store) {
		t.Helper()
		a := newAuth(t, replicas[0], replicas[0])
		for _, name := range []string{"", " ", "-x", "a b", "a\nb", "管理员", strings.Repeat("a", 65), "a;drop"} {
			if _, err := a.ResetPassword(t.Context(), name); !errors.Is(err, auth.ErrName) {
				t.Errorf("%q: %v, want ErrName", name, err)
			}
		}
		if _, err := a.ResetPassword(t.Context(), "A.n-n_1"); err != nil {
			t.Error(err)
		}
	})
}

// What is done stands in the audit log, without a password in it.
func TestAuditEntries(t *testing.T) {
	t.Parallel()
	eachEngine(t, 1, func(t *testing.T, replicas []*model.Store) {
		t.Helper()
		store := replicas[0]
		a := newAuth(t, store, store)
		token := person(t, a, "ann")
		_, _ = signIn(t, a, "ann", "wrong", address)
		if err := a.SignOut(t.Context(), session(t, a, token), auth.Visit{Address: address, RequestID: "r1"}); err != nil {
			t.Fatal(err)
		}
		entries, _, err := store.AuditPage(t.Context(), model.AuditFilter{}, model.AuditKey{}, 10)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range entries {
			got = append(got, strings.Join([]string{e.Actor, e.Action, e.Target, e.Address}, " "))
		}
		want := []string{
			"ann sign_out ann " + address, "ann change_password ann " + address, "ann sign_in ann " + address, "command line reset_password ann ",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// No entry, no action.
func TestNothingWithoutAudit(t *testing.T) {
	t.Parallel()
	eachEngine(t, 1, func(t *testing.T, replicas []*model.Store) {
		t.Helper()
		store := replicas[0]
		token := person(t, newAuth(t, store, store), "ann")
		a := newAuth(t, store, deafAudit{})
		held := session(t, a, token)
		if _, err := signIn(t, a, "ann", goodPassword, address); !errors.Is(err, errDeaf) {
			t.Errorf("sign in: %v", err)
		}
		if err := a.SignOut(t.Context(), held, auth.Visit{}); !errors.Is(err, errDeaf) || !alive(t, a, token, true) {
			t.Errorf("sign out: %v", err)
		}
		_, err := a.ChangePassword(t.Context(), held, auth.Visit{Address: address}, goodPassword, "another long one")
		if !errors.Is(err, errDeaf) || !alive(t, a, token, true) {
			t.Errorf("change the password: %v", err)
		}
		if _, err := a.ResetPassword(t.Context(), "ann"); !errors.Is(err, errDeaf) || !alive(t, a, token, true) {
			t.Errorf("reset the password: %v", err)
		}
	})
}

var errDeaf = errors.New("the audit log does not take entries")

type deafAudit struct{ audit.Store }

func (deafAudit) AuditHead(context.Context) (model.AuditHead, error) { return model.AuditHead{}, nil }

func (deafAudit) AddAudit(context.Context, model.AuditHead, model.Audit) (bool, error) {
	return false, errDeaf
}

// An unknown name costs what a known one does: the same order of magnitude,
// with room for a busy machine, where a missing hash would be 20 times less.
func TestUnknownNameCostsTheSame(t *testing.T) {
	t.Parallel()
	eachEngine(t, 1, func(t *testing.T, replicas []*model.Store) {
		t.Helper()
		a := newAuth(t, replicas[0], replicas[0])
		person(t, a, "ann")
		// In turns, so that whatever else this machine does slows both.
		known, unknown := time.Hour, time.Hour
		for i := range 8 {
			for name, best := range map[string]*time.Duration{"ann": &known, "bob": &unknown} {
				begin := time.Now()
				if _, err := signIn(t, a, name, "wrong", "198.51.100."+string(rune('1'+i))); !errors.Is(err, auth.ErrWrong) {
					t.Fatal(err)
				}
				*best = min(*best, time.Since(begin))
			}
		}
		if known > 3*unknown || unknown > 3*known {
			t.Errorf("a known name takes %v, an unknown one %v", known, unknown)
		}
	})
}

func TestPurge(t *testing.T) {
	t.Parallel()
	eachEngine(t, 1, func(t *testing.T, replicas []*model.Store) {
		t.Helper()
		store := replicas[0]
		a := newAuth(t, store, store)
		token := person(t, a, "ann")
		for i := range 3 {
			err := store.AddSession(t.Context(), model.Session{TokenHash: string(rune('a' + i)), PersonID: 1, Epoch: 1}, -1000, -1000)
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := a.Purge(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n, err := store.PurgeSessions(t.Context()); err != nil || n != 0 {
			t.Errorf("%d ended sessions were left, %v", n, err)
		}
		if !alive(t, a, token, true) {
			t.Error("a live session was purged")
		}
	})
}
