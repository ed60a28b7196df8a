package auth_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/auth"
)

func alive(t *testing.T, a *auth.Auth, token string, active bool) bool {
	t.Helper()
	_, err := a.Session(t.Context(), token, active)
	if err != nil && !errors.Is(err, auth.ErrNoSession) {
		t.Fatal(err)
	}
	return err == nil
}

func TestSessionEndsIdle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := bubbleStore(t)
		a := newAuth(t, store, store)
		token := person(t, a, "ann")
		for range 5 {
			time.Sleep(29 * time.Minute)
			if !alive(t, a, token, true) {
				t.Fatal("a session that is used every 29 minutes has ended")
			}
		}
		time.Sleep(31 * time.Minute)
		if alive(t, a, token, true) {
			t.Error("a session lives after 31 idle minutes")
		}
	})
}

// A page that refreshes itself is no person: it must not keep a session alive
// in front of an empty chair.
func TestRefreshingPageDoesNotKeepSession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := bubbleStore(t)
		a := newAuth(t, store, store)
		token := person(t, a, "ann")
		for range 29 {
			time.Sleep(time.Minute)
			if !alive(t, a, token, false) {
				t.Fatal("ended before 30 minutes")
			}
		}
		time.Sleep(2 * time.Minute)
		if alive(t, a, token, false) {
			t.Error("refreshing alone kept the session alive")
		}
	})
}

func TestSessionEndsAbsolutely(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := bubbleStore(t)
		a := newAuth(t, store, store)
		begin := time.Now()
		token := person(t, a, "ann")
		for time.Since(begin) < 12*time.Hour-10*time.Minute {
			if !alive(t, a, token, true) {
				t.Fatalf("ended after %v of use", time.Since(begin))
			}
			time.Sleep(10 * time.Minute)
		}
		time.Sleep(11 * time.Minute)
		if alive(t, a, token, true) {
			t.Error("a session lives after 12 hours")
		}
	})
}

func TestOneTimePasswordEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := bubbleStore(t)
		a := newAuth(t, store, store)
		first, err := a.FirstStart(t.Context(), true)
		if err != nil || first.Password.IsZero() || first.Locked {
			t.Fatalf("first start: %v, locked %v", err, first.Locked)
		}
		time.Sleep(24*time.Hour - time.Minute)
		token, err := signIn(t, a, auth.FirstName, first.Password.Reveal(), address)
		if err != nil {
			t.Fatalf("a minute before its end: %v", err)
		}
		if s := session(t, a, token); !s.Person.MustChange || s.Person.May(auth.RoleViewer) {
			t.Error("who came with a one-time password may do more than change it")
		}
		time.Sleep(2 * time.Minute)
		if _, err := signIn(t, a, auth.FirstName, first.Password.Reveal(), address); !errors.Is(err, auth.ErrExpired) {
			t.Errorf("a minute after its end: %v, want ErrExpired", err)
		}
		if _, err := signIn(t, a, auth.FirstName, "wrong", address); !errors.Is(err, auth.ErrWrong) {
			t.Errorf("a wrong password: %v; only who knows the password may learn that it expired", err)
		}
		if again, err := a.FirstStart(t.Context(), true); err != nil || !again.Locked || !again.Password.IsZero() {
			t.Errorf("start after the end: %+v, %v; want locked", again, err)
		}
	})
}

// A cookie is worth nothing after each of these, on every replica.
func TestOldCookieIsDead(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(t *testing.T, a *auth.Auth, token string){
		"sign-out": func(t *testing.T, a *auth.Auth, token string) {
			t.Helper()
			if err := a.SignOut(t.Context(), session(t, a, token), auth.Visit{}); err != nil {
				t.Fatal(err)
			}
		},
		"password change": func(t *testing.T, a *auth.Auth, token string) {
			t.Helper()
			visit := auth.Visit{Token: token, Address: address}
			fresh, err := a.ChangePassword(t.Context(), session(t, a, token), visit, goodPassword, "another long one")
			if err != nil {
				t.Fatal(err)
			}
			session(t, a, fresh)
		},
		"password change elsewhere": func(t *testing.T, a *auth.Auth, _ string) {
			t.Helper()
			other, err := signIn(t, a, "ann", goodPassword, address)
			if err != nil {
				t.Fatal(err)
			}
			_, err = a.ChangePassword(t.Context(), session(t, a, other), auth.Visit{Address: address}, goodPassword, "another long one")
			if err != nil {
				t.Fatal(err)
			}
		},
		"reset by the operator": func(t *testing.T, a *auth.Auth, _ string) {
			t.Helper()
			if _, err := a.ResetPassword(t.Context(), "ann"); err != nil {
				t.Fatal(err)
			}
		},
		"sign-in over it": func(t *testing.T, a *auth.Auth, token string) {
			t.Helper()
			fresh, err := a.SignIn(t.Context(), auth.Visit{Token: token, Address: address}, "ann", goodPassword)
			if err != nil {
				t.Fatal(err)
			}
			if fresh == token {
				t.Error("the token was not renewed")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachEngine(t, 2, func(t *testing.T, replicas []*model.Store) {
				t.Helper()
				here, there := newAuth(t, replicas[0], replicas[0]), newAuth(t, replicas[1], replicas[1])
				token := person(t, here, "ann")
				if !alive(t, there, token, true) {
					t.Fatal("the other replica does not know the session")
				}
				act(t, here, token)
				if alive(t, here, token, true) || alive(t, there, token, true) {
					t.Error("the old cookie still works")
				}
			})
		})
	}
}

func TestMadeUpCookies(t *testing.T) {
	t.Parallel()
	eachEngine(t, 1, func(t *testing.T, replicas []*model.Store) {
		t.Helper()
		a := newAuth(t, replicas[0], replicas[0])
		token := person(t, a, "ann")
		for _, cookie := range []string{"", "x", token + "x", token[1:], "' OR 1=1 --", string(make([]byte, 5000)), "\xff\xfe"} {
			if alive(t, a, cookie, true) {
				t.Errorf("the cookie %.20q opens a session", cookie)
			}
		}
		if !alive(t, a, token, true) {
			t.Error("the right one does not")
		}
		if _, err := replicas[0].LiveSession(t.Context(), token); !errors.Is(err, model.ErrNotFound) {
			t.Errorf("the table holds the cookie's value itself: %v", err)
		}
	})
}

// A planted cookie (session fixation) never becomes a session.
func TestPlantedCookieStaysWorthless(t *testing.T) {
	t.Parallel()
	eachEngine(t, 1, func(t *testing.T, replicas []*model.Store) {
		t.Helper()
		a := newAuth(t, replicas[0], replicas[0])
		person(t, a, "ann")
		const planted = "planted-by-somebody-else-0123456789"
		token, err := a.SignIn(t.Context(), auth.Visit{Token: planted, Address: address}, "ann", goodPassword)
		if err != nil {
			t.Fatal(err)
		}
		if token == planted || alive(t, a, planted, true) {
			t.Error("the planted cookie became a session")
		}
	})
}
