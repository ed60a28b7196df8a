package keeper_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/secret"
	"github.com/wxsign/wxsign/service/simulator"
	"github.com/wxsign/wxsign/service/snapshot"
	"github.com/wxsign/wxsign/service/wechat"
)

// saved is a credential row as it was, to be put back later.
type saved struct {
	w    *world
	kind string
}

// save keeps a copy of the row.
func (w *world) save(kind string) saved {
	w.t.Helper()
	w.ddl("CREATE TABLE saved_" + kind + " AS SELECT * FROM credential WHERE app_id='" + appID + "' AND kind='" + kind + "'")
	return saved{w, kind}
}

// restore puts it back, as a failover to a replica that lags, or a backup.
func (s saved) restore() {
	s.w.t.Helper()
	s.w.rawSQL("INSERT OR REPLACE INTO credential SELECT * FROM saved_" + s.kind)
}

// The database loses a publish: the replicas keep the newer value that lives,
// write it back, agree, and ask WeChat nothing.
func TestLostPublishIsHealed(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{snapshot.KindAccessToken, snapshot.KindJSAPI} {
		for name, first := range map[string]bool{"its first": true, "a later": false} {
			t.Run(name+" publish of "+kind, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, setup{mode: wechat.Classic, simulator: simulator.Options{FreshTickets: true}})
					older := w.save(kind) // version 0
					one, two := w.start("one", nil), w.start("two", nil)
					time.Sleep(6*time.Minute + 20*time.Second) // the next full look is some time away
					if !first {
						w.ddl("DROP TABLE saved_" + kind)
						older = w.save(kind)
						w.makeDue(appID, kind)
						time.Sleep(7 * time.Second)
					}
					before, served := w.calls(), one.credential(appID, kind)
					older.restore()
					time.Sleep(62 * time.Second) // the full look
					w.watch(2*time.Minute, time.Second, one, two)
					row := w.credential(appID, kind)
					if row.PublishID != served.PublishID || row.ExpiresMs != served.ExpiresAt {
						t.Errorf("stored %s, served before %s", row.PublishID, served.PublishID)
					}
					for _, r := range []*replica{one, two} {
						if c := r.credential(appID, kind); c.PublishID != row.PublishID || c.Version != row.Version {
							t.Errorf("replica %s serves %s version %d, stored is version %d", r.name, c.PublishID, c.Version, row.Version)
						}
						w.checkToken(r, appID)
					}
					if after := w.calls(); after[tokenPath] != before[tokenPath] || after[ticketPath] != before[ticketPath] {
						t.Errorf("the cure cost calls: %v, then %v", before, after)
					}
				})
			})
		}
	}
}

// The database's clock goes back by 10 minutes, and then a token is renewed: it
// looks older than the one before it, and must win all the same.
func TestClockSetBackIsNoLostPublish(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{
			mode: wechat.Classic, simulator: simulator.Options{FreshTickets: true},
			nowMS: "(bubble_now_ms() - (SELECT COUNT(*) FROM history WHERE attempt_id='back')*600000)",
		})
		one, two := w.start("one", nil), w.start("two", nil)
		time.Sleep(time.Minute)
		must(t, w.store.AddHistory(t.Context(), model.History{AttemptID: "back"})) // see nowMS
		w.makeDue(appID, snapshot.KindAccessToken)
		time.Sleep(2 * time.Minute)
		row := w.credential(appID, snapshot.KindAccessToken)
		for _, r := range []*replica{one, two} {
			if c := r.credential(appID, snapshot.KindAccessToken); c.PublishID != row.PublishID || c.Version != 2 {
				t.Errorf("replica %s serves version %d, the new one is 2", r.name, c.Version)
			}
		}
		w.watch(10*time.Minute, 5*time.Second, one, two)
		w.checkToken(one, appID)
	})
}

// putTicket publishes a sealed ticket behind wxsign's back, as publish "x".
func (w *world) putTicket(sealed string, args ...any) {
	w.t.Helper()
	w.rawSQL("UPDATE credential SET value_enc="+sealed+", publish_id='x', version=version+1, "+
		"issued_ms=issued_ms+1000, updated_ms=bubble_now_ms() WHERE kind='jsapi'", args...)
}

// Sealed values that somebody moved or damaged, or that another master key
// sealed, are not used; what was served goes on, and the text says what to do.
func TestSealedValueDamaged(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(w *world){
		"damaged": func(w *world) {
			w.putTicket("x'00112233'")
		},
		"moved from another row": func(w *world) {
			w.putTicket("(SELECT value_enc FROM credential WHERE kind='access_token')")
		},
		"sealed with another key": func(w *world) {
			keys, err := secret.ParseKeys(secret.NewKey())
			must(w.t, err)
			other, err := secret.NewKeyring(keys...)
			must(w.t, err)
			sealed := other.Seal(secret.New("ticket"), keeper.ValuePlace(appID, snapshot.KindJSAPI, "x"))
			w.putTicket("?", sealed)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, setup{simulator: simulator.Options{FreshTickets: true}})
				r := w.start("one", nil)
				time.Sleep(6 * time.Minute)
				damage(w)
				w.watch(5*time.Minute, time.Second, r)
				trouble := r.trouble(appID, snapshot.KindJSAPI)
				if trouble.Failing == 0 || !strings.Contains(trouble.Text, "master key") {
					t.Errorf("trouble %+v", trouble)
				}
				if s := r.keeper.Status(); !s.Ready || !s.Degraded {
					t.Errorf("status %+v", s)
				}
				w.makeDue(appID, snapshot.KindJSAPI) // its time comes
				time.Sleep(7 * time.Second)
				w.watch(time.Minute, time.Second, r)
				if trouble := r.trouble(appID, snapshot.KindJSAPI); trouble != (snapshot.Trouble{}) {
					t.Errorf("the trouble stays: %+v", trouble)
				}
			})
		})
	}
}

// An AppSecret that cannot be opened is a matter for a person, not for WeChat.
func TestSealedAppSecretDamaged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{})
		w.rawSQL("UPDATE account SET secret_enc=x'00'")
		r := w.start("one", nil)
		time.Sleep(21 * time.Minute)
		trouble := r.trouble(appID, snapshot.KindAccessToken)
		if !strings.Contains(trouble.Text, "AppSecret") || trouble.Failing < 3 || trouble.Failing > 5 {
			t.Errorf("trouble %+v", trouble)
		}
		if calls := w.tokenCalls(); calls != 0 {
			t.Errorf("%d calls without a secret", calls)
		}
	})
}

// History cannot be written for an hour: renewals go on, and the rows follow.
func TestHistoryAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{simulator: brisk})
		a, b := &faulty{}, &faulty{}
		one, two := w.start("one", through(a)), w.start("two", through(b))
		time.Sleep(3 * time.Second)
		a.set(everyTime(refuse, "AddHistory"))
		b.set(everyTime(refuse, "AddHistory"))
		before := len(w.rows(appID))
		w.watch(time.Hour, 5*time.Second, one, two)
		if now := len(w.rows(appID)); now != before {
			t.Fatalf("%d rows came in", now-before)
		}
		a.set(nil)
		b.set(nil)
		time.Sleep(2 * time.Minute)
		w.checkLedger()
		if n := count(w.rows(appID), snapshot.KindAccessToken, model.OutcomeRenewed); n < 2 {
			t.Errorf("only %d renewals", n)
		}
		// Rows that nobody can write are not looked for again and again.
		if looks := a.times("UnwrittenHistory") + b.times("UnwrittenHistory"); looks > 90 { // 120 full looks were made
			t.Errorf("%d looks for missing rows in an hour", looks)
		}
	})
}

// A start that finds a stored value damaged or moved, with nothing in memory to
// go on with: it is fetched anew at once, with one call for all replicas, even
// where WeChat gives the very same value again, and history tells of it.
func TestDamagedValueIsFetchedAnewAtStart(t *testing.T) {
	t.Parallel()
	const moved = "UPDATE credential SET value_enc=(SELECT d.value_enc FROM credential d WHERE d.kind=?) WHERE kind=?"
	for name, tt := range map[string]struct {
		mode          wechat.Mode
		damaged       string
		donor         string
		tokens, jsapi int // calls to WeChat that it may cost
	}{
		"a ticket":        {wechat.Stable, snapshot.KindJSAPI, snapshot.KindAccessToken, 0, 1},
		"a stable token":  {wechat.Stable, snapshot.KindAccessToken, snapshot.KindJSAPI, 1, 0},
		"a classic token": {wechat.Classic, snapshot.KindAccessToken, snapshot.KindJSAPI, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, setup{mode: tt.mode})
				first := w.start("first", nil)
				time.Sleep(2 * time.Minute)
				first.stop()
				before, tokensBefore, row := w.calls(), w.tokenCalls(), w.credential(appID, tt.damaged)
				w.rawSQL(moved, tt.donor, tt.damaged)
				one, two := w.start("one", nil), w.start("two", nil)
				time.Sleep(10 * time.Second)
				w.watch(time.Minute, time.Second, one, two)
				after := w.credential(appID, tt.damaged)
				if after.Version != row.Version+1 {
					t.Errorf("version %d, now %d", row.Version, after.Version)
				}
				for _, r := range []*replica{one, two} {
					w.checkToken(r, appID)
					if c := r.credential(appID, tt.damaged); c.PublishID != after.PublishID || !c.Live(time.Now()) {
						t.Errorf("replica %s serves %s, stored is %s", r.name, c.PublishID, after.PublishID)
					}
					if trouble := r.trouble(appID, tt.damaged); trouble != (snapshot.Trouble{}) {
						t.Errorf("replica %s: the trouble stays: %+v", r.name, trouble)
					}
				}
				tokens, tickets := w.tokenCalls()-tokensBefore, w.calls()[ticketPath]-before[ticketPath]
				if tokens != tt.tokens || tickets != tt.jsapi {
					t.Errorf("it cost %d calls for a token and %d for a ticket", tokens, tickets)
				}
				told := 0
				for _, h := range w.rows(appID) {
					if h.Kind == tt.damaged && h.Outcome == model.OutcomeFailed && strings.Contains(h.Errmsg, "cannot be opened") {
						told++
					}
				}
				if told != 1 {
					t.Errorf("history tells of it %d times", told)
				}
			})
		})
	}
}
