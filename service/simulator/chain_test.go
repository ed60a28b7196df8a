package simulator_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/service/simulator"
)

func TestClassicOverlap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := inBubble(t)
		first := w.classic().AccessToken
		time.Sleep(time.Hour)
		second := w.classic().AccessToken
		if first == second {
			t.Fatal("a classic call must issue a new token")
		}
		w.wantProbe("new token", second, 0)
		time.Sleep(5*time.Minute - time.Nanosecond)
		w.wantProbe("old token, 5 min less a moment", first, 0)
		time.Sleep(time.Nanosecond)
		w.wantProbe("old token, 5 min", first, 40001)
		time.Sleep(115*time.Minute - time.Nanosecond)
		w.wantProbe("new token, 2 h less a moment", second, 0)
		time.Sleep(time.Nanosecond)
		w.wantProbe("new token, 2 h", second, 42001)
		time.Sleep(2*time.Hour + time.Nanosecond)
		w.classic() // the simulator forgets when it issues
		w.wantProbe("long dead token", second, 40001)
	})
}

func TestClassicKeepsOnePredecessor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for name, row := range map[string]struct{ keep, first, second int }{
			"default": {0, 40001, 0}, "two": {2, 0, 0}, "none": {-1, 40001, 40001},
		} {
			w := inBubble(t, func(o *simulator.Options) { o.Predecessors = row.keep })
			first, second := w.classic().AccessToken, w.classic().AccessToken
			third := w.classic().AccessToken
			w.wantProbe(name+": first", first, row.first)
			w.wantProbe(name+": second", second, row.second)
			w.wantProbe(name+": third", third, 0)
		}
	})
}

func TestClassicPredecessorNeverOutlivesItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := inBubble(t)
		first := w.classic().AccessToken
		time.Sleep(2*time.Hour - time.Minute)
		w.classic()
		time.Sleep(time.Minute)
		w.wantProbe("first", first, 42001)
	})
}

func TestStableNormalMode(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := inBubble(t)
		first := w.stable(false)
		time.Sleep(time.Hour)
		again := w.stable(false)
		if again.AccessToken != first.AccessToken || again.ExpiresIn != 3600 {
			t.Fatalf("after 1 h: same token %t, expires_in %d", again.AccessToken == first.AccessToken, again.ExpiresIn)
		}
		time.Sleep(time.Hour - 5*time.Minute - time.Second)
		if a := w.stable(false); a.AccessToken != first.AccessToken || a.ExpiresIn != 301 {
			t.Fatalf("301 s left: same token %t, expires_in %d", a.AccessToken == first.AccessToken, a.ExpiresIn)
		}
		time.Sleep(time.Second)
		second := w.stable(false)
		if second.AccessToken == first.AccessToken || second.ExpiresIn != 7200 {
			t.Fatalf("300 s left: same token %t, expires_in %d", second.AccessToken == first.AccessToken, second.ExpiresIn)
		}
		time.Sleep(5*time.Minute - time.Nanosecond)
		w.wantProbe("old token beside the new one", first.AccessToken, 0)
		time.Sleep(time.Nanosecond)
		w.wantProbe("old token at its end", first.AccessToken, 42001)
		w.wantProbe("new token", second.AccessToken, 0)
	})
}

func TestStableAfterSilence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := inBubble(t)
		first := w.stable(false)
		time.Sleep(3 * time.Hour)
		if a := w.stable(false); a.AccessToken == first.AccessToken || a.ExpiresIn != 7200 {
			t.Fatalf("%+v", a)
		}
	})
}

func TestChainsAreIsolated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := inBubble(t)
		stable := w.stable(false).AccessToken
		for range 4 {
			w.classic()
		}
		w.wantProbe("stable after classic calls", stable, 0)
		classic := w.classic().AccessToken
		for range 2 {
			w.stable(true)
			time.Sleep(30 * time.Second)
		}
		w.wantProbe("classic after forces", classic, 0)
		w.wantProbe("leaked stable after two forces", stable, 40001)
	})
}

func TestForce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := inBubble(t)
		first := w.stable(false).AccessToken
		time.Sleep(time.Minute)
		second := w.stable(true)
		if second.AccessToken == first || second.ExpiresIn != 7200 {
			t.Fatalf("force: same token %t, expires_in %d", second.AccessToken == first, second.ExpiresIn)
		}
		time.Sleep(30*time.Second - time.Nanosecond)
		early := w.stable(true)
		if early.AccessToken != second.AccessToken || early.ExpiresIn != 7170 {
			t.Fatalf("force within 30 s: same token %t, expires_in %d", early.AccessToken == second.AccessToken, early.ExpiresIn)
		}
		w.wantProbe("leaked token after one force", first, 0)
		time.Sleep(time.Nanosecond)
		if third := w.stable(true); third.AccessToken == second.AccessToken {
			t.Fatal("force after 30 s must refresh")
		}
		w.wantProbe("leaked token after two forces", first, 40001)
		w.wantProbe("token of the first force", second.AccessToken, 0)
		time.Sleep(5 * time.Minute)
		w.wantProbe("token of the first force, 5 min later", second.AccessToken, 40001)
	})
}

func TestForceKillsKnob(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := inBubble(t, func(o *simulator.Options) { o.ForceKills = true })
		first := w.stable(false).AccessToken
		w.stable(true)
		w.wantProbe("old token", first, 40001)
	})
}

func TestForceBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, over := range []simulator.ForceOver{"", simulator.ForceOverCurrent} {
			w := inBubble(t, func(o *simulator.Options) { o.ForceOver = over })
			sleepTo(t, 12)
			var last string
			for i := range 20 {
				a := w.want("force", w.stable(true), 0)
				if a.AccessToken == last {
					t.Fatalf("force %d did not refresh", i+1)
				}
				w.stable(true) // too early: costs nothing
				last = a.AccessToken
				time.Sleep(30 * time.Second)
			}
			beyond := w.stable(true)
			if over == "" {
				w.want("force 21", beyond, 45009)
				w.wantProbe("the token that is there", last, 0)
			} else if beyond.AccessToken != last {
				t.Fatalf("force 21: %+v", beyond)
			}
			w.want("normal call", w.stable(false), 0)
			sleepTo(t, 0)
			if a := w.want("force on the next day", w.stable(true), 0); a.AccessToken == last {
				t.Fatal("no refresh on the next day")
			}
		}
	})
}

// sleepTo sleeps until the next time it is that hour in Shanghai.
func sleepTo(t *testing.T, hour int) {
	t.Helper()
	zone := time.FixedZone("Asia/Shanghai", 8*60*60)
	now := time.Now().In(zone)
	next := time.Date(now.Year(), now.Month(), now.Day(), hour, 0, 0, 0, zone)
	if !next.After(now) {
		next = next.AddDate(0, 0, 1)
	}
	time.Sleep(time.Until(next))
}

func TestShortLives(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := inBubble(t, func(o *simulator.Options) { o.CredentialLife = 120 * time.Second })
		first := w.stable(false)
		if first.ExpiresIn != 120 {
			t.Fatalf("expires_in %d", first.ExpiresIn)
		}
		time.Sleep(114 * time.Second)
		if a := w.stable(false); a.AccessToken != first.AccessToken || a.ExpiresIn != 6 {
			t.Fatalf("6 s left: %+v", a)
		}
		time.Sleep(time.Second) // 120/24 = 5 s left
		if a := w.stable(false); a.AccessToken == first.AccessToken || a.ExpiresIn != 120 {
			t.Fatalf("5 s left: %+v", a)
		}
		w.wantProbe("first", first.AccessToken, 0)
	})
}

// A classic day in the life of a server that renews every 2 hours never meets
// a dead token, since the overlap covers the change.
func TestDayOfRenewals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := inBubble(t)
		for _, renew := range []func() answer{w.classic, func() answer { return w.stable(false) }} {
			held := renew().AccessToken
			for range 12 {
				time.Sleep(2*time.Hour - 290*time.Second)
				w.wantProbe("before", held, 0)
				next := renew().AccessToken
				if next == held {
					t.Fatal("290 s before the end there must be a new token")
				}
				w.wantProbe("old beside new", held, 0)
				held = next
			}
		}
	})
}

func TestDayAndMinuteLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := inBubble(t, func(o *simulator.Options) {
			o.Limits.TokenMinute = -1
			o.Accounts[0].Sandbox = true
			o.ResetHour = 3
		})
		sleepTo(t, 4)
		for i := range 200 {
			if a := w.classic(); a.Errcode != 0 {
				t.Fatalf("call %d: %s", i+1, a.raw)
			}
		}
		w.want("call 201 of a sandbox account", w.classic(), 45009)
		w.want("another account", w.get("/cgi-bin/token?grant_type=client_credential&appid="+other+"&secret=another+secret"), 0)
		sleepTo(t, 0)
		w.want("midnight", w.classic(), 45009)
		sleepTo(t, 3)
		w.want("the hour of reset", w.classic(), 0)
	})
}

func TestMinuteLimitEndsWithTheMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := inBubble(t, func(o *simulator.Options) { o.Limits.TokenMinute = 2 })
		time.Sleep(time.Until(time.Now().Truncate(time.Minute).Add(time.Minute + 50*time.Second)))
		w.want("1", w.classic(), 0)
		w.want("2", w.classic(), 0)
		w.want("3", w.classic(), 45011)
		time.Sleep(9 * time.Second)
		w.want("59th second", w.classic(), 45011)
		time.Sleep(time.Second)
		w.want("next minute", w.classic(), 0)
	})
}

func TestDefaultDayLimits(t *testing.T) {
	t.Parallel()
	w := onLoopback(t)
	token := w.stable(false).AccessToken
	for path, want := range map[string]string{
		"/cgi-bin/token":               `"daily_limit":2000,"used":0,"remain":2000`,
		"/cgi-bin/stable_token":        `"daily_limit":500000,"used":1,"remain":499999`,
		"/cgi-bin/ticket/getticket":    `"daily_limit":10000,"used":0,"remain":10000`,
		"/cgi-bin/message/custom/send": `"daily_limit":0,"used":0,"remain":0`,
	} {
		wantContains(t, w.post("/cgi-bin/openapi/quota/get?access_token="+token, `{"cgi_path":"`+path+`"}`).raw, want)
	}
}
