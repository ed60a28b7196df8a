package keeper_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/signature"
	"github.com/wxsign/wxsign/service/snapshot"
	"github.com/wxsign/wxsign/service/wechat"
)

// tokenPath is the classic endpoint.
const tokenPath = "/cgi-bin/token"

// An account is edited while its token is being renewed: what comes back
// belongs to the old settings and is dropped; the next attempt follows at once.
func TestEditDuringRenewal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{mode: wechat.Classic})
		r := w.start("one", nil)
		time.Sleep(time.Minute)
		w.fault(map[string]any{"path": tokenPath, "mode": "slow", "delay": "5s"})
		w.makeDue(appID, snapshot.KindAccessToken)
		for w.tokenCalls() < 2 { // the call is in flight
			time.Sleep(100 * time.Millisecond)
		}
		w.edit(appID, func(a *model.Account) { a.Name = "renamed" })
		time.Sleep(6 * time.Second)
		w.watch(10*time.Second, time.Second, r)
		row := w.credential(appID, snapshot.KindAccessToken)
		if row.Version != 2 || row.ConfigRev != 2 || row.LeaseOwner != "" {
			t.Errorf("version %d, revision %d, holder %q after the edit", row.Version, row.ConfigRev, row.LeaseOwner)
		}
		if calls := w.tokenCalls(); calls != 3 {
			t.Errorf("%d token calls, want 3: the first, the dropped, the next", calls)
		}
		if n := count(w.rows(appID), snapshot.KindAccessToken, model.OutcomeFailed); n != 1 {
			t.Errorf("%d failed rows, want that of the dropped value", n)
		}
		w.checkToken(r, appID)
	})
}

// The same while the database cannot be written: the dropped value had been
// served meanwhile, and must not come back as a cure.
func TestEditDuringOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{mode: wechat.Classic})
		f := &faulty{}
		r := w.start("one", through(f))
		time.Sleep(time.Minute)
		first := r.credential(appID, snapshot.KindAccessToken)
		f.set(everyTime(refuse, "Publish"))
		w.makeDue(appID, snapshot.KindAccessToken)
		time.Sleep(70 * time.Second) // longer than the lease
		served := r.credential(appID, snapshot.KindAccessToken)
		if served.PublishID == first.PublishID {
			t.Fatal("the new token is not served before it is stored")
		}
		w.edit(appID, func(a *model.Account) { a.Name = "renamed" })
		f.set(nil)
		time.Sleep(10 * time.Second)
		row := w.credential(appID, snapshot.KindAccessToken)
		now := r.credential(appID, snapshot.KindAccessToken)
		if row.PublishID == served.PublishID || now.PublishID == served.PublishID {
			t.Error("the value of the old settings was published")
		}
		if now.PublishID != row.PublishID || row.Version != 2 {
			t.Errorf("served %s, stored %s, version %d", now.PublishID, row.PublishID, row.Version)
		}
		w.checkToken(r, appID)
	})
}

func everyTime(what fate, op string) func(string, int) fate {
	return func(o string, _ int) fate {
		if o == op {
			return what
		}
		return pass
	}
}

// A wrong AppSecret is corrected while the call with the wrong one is under
// way: its failure must not park the mended account.
func TestSecretMendedDuringFailingCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{})
		w.edit(appID, func(a *model.Account) { a.SecretEnc = w.seal(appID, "wrong") })
		w.fault(map[string]any{"path": stablePath, "mode": "slow", "delay": "5s"})
		r := w.start("one", nil)
		time.Sleep(2 * time.Second)
		w.edit(appID, func(a *model.Account) { a.SecretEnc = w.seal(appID, "secret-of-"+appID) })
		time.Sleep(9 * time.Second) // the call's rest, and a scan
		w.watch(time.Minute, time.Second, r)
		if h := w.newest(snapshot.KindAccessToken, model.OutcomeFailed); h.Errcode != 40125 {
			t.Errorf("the failed attempt has errcode %d", h.Errcode)
		}
	})
}

// A correction ends the back-off of an account that failed before.
func TestSecretMendedLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{})
		w.edit(appID, func(a *model.Account) { a.SecretEnc = w.seal(appID, "wrong") })
		r := w.start("one", nil)
		time.Sleep(time.Hour)
		w.edit(appID, func(a *model.Account) { a.SecretEnc = w.seal(appID, "secret-of-"+appID) })
		time.Sleep(6 * time.Second)
		w.watch(time.Minute, time.Second, r)
	})
}

// Disabled accounts are not signed for within 2 s and not renewed; enabled
// again, they are served at once from what still lives.
func TestDisabledAndEnabled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{simulator: brisk})
		one, two := w.start("one", nil), w.start("two", nil)
		time.Sleep(time.Minute)
		w.edit(appID, func(a *model.Account) { a.Enabled = false })
		time.Sleep(2 * time.Second)
		for _, r := range []*replica{one, two} {
			if err := r.signNow(appID); !errors.Is(err, signature.ErrAccountDisabled) {
				t.Errorf("replica %s 2 s after it was disabled: %v", r.name, err)
			}
			if s := r.keeper.Status(); s.Accounts != 0 || !s.Ready {
				t.Errorf("status %+v", s)
			}
		}
		before := w.calls()
		time.Sleep(10 * time.Minute)
		w.edit(appID, func(a *model.Account) { a.Enabled = true })
		time.Sleep(2 * time.Second)
		w.watch(time.Second, time.Second, one, two)
		w.edit(appID, func(a *model.Account) { a.Enabled = false })
		time.Sleep(2 * time.Hour) // all values end
		after := w.calls()
		if after[stablePath] != before[stablePath] || after[ticketPath] > before[ticketPath]+1 {
			t.Errorf("a disabled account was renewed: %v, then %v", before, after)
		}
		w.edit(appID, func(a *model.Account) { a.Enabled = true })
		time.Sleep(6 * time.Second)
		w.watch(time.Minute, time.Second, one, two)
	})
}

// An account that is added while wxsign runs is served within a scan and a
// look; one that is deleted is forgotten within a minute.
func TestAddedAndDeleted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{accounts: 2})
		added := w.accounts[1]
		w.rawSQL("DELETE FROM account WHERE app_id=?", added)
		w.rawSQL("DELETE FROM credential WHERE app_id=?", added)
		one, two := w.start("one", nil), w.start("two", nil)
		time.Sleep(time.Minute)
		must(t, w.insert(added))
		time.Sleep(6*time.Second + 500*time.Millisecond)
		w.watch(time.Minute, time.Second, one, two)
		w.rawSQL("DELETE FROM account WHERE app_id=?", added)
		w.rawSQL("DELETE FROM credential WHERE app_id=?", added)
		time.Sleep(62 * time.Second)
		for _, r := range []*replica{one, two} {
			if err := r.signNow(added); !errors.Is(err, signature.ErrAccountUnknown) {
				t.Errorf("replica %s a minute after the account was deleted: %v", r.name, err)
			}
		}
		w.rawSQL("DELETE FROM account")
		time.Sleep(62 * time.Second)
		w.accounts = w.accounts[:1]
		w.watch(time.Second, time.Second, one, two) // a database that lost everything is not believed
	})
}

// A ticket kind that is added or dropped by an edit comes and goes.
func TestTicketKindsEdited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{})
		r := w.start("one", nil)
		time.Sleep(time.Minute)
		w.setup.tickets = []string{snapshot.KindJSAPI, snapshot.KindWXCard}
		w.edit(appID, func(a *model.Account) { a.Tickets = w.setup.tickets })
		time.Sleep(7 * time.Second)
		if c := r.credential(appID, snapshot.KindWXCard); !c.Live(time.Now()) {
			t.Error("the added ticket is not there")
		}
		w.setup.tickets = []string{snapshot.KindJSAPI}
		w.edit(appID, func(a *model.Account) { a.Tickets = w.setup.tickets })
		time.Sleep(2 * time.Second)
		if c := r.credential(appID, snapshot.KindWXCard); !c.Value.IsZero() {
			t.Error("the dropped ticket is still there")
		}
		w.watch(time.Minute, time.Second, r)
	})
}

// An editor dies between the account and its credential rows: without those,
// nothing of the account would be renewed ever after. They are aligned within a
// minute.
func TestEditorDied(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, setup{})
		one, two := w.start("one", nil), w.start("two", nil)
		time.Sleep(10 * time.Second)
		w.rawSQL(`UPDATE account SET config_rev=config_rev+1, tickets='["jsapi","wx_card"]', updated_ms=bubble_now_ms()`)
		time.Sleep(70 * time.Second)
		if rev := w.credential(appID, snapshot.KindAccessToken).ConfigRev; rev != 2 {
			t.Errorf("the token's row has revision %d, want 2", rev)
		}
		for _, r := range []*replica{one, two} {
			if c := r.credential(appID, snapshot.KindWXCard); !c.Live(time.Now()) {
				t.Errorf("replica %s has no card ticket", r.name)
			}
		}
		w.watch(time.Minute, time.Second, one, two)
	})
}
