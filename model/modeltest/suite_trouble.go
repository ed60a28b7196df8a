package modeltest

import (
	"strings"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/model"
)

func failCases() map[string]func(subject) {
	return map[string]func(subject){
		"parks, counts and keeps the value": failParks,
		"any text":                          failTexts,
		"by the holder only": func(x subject) {
			g := x.claim("me")
			g.Owner = "other"
			x.no(x.store.Fail(x.Context(), g, model.Failure{BackoffMs: hour}))
		},
		"once": func(x subject) {
			g := x.claim("me")
			x.yes(x.store.Fail(x.Context(), g, model.Failure{}))
			x.no(x.store.Fail(x.Context(), g, model.Failure{}))
			if n := x.row(token).FailCount; n != 1 {
				x.Errorf("one failure was counted %d times", n)
			}
		},
	}
}

func failParks(x subject) {
	x.publish(0)
	before := x.row(token)
	for n := 1; n <= 3; n++ {
		g := x.claim("me")
		from := x.now()
		backoff := int64(0) // due again at once, so that it can fail again
		if n == 3 {
			backoff = hour
		}
		x.yes(x.store.Fail(x.Context(), g, model.Failure{
			Errcode: 45009, Text: "reach max api daily quota limit", BackoffMs: backoff, Unissued: true,
		}))
		got := x.row(token)
		if got.NextRefreshMs < from+backoff || got.NextRefreshMs > x.now()+backoff || got.UpdatedMs < from {
			x.Errorf("failure %d: due %d, updated %d, failed at %d", n, got.NextRefreshMs, got.UpdatedMs, from)
		}
		want := before
		want.FailCount, want.FailErrcode, want.FailText = n, 45009, "reach max api daily quota limit"
		want.Fence, want.NextRefreshMs, want.UpdatedMs = g.Fence+1, got.NextRefreshMs, got.UpdatedMs
		if diff := cmp.Diff(want, got); diff != "" {
			x.Errorf("failure %d (-want +got):\n%s", n, diff)
		}
	}
	x.no(x.store.Claim(x.Context(), x.grant("me"), lease))
}

// failTexts: WeChat's errmsg is stored as it came, within the column.
func failTexts(x subject) {
	for name, text := range map[string]string{
		"too long, Chinese":     strings.Repeat("错", 600),
		"too long, four bytes":  strings.Repeat("😀", 600),
		"too long, mixed":       strings.Repeat("a错😀", 300),
		"as long as the column": strings.Repeat("é", 512),
		"quotes and escapes":    `it's \ "so" ? @Owner :x` + "\x00\n%",
		"not UTF-8":             "cut in a character \xe9\x94 and \xff",
		"blanks at its ends":    "  x  ",
	} {
		g := x.claim("me")
		x.yes(x.store.Fail(x.Context(), g, model.Failure{Text: text}))
		got := x.row(token).FailText
		want := strings.ToValidUTF8(text, "\uFFFD")
		if utf8.RuneCountInString(want) > 512 {
			want = string([]rune(want)[:512])
		}
		if got != want {
			x.Errorf("%s: stored %d characters %.40q…, want %d %.40q…",
				name, utf8.RuneCountInString(got), got, utf8.RuneCountInString(want), want)
		}
	}
}

func forceCases() map[string]func(subject) {
	const today, tomorrow = 20260101, 20260102
	return map[string]func(subject){
		"within the day's budget": func(x subject) {
			g := x.claim("me")
			for range 3 {
				x.yes(x.store.SpendForce(x.Context(), g, model.ForceBudget{Day: today, Limit: 3}))
			}
			x.no(x.store.SpendForce(x.Context(), g, model.ForceBudget{Day: today, Limit: 3}))
			x.yes(x.store.SpendForce(x.Context(), g, model.ForceBudget{Day: today, Limit: 4}))
			x.yes(x.store.SpendForce(x.Context(), g, model.ForceBudget{Day: tomorrow, Limit: 1}))
			x.no(x.store.SpendForce(x.Context(), g, model.ForceBudget{Day: tomorrow, Limit: 1}))
			if row := x.row(token); row.ForceDay != tomorrow || row.ForceCount != 1 {
				x.Errorf("%d spent on %d, want 1 on %d", row.ForceCount, row.ForceDay, tomorrow)
			}
		},
		"with a gap": func(x subject) {
			g := x.claim("me")
			from := x.now()
			x.yes(x.store.SpendForce(x.Context(), g, model.ForceBudget{Day: today, Limit: 20, GapMs: 60_000}))
			x.no(x.store.SpendForce(x.Context(), g, model.ForceBudget{Day: today, Limit: 20, GapMs: 60_000}))
			x.no(x.store.SpendForce(x.Context(), g, model.ForceBudget{Day: tomorrow, Limit: 20, GapMs: 60_000}))
			x.yes(x.store.SpendForce(x.Context(), g, model.ForceBudget{Day: today, Limit: 20}))
			if row := x.row(token); row.ForceMs < from || row.ForceCount != 2 {
				x.Errorf("%d spent, the last at %d", row.ForceCount, row.ForceMs)
			}
		},
		"by the holder only, over publications": func(x subject) {
			g := x.claim("me")
			stranger := g
			stranger.Owner = "other"
			x.no(x.store.SpendForce(x.Context(), stranger, model.ForceBudget{Day: today, Limit: 1}))
			x.yes(x.store.SpendForce(x.Context(), g, model.ForceBudget{Day: today, Limit: 1}))
			x.yes(x.store.Publish(x.Context(), g, x.publication(0)))
			x.no(x.store.SpendForce(x.Context(), g, model.ForceBudget{Day: today, Limit: 9})) // no longer held
			x.no(x.store.SpendForce(x.Context(), x.claim("next"), model.ForceBudget{Day: today, Limit: 1}))
		},
	}
}

func deadCases() map[string]func(subject) {
	// A negative least age makes a value of this very millisecond old enough.
	const anyAge = -1000
	return map[string]func(subject){
		"makes the value dead and due": func(x subject) {
			p := x.publish(hour)
			from := x.now()
			x.yes(x.store.MarkDead(x.Context(), x.appID, token, p.ValueHash, anyAge))
			row := x.row(token)
			if !row.Dead() || row.NextRefreshMs > x.now() || row.UpdatedMs < from || row.ExpiresMs != p.ExpiresMs {
				x.Errorf("dead %t, due %d, updated %d, expires %d", row.Dead(), row.NextRefreshMs, row.UpdatedMs, row.ExpiresMs)
			}
			x.no(x.store.MarkDead(x.Context(), x.appID, token, p.ValueHash, anyAge)) // marked already
			x.claim("next")
		},
		"only the current value": func(x subject) {
			old := x.publish(0)
			p := x.publish(hour)
			for _, h := range []string{old.ValueHash, strings.ToUpper(p.ValueHash), ""} {
				x.no(x.store.MarkDead(x.Context(), x.appID, token, h, anyAge))
			}
			x.no(x.store.MarkDead(x.Context(), x.appID, jsapi, p.ValueHash, anyAge))
			x.no(x.store.MarkDead(x.Context(), x.appID, jsapi, "", anyAge)) // never had a value
		},
		"not a young one": func(x subject) {
			p := x.publish(hour)
			x.no(x.store.MarkDead(x.Context(), x.appID, token, p.ValueHash, 30_000))
		},
		"ends no back-off": func(x subject) {
			p := x.publish(0)
			x.fail(token, hour)
			due := x.row(token).NextRefreshMs
			x.yes(x.store.MarkDead(x.Context(), x.appID, token, p.ValueHash, anyAge))
			if row := x.row(token); !row.Dead() || row.NextRefreshMs != due || row.FailCount != 1 {
				x.Errorf("dead %t, due %d (was %d), %d failures", row.Dead(), row.NextRefreshMs, due, row.FailCount)
			}
		},
		"while the same value comes back": func(x subject) {
			p := x.publish(0)
			g := x.claim("asking")
			x.yes(x.store.MarkDead(x.Context(), x.appID, token, p.ValueHash, anyAge))
			x.yes(x.store.Unchanged(x.Context(), g, p.ExpiresMs, x.now()+hour))
			if row := x.row(token); !row.Dead() || row.NextRefreshMs > x.now() {
				x.Errorf("dead %t, due in %d ms: the old answer put the renewal off", row.Dead(), row.NextRefreshMs-x.now())
			}
		},
	}
}

func healCases() map[string]func(subject) {
	return map[string]func(subject){
		"puts a newer value back, once": healOnce,
		"ends the claim that the database forgot to be over": func(x subject) {
			p := newer(x)
			x.yes(x.store.MarkDead(x.Context(), x.appID, token, x.row(token).ValueHash, -hour))
			late := x.grant("late")
			x.yes(x.store.Claim(x.Context(), late, 0))
			x.yes(x.store.Heal(x.Context(), x.grant("healer"), p))
			x.no(x.store.Publish(x.Context(), late, x.publication(hour)))
		},
		"not an older or equal value": func(x subject) {
			p := newer(x)
			for _, issued := range []int64{x.row(token).IssuedMs, x.row(token).IssuedMs - 1} {
				p.IssuedMs = issued
				x.no(x.store.Heal(x.Context(), x.grant("healer"), p))
			}
		},
		"not over a claim or another row": healGuarded,
	}
}

func healOnce(x subject) {
	p := newer(x)
	before := x.row(token)
	g := x.grant("healer")
	x.yes(x.store.Heal(x.Context(), g, p))
	x.no(x.store.Heal(x.Context(), g, p))
	x.yes(x.store.Published(x.Context(), g, p.PublishID))
	got := x.row(token)
	want := before
	want.Version, want.Fence, want.PublishID, want.PublishedBy = before.Version+1, before.Fence+1, p.PublishID, "healer"
	want.ValueEnc, want.KeyID, want.ValueHash = p.ValueEnc, p.KeyID, p.ValueHash
	want.IssuedMs, want.ExpiresMs, want.NextRefreshMs = p.IssuedMs, p.ExpiresMs, p.NextRefreshMs
	want.UpdatedMs = got.UpdatedMs
	if diff := cmp.Diff(want, got); diff != "" || got.UpdatedMs < before.UpdatedMs {
		x.Errorf("updated %d → %d (-want +got):\n%s", before.UpdatedMs, got.UpdatedMs, diff)
	}
}

func healGuarded(x subject) {
	p := newer(x)
	g := x.grant("healer")
	for _, spoil := range []func(*model.Grant){
		func(g *model.Grant) { g.Version-- },
		func(g *model.Grant) { g.Fence-- },
		func(g *model.Grant) { g.Kind = jsapi },
	} {
		wrong := g
		spoil(&wrong)
		x.no(x.store.Heal(x.Context(), wrong, p))
	}
	x.yes(x.store.MarkDead(x.Context(), x.appID, token, x.row(token).ValueHash, -hour))
	x.claim("holder")
	x.no(x.store.Heal(x.Context(), x.grant("healer"), p))
}

// newer is what a process still holds after the database lost it.
func newer(x subject) model.Publication {
	x.Helper()
	x.publish(hour)
	p := x.publication(hour)
	p.IssuedMs += 1000
	return p
}
