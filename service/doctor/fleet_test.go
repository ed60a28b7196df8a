package doctor_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/config"
	"github.com/wxsign/wxsign/service/doctor"
	"github.com/wxsign/wxsign/service/simulator"
	"github.com/wxsign/wxsign/service/wechat"
)

// order holds that the first findings of these checks come one after the other.
func (all findings) order(t *testing.T, checks ...string) {
	t.Helper()
	last := -1
	for _, check := range checks {
		at := slices.IndexFunc(all, func(f doctor.Finding) bool { return f.Check == check })
		if at <= last {
			t.Errorf("%s is at %d, after %d, in\n%s", check, at, last, all)
		}
		last = at
	}
}

// absent holds that no finding of a check has the words.
func (all findings) absent(t *testing.T, check, words string) {
	t.Helper()
	for _, f := range all {
		if f.Check == check && strings.Contains(f.Text, words) {
			t.Errorf("%+v", f)
		}
	}
}

func TestReplicas(t *testing.T) {
	t.Parallel()
	type row struct {
		name, version, settings string
		silent                  time.Duration
	}
	for name, tt := range map[string]struct {
		rows    []row
		verdict doctor.Verdict
		words   []string
	}{
		"none": {nil, doctor.Warn, []string{"no wxsign serves", "database.dsn"}},
		"one":  {[]row{{"a", "v1", "settings", 0}}, doctor.OK, []string{"serving on this database: 1"}},
		"one that was killed": {
			[]row{{"a", "v1", "settings", 4 * time.Minute}},
			doctor.Fail,
			[]string{"nothing is renewed; a fell silent 4m", "its log says why"},
		},
		"one of two was killed": {
			[]row{{"a", "v1", "settings", 0}, {"b", "v1", "settings", 4 * time.Minute}},
			doctor.Warn,
			[]string{"b fell silent 4m", "out of memory"},
		},
		"one that falls again and again": {
			[]row{{"a", "v1", "settings", 0}, {"b", "v1", "settings", 2 * time.Minute}, {"c", "v1", "settings", 3 * time.Minute}},
			doctor.Warn,
			[]string{"b fell silent", "and 1 more in the last 15m"},
		},
		"forgotten": {[]row{{"a", "v1", "settings", 16 * time.Minute}}, doctor.Warn, []string{"no wxsign serves"}},
		"versions": {
			[]row{{"a", "v1", "settings", 0}, {"b", "v2", "settings", 0}},
			doctor.Warn,
			[]string{"different versions: v1 on a, v2 on b", "finish it"},
		},
		"another version than this program": {[]row{{"a", "v2", "settings", 0}}, doctor.Note, []string{"this program is wxsign v1, those that serve are v2"}},
		"settings": {
			[]row{{"a", "v1", "settings", 0}, {"b", "v1", "other", 0}, {"c", "v1", "other", 0}},
			doctor.Warn,
			[]string{"a against b, c", "wxsign config show"},
		},
		"other settings than this command's": {
			[]row{{"a", "v1", "other", 0}}, doctor.Note, []string{"not those of the replicas"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			for _, r := range tt.rows {
				err := w.after(-r.silent).SeeReplica(t.Context(), model.Replica{Name: r.name, Version: r.version, Config: r.settings})
				if err != nil {
					t.Fatal(err)
				}
			}
			w.examine(func(o *doctor.Options) { o.Offline = true }).want(t, "replicas", tt.verdict, tt.words...)
		})
	}
}

// Regression: after a quarter of an hour nobody remembered who had served, and the
// exit code became 0 while the values ran out.
func TestNobodyServes(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fetched, disabled bool
		verdict           doctor.Verdict
	}{
		"nothing was fetched yet":      {false, false, doctor.Warn},
		"what was fetched runs out":    {true, false, doctor.Fail},
		"the account is not in use":    {true, true, doctor.Warn},
		"nor was it, and nothing came": {false, true, doctor.Warn},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(_ *simulator.Account, ours *model.Account) { ours.Enabled = !tt.disabled })
			if tt.fetched {
				w.renew(wechat.Stable)
			}
			w.examine(func(o *doctor.Options) { o.Offline = true }).
				want(t, "replicas", tt.verdict, "no wxsign serves", "nothing is renewed", "start `wxsign serve`")
		})
	}
}

// raise opens an alert.
func (w *world) raise(a model.Alert) int64 {
	w.Helper()
	store := w.open()
	a.EventID, a.AlertKey, a.SinceMs = a.Name+a.AppID, a.Name+a.AppID, w.now(store)-time.Hour.Milliseconds()
	if added, err := store.AddAlert(w.Context(), a); err != nil || !added {
		w.Fatal(added, err)
	}
	open, err := store.OpenAlerts(w.Context(), 100)
	if err != nil {
		w.Fatal(err)
	}
	return open[slices.IndexFunc(open, func(o model.Alert) bool { return o.AlertKey == a.AlertKey })].ID
}

func TestAlerts(t *testing.T) {
	t.Parallel()
	critical := model.Alert{Name: "refused", AppID: appID, Severity: model.SeverityCritical, CalmMs: time.Hour.Milliseconds()}
	warning := model.Alert{Name: "purge", Severity: model.SeverityWarning}
	for name, tt := range map[string]struct {
		raise   model.Alert
		then    func(t *testing.T, w *world, id int64)
		nobody  bool // serves
		verdict doctor.Verdict
		words   []string
	}{
		"critical": {raise: critical, verdict: doctor.Fail, words: []string{"critical, since 20", "UTC: about refused", "mend refused"}},
		"warning":  {raise: warning, verdict: doctor.Warn, words: []string{"about purge"}},
		"in hand": {
			raise: critical, verdict: doctor.Warn, words: []string{"in the hands of anna"},
			then: func(t *testing.T, w *world, id int64) {
				t.Helper()
				if done, err := w.open().AckAlert(t.Context(), id, "anna", ""); err != nil || !done {
					t.Fatal(done, err)
				}
			},
		},
		"nearly over": {
			raise: critical, verdict: doctor.Note, words: []string{"clears by itself"},
			then: func(t *testing.T, w *world, id int64) {
				t.Helper()
				if _, err := w.open().AlertAbsent(t.Context(), id); err != nil {
					t.Fatal(err)
				}
			},
		},
		"nobody looks": {raise: critical, nobody: true, verdict: doctor.Warn, words: []string{"nobody has looked since"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			if !tt.nobody {
				w.serve("a", "v1", "settings")
			}
			id := w.raise(tt.raise)
			if tt.then != nil {
				tt.then(t, w, id)
			}
			w.examine(func(o *doctor.Options) { o.Offline = true }).want(t, "alerts", tt.verdict, tt.words...)
		})
	}
}

func TestManyAlerts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for i := range 13 {
		w.raise(model.Alert{Name: "quota", AppID: fmt.Sprintf("wxother%02d", i), Severity: model.SeverityWarning})
	}
	w.examine(func(o *doctor.Options) { o.Offline = true }).want(t, "alerts", doctor.Warn, "3 more are open")
	named := w.examine(func(o *doctor.Options) { o.Offline, o.Accounts = true, []string{appID} })
	named.want(t, "alerts", doctor.OK, "none is open") // of this account
}

// noon in Beijing: no midnight falls into a test.
const noon = "1777867200000" // 2026-05-04

// atNoon is a doctor for whom it is.
func atNoon(w *world) func(*doctor.Options) {
	return func(o *doctor.Options) {
		o.Offline = true
		o.OpenStore = func() (*model.Store, error) {
			return model.Open(model.Options{Driver: model.SQLite, DSN: w.config.Database.DSN.Reveal(), NowMS: noon})
		}
	}
}

// What WeChat counts by the day is told before it is used up.
func TestBudgets(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	store := w.openBy(noon)
	if claimed, err := store.Claim(t.Context(), w.grant("access_token"), 60_000); err != nil || !claimed {
		t.Fatal(claimed, err)
	}
	for range 16 {
		if spent, err := store.SpendForce(t.Context(), w.grant("access_token"), model.ForceBudget{Day: 20260504, Limit: 20}); err != nil || !spent {
			t.Fatal(spent, err)
		}
	}
	all := w.examine(atNoon(w))
	all.want(t, "budget", doctor.Warn, "4 of 20 force refreshes left", "who kills its token")
	all.absent(t, "budget", "no account is near")
	named := w.examine(func(o *doctor.Options) { atNoon(w)(o); o.Accounts = []string{"wxnobody"} })
	named.want(t, "budget", doctor.OK, "no account is near")
}

func TestManyAttempts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	store := w.openBy(noon)
	for i := range 300 {
		h := model.History{
			AttemptID: strconv.Itoa(i), AppID: appID, Kind: "jsapi",
			TriggerName: model.TriggerReport, Actor: "shop", Outcome: model.OutcomeUnchanged,
		}
		if err := store.AddHistory(t.Context(), h); err != nil {
			t.Fatal(err)
		}
		if i == 298 {
			w.examine(atNoon(w)).want(t, "budget", doctor.OK, "no account is near")
		}
	}
	busy := w.examine(atNoon(w))
	busy.want(t, "budget", doctor.Warn, "300 attempts", "0 failed", "reports good values")
	busy.absent(t, "budget", "no account is near")
}

// Regression: a long outage, with a try a minute, was blamed on callers; what was
// not even tried counted too.
func TestManyFailures(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		failed, unchanged, refused int
		verdict                    doctor.Verdict
		words                      []string
	}{
		"an outage":               {290, 10, 0, doctor.Warn, []string{"300 attempts and more", "290 failed", "mend what they failed by"}},
		"a caller, and an outage": {100, 200, 0, doctor.Warn, []string{"300 attempts and more", "100 failed", "reports good values"}},
		"not asked":               {289, 10, 300, doctor.OK, []string{"no account is near"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			var rows []model.History
			for outcome, n := range map[string]int{
				model.OutcomeFailed: tt.failed, model.OutcomeUnchanged: tt.unchanged, model.OutcomeRefused: tt.refused,
			} {
				for i := range n {
					rows = append(rows, model.History{
						AttemptID: outcome + strconv.Itoa(i), AppID: appID, Kind: "jsapi", TriggerName: model.TriggerSchedule, Outcome: outcome,
					})
				}
			}
			store := w.openBy(noon)
			for chunk := range slices.Chunk(rows, 100) {
				if err := store.AddHistories(t.Context(), chunk); err != nil {
					t.Fatal(err)
				}
			}
			w.examine(atNoon(w)).want(t, "budget", tt.verdict, tt.words...)
		})
	}
}

// deliver adds a message to a channel, queued so long ago.
func (w *world) deliver(channel string, ago time.Duration, end *model.DeliveryEnd) {
	w.Helper()
	store := w.after(-ago)
	message := model.Delivery{Channel: channel, EventID: channel, EventType: "alert.raised", Body: "{}"}
	if added, err := store.AddDelivery(w.Context(), message); err != nil || !added {
		w.Fatal(added, err)
	}
	if end == nil {
		return
	}
	due, err := store.DueDeliveries(w.Context(), channel, 1)
	if err != nil || len(due) != 1 {
		w.Fatal(due, err)
	}
	g := model.DeliveryGrant{ID: due[0].ID, Fence: due[0].Fence, Holder: "a"}
	if claimed, err := store.ClaimDelivery(w.Context(), g, 1000); err != nil || !claimed {
		w.Fatal(claimed, err)
	}
	if done, err := store.EndDelivery(w.Context(), g, *end); err != nil || !done {
		w.Fatal(done, err)
	}
}

func TestDeliveries(t *testing.T) {
	t.Parallel()
	failed := &model.DeliveryEnd{State: model.DeliveryFailed, Error: "HTTP status 410"}
	for name, tt := range map[string]struct {
		ago     time.Duration
		end     *model.DeliveryEnd
		verdict doctor.Verdict
		words   []string
	}{
		"on its way":     {time.Minute, nil, doctor.OK, []string{"no message waits"}},
		"waits":          {time.Hour, nil, doctor.Warn, []string{"1 messages for receiver mail wait, the oldest for 1h0m"}},
		"given up":       {time.Hour, failed, doctor.Warn, []string{"receiver mail were given up: HTTP status 410", "send them again"}},
		"given up, once": {25 * time.Hour, failed, doctor.Note, []string{"none of them in the last day"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			w.deliver("mail", tt.ago, tt.end)
			w.examine(func(o *doctor.Options) { o.Offline = true }).want(t, "deliveries", tt.verdict, tt.words...)
		})
	}
}

func TestOldHistory(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for name, tt := range map[string]struct {
		age     time.Duration
		verdict doctor.Verdict
	}{
		"within the retention":          {6 * day, doctor.OK},
		"to be deleted by the next run": {8 * day, doctor.OK},
		"left over":                     {10 * day, doctor.Warn},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			w.config.History.Retention = config.Duration(7 * day)
			store := w.open()
			h := model.History{AtMs: w.now(store) - tt.age.Milliseconds(), AttemptID: "old", AppID: appID, Kind: "jsapi", TriggerName: model.TriggerSchedule, Outcome: model.OutcomeRenewed}
			if err := store.AddHistory(t.Context(), h); err != nil {
				t.Fatal(err)
			}
			all := w.examine(func(o *doctor.Options) { o.Offline = true })
			all.want(t, "history", tt.verdict, "history.retention")
			if tt.verdict == doctor.Warn {
				all.want(t, "history", doctor.Warn, time.UnixMilli(h.AtMs).UTC().Format(time.DateOnly)+" and before")
			}
		})
	}
}

// Where not each account has lines of its own, those that are late are counted.
func TestOverdueOfMany(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	store := w.open()
	for i := range 25 {
		a := model.Account{
			AppID: fmt.Sprintf("wxmany%02d", i), Platform: "official_account", Enabled: true, TokenMode: "stable",
			SecretEnc: []byte("sealed elsewhere"), Domains: []string{fmt.Sprintf("h%d.example.com", i)},
		}
		if err := store.InsertAccount(t.Context(), a, []string{"access_token"}); err != nil {
			t.Fatal(err)
		}
	}
	all := w.examine(func(o *doctor.Options) { o.Offline = true })
	all.want(t, "account", doctor.Warn, "27 credentials of all accounts are overdue", "refresh.concurrency")
	all.want(t, "budget", doctor.OK, "force refreshes", "of 20 accounts were counted", "of 26")
}

// A copy that somebody forgot keeps SQLite from taking its log over.
func TestLongLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	log := w.config.Database.DSN.Reveal() + "-wal"
	w.examine(func(o *doctor.Options) { o.Offline = true }).absent(t, "files", log)
	if err := os.Truncate(log, 257<<20); err != nil { // nothing is written: the file gets a hole
		t.Fatal(err)
	}
	w.examine(func(o *doctor.Options) { o.Offline = true }).want(t, "files", doctor.Warn, log+" has 257 MB", "restart wxsign")
}
