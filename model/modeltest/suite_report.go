package modeltest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/model"
)

// once lets many call at the same time and wants one of them to win.
func (x subject) once(what string, try func(i int) (bool, error)) {
	x.Helper()
	var won atomic.Int32
	var racers sync.WaitGroup
	for i := range 8 {
		racers.Go(func() {
			done, err := try(i)
			if err != nil && !errors.Is(err, model.ErrNotApplied) {
				x.Error(err)
			}
			if done {
				won.Add(1)
			}
		})
	}
	racers.Wait()
	if won.Load() != 1 {
		x.Fatalf("%s: %d of 8 won, want 1", what, won.Load())
	}
}

// always is a gap that any age exceeds.
const always = -hour

func doubtCases() map[string]func(subject) {
	probe := func(x subject, owner string) model.ReportProbe {
		return model.ReportProbe{AppID: x.appID, ValueHash: hash(), Owner: owner}
	}
	return map[string]func(subject){
		"one of many, the first time": func(x subject) {
			for round := range 10 {
				other := newSubject(x.TB, x.store)
				x.once(fmt.Sprintf("round %d", round), func(i int) (bool, error) {
					return x.store.ClaimReportProbe(x.Context(), probe(other, fmt.Sprintf("replica/%d", i)), hour)
				})
			}
		},
		"once in the gap": func(x subject) {
			first, second := probe(x, "a/1"), probe(x, "b/1")
			x.yes(x.store.ClaimReportProbe(x.Context(), first, hour))
			x.no(x.store.ClaimReportProbe(x.Context(), second, hour))
			x.no(x.store.ClaimReportProbe(x.Context(), first, hour)) // its own repetition
			x.no(x.store.EndReportProbe(x.Context(), second))
			x.yes(x.store.ClaimReportProbe(x.Context(), second, always))
			x.no(x.store.EndReportProbe(x.Context(), first))
		},
		"what all see": func(x subject) {
			if _, _, err := x.store.ReportProbe(x.Context(), x.appID); !errors.Is(err, model.ErrNotFound) {
				x.Errorf("before the first: %v", err)
			}
			p, from := probe(x, "a/1"), x.now()
			x.yes(x.store.ClaimReportProbe(x.Context(), p, hour))
			got, now, err := x.store.ReportProbe(x.Context(), x.appID)
			x.ok(err)
			if got.ClaimedMs < from || now < got.ClaimedMs {
				x.Errorf("claimed at %d, between %d and %d", got.ClaimedMs, from, now)
			}
			p.ClaimedMs = got.ClaimedMs
			if diff := cmp.Diff(p, got); diff != "" {
				x.Errorf("under way (-want +got):\n%s", diff)
			}
			p.Outcome, p.Errcode, p.Errmsg = model.ProbeUnknown, 45009, strings.Repeat("超", 600)+"\xff"
			x.yes(x.store.EndReportProbe(x.Context(), p))
			got, _, err = x.store.ReportProbe(x.Context(), x.appID)
			x.ok(err)
			if got.Outcome != model.ProbeUnknown || got.Errcode != 45009 || got.Errmsg != strings.Repeat("超", 512) {
				x.Errorf("over: %+v", got)
			}
			x.yes(x.store.ClaimReportProbe(x.Context(), p, always))
			if got, _, err = x.store.ReportProbe(x.Context(), x.appID); err != nil || got.Outcome != "" || got.Errcode != 0 || got.Errmsg != "" {
				x.Errorf("the next one begins with %+v, %v", got, err)
			}
		},
	}
}

func probeCases() map[string]func(subject) {
	return map[string]func(subject){
		"one of many": func(x subject) {
			x.publish(hour)
			seen := model.DueProbe{AppID: x.appID, Version: 1}
			x.once("the probe on schedule", func(int) (bool, error) { return x.store.ClaimProbe(x.Context(), seen, hour) })
		},
		"not of another version": func(x subject) {
			x.publish(hour)
			x.no(x.store.ClaimProbe(x.Context(), model.DueProbe{AppID: x.appID, Version: 2}, hour))
		},
	}
}

func requestCases() map[string]func(subject) {
	due := func(x subject, kind string) model.Due {
		return model.Due{AppID: x.appID, Kind: kind, ValueHash: x.row(kind).ValueHash, GapMs: always}
	}
	return map[string]func(subject){
		"who asked last, for the claim that follows": requestNoted,
		"many ask at once":                           requestsAtOnce,
		"makes due, and wakes nobody": func(x subject) {
			x.publish(hour)
			before := x.row(token)
			x.yes(x.store.MakeDue(x.Context(), due(x, token)))
			got := x.row(token)
			want := before
			want.NextRefreshMs = got.NextRefreshMs
			if diff := cmp.Diff(want, got); diff != "" || got.NextRefreshMs > x.now() {
				x.Errorf("due %d (-want +got):\n%s", got.NextRefreshMs, diff)
			}
			x.claim("next")
		},
		"not of another value, nor too early": func(x subject) {
			x.publish(hour)
			d := due(x, token)
			d.ValueHash = hash()
			x.no(x.store.MakeDue(x.Context(), d))
			d = due(x, token)
			d.GapMs = hour
			x.no(x.store.MakeDue(x.Context(), d))
		},
		"a back-off ends for people only": func(x subject) {
			x.publish(0)
			x.fail(token, hour)
			d := due(x, token)
			x.no(x.store.MakeDue(x.Context(), d))
			d.EvenFailing = true
			x.yes(x.store.MakeDue(x.Context(), d))
			if row := x.row(token); row.FailCount != 1 || row.NextRefreshMs > x.now() {
				x.Errorf("%d failures, due %d", row.FailCount, row.NextRefreshMs)
			}
		},
		"of a row that never had a value": func(x subject) {
			x.fail(jsapi, hour)
			d := due(x, jsapi)
			d.EvenFailing = true
			x.yes(x.store.MakeDue(x.Context(), d))
		},
	}
}

func requestsAtOnce(x subject) {
	var askers sync.WaitGroup
	for i := range 8 {
		askers.Go(func() {
			err := x.store.NoteRequest(x.Context(), model.RefreshRequest{
				AppID: x.appID, Kind: token, TriggerName: model.TriggerReport, Actor: fmt.Sprint(i), Fence: 7,
			})
			if err != nil && !errors.Is(err, model.ErrNotApplied) {
				x.Error(err)
			}
		})
	}
	askers.Wait()
	_, err := x.store.RequestBefore(x.Context(), x.appID, token, 7)
	x.ok(err)
}

func requestNoted(x subject) {
	none := func(kind string, fence int64) {
		x.Helper()
		if got, err := x.store.RequestBefore(x.Context(), x.appID, kind, fence); !errors.Is(err, model.ErrNotFound) {
			x.Errorf("%s before fence %d: %+v, %v", kind, fence, got, err)
		}
	}
	none(token, 0)
	x.ok(x.store.NoteRequest(x.Context(), model.RefreshRequest{AppID: x.appID, Kind: token, TriggerName: model.TriggerReport, Actor: "shop"}))
	last := model.RefreshRequest{
		AppID: x.appID, Kind: token, TriggerName: model.TriggerManual, Actor: "管理员", Reason: strings.Repeat("因", 600), Fence: 3,
	}
	x.ok(x.store.NoteRequest(x.Context(), last))
	none(token, 0)
	none(jsapi, 3)
	got, err := x.store.RequestBefore(x.Context(), x.appID, token, 3)
	x.ok(err)
	last.Reason = strings.Repeat("因", 512)
	if diff := cmp.Diff(last, got); diff != "" {
		x.Errorf("(-want +got):\n%s", diff)
	}
}

func issuedCases() map[string]func(subject) {
	return map[string]func(subject){
		"found by its hash, for a while": func(x subject) {
			h := hash()
			x.ok(x.store.AddIssued(x.Context(), h, x.appID, x.now()))
			x.ok(x.store.AddIssued(x.Context(), h, x.appID, x.now())) // repeated
			if got, err := x.store.IssuedTo(x.Context(), h, hour); err != nil || got != x.appID {
				x.Errorf("%q, %v", got, err)
			}
			for _, other := range []string{hash(), strings.ToUpper(h), ""} {
				if got, err := x.store.IssuedTo(x.Context(), other, hour); !errors.Is(err, model.ErrNotFound) {
					x.Errorf("%q: %q, %v", other, got, err)
				}
			}
			old := hash()
			x.ok(x.store.AddIssued(x.Context(), old, x.appID, x.now()-2*hour))
			if _, err := x.store.IssuedTo(x.Context(), old, hour); !errors.Is(err, model.ErrNotFound) {
				x.Errorf("an old one: %v", err)
			}
		},
		"written with its history row": func(x subject) {
			h, publish := hash(), id()
			there, err := x.store.WrittenHistory(x.Context(), []string{publish})
			x.no(there[publish], err)
			row := model.History{AttemptID: id(), PublishID: &publish, AppID: x.appID, Kind: token, ValueHash: h, IssuedMs: x.now()}
			x.ok(x.store.AddHistory(x.Context(), row))
			x.ok(x.store.AddHistory(x.Context(), row))
			there, err = x.store.WrittenHistory(x.Context(), []string{id(), publish})
			x.yes(len(there) == 1 && there[publish], err)
			if got, err := x.store.IssuedTo(x.Context(), h, hour); err != nil || got != x.appID {
				x.Errorf("%q, %v", got, err)
			}
		},
		"purged when nobody asks any more": func(x subject) {
			old, young := hash(), hash()
			x.ok(x.store.AddIssued(x.Context(), old, x.appID, x.now()-25*hour))
			x.ok(x.store.AddIssued(x.Context(), young, x.appID, x.now()-3*hour))
			for n := int64(1); n > 0; {
				var err error
				n, err = x.store.PurgeIssued(x.Context())
				x.ok(err)
			}
			if _, err := x.store.IssuedTo(x.Context(), old, 100*hour); !errors.Is(err, model.ErrNotFound) {
				x.Errorf("the old one: %v", err)
			}
			if _, err := x.store.IssuedTo(x.Context(), young, 4*hour); err != nil {
				x.Errorf("the young one: %v", err)
			}
		},
	}
}
