package modeltest

import (
	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/model"
)

func publishCases() map[string]func(subject) {
	return map[string]func(subject){
		"writes all and ends the claim":   publishWrites,
		"takes effect once":               publishOnce,
		"refuses a stale fence":           publishStaleFence,
		"refuses a stale version":         publishStaleVersion,
		"after the lease, nobody claimed": publishLate,
		"any bytes":                       publishBytes,
		"the longest life is remembered":  publishLife,
		"ends failures and death":         publishClears,
		"forget makes due at once":        forget,
	}
}

func publishWrites(x subject) {
	g := x.claim("replica/attempt")
	p := x.publication(hour)
	p.BirthKnown = true
	from := x.now()
	x.yes(x.store.Publish(x.Context(), g, p))
	got := x.row(token)
	if got.UpdatedMs < from {
		x.Errorf("updated_ms %d lies before the publish at %d: followers would miss it", got.UpdatedMs, from)
	}
	want := model.Credential{
		AppID: x.appID, Kind: token, Version: 1, PublishID: p.PublishID, PublishedBy: "replica/attempt",
		ValueEnc: p.ValueEnc, KeyID: p.KeyID, ValueHash: p.ValueHash,
		IssuedMs: p.IssuedMs, ExpiresMs: p.ExpiresMs, LongestLifeMs: p.LifeMs, BirthKnown: true,
		NextRefreshMs: p.NextRefreshMs, Fence: 1, ConfigRev: 1, UpdatedMs: got.UpdatedMs,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		x.Errorf("(-want +got):\n%s", diff)
	}
}

func publishOnce(x subject) {
	g := x.claim("me")
	p := x.publication(0)
	x.no(x.store.Published(x.Context(), g, p.PublishID))
	x.yes(x.store.Publish(x.Context(), g, p))
	x.no(x.store.Publish(x.Context(), g, p))
	x.yes(x.store.Published(x.Context(), g, p.PublishID))
	x.no(x.store.Published(x.Context(), g, id()))
	if v := x.row(token).Version; v != 1 {
		x.Errorf("version %d after one publication sent twice, want 1", v)
	}
	x.publish(hour)
	x.no(x.store.Published(x.Context(), g, p.PublishID)) // no longer the current one
}

func publishStaleFence(x subject) {
	stale := x.grant("stopped")
	x.yes(x.store.Claim(x.Context(), stale, 0)) // over at once
	current := x.claim("awake")
	p := x.publication(hour)
	x.no(x.store.Publish(x.Context(), stale, p))
	x.no(x.store.Published(x.Context(), stale, p.PublishID))
	x.yes(x.store.Publish(x.Context(), current, x.publication(hour)))
	x.no(x.store.Publish(x.Context(), stale, p))
	ahead := current
	ahead.Fence++
	x.no(x.store.Publish(x.Context(), ahead, p))
}

func publishStaleVersion(x subject) {
	x.publish(0)
	g := x.claim("me")
	for _, wrong := range []int64{g.Version - 1, g.Version + 1} {
		stale := g
		stale.Version = wrong
		x.no(x.store.Publish(x.Context(), stale, x.publication(hour)))
		x.no(x.store.Unchanged(x.Context(), stale, x.now()+hour, x.now()+hour))
	}
	x.yes(x.store.Publish(x.Context(), g, x.publication(hour)))
}

// publishLate: the fence guards a publication, not the clock. A value that was
// got is not thrown away while nobody else has started.
func publishLate(x subject) {
	g := x.grant("slow")
	x.yes(x.store.Claim(x.Context(), g, 0))
	x.yes(x.store.Publish(x.Context(), g, x.publication(hour)))
}

func publishBytes(x subject) {
	sealed := make([]byte, 2048) // as long as the column
	for i := range sealed {
		sealed[i] = byte(i)
	}
	g := x.claim("me")
	p := x.publication(hour)
	p.ValueEnc = sealed
	x.yes(x.store.Publish(x.Context(), g, p))
	if diff := cmp.Diff(sealed, x.row(token).ValueEnc); diff != "" {
		x.Errorf("the sealed value came back otherwise:\n%s", diff)
	}
}

func publishLife(x subject) {
	for _, life := range []int64{300_000, 2 * hour, 290_000} {
		g := x.claim("me")
		p := x.publication(0)
		p.LifeMs = life
		x.yes(x.store.Publish(x.Context(), g, p))
	}
	if got := x.row(token).LongestLifeMs; got != 2*hour {
		x.Errorf("longest life %d, want %d", got, 2*hour)
	}
}

func publishClears(x subject) {
	p := x.publish(0)
	x.yes(x.store.MarkDead(x.Context(), x.appID, token, p.ValueHash, -hour))
	x.fail(token, 0)
	x.publish(hour)
	row := x.row(token)
	if row.FailCount != 0 || row.FailErrcode != 0 || row.FailText != "" || row.DeadHash != "" || row.Dead() {
		x.Errorf("left over: %d failures, errcode %d, %q, dead %q", row.FailCount, row.FailErrcode, row.FailText, row.DeadHash)
	}
}

func forget(x subject) {
	other := newSubject(x.TB, x.store)
	other.publish(hour)
	theirs := other.row(token)
	x.publish(hour)
	x.claimOf(jsapi, "me")
	x.ok(x.store.ForgetValues(x.Context(), []string{x.appID}, x.row(token).IssuedMs))
	if x.row(token).ExpiresMs == 0 {
		x.Errorf("a value that is not older was forgotten")
	}
	x.ok(x.store.ForgetValues(x.Context(), []string{x.appID}, x.now()+1))
	x.ok(x.store.ForgetValues(x.Context(), nil, x.now()+1))
	for _, kind := range []string{token, jsapi} {
		if row := x.row(kind); row.ExpiresMs != 0 || row.NextRefreshMs != 0 || row.LeaseOwner != "" {
			x.Errorf("%s: expires %d, due %d, held by %q", kind, row.ExpiresMs, row.NextRefreshMs, row.LeaseOwner)
		}
	}
	if diff := cmp.Diff(theirs, other.row(token)); diff != "" {
		x.Errorf("another account's value was forgotten:\n%s", diff)
	}
	x.claim("next")
}

func unchangedCases() map[string]func(subject) {
	return map[string]func(subject){
		"keeps the value and moves the clock": func(x subject) {
			x.publish(0)
			before := x.row(token)
			x.fail(token, 0)
			g := x.claim("me")
			now := x.now()
			x.yes(x.store.Unchanged(x.Context(), g, before.ExpiresMs+5, now+30_000))
			got := x.row(token)
			if got.UpdatedMs < now {
				x.Errorf("updated_ms %d lies before the write at %d", got.UpdatedMs, now)
			}
			want := before
			want.ExpiresMs, want.NextRefreshMs = before.ExpiresMs+5, now+30_000
			want.Fence, want.UpdatedMs = g.Fence+1, got.UpdatedMs
			if diff := cmp.Diff(want, got); diff != "" {
				x.Errorf("(-want +got):\n%s", diff)
			}
		},
		"by fence": func(x subject) {
			stale := x.grant("stopped")
			x.yes(x.store.Claim(x.Context(), stale, 0))
			x.claim("awake")
			x.no(x.store.Unchanged(x.Context(), stale, x.now()+hour, x.now()+hour))
		},
	}
}
