package simulator_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wxsign/wxsign/service/simulator"
)

type tally struct {
	Calls, OK, Failed, Faults, Forced, Issued int
	Errcodes                                  map[string]int
	InFlight                                  int `json:"in_flight"`
	InFlightPeak                              int `json:"in_flight_peak"`
}

type ledger struct {
	LastSeq int64 `json:"last_seq"`
	Calls   []struct {
		Seq          int64
		Method, Path string
		AppID        string `json:"app_id"`
		Errcode      int
		RID          string
		Fault        string
		Done, Force  bool
		Effect       bool
		Issued       []struct {
			Kind, Chain, SHA256 string
			Again               bool
		}
	}
	Totals map[string]tally
	All    tally
}

func (w world) ledger(query string) ledger {
	w.t.Helper()
	var view ledger
	w.Control(w.t, "GET", "/_sim/ledger?"+query, nil, &view)
	return view
}

func TestLedger(t *testing.T) {
	t.Parallel()
	w := onLoopback(t)
	token := w.stable(false).AccessToken
	w.stable(false)
	w.stable(true)
	w.ticket(token, "jsapi")
	w.get("/cgi-bin/token?appid=wxnone")
	w.steer("/_sim/fault", object{"path": "/cgi-bin/token", "mode": "empty", "issue": true})
	w.classic()
	view := w.ledger("app_id=" + appID + "&path=/cgi-bin/stable_token")
	if len(view.Calls) != 3 || view.Calls[0].Issued[0].Again || !view.Calls[1].Issued[0].Again || !view.Calls[2].Force ||
		view.Calls[0].Issued[0].SHA256 != sha256Of(token) || view.Calls[0].Issued[0].Chain != "stable" || !view.Calls[0].Done {
		t.Errorf("%+v", view.Calls)
	}
	stable := tally{Calls: 3, OK: 3, Forced: 1, Issued: 2, Errcodes: map[string]int{}, InFlightPeak: 1}
	if diff := cmp.Diff(map[string]tally{"/cgi-bin/stable_token": stable}, view.Totals); diff != "" {
		t.Error(diff)
	}
	all := w.ledger("")
	classic := tally{Calls: 2, OK: 1, Failed: 1, Faults: 1, Issued: 1, Errcodes: map[string]int{"40013": 1}, InFlightPeak: 1}
	if diff := cmp.Diff(classic, all.Totals["/cgi-bin/token"]); diff != "" {
		t.Error(diff)
	}
	if all.All.Calls != 6 || all.LastSeq != 6 || len(all.Calls) != 6 {
		t.Errorf("%+v", all.All)
	}
	last := all.Calls[5]
	if last.Fault != "empty" || !last.Effect || last.AppID != appID || !ridPattern.MatchString(all.Calls[4].RID) || all.Calls[4].AppID != "" {
		t.Errorf("%+v", last)
	}
	if since := w.ledger("since=4"); len(since.Calls) != 2 || since.Calls[0].Seq != 5 {
		t.Errorf("%+v", since.Calls)
	}
	if a := w.get("/_sim/ledger?since=yesterday"); a.status != http.StatusBadRequest {
		t.Errorf("%d %s", a.status, a.raw)
	}
	if a := w.get("/_sim/ledger"); strings.Contains(a.raw, token) || strings.Contains(a.raw, appKey) {
		t.Error("the ledger tells a value")
	}
}

func TestLedgerIsBoundedTotalsAreNot(t *testing.T) {
	t.Parallel()
	w := onLoopback(t, func(o *simulator.Options) { o.LedgerSize = 10 })
	for i := range 1100 {
		w.get(fmt.Sprintf("/cgi-bin/x%d", i))
	}
	view := w.ledger("")
	if len(view.Calls) != 10 || view.All.Calls != 1100 || view.All.Errcodes["41001"] != 1100 || view.Calls[9].Seq != 1100 {
		t.Errorf("%d lines, %+v", len(view.Calls), view.All)
	}
	if len(view.Totals) != 1001 || view.Totals["(other)"].Calls != 100 {
		t.Errorf("%d paths, %+v", len(view.Totals), view.Totals["(other)"])
	}
}
