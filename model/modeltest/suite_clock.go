package modeltest

import (
	"slices"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/model"
)

func shiftCases() map[string]func(subject) {
	return map[string]func(subject){
		"all instants of the row, once": shiftAll,
		"not where it is otherwise": func(x subject) {
			x.publish(hour)
			row := x.row(token)
			right := model.Shift{AppID: x.appID, Kind: token, PublishID: row.PublishID, ExpiresMs: row.ExpiresMs, ByMs: hour}
			for _, spoil := range []func(*model.Shift){
				func(s *model.Shift) { s.Kind = jsapi },
				func(s *model.Shift) { s.PublishID = id() },
				func(s *model.Shift) { s.ExpiresMs++ },
			} {
				wrong := right
				spoil(&wrong)
				x.no(x.store.Shift(x.Context(), wrong))
			}
		},
		"what a mark tells": markTells,
		"pulled forward, once": func(x subject) {
			x.publish(hour)
			seen := x.row(token).NextRefreshMs
			x.no(x.store.PullForward(x.Context(), x.appID, token, seen+1))
			x.once("pull", func(int) (bool, error) { return x.store.PullForward(x.Context(), x.appID, token, seen) })
			x.claim("next")
		},
		"force and death from the future": futureIsNoBar,
	}
}

func markTells(x subject) {
	p := x.publish(0)
	x.yes(x.store.MarkDead(x.Context(), x.appID, token, p.ValueHash, -1000))
	x.fail(token, hour)
	marks, _, err := x.store.Marks(x.Context(), 0)
	x.ok(err)
	i := slices.IndexFunc(marks, func(m model.Mark) bool { return m.AppID == x.appID && m.Kind == token })
	row := x.row(token)
	want := model.Mark{
		AppID: x.appID, Kind: token, Version: 1, PublishID: p.PublishID, ExpiresMs: p.ExpiresMs, FailCount: 1, ConfigRev: 1,
		Dead: true, NextRefreshMs: row.NextRefreshMs, UpdatedMs: row.UpdatedMs,
	}
	if diff := cmp.Diff(want, marks[i]); diff != "" {
		x.Errorf("(-want +got):\n%s", diff)
	}
}

func futureIsNoBar(x subject) {
	p := x.publish(0)
	row := x.row(token)
	// As the clock was 10 hours ahead when the value came and a force was spent.
	g := x.claim("forcer")
	x.yes(x.store.SpendForce(x.Context(), g, model.ForceBudget{Day: 20260101, Limit: 20}))
	x.yes(x.store.Release(x.Context(), g))
	s := model.Shift{AppID: x.appID, Kind: token, PublishID: row.PublishID, ExpiresMs: row.ExpiresMs, ByMs: 10 * hour}
	x.yes(x.store.Shift(x.Context(), s))
	x.yes(x.store.MarkDead(x.Context(), x.appID, token, p.ValueHash, 30_000))
	g = x.claim("forcer")
	x.yes(x.store.SpendForce(x.Context(), g, model.ForceBudget{Day: 20260101, Limit: 20, GapMs: 30_000}))
	x.no(x.store.SpendForce(x.Context(), g, model.ForceBudget{Day: 20260101, Limit: 20, GapMs: 30_000}))
}

func shiftAll(x subject) {
	x.publish(0)
	x.claim("holder")
	before, from := x.row(token), x.now()
	s := model.Shift{AppID: x.appID, Kind: token, PublishID: before.PublishID, ExpiresMs: before.ExpiresMs, ByMs: -hour}
	x.once("shift", func(int) (bool, error) { return x.store.Shift(x.Context(), s) })
	got := x.row(token)
	want := before
	want.IssuedMs -= hour
	want.ExpiresMs -= hour
	want.NextRefreshMs -= hour
	want.LeaseUntilMs -= hour
	want.AskedMs -= hour
	want.UpdatedMs = got.UpdatedMs
	if diff := cmp.Diff(want, got); diff != "" || got.UpdatedMs < from {
		x.Errorf("updated %d, moved at %d (-want +got):\n%s", got.UpdatedMs, from, diff)
	}
}

func alignCases() map[string]func(subject) {
	listed := func(x subject) bool {
		x.Helper()
		rows, err := x.store.Misaligned(x.Context())
		x.ok(err)
		return slices.ContainsFunc(rows, func(a model.Account) bool { return a.AppID == x.appID })
	}
	mend := func(x subject) {
		x.Helper()
		if !listed(x) {
			x.Fatal("an account whose rows do not fit is not listed")
		}
		a, err := x.store.Account(x.Context(), x.appID)
		x.ok(err)
		x.ok(x.store.AlignCredentials(x.Context(), a, a.Kinds()))
		if listed(x) {
			x.Fatal("it is still listed after it was aligned")
		}
	}
	// half edits the account and leaves its rows as another set of kinds wants.
	half := func(x subject, tickets model.Strings, kinds ...string) {
		x.Helper()
		a, err := x.store.Account(x.Context(), x.appID)
		x.ok(err)
		a.Tickets = tickets
		x.yes(x.store.UpdateAccount(x.Context(), a, kinds))
	}
	return map[string]func(subject){
		"one that fits is not listed": func(x subject) {
			x.publish(hour)
			x.edit()
			if listed(x) {
				x.Error("listed")
			}
		},
		"a kind is missing":            func(x subject) { half(x, model.Strings{jsapi, "wx_card"}, token, jsapi); mend(x) },
		"a kind is too many":           func(x subject) { half(x, model.Strings{}, token, jsapi); mend(x) },
		"one missing and one too many": func(x subject) { half(x, model.Strings{"wx_card"}, token, jsapi); mend(x) },
		"no row at all":                func(x subject) { half(x, model.Strings{jsapi}, "none"); mend(x) },
		"no tickets": func(x subject) {
			half(x, model.Strings{}, token)
			if listed(x) {
				x.Error("listed")
			}
		},
	}
}
