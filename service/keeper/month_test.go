package keeper_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/keeper"
	"github.com/wxsign/wxsign/service/snapshot"
	"github.com/wxsign/wxsign/service/wechat"
)

// forcesPerDay is how many force refreshes WeChat allows an account in a day of
// Beijing (getStableAccessToken).
const forcesPerDay = 20

// Five replicas on one database, for days: every call is a version, and however
// often callers report and people refresh, no account uses more force refreshes
// than WeChat allows. Full size, 30 days and 20 accounts, with `make chaos`.
func TestMonth(t *testing.T) {
	t.Parallel()
	days, accounts := 1, 4
	if os.Getenv("CHAOS_MINUTES") != "" {
		days, accounts = 30, 20
	}
	for _, mode := range []wechat.Mode{wechat.Stable, wechat.Classic} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := &month{world: newWorld(t, setup{
					mode: mode, accounts: accounts, scan: 5 * time.Minute, follow: time.Minute,
					tune: func(o *keeper.Options) { o.Lookahead = 5*time.Minute + time.Second },
				}), forced: map[string]int{}}
				for i := range 5 {
					m.replicas = append(m.replicas, m.start(fmt.Sprintf("replica-%d", i), nil))
				}
				time.Sleep(30 * time.Minute) // looks are not made just when something is renewed
				for hour := range 24 * days {
					if day := hour / 24; day%3 == 0 && hour%24 == 10 {
						m.stormyHour()
					} else {
						time.Sleep(time.Hour)
					}
					m.look()
					if (hour+1+beijingAhead)%24 == 0 {
						m.endDay()
					}
				}
				for _, r := range m.replicas {
					r.stop()
				}
				m.check(days)
			})
		})
	}
}

// beijingAhead is the hour in Beijing when a bubble begins, at midnight UTC.
const beijingAhead = 8

// month is a world with its replicas. Every second account has bad days.
type month struct {
	*world
	replicas []*replica
	forced   map[string]int // by account, until this day began
	most     int            // force refreshes of one account in one day
}

func (m *month) plagued(i int) bool { return i%2 == 1 }

// stormyHour kills tokens every three minutes. WeChat goes on giving them out, and
// everybody reports them to every replica; now and then a person helps.
func (m *month) stormyHour() {
	for round := range 20 {
		var callers sync.WaitGroup
		for i, id := range m.accounts {
			if !m.plagued(i) {
				continue
			}
			m.sim.Control(m.t, "POST", "/_sim/revoke", map[string]any{"app_id": id, "what": "token", "still_served": true}, nil)
			for _, r := range m.replicas {
				hash := r.credential(id, snapshot.KindAccessToken).Value.Hash()
				for range 3 {
					callers.Go(func() {
						_, _ = r.keeper.Report(context.Background(), keeper.Report{
							AppID: id, Kind: snapshot.KindAccessToken, SHA256: hash, Errcode: 40001, Actor: "shop",
						})
					})
				}
			}
			if round%4 == 0 {
				callers.Go(func() {
					_, _ = m.replicas[0].keeper.Refresh(context.Background(), keeper.RefreshRequest{
						AppID: id, Kind: snapshot.KindAccessToken, Actor: "ann", Reason: "pages fail",
					})
				})
			}
		}
		callers.Wait() // they wait some seconds each for what comes of it
		time.Sleep(3*time.Minute - time.Duration(time.Now().UnixNano())%(3*time.Minute))
	}
}

// look holds that quiet accounts are served everywhere, and right.
func (m *month) look() {
	m.t.Helper()
	for i, id := range m.accounts {
		if m.plagued(i) {
			continue
		}
		for _, r := range m.replicas {
			if err := r.signNow(id); err != nil {
				m.t.Fatalf("at %s replica %s, account %s: %v", time.Now().Format(time.DateTime), r.name, id, err)
			}
		}
	}
}

// spent are the totals of WeChat about an account.
func (m *month) spent(id string) (calls map[string]int, forced int) {
	m.t.Helper()
	var ledger struct {
		Totals map[string]struct{ Calls int }
		All    struct{ Forced int }
	}
	m.sim.Control(m.t, "GET", "/_sim/ledger?since=99999999999&app_id="+id, nil, &ledger)
	calls = map[string]int{}
	for path, total := range ledger.Totals {
		calls[path] = total.Calls
	}
	return calls, ledger.All.Forced
}

// endDay counts the force refreshes of a day of Beijing.
func (m *month) endDay() {
	m.t.Helper()
	for _, id := range m.accounts {
		_, forced := m.spent(id)
		today := forced - m.forced[id]
		m.forced[id], m.most = forced, max(m.most, today)
		if today > forcesPerDay {
			m.t.Errorf("%s: %d force refreshes on the day before %s", id, today, time.Now().Format(time.DateTime))
		}
	}
}

// check holds the ledger against the rows, account by account.
func (m *month) check(days int) {
	m.t.Helper()
	total := 0
	for i, id := range m.accounts {
		calls, forced := m.spent(id)
		tokens, tickets := calls["/cgi-bin/token"]+calls["/cgi-bin/stable_token"], calls["/cgi-bin/ticket/getticket"]
		token, ticket := m.credential(id, snapshot.KindAccessToken), m.credential(id, snapshot.KindJSAPI)
		rows := m.rows(id)
		total += tokens
		unchanged := count(rows, snapshot.KindJSAPI, model.OutcomeUnchanged)
		if m.plagued(i) {
			// A forced call comes after one that brought the dead token, under one claim.
			// A failure with an errcode is a probe's word that the token is dead: the
			// calls for tokens themselves find nothing wrong.
			attempts := 0
			for _, h := range rows {
				if h.Kind == snapshot.KindAccessToken && (h.Outcome != model.OutcomeFailed || h.Errcode == 0) {
					attempts++
				}
			}
			if tokens != attempts+forced {
				m.t.Errorf("%s: %d token calls, want %d attempts + %d forced", id, tokens, attempts, forced)
			}
			continue
		}
		if int64(tokens) != token.Version || forced > 0 || token.Version < int64(11*days) {
			m.t.Errorf("%s: %d token calls, %d of them forced, for %d versions in %d days", id, tokens, forced, token.Version, days)
		}
		if int64(tickets) != ticket.Version+int64(unchanged) {
			m.t.Errorf("%s: %d ticket calls, want %d versions + %d unchanged", id, tickets, ticket.Version, unchanged)
		}
	}
	m.t.Logf("%d days, %d accounts, %d replicas: %d token calls, at most %d force refreshes of an account in a day", days, len(m.accounts), len(m.replicas), total, m.most)
	if m.setup.mode == wechat.Stable && m.most < forcesPerDay/2 {
		m.t.Errorf("at most %d force refreshes in a day: the storms proved little", m.most)
	}
}
