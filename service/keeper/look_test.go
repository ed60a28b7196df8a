package keeper_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/signature"
	"github.com/wxsign/wxsign/service/snapshot"
)

// watch lets time pass; at every step, each replica must sign right for each
// account.
func (w *world) watch(d, step time.Duration, replicas ...*replica) {
	w.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(step) {
		for _, r := range replicas {
			for _, id := range w.accounts {
				if err := r.sign(id); err != nil {
					w.t.Fatalf("at %s replica %s, account %s: %v", time.Now().Format(time.TimeOnly), r.name, id, err)
				}
			}
		}
	}
}

// endure is watch on a bad day: replicas may say that they are not ready, but
// whatever they sign must be right. It returns how often they were not ready.
func (w *world) endure(d, step time.Duration, replicas ...*replica) (notReady int) {
	w.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(step) {
		for _, r := range replicas {
			for _, id := range w.accounts {
				err := r.signNow(id)
				switch {
				case errors.Is(err, signature.ErrTicketNotReady):
					notReady++
				case err != nil:
					w.t.Fatalf("at %s replica %s, account %s: %v", time.Now().Format(time.TimeOnly), r.name, id, err)
				}
				w.checkToken(r, id)
			}
		}
	}
	return notReady
}

// signNow is sign without the page's wait.
func (r *replica) signNow(id string) error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return r.signWithin(ctx, id)
}

// checkToken fails the test if a replica serves an access_token that WeChat
// does not take.
func (w *world) checkToken(r *replica, id string) {
	w.t.Helper()
	view, found := r.table.Lookup(id)
	if !found {
		return
	}
	token, found := view.Credential(snapshot.KindAccessToken)
	if !found || !token.Live(time.Now()) {
		return
	}
	var truth struct {
		Alive bool
		Why   string
	}
	w.sim.Control(w.t, "POST", "/_sim/truth/check",
		map[string]string{"app_id": id, "kind": snapshot.KindAccessToken, "sha256": token.Value.Hash()}, &truth)
	if !truth.Alive {
		w.t.Fatalf("at %s replica %s serves a dead access_token, version %d: %s", time.Now().Format(time.TimeOnly), r.name, token.Version, truth.Why)
	}
}

func (r *replica) credential(id, kind string) snapshot.Credential {
	r.w.t.Helper()
	view, found := r.table.Lookup(id)
	if !found {
		r.w.t.Fatalf("replica %s does not know account %s", r.name, id)
	}
	c, _ := view.Credential(kind)
	return c
}

func (r *replica) trouble(id, kind string) snapshot.Trouble {
	r.w.t.Helper()
	view, found := r.table.Lookup(id)
	if !found {
		r.w.t.Fatalf("replica %s does not know account %s", r.name, id)
	}
	return view.Trouble(kind)
}

// fault orders the simulator to misbehave.
func (w *world) fault(f map[string]any) {
	w.t.Helper()
	w.sim.Control(w.t, "POST", "/_sim/fault", f, nil)
}

// heal ends all faults.
func (w *world) heal() {
	w.t.Helper()
	w.sim.Control(w.t, "DELETE", "/_sim/fault", nil, nil)
}

// calls are the simulator's totals by path.
func (w *world) calls() map[string]int {
	w.t.Helper()
	var ledger struct {
		Totals map[string]struct{ Calls int }
	}
	w.sim.Control(w.t, "GET", "/_sim/ledger", nil, &ledger)
	calls := map[string]int{}
	for path, total := range ledger.Totals {
		calls[path] = total.Calls
	}
	return calls
}

// peak is how many calls were in flight at once.
func (w *world) peak() int {
	w.t.Helper()
	var ledger struct {
		Totals map[string]struct {
			Peak int `json:"in_flight_peak"`
		}
	}
	w.sim.Control(w.t, "GET", "/_sim/ledger", nil, &ledger)
	peak := 0
	for path, total := range ledger.Totals {
		if !strings.HasPrefix(path, "/_sim/") {
			peak = max(peak, total.Peak)
		}
	}
	return peak
}

func (w *world) tokenCalls() int {
	calls := w.calls()
	return calls["/cgi-bin/token"] + calls["/cgi-bin/stable_token"]
}

// rows reads the history of an account, newest first.
func (w *world) rows(id string) []model.History {
	w.t.Helper()
	rows, err := w.store.HistoryOf(w.t.Context(), id, 100_000)
	must(w.t, err)
	return rows
}

func count(rows []model.History, kind string, outcomes ...string) int {
	n := 0
	for _, h := range rows {
		if h.Kind == kind && slices.Contains(outcomes, h.Outcome) {
			n++
		}
	}
	return n
}

func (w *world) credential(id, kind string) model.Credential {
	w.t.Helper()
	tended, err := w.store.Tended(w.t.Context(), id)
	must(w.t, err)
	return *tended.Credential(kind)
}

// checkLedger compares what WeChat counted with versions and history rows, on a
// day on which nothing was lost.
func (w *world) checkLedger() {
	w.t.Helper()
	var versions, tickets, unchanged int64
	for _, id := range w.accounts {
		rows := w.rows(id)
		versions += w.credential(id, snapshot.KindAccessToken).Version
		for _, kind := range w.setup.tickets {
			tickets += w.credential(id, kind).Version
			unchanged += int64(count(rows, kind, model.OutcomeUnchanged))
			w.checkRenewed(rows, id, kind)
		}
		w.checkRenewed(rows, id, snapshot.KindAccessToken)
	}
	if got := w.tokenCalls(); int64(got) != versions {
		w.t.Errorf("%d token calls made %d versions, want one call per version", got, versions)
	}
	if got := w.calls()["/cgi-bin/ticket/getticket"]; int64(got) != tickets+unchanged {
		w.t.Errorf("%d ticket calls, want %d versions + %d unchanged", got, tickets, unchanged)
	}
}

// checkRenewed wants one history row per version.
func (w *world) checkRenewed(rows []model.History, id, kind string) {
	w.t.Helper()
	if renewed, version := count(rows, kind, model.OutcomeRenewed), w.credential(id, kind).Version; int64(renewed) != version {
		w.t.Errorf("%s %s: %d rows of renewals for %d versions", id, kind, renewed, version)
	}
}
