package keeper_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/simulator"
	"github.com/wxsign/wxsign/service/snapshot"
	"github.com/wxsign/wxsign/service/wechat"
)

// report tells a replica that the value of a hash is dead.
func (r *replica) report(kind, hash string) (string, error) {
	return r.keeper.Report(context.Background(), keeper.Report{
		AppID: appID, Kind: kind, SHA256: hash, Errcode: 40001, Actor: "shop",
	})
}

func (r *replica) hash(kind string) string { return r.credential(appID, kind).Value.Hash() }

// storm lets many callers of each replica report one value at once, and counts
// their answers.
func storm(t *testing.T, kind, hash string, callers int, replicas ...*replica) map[string]int {
	t.Helper()
	var mu sync.Mutex
	answers := map[string]int{}
	var tasks sync.WaitGroup
	for _, r := range replicas {
		for range callers {
			tasks.Go(func() {
				result, err := r.report(kind, hash)
				if err != nil {
					result = err.Error()
				} else if result != keeper.ResultAlive && result != keeper.ResultUnchanged && r.hash(kind) == hash {
					result += ", and still served"
				}
				mu.Lock()
				defer mu.Unlock()
				answers[result]++
			})
		}
	}
	tasks.Wait()
	return answers
}

// A thousand callers on each of three replicas report one dead token: one probe,
// one renewal, and all of them wait for it.
func TestReportStorm(t *testing.T) {
	t.Parallel()
	const callers = 1000
	for name, c := range map[string]struct {
		mode        wechat.Mode
		stillServed bool // WeChat goes on giving out the dead stable token
		calls       int
	}{
		"stable":                           {wechat.Stable, false, 1},
		"stable, the dead one comes again": {wechat.Stable, true, 2}, // the normal call, then force
		"classic":                          {wechat.Classic, false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, setup{mode: c.mode})
				replicas := []*replica{w.start("one", nil), w.start("two", nil), w.start("three", nil)}
				time.Sleep(time.Minute)
				dead := replicas[0].hash(snapshot.KindAccessToken)
				w.revoke(c.stillServed)
				before, began := w.calls(), time.Now()
				answers := storm(t, snapshot.KindAccessToken, dead, callers, replicas...)
				if answers[keeper.ResultRenewed]+answers[keeper.ResultCurrent] != callers*len(replicas) {
					t.Errorf("answers: %v", answers)
				}
				if took := time.Since(began); took > 5*time.Second {
					t.Errorf("the last answer came after %s", took)
				}
				w.checkSpent(before, map[string]int{probePath: 1, "token": c.calls})
				again := storm(t, snapshot.KindAccessToken, dead, callers, replicas...)
				if again[keeper.ResultCurrent] != callers*len(replicas) {
					t.Errorf("answers to the same report later: %v", again)
				}
				w.checkSpent(before, map[string]int{probePath: 1, "token": c.calls})
				checkRow(t, w.newest(snapshot.KindAccessToken, model.OutcomeRenewed), model.TriggerReport, "shop", 0)
				checkRow(t, w.newest(snapshot.KindAccessToken, model.OutcomeFailed), model.TriggerReport, "shop", 40001) // the evidence
				w.watch(time.Minute, time.Second, replicas...)
				w.checkToken(replicas[0], appID)
			})
		})
	}
}

// checkRow compares who a history row says was behind it, and the errcode.
func checkRow(t *testing.T, h model.History, trigger, actor string, errcode int) {
	t.Helper()
	if h.TriggerName != trigger || h.Actor != actor || h.Errcode != errcode {
		t.Errorf("the row of version %d, %s, has trigger %q, actor %q, errcode %d; want %q, %q, %d",
			h.Version, h.Outcome, h.TriggerName, h.Actor, h.Errcode, trigger, actor, errcode)
	}
}

// checkSpent compares the calls since a count with what is allowed, by path;
// "token" is both token paths together.
func (w *world) checkSpent(before, want map[string]int) {
	w.t.Helper()
	after := w.calls()
	for path, n := range want {
		spent := after[path] - before[path]
		if path == "token" {
			spent = after[tokenPath] + after[stablePath] - before[tokenPath] - before[stablePath]
		}
		if spent != n {
			w.t.Errorf("%d calls of %s, want %d", spent, path, n)
		}
	}
}

// The token lives: one probe in 30 s says so to everybody, and nothing is
// renewed.
func TestReportOfALivingToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{})
		one, two := w.start("one", nil), w.start("two", nil)
		time.Sleep(time.Minute)
		before, living := w.calls(), one.hash(snapshot.KindAccessToken)
		for round := 1; round <= 3; round++ {
			for range 5 {
				if answers := storm(t, snapshot.KindAccessToken, living, 10, one, two); answers[keeper.ResultAlive] != 20 {
					t.Fatalf("answers: %v", answers)
				}
				time.Sleep(5 * time.Second)
			}
			w.checkSpent(before, map[string]int{probePath: round, "token": 0})
			time.Sleep(10 * time.Second)
		}
	})
}

// Reports that concern another value than the current one cost nothing, whether
// the replica has heard of the current one or not.
func TestReportOfAnotherValue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{mode: wechat.Classic})
		one := w.start("one", nil)
		deaf := &faulty{}
		two := w.start("two", through(deaf))
		time.Sleep(time.Minute)
		old := one.hash(snapshot.KindAccessToken)
		deaf.set(everyTime(refuse, "Marks")) // follows nothing
		w.makeDue(appID, snapshot.KindAccessToken)
		for one.hash(snapshot.KindAccessToken) == old && two.hash(snapshot.KindAccessToken) == old {
			time.Sleep(100 * time.Millisecond)
		}
		before := w.calls()
		for _, r := range []*replica{one, two} {
			if result, err := r.report(snapshot.KindAccessToken, strings.ToUpper(old)); result != keeper.ResultCurrent || err != nil {
				t.Errorf("replica %s: %q, %v", r.name, result, err)
			}
			if r.hash(snapshot.KindAccessToken) == old {
				t.Errorf("replica %s still serves the old one", r.name)
			}
			for _, garbage := range []string{"", "x", strings.Repeat("0", 64)} {
				if result, err := r.report(snapshot.KindAccessToken, garbage); result != keeper.ResultCurrent || err != nil {
					t.Errorf("replica %s, %q: %q, %v", r.name, garbage, result, err)
				}
			}
		}
		w.checkSpent(before, map[string]int{probePath: 0, "token": 0})
	})
}

// A storm of reports of a ticket: one getticket in 30 s for all replicas.
func TestTicketReportStorm(t *testing.T) {
	t.Parallel()
	for name, fresh := range map[string]bool{keeper.ResultUnchanged: false, keeper.ResultRenewed: true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, setup{simulator: simulator.Options{FreshTickets: fresh}})
				replicas := []*replica{w.start("one", nil), w.start("two", nil), w.start("three", nil)}
				time.Sleep(time.Minute)
				before, ticket := w.calls(), replicas[0].hash(snapshot.KindJSAPI)
				answers := storm(t, snapshot.KindJSAPI, ticket, 100, replicas...)
				if answers[name]+answers[keeper.ResultCurrent] != 300 || !fresh && answers[name] != 300 {
					t.Errorf("answers: %v", answers)
				}
				w.checkSpent(before, map[string]int{ticketPath: 1, "token": 0, probePath: 0})
				storm(t, snapshot.KindJSAPI, replicas[0].hash(snapshot.KindJSAPI), 100, replicas...)
				w.checkSpent(before, map[string]int{ticketPath: 1})
				outcome := map[bool]string{false: model.OutcomeUnchanged, true: model.OutcomeRenewed}[fresh]
				checkRow(t, w.newest(snapshot.KindJSAPI, outcome), model.TriggerReport, "shop", 0)
				time.Sleep(31 * time.Second)
				storm(t, snapshot.KindJSAPI, replicas[0].hash(snapshot.KindJSAPI), 100, replicas...)
				w.checkSpent(before, map[string]int{ticketPath: 2})
			})
		})
	}
}

// WeChat is away in one way or another: an honest answer with when to ask again.
func TestReportWhileWeChatIsAway(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault   map[string]any
		revoked bool
		errcode int
	}{
		"not reached for the probe": {map[string]any{"path": "*", "mode": "status", "count": -1}, true, 0},
		"probe over its quota":      {map[string]any{"path": probePath, "errcode": 45009, "count": -1}, false, 45009},
		"no new token":              {map[string]any{"path": stablePath, "errcode": -1, "count": -1}, true, -1},
		"address not listed":        {map[string]any{"path": stablePath, "errcode": 40164, "count": -1}, true, 40164},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, setup{})
				one, two := w.start("one", nil), w.start("two", nil)
				time.Sleep(time.Minute)
				if c.revoked {
					w.revoke(false)
				}
				w.fault(c.fault)
				before, dead := w.calls(), one.hash(snapshot.KindAccessToken)
				for _, r := range []*replica{one, two} {
					_, err := r.report(snapshot.KindAccessToken, dead)
					failed, ok := errors.AsType[*keeper.RefreshFailed](err)
					if !ok || !errors.Is(err, keeper.ErrRefreshFailed) {
						t.Fatalf("replica %s: %v", r.name, err)
					}
					if failed.Errcode != c.errcode || failed.RetryAfter < time.Second || failed.Reason == "" {
						t.Errorf("replica %s: %#v", r.name, err)
					}
				}
				w.checkSpent(before, map[string]int{probePath: 1})
			})
		})
	}
}

// The token was renewed a moment ago and is dead again: the interval is kept.
func TestReportOfABrandNewToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{})
		r := w.start("one", nil)
		time.Sleep(5 * time.Second)
		w.revoke(false)
		before, dead := w.calls(), r.hash(snapshot.KindAccessToken)
		_, err := r.report(snapshot.KindAccessToken, dead)
		failed, ok := errors.AsType[*keeper.RefreshFailed](err)
		if !ok || failed.RetryAfter < 20*time.Second || failed.RetryAfter > 30*time.Second {
			t.Fatalf("%#v", err)
		}
		w.checkSpent(before, map[string]int{"token": 0})
		time.Sleep(failed.RetryAfter)
		if result, err := r.report(snapshot.KindAccessToken, dead); result != keeper.ResultRenewed || err != nil {
			t.Errorf("%q, %v", result, err)
		}
		w.checkSpent(before, map[string]int{"token": 1})
	})
}

// A token is renewed, and reported, within 30 s of the probe of the one before: it
// counts as alive, as WeChat has given it out since; once there may be another probe,
// there is one.
func TestReportSoonAfterTheProbeOfAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{})
		one, two := w.start("one", nil), w.start("two", nil)
		time.Sleep(time.Minute)
		before, dead := w.calls(), one.hash(snapshot.KindAccessToken)
		w.revoke(false)
		if result, err := one.report(snapshot.KindAccessToken, dead); result != keeper.ResultRenewed || err != nil {
			t.Fatalf("the token before: %q, %v", result, err)
		}
		living := one.hash(snapshot.KindAccessToken)
		for range 5 {
			if answers := storm(t, snapshot.KindAccessToken, living, 10, one, two); answers[keeper.ResultAlive] != 20 {
				t.Fatalf("answers: %v", answers)
			}
			time.Sleep(5 * time.Second)
		}
		w.checkSpent(before, map[string]int{probePath: 1, "token": 1})
		time.Sleep(10 * time.Second)
		w.revoke(false)
		if result, err := two.report(snapshot.KindAccessToken, living); result != keeper.ResultRenewed || err != nil {
			t.Errorf("dead later: %q, %v", result, err)
		}
		w.checkSpent(before, map[string]int{probePath: 2, "token": 2})
	})
}

// The database is away: WeChat's word that the token lives is as good as ever;
// a dead one cannot be renewed, and the answer says so.
func TestReportWithoutDatabase(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{})
		var away atomic.Bool
		r := w.start("one", through(&faulty{plan: func(string, int) fate {
			if away.Load() {
				return refuse
			}
			return pass
		}}))
		time.Sleep(time.Minute)
		token := r.hash(snapshot.KindAccessToken)
		away.Store(true)
		before := w.calls()
		for range 10 {
			if result, err := r.report(snapshot.KindAccessToken, token); result != keeper.ResultAlive || err != nil {
				t.Fatalf("%q, %v", result, err)
			}
		}
		w.checkSpent(before, map[string]int{probePath: 1})
		if _, err := r.report(snapshot.KindJSAPI, r.hash(snapshot.KindJSAPI)); !errors.Is(err, keeper.ErrRefreshFailed) {
			t.Errorf("a ticket: %v", err)
		}
		w.revoke(false)
		time.Sleep(31 * time.Second)
		_, err := r.report(snapshot.KindAccessToken, token)
		if !errors.Is(err, keeper.ErrRefreshFailed) || !strings.Contains(err.Error(), "database") {
			t.Errorf("a dead token: %v", err)
		}
		away.Store(false)
		if result, err := r.report(snapshot.KindAccessToken, token); result != keeper.ResultRenewed || err != nil {
			t.Errorf("after the database came back: %q, %v", result, err)
		}
		w.checkSpent(before, map[string]int{"token": 1})
	})
}

// The answers to the claim of the probe, or to its end, are lost.
func TestReportWithLostStatements(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"ClaimReportProbe", "ReportProbe", "EndReportProbe", "NoteRequest", "RequestBefore", "MarkDead"} {
		for what, fate := range map[string]fate{"lost": lose, "not done": refuse} {
			t.Run(fmt.Sprintf("%s, %s", op, what), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, setup{})
					f := &faulty{}
					one, two := w.start("one", through(f)), w.start("two", nil)
					time.Sleep(time.Minute)
					w.revoke(false)
					before, dead := w.calls(), one.hash(snapshot.KindAccessToken)
					f.set(everyTime(fate, op))
					for end := time.Now().Add(2 * time.Minute); one.hash(snapshot.KindAccessToken) == dead; time.Sleep(time.Second) {
						if time.Now().After(end) {
							t.Fatal("not renewed")
						}
						storm(t, snapshot.KindAccessToken, dead, 3, one, two)
					}
					w.checkSpent(before, map[string]int{"token": 1})
					if probes := w.calls()[probePath] - before[probePath]; probes > 2 {
						t.Errorf("%d probes", probes)
					}
				})
			})
		}
	}
}

// Who asks for what does not exist is told so; who does not wait, too.
func TestReportIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{})
		r := w.start("one", nil)
		time.Sleep(time.Minute)
		for want, q := range map[error]keeper.Report{
			keeper.ErrAccountUnknown: {AppID: "wx", Kind: snapshot.KindAccessToken},
			keeper.ErrKindUnknown:    {AppID: appID, Kind: snapshot.KindWXCard},
		} {
			if _, err := r.keeper.Report(t.Context(), q); !errors.Is(err, want) {
				t.Errorf("report: %v, want %v", err, want)
			}
			if _, err := r.keeper.Refresh(t.Context(), keeper.RefreshRequest{AppID: q.AppID, Kind: q.Kind}); !errors.Is(err, want) {
				t.Errorf("refresh: %v, want %v", err, want)
			}
		}
		w.revoke(false)
		w.fault(map[string]any{"path": probePath, "mode": "slow", "delay": "5s"})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		token := r.hash(snapshot.KindAccessToken)
		_, err := r.keeper.Report(ctx, keeper.Report{AppID: appID, Kind: snapshot.KindAccessToken, SHA256: token})
		if !errors.Is(err, keeper.ErrRefreshFailed) {
			t.Errorf("a caller who left: %v", err)
		}
		time.Sleep(6 * time.Second)
		if r.hash(snapshot.KindAccessToken) == token {
			t.Error("the renewal ended with its caller")
		}
		w.edit(appID, func(a *model.Account) { a.Enabled = false })
		time.Sleep(2 * time.Second)
		if _, err := r.report(snapshot.KindAccessToken, token); !errors.Is(err, keeper.ErrAccountDisabled) {
			t.Errorf("disabled: %v", err)
		}
	})
}

// Machines use up their share of the force refreshes: they are told so, people
// go on.
func TestReportsSpendTheMachinesShare(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{nowMS: "(bubble_now_ms()+3600000)"})
		r := w.start("one", nil)
		refresh := func() (string, error) { // as patient as the answer asks for
			for {
				result, err := r.keeper.Refresh(t.Context(), keeper.RefreshRequest{
					AppID: appID, Kind: snapshot.KindAccessToken, Actor: "admin", Reason: "shop is down",
				})
				failed, again := errors.AsType[*keeper.RefreshFailed](err)
				if !again {
					return result, err
				}
				time.Sleep(failed.RetryAfter)
			}
		}
		kill := func() string {
			time.Sleep(time.Minute)
			w.revoke(true)
			return r.hash(snapshot.KindAccessToken)
		}
		for n := range 15 {
			if result, err := r.report(snapshot.KindAccessToken, kill()); result != keeper.ResultRenewed || err != nil {
				t.Fatalf("report %d: %q, %v", n, result, err)
			}
		}
		dead := kill()
		if _, err := r.report(snapshot.KindAccessToken, dead); !errors.Is(err, keeper.ErrBudgetSpent) {
			t.Fatalf("report 15: %v", err)
		}
		b, err := r.keeper.Budget(t.Context(), appID)
		if err != nil || b.Used != 15 || b.Limit != 20 || b.ForMachines != 15 || b.NextAt.After(time.Now()) || r.keeper.ForceLeft(appID) != 5 {
			t.Errorf("budget %+v, left %d, %v", b, r.keeper.ForceLeft(appID), err)
		}
		time.Sleep(time.Minute)
		if result, err := refresh(); result != keeper.ResultRenewed || err != nil {
			t.Fatalf("a person: %q, %v", result, err)
		}
		time.Sleep(time.Second) // the row is written beside the renewal
		h := w.newest(snapshot.KindAccessToken, model.OutcomeRenewed)
		checkRow(t, h, model.TriggerManual, "admin", 0)
		if h.Errmsg != "shop is down" {
			t.Errorf("the reason is told as %q", h.Errmsg)
		}
		for range 4 {
			kill()
			if result, err := refresh(); result != keeper.ResultRenewed || err != nil {
				t.Fatalf("a person: %q, %v", result, err)
			}
		}
		kill()
		if _, err := refresh(); !errors.Is(err, keeper.ErrBudgetSpent) {
			t.Errorf("the 21st: %v", err)
		}
		if b, err := r.keeper.Budget(t.Context(), appID); err != nil || b.Used != 20 || b.NextAt.Before(time.Now().Add(time.Hour)) {
			t.Errorf("budget %+v, %v", b, err)
		}
		if forced := w.forced(); forced != 20 {
			t.Errorf("%d force refreshes", forced)
		}
	})
}
