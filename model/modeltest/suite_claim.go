package modeltest

import (
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/model"
)

func claimCases() map[string]func(subject) {
	return map[string]func(subject){
		"takes a due and free row":         claimTakes,
		"refuses what was not read so":     claimRefuses,
		"held until its end":               claimHeld,
		"taken over after its end":         claimEnded,
		"a step back of the clock":         claimAbsurd,
		"read back":                        claimReadBack,
		"given back":                       claimReleased,
		"is of one row":                    claimOneRow,
		"by the owner as written":          claimOwnerExact,
		"a parked row is not due":          claimParked,
		"lost by an edit of the account":   claimEdited,
		"the longest owner that is stored": claimLongOwner,
		"how long an outcome is unknown":   claimAsked,
		"an outcome of before the value":   claimAskedBefore,
		"given back unused":                claimUnused,
	}
}

func claimTakes(x subject) {
	before := x.row(token)
	g := x.grant("replica/attempt")
	from := x.now()
	x.yes(x.store.Claim(x.Context(), g, lease))
	to := x.now()
	after := x.row(token)
	if after.LeaseUntilMs < from+lease || after.LeaseUntilMs > to+lease {
		x.Errorf("leased until %d, want the database's now (%d…%d) + %d", after.LeaseUntilMs, from, to, lease)
	}
	want := before
	want.Fence, want.LeaseOwner, want.LeaseUntilMs, want.AskedMs = before.Fence+1, "replica/attempt", after.LeaseUntilMs, after.AskedMs
	if diff := cmp.Diff(want, after); diff != "" {
		x.Errorf("a claim changes fence, lease and asked_ms only; updated_ms would wake all followers (-want +got):\n%s", diff)
	}
}

func claimRefuses(x subject) {
	x.publish(0) // version 1, fence 1: each can be missed on both sides
	x.edit()
	right := x.grant("me")
	for name, spoil := range map[string]func(*model.Grant){
		"version before": func(g *model.Grant) { g.Version-- },
		"version ahead":  func(g *model.Grant) { g.Version++ },
		"fence before":   func(g *model.Grant) { g.Fence-- },
		"fence ahead":    func(g *model.Grant) { g.Fence++ },
		"older revision": func(g *model.Grant) { g.ConfigRev-- },
		"newer revision": func(g *model.Grant) { g.ConfigRev++ },
		"other kind":     func(g *model.Grant) { g.Kind = "wx_card" },
		"other account":  func(g *model.Grant) { g.AppID += "x" },
	} {
		wrong := right
		spoil(&wrong)
		if held, err := x.store.Claim(x.Context(), wrong, lease); held || err != nil {
			x.Errorf("%s: claimed %t, error %v; want neither", name, held, err)
		}
	}
	x.yes(x.store.Claim(x.Context(), right, lease))
}

func claimHeld(x subject) {
	first := x.claim("first")
	x.no(x.store.Claim(x.Context(), first, lease))             // the same again
	x.no(x.store.Claim(x.Context(), x.grant("second"), lease)) // by someone who read its fence
	if row := x.row(token); row.LeaseOwner != "first" || row.Fence != first.Fence+1 {
		x.Errorf("held by %q with fence %d", row.LeaseOwner, row.Fence)
	}
}

func claimEnded(x subject) {
	first := x.grant("first")
	x.yes(x.store.Claim(x.Context(), first, 1))
	second := x.grant("second")
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		held, err := x.store.Claim(x.Context(), second, lease)
		x.ok(err)
		if held {
			break
		}
		if time.Now().After(deadline) {
			x.Fatal("a claim that ended long ago still holds")
		}
	}
	x.no(x.store.Publish(x.Context(), first, x.publication(hour)))
	x.no(x.store.Unchanged(x.Context(), first, x.now()+hour, x.now()+hour))
	x.no(x.store.Fail(x.Context(), first, model.Failure{Text: "late"}))
	x.no(x.store.SpendForce(x.Context(), first, model.ForceBudget{Day: 20260101, Limit: 20}))
	x.no(x.store.Release(x.Context(), first))
	x.yes(x.store.Publish(x.Context(), second, x.publication(hour)))
}

// claimAbsurd: a lease that seems to last ten times its length was written
// before the database's clock was set back, and would hold for ever.
func claimAbsurd(x subject) {
	const short = 1000
	x.yes(x.store.Claim(x.Context(), x.grant("long"), model.LeaseSlack*short-500))
	x.no(x.store.Claim(x.Context(), x.grant("next"), short))
	x.yes(x.store.Release(x.Context(), backOne(x.grant("long"))))
	x.yes(x.store.Claim(x.Context(), x.grant("from the future"), model.LeaseSlack*short+60_000))
	x.yes(x.store.Claim(x.Context(), x.grant("next"), short))
}

// backOne makes the grant of a holder from the row as it is while held.
func backOne(g model.Grant) model.Grant {
	g.Fence--
	return g
}

func claimReadBack(x subject) {
	g := x.grant("me")
	x.no(x.store.Holds(x.Context(), g))
	x.yes(x.store.Claim(x.Context(), g, lease))
	x.yes(x.store.Holds(x.Context(), g))
	other := g
	other.Owner = "other"
	x.no(x.store.Holds(x.Context(), other))
	x.yes(x.store.Release(x.Context(), g))
	x.no(x.store.Holds(x.Context(), g))
	x.claim("me") // under a newer fence
	x.no(x.store.Holds(x.Context(), g))
}

func claimReleased(x subject) {
	due := x.row(token).NextRefreshMs
	g := x.claim("me")
	stranger := g
	stranger.Owner = "stranger"
	x.no(x.store.Release(x.Context(), stranger))
	x.no(x.store.Release(x.Context(), backOne(g)))
	x.yes(x.store.Release(x.Context(), g))
	x.no(x.store.Release(x.Context(), g))
	row := x.row(token)
	if row.LeaseOwner != "" || row.LeaseUntilMs != 0 || row.NextRefreshMs != due || row.Fence != g.Fence+1 {
		x.Errorf("after the release: owner %q until %d, due %d (was %d), fence %d",
			row.LeaseOwner, row.LeaseUntilMs, row.NextRefreshMs, due, row.Fence)
	}
	x.claim("next")
}

func claimOneRow(x subject) {
	ticket := x.row(jsapi)
	other := newSubject(x.TB, x.store)
	theirs := other.row(token)
	x.publish(hour)
	x.edit()
	x.claimOf(jsapi, "me")
	if diff := cmp.Diff(theirs, other.row(token)); diff != "" {
		x.Errorf("another account's row changed:\n%s", diff)
	}
	if row := x.row(jsapi); row.Version != 0 || row.Fence != ticket.Fence+1 {
		x.Errorf("the ticket has version %d, fence %d", row.Version, row.Fence)
	}
}

func claimOwnerExact(x subject) {
	g := x.claim("Replica/a")
	for _, owner := range []string{"replica/a", "Replica/", ""} {
		wrong := g
		wrong.Owner = owner
		x.no(x.store.Holds(x.Context(), wrong))
		x.no(x.store.Release(x.Context(), wrong))
	}
}

func claimParked(x subject) {
	x.publish(hour)
	x.no(x.store.Claim(x.Context(), x.grant("me"), lease))
	x.fail(jsapi, hour)
	x.no(x.store.Claim(x.Context(), x.grantOf(jsapi, "me"), lease))
}

func claimEdited(x subject) {
	g := x.claim("me")
	x.edit()
	x.no(x.store.Publish(x.Context(), g, x.publication(hour)))
	x.no(x.store.Unchanged(x.Context(), g, x.now()+hour, x.now()+hour))
	if row := x.row(token); row.Version != 0 || row.ConfigRev != 2 {
		x.Errorf("version %d, revision %d: a value of the old settings was published", row.Version, row.ConfigRev)
	}
	x.yes(x.store.Release(x.Context(), g)) // it still may, and should
}

func claimLongOwner(x subject) {
	owner := ""
	for len(owner) < 191 {
		owner += "pod-7f9c/"
	}
	g := x.claim(owner[:191])
	x.yes(x.store.Holds(x.Context(), g))
}

// asked_ms is when the first attempt began whose outcome nobody knows.
func claimAsked(x subject) {
	asked := func(when string, want int64) int64 {
		x.Helper()
		got := x.row(token).AskedMs
		if want >= 0 && got != want {
			x.Errorf("%s: asked_ms is %d, want %d", when, got, want)
		}
		return got
	}
	failed := func(unissued bool) {
		x.Helper()
		g := x.claim("me")
		x.yes(x.store.Fail(x.Context(), g, model.Failure{Unissued: unissued}))
	}
	asked("before any attempt", 0)
	failed(true)
	asked("WeChat said no", 0)
	from := x.now()
	failed(false)
	first := asked("an answer was lost", -1)
	if first < from || first > x.now() {
		x.Errorf("asked_ms is %d, want the database's instant of the claim, %d or a little later", first, from)
	}
	failed(false)
	asked("another was lost", first)
	failed(true)
	asked("WeChat said no to a later one", first)
	g := x.claim("gone")
	x.yes(x.store.Release(x.Context(), g))
	asked("a claim was given back", first)
	x.publish(0)
	asked("a value was published", 0)
	failed(false)
	g = x.claim("me")
	x.yes(x.store.Unchanged(x.Context(), g, x.now()+hour, 0))
	asked("the same value came back", 0)
}

// claimAskedBefore: a note from before the value that is stored says nothing of the
// next one, whoever left it: a program that did not know of it, or a database that
// lost the publish which cleared it.
func claimAskedBefore(x subject) {
	lost := func() {
		x.Helper()
		x.yes(x.store.Fail(x.Context(), x.claim("me"), model.Failure{}))
		if got := x.row(token); got.AskedMs == 0 || got.AskedMs > x.now() {
			x.Fatalf("asked_ms is %d", got.AskedMs)
		}
	}
	x.publish(0)
	lost()
	p := x.publication(0)
	p.IssuedMs = x.row(token).AskedMs + 1
	x.yes(x.store.Heal(x.Context(), x.grant("healer"), p))
	if got := x.row(token).AskedMs; got != 0 {
		x.Errorf("the note is older than the value that was put back: asked_ms is %d, want 0", got)
	}
	early := x.publication(0)
	early.IssuedMs += hour // so that every note is of before it
	x.yes(x.store.Publish(x.Context(), x.claim("me"), early))
	lost()
	before := x.row(token).AskedMs
	for x.now() <= before { // the clock's next millisecond
		time.Sleep(time.Millisecond)
	}
	x.claim("me")
	if got := x.row(token).AskedMs; got <= before {
		x.Errorf("the note %d is older than the value, but the claim keeps it: %d", before, got)
	}
}

// claimUnused: a claim under which WeChat was not asked leaves no trace but its
// fence.
func claimUnused(x subject) {
	unused := func() {
		x.Helper()
		before := x.row(token)
		g := x.claim("me")
		stranger := g
		stranger.Owner = "stranger"
		x.no(x.store.ReleaseUnused(x.Context(), stranger))
		x.no(x.store.ReleaseUnused(x.Context(), backOne(g)))
		x.yes(x.store.ReleaseUnused(x.Context(), g))
		before.Fence++
		if diff := cmp.Diff(before, x.row(token)); diff != "" {
			x.Errorf("(-want +got):\n%s", diff)
		}
	}
	unused()
	x.yes(x.store.Fail(x.Context(), x.claim("me"), model.Failure{})) // its answer was lost
	if x.row(token).AskedMs == 0 {
		x.Error("the lost answer was not noted")
	}
	unused()
	x.claim("next")
}
