package modeltest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/model"
)

func tendedCases() map[string]func(subject) {
	return map[string]func(subject){
		"account, credentials and clock": tendedWhole,
		"a disabled account says so": func(x subject) {
			a, err := x.store.Account(x.Context(), x.appID)
			x.ok(err)
			a.Enabled = false
			x.yes(x.store.UpdateAccount(x.Context(), a, []string{token}))
			if x.tended().Enabled {
				x.Error("it is enabled")
			}
		},
		"the app_id exactly":        tendedExact,
		"the rows of some accounts": credentialsOf,
	}
}

func tendedWhole(x subject) {
	x.edit()
	newSubject(x.TB, x.store).edit()
	got := x.tended()
	var kinds []string
	for _, c := range got.Credentials {
		kinds = append(kinds, c.Kind)
	}
	if slices.Sort(kinds); !slices.Equal(kinds, []string{token, jsapi}) {
		x.Errorf("kinds %v", kinds)
	}
	if got.Credential("wx_card") != nil {
		x.Error("there is a row of a kind that the account does not have")
	}
	want := model.Tended{
		Credentials: got.Credentials, SecretEnc: []byte{1, 0, 255}, TokenMode: "stable",
		Platform: "official_account", Enabled: true, ConfigRev: 2, NowMs: got.NowMs,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		x.Errorf("(-want +got):\n%s", diff)
	}
}

func tendedExact(x subject) {
	for _, appID := range []string{strings.ToUpper(x.appID), x.appID + " ", " " + x.appID, x.appID[:5] + "%", ""} {
		if _, err := x.store.Tended(x.Context(), appID); !errors.Is(err, model.ErrNotFound) {
			x.Errorf("Tended(%q): %v, want ErrNotFound", appID, err)
		}
		if _, err := x.store.Account(x.Context(), appID); !errors.Is(err, model.ErrNotFound) {
			x.Errorf("Account(%q): %v, want ErrNotFound", appID, err)
		}
	}
}

func credentialsOf(x subject) {
	second, third := newSubject(x.TB, x.store), newSubject(x.TB, x.store)
	rows, err := x.store.Credentials(x.Context(), []string{x.appID, third.appID, "absent"})
	x.ok(err)
	var got []string
	for _, r := range rows {
		got = append(got, r.AppID+" "+r.Kind)
		if r.NowMs == 0 || r.AppID == second.appID {
			x.Errorf("row %s %s, clock %d", r.AppID, r.Kind, r.NowMs)
		}
	}
	want := []string{x.appID + " " + token, x.appID + " " + jsapi, third.appID + " " + token, third.appID + " " + jsapi}
	slices.Sort(got)
	if slices.Sort(want); !slices.Equal(got, want) {
		x.Errorf("got %v, want %v", got, want)
	}
	if none, err := x.store.Credentials(x.Context(), nil); err != nil || len(none) != 0 {
		x.Errorf("no accounts asked for: %d rows, %v", len(none), err)
	}
}

func clockCases() map[string]func(*testing.T, *model.Store) {
	return map[string]func(*testing.T, *model.Store){
		"the clock is in milliseconds and never goes back": func(t *testing.T, s *model.Store) {
			t.Helper()
			x := newSubject(t, s)
			last, moved := int64(0), 0
			for begin := time.Now(); time.Since(begin) < 100*time.Millisecond; {
				now := x.tended().NowMs
				if now < last {
					t.Fatalf("%d after %d", now, last)
				}
				if now > last {
					moved++
				}
				last = now
			}
			if moved < 5 { // whole seconds would move once or twice
				t.Errorf("the clock moved %d times in 100 ms", moved)
			}
			if off := time.Since(time.UnixMilli(last)).Abs(); off > time.Minute {
				t.Errorf("the database's clock is %s off: wrong unit or time zone?", off)
			}
		},
	}
}

func dueCases() map[string]func(*testing.T, *model.Store) {
	return map[string]func(*testing.T, *model.Store){
		"due: order and look-ahead": dueOrder,
		"due: claims and disabled":  dueClaims,
		"due: an account once, by its most urgent": func(t *testing.T, s *model.Store) {
			t.Helper()
			late, both := newSubject(t, s), newSubject(t, s)
			late.publish(-hour)
			late.fail(jsapi, 10*hour) // not due
			both.publish(-2 * hour)   // its ticket is due since 1970
			wantDue(t, s, hour, 10, both.appID, late.appID)
		},
	}
}

func wantDue(t *testing.T, s *model.Store, withinMs int64, limit int, want ...string) {
	t.Helper()
	got, err := s.DueAccounts(t.Context(), withinMs, lease, limit)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) {
		t.Errorf("due within %d ms: %v, want %v", withinMs, got, want)
	}
}

func dueOrder(t *testing.T, s *model.Store) {
	t.Helper()
	wantDue(t, s, hour, 10)
	var subjects []string
	for _, next := range []int64{3 * hour, -hour, 60_000, -2 * hour} {
		x := newSubject(t, s)
		x.fail(jsapi, 10*hour)
		x.publish(next)
		subjects = append(subjects, x.appID)
	}
	wantDue(t, s, 0, 10, subjects[3], subjects[1])
	wantDue(t, s, 0, 1, subjects[3])
	wantDue(t, s, 61_000, 10, subjects[3], subjects[1], subjects[2])
	wantDue(t, s, 4*hour, 10, subjects[3], subjects[1], subjects[2], subjects[0])
}

func dueClaims(t *testing.T, s *model.Store) {
	t.Helper()
	held, future, disabled := newSubject(t, s), newSubject(t, s), newSubject(t, s)
	for _, x := range []subject{held, future} {
		x.fail(jsapi, 100*hour)
	}
	future.publish(-hour)
	held.claim("me")
	wantDue(t, s, 0, 10, disabled.appID, future.appID)
	a, err := s.Account(t.Context(), disabled.appID)
	disabled.ok(err)
	a.Enabled = false
	disabled.yes(s.UpdateAccount(t.Context(), a, []string{token, jsapi}))
	wantDue(t, s, 0, 10, future.appID)
	future.yes(s.Claim(t.Context(), future.grant("before the clock was set back"), 11*lease+hour))
	wantDue(t, s, 0, 10, future.appID)
	future.publish(100 * hour)
	wantDue(t, s, 0, 10)
	wantDue(t, s, lease+1000, 10, held.appID) // its claim ends in time
}

func followCases() map[string]func(*testing.T, *model.Store) {
	return map[string]func(*testing.T, *model.Store){
		"marks: what moved since":   marksSince,
		"accounts: what was edited": accountsSince,
		"marks of an empty database": func(t *testing.T, s *model.Store) {
			t.Helper()
			marks, now, err := s.Marks(t.Context(), 0)
			if err != nil || len(marks) != 0 || time.Since(time.UnixMilli(now)).Abs() > time.Minute {
				t.Errorf("%d marks at %d, error %v; want the clock alone", len(marks), now, err)
			}
		},
	}
}

// moved lists the rows with a mark after sinceMs.
func moved(t *testing.T, s *model.Store, sinceMs int64) (rows []string, nowMs int64) {
	t.Helper()
	marks, now, err := s.Marks(t.Context(), sinceMs)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range marks {
		rows = append(rows, fmt.Sprintf("%s %s v%d %s e%d f%d r%d", m.AppID, m.Kind, m.Version, m.PublishID, m.ExpiresMs, m.FailCount, m.ConfigRev))
	}
	slices.Sort(rows)
	return rows, now
}

// settle waits until the database's clock has left the millisecond, so that
// what follows is after it.
func settle(x subject) int64 {
	x.Helper()
	for begin := x.now(); ; {
		if now := x.now(); now > begin {
			return begin
		}
	}
}

func marksSince(t *testing.T, s *model.Store) {
	t.Helper()
	x, quiet := newSubject(t, s), newSubject(t, s)
	want := []string{
		x.appID + " access_token v0  e0 f0 r1", x.appID + " jsapi v0  e0 f0 r1",
		quiet.appID + " access_token v0  e0 f0 r1", quiet.appID + " jsapi v0  e0 f0 r1",
	}
	slices.Sort(want)
	got, _ := moved(t, s, 0)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("all (-want +got):\n%s", diff)
	}
	var g model.Grant
	var p model.Publication
	for _, step := range []struct {
		name string
		do   func() (want []string)
	}{
		{"claim", func() []string { g = x.claim("me"); return nil }},
		{"release", func() []string { x.yes(s.Release(t.Context(), g)); return nil }},
		{"release unused", func() []string { x.yes(s.ReleaseUnused(t.Context(), x.claim("me"))); return nil }},
		{"publish", func() []string {
			p = x.publish(0)
			return []string{fmt.Sprintf("%s access_token v1 %s e%d f0 r1", x.appID, p.PublishID, p.ExpiresMs)}
		}},
		{"fail", func() []string { x.fail(jsapi, 0); return []string{x.appID + " jsapi v0  e0 f1 r1"} }},
		{"edit", func() []string {
			x.edit()
			return []string{
				fmt.Sprintf("%s access_token v1 %s e%d f0 r2", x.appID, p.PublishID, p.ExpiresMs),
				x.appID + " jsapi v0  e0 f0 r2",
			}
		}},
	} {
		since := settle(x)
		want := step.do()
		got, now := moved(t, s, since)
		if diff := cmp.Diff(want, got); diff != "" || now <= since {
			t.Errorf("%s: clock %d after %d (-want +got):\n%s", step.name, now, since, diff)
		}
	}
}

func accountsSince(t *testing.T, s *model.Store) {
	t.Helper()
	first, second := newSubject(t, s), newSubject(t, s)
	all, err := s.AccountsSince(t.Context(), 0)
	if err != nil || len(all) != 2 {
		t.Fatalf("%d accounts, error %v; want 2", len(all), err)
	}
	since := settle(first)
	second.edit()
	first.publish(hour)
	edited, err := s.AccountsSince(t.Context(), since)
	if err != nil || len(edited) != 1 || edited[0].AppID != second.appID || edited[0].ConfigRev != 2 {
		t.Errorf("edited: %+v, error %v; want the second account with revision 2", edited, err)
	}
}
