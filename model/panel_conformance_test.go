package model_test

import (
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/model/modeltest"
)

// The panel's tables and questions, on every engine.
func eachEngine(t *testing.T, test func(t *testing.T, store *model.Store)) {
	t.Helper()
	for _, engine := range modeltest.Engines() {
		t.Run(engine.Name, func(t *testing.T) {
			t.Parallel()
			test(t, modeltest.Open(t, engine))
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestPerson(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *model.Store) {
		t.Helper()
		ctx := t.Context()
		if exists, usable, err := s.AnyPerson(ctx); exists || usable || err != nil {
			t.Fatalf("on an empty table: %v, %v, %v", exists, usable, err)
		}
		if _, _, err := s.PersonNamed(ctx, "ann"); !errors.Is(err, model.ErrNotFound) {
			t.Errorf("unknown person: %v", err)
		}
		ann := model.Person{Name: "ann", Role: model.RoleViewer, Enabled: true, MustChange: true}
		must(t, s.AddPerson(ctx, ann, 0))
		if err := s.AddPerson(ctx, ann, 0); !errors.Is(err, model.ErrDuplicate) {
			t.Errorf("twice the same name: %v", err)
		}
		if exists, usable, err := s.AnyPerson(ctx); !exists || usable || err != nil {
			t.Errorf("with one who has no password: %v, %v, %v", exists, usable, err)
		}
		must(t, s.ResetPassword(ctx, "ann", "hash", 60_000))
		got, nowMs, err := s.PersonNamed(ctx, "ann")
		must(t, err)
		if left := got.PasswordUntilMs - nowMs; left < 30_000 || left > 60_000 {
			t.Errorf("the one-time password has %d ms left, want a minute", left)
		}
		want := model.Person{ID: got.ID, Name: "ann", Role: model.RoleViewer, Enabled: true, PasswordHash: "hash", MustChange: true, Epoch: 2}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(model.Person{}, "PasswordUntilMs", "CreatedMs", "UpdatedMs")); diff != "" {
			t.Errorf("after the reset: %s", diff)
		}
		changed, err := s.SetPassword(ctx, got, "chosen")
		if err != nil || !changed {
			t.Fatalf("choose a password: %v, %v", changed, err)
		}
		if changed, err = s.SetPassword(ctx, got, "too late"); err != nil || changed {
			t.Errorf("choose one with an old epoch: %v, %v", changed, err)
		}
		got, _, err = s.PersonNamed(ctx, "ann")
		must(t, err)
		if got.PasswordHash != "chosen" || got.MustChange || got.PasswordUntilMs != 0 || got.Epoch != 3 {
			t.Errorf("after the choice: %+v", got)
		}
		must(t, s.ResetPassword(ctx, "new", "hash", 60_000))
		if got, _, err = s.PersonNamed(ctx, "new"); err != nil || got.Role != model.RoleAdmin || !got.MustChange || !got.Enabled {
			t.Errorf("who was missing is made an administrator: %+v, %v", got, err)
		}
	})
}

func TestSession(t *testing.T) {
	t.Parallel()
	const minute = 60_000
	eachEngine(t, func(t *testing.T, s *model.Store) {
		t.Helper()
		ctx := t.Context()
		must(t, s.AddPerson(ctx, model.Person{Name: "ann", Role: model.RoleAdmin, Enabled: true, PasswordHash: "hash", MustChange: true}, minute))
		ann, _, err := s.PersonNamed(ctx, "ann")
		must(t, err)
		add := func(hash string, idleMs, lifeMs int64) error {
			row := model.Session{TokenHash: hash, PersonID: ann.ID, Epoch: ann.Epoch, Address: "192.0.2.1", UserAgent: strings.Repeat("长", 400)}
			return s.AddSession(ctx, row, idleMs, lifeMs)
		}
		lives := func(hash string) bool {
			t.Helper()
			_, err := s.LiveSession(ctx, hash)
			if err != nil && !errors.Is(err, model.ErrNotFound) {
				t.Fatal(err)
			}
			return err == nil
		}
		must(t, add("live", minute, 2*minute))
		must(t, add("idle", -1, minute))
		must(t, add("old", minute, -1))
		if err := add("live", minute, minute); !errors.Is(err, model.ErrDuplicate) {
			t.Errorf("the same session twice: %v", err)
		}
		row, err := s.LiveSession(ctx, "live")
		must(t, err)
		want := model.Person{ID: ann.ID, Name: "ann", Role: model.RoleAdmin, Enabled: true, PasswordHash: "hash", MustChange: true, Epoch: ann.Epoch}
		if diff := cmp.Diff(want, row.Person); diff != "" {
			t.Errorf("the session's person: %s", diff)
		}
		if row.IdleMs-row.SeenMs != minute || row.EndsMs-row.CreatedMs != 2*minute || row.NowMs < row.CreatedMs {
			t.Errorf("the session's instants: %+v", row)
		}
		if lives("idle") || lives("old") || lives("nobody") {
			t.Error("a session that has ended is found")
		}
		must(t, s.TouchSession(ctx, "idle", minute, 0))
		if lives("idle") {
			t.Error("touching brought a session back")
		}
		must(t, s.TouchSession(ctx, "live", 10*minute, 0))
		if row, err = s.LiveSession(ctx, "live"); err != nil || row.IdleMs != row.EndsMs {
			t.Errorf("touching moved the idle end to %d, beyond or before the absolute one %d (%v)", row.IdleMs, row.EndsMs, err)
		}
		must(t, s.TouchSession(ctx, "live", minute, minute))
		if again, err := s.LiveSession(ctx, "live"); err != nil || again.IdleMs != row.IdleMs {
			t.Errorf("a touch too soon changed it: %v", err)
		}
		must(t, s.DeleteSession(ctx, "live"))
		must(t, s.DeleteSession(ctx, "live"))
		must(t, s.TouchSession(ctx, "live", minute, 0))
		if lives("live") {
			t.Error("a deleted session lives")
		}
		must(t, add("second", minute, minute))
		if n, err := s.PurgeSessions(ctx); err != nil || n != 2 {
			t.Errorf("purged %d, %v; want 2", n, err)
		}
		if changed, err := s.SetPassword(ctx, ann, "other"); err != nil || !changed || lives("second") {
			t.Errorf("a session outlived its person's epoch: %v, %v", changed, err)
		}
	})
}

func TestCountTryHasOneWinner(t *testing.T) {
	t.Parallel()
	for _, engine := range modeltest.Engines() {
		t.Run(engine.Name, func(t *testing.T) {
			t.Parallel()
			stores := modeltest.Replicas(t, engine, 2)
			for round := range 20 {
				was, _, err := stores[0].Throttled(t.Context(), "name", "network")
				must(t, err)
				if was.Tries != round {
					t.Fatalf("round %d: %d tries", round, was.Tries)
				}
				is := was
				is.Tries, is.UntilMs, is.ForgetMs = round+1, int64(round), int64(round)
				var winners atomic.Int64
				var race sync.WaitGroup
				for i := range 6 {
					race.Go(func() {
						if won, err := stores[i%2].CountTry(t.Context(), was, is); err == nil && won {
							winners.Add(1)
						} else if err != nil && !errors.Is(err, model.ErrNotApplied) {
							t.Error(err)
						}
					})
				}
				race.Wait()
				if winners.Load() != 1 {
					t.Fatalf("round %d: %d winners", round, winners.Load())
				}
			}
			must(t, stores[1].ForgetTries(t.Context(), "name", "another network"))
			if row, _, err := stores[0].Throttled(t.Context(), "name", "network"); err != nil || row.Tries != 20 {
				t.Errorf("another network's counts were dropped: %+v, %v", row, err)
			}
			if n, err := stores[0].PurgeTries(t.Context()); err != nil || n != 1 {
				t.Errorf("purged %d, %v; want 1", n, err)
			}
		})
	}
}

// fillHistory fills the history with n rows, faster than one at a time, and returns
// them newest first. Many of them share their millisecond.
func fillHistory(t *testing.T, engine modeltest.Engine, dsn string, n int) []model.History {
	t.Helper()
	driver := map[string]string{model.SQLite: "sqlite", model.MySQL: "mysql"}[engine.Driver]
	db, err := sql.Open(driver, dsn)
	must(t, err)
	defer func() { must(t, db.Close()) }()
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(words ...string) string { return words[random.IntN(len(words))] }
	all := make([]model.History, n)
	for i := range all {
		all[i] = model.History{
			ID: int64(i + 1), AttemptID: fmt.Sprintf("%032d", i), AtMs: 1_700_000_000_000 + int64(i/3)*10, AppID: pick("wxa", "wxb", "wxc"),
			Kind: pick("access_token", "jsapi"), TriggerName: pick(model.TriggerSchedule, model.TriggerReport), Actor: pick("r1", "r2"),
			Outcome: pick(model.OutcomeRenewed, model.OutcomeFailed), Errcode: random.IntN(3), Version: 1,
		}
	}
	const chunk = 500
	for part := range slices.Chunk(all, chunk) {
		var text []string
		var args []any
		for _, h := range part {
			text = append(text, "(?,?,?,?,?,1,1,?,?,?,?)")
			args = append(args, h.ID, h.AttemptID, h.AtMs, h.AppID, h.Kind, h.TriggerName, h.Actor, h.Outcome, h.Errcode)
		}
		_, err := db.ExecContext(t.Context(), `INSERT INTO history
 (id, attempt_id, at_ms, app_id, kind, version, fence, trigger_name, actor, outcome, errcode) VALUES `+strings.Join(text, ","), args...)
		must(t, err)
	}
	slices.Reverse(all)
	return all
}

// Pages walk through just the rows that a filter means, each once, in order:
// compared with a filter in Go over the same rows.
func TestHistoryPages(t *testing.T) {
	t.Parallel()
	one := 1
	filters := map[string]model.HistoryFilter{
		"all":       {},
		"account":   {AppID: "wxb"},
		"no one's":  {AppID: "wx' OR '1'='1"},
		"kind":      {Kind: "jsapi"},
		"trigger":   {Trigger: model.TriggerReport},
		"outcome":   {Outcome: model.OutcomeFailed, AppID: "wxc"},
		"actor":     {Actor: "r2"},
		"errcode":   {Errcode: &one},
		"time":      {FromMs: 1_700_000_000_100, ToMs: 1_700_000_000_900},
		"all at it": {AppID: "wxa", Kind: "jsapi", Trigger: model.TriggerReport, Outcome: model.OutcomeFailed, Actor: "r1", Errcode: &one, FromMs: 1_700_000_000_100},
	}
	for _, engine := range modeltest.Engines() {
		t.Run(engine.Name, func(t *testing.T) {
			t.Parallel()
			dsn := engine.Empty(t)[0]
			s := modeltest.Connect(t, engine.Driver, dsn)
			_, err := s.MigrateUp(t.Context())
			must(t, err)
			all := fillHistory(t, engine, dsn, 400)
			for name, f := range filters {
				var want, got []int64
				for _, h := range all {
					if fits(h, f) {
						want = append(want, h.ID)
					}
				}
				for place := (model.HistoryKey{}); ; {
					page, err := s.HistoryPage(t.Context(), f, place, 7)
					must(t, err)
					if len(page.Rows) > 7 {
						t.Fatalf("%s: a page of %d", name, len(page.Rows))
					}
					for _, h := range page.Rows {
						got = append(got, h.ID)
					}
					if page.Next == nil {
						break
					}
					place = *page.Next
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s: %s", name, diff)
				}
			}
		})
	}
}

func fits(h model.History, f model.HistoryFilter) bool {
	same := func(want, is string) bool { return want == "" || want == is }
	return same(f.AppID, h.AppID) && same(f.Kind, h.Kind) && same(f.Trigger, h.TriggerName) && same(f.Outcome, h.Outcome) &&
		same(f.Actor, h.Actor) && (f.Errcode == nil || *f.Errcode == h.Errcode) &&
		(f.FromMs == 0 || h.AtMs >= f.FromMs) && (f.ToMs == 0 || h.AtMs < f.ToMs)
}

// A filter that almost nothing fits does not read the whole table: the search
// pauses, says where, and goes on from there without losing or repeating a row.
func TestHistorySearchIsBounded(t *testing.T) {
	t.Parallel()
	const rows, bound = 45_000, 20_000
	for _, engine := range modeltest.Engines() {
		t.Run(engine.Name, func(t *testing.T) {
			t.Parallel()
			dsn := engine.Empty(t)[0]
			s := modeltest.Connect(t, engine.Driver, dsn)
			_, err := s.MigrateUp(t.Context())
			must(t, err)
			all := fillHistory(t, engine, dsn, rows)
			var failed []model.History // along its index goes the search
			for _, h := range all {
				if h.Outcome == model.OutcomeFailed {
					failed = append(failed, h)
				}
			}
			pages := 0
			begin := time.Now()
			for place := (model.HistoryKey{}); ; pages++ {
				page, err := s.HistoryPage(t.Context(), model.HistoryFilter{Outcome: model.OutcomeFailed, Kind: "none"}, place, 50)
				must(t, err)
				if len(page.Rows) != 0 {
					t.Fatalf("found %d rows that do not fit", len(page.Rows))
				}
				if page.Next == nil {
					break
				}
				place = *page.Next
				if last := failed[bound*(pages+1)-1]; place.ID != last.ID || place.AtMs != last.AtMs {
					t.Fatalf("page %d ends at %+v, want %d rows further at %d", pages, place, bound, last.ID)
				}
			}
			if pages != len(failed)/bound || pages == 0 {
				t.Errorf("searched in %d steps, want %d", pages+1, len(failed)/bound+1)
			}
			t.Logf("%d rows in %d steps: %v", rows, pages+1, time.Since(begin))
		})
	}
}

func TestFailingSince(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *model.Store) {
		t.Helper()
		add := func(at int64, kind, outcome string) {
			id := fmt.Sprintf("%d%s", at, kind)
			must(t, s.AddHistory(t.Context(), model.History{AttemptID: id, AtMs: at, AppID: "wx", Kind: kind, Outcome: outcome}))
		}
		since := func() int64 {
			got, err := s.FailingSince(t.Context(), "wx", "jsapi")
			must(t, err)
			return got
		}
		if got := since(); got != 0 {
			t.Errorf("without history: %d", got)
		}
		add(1, "jsapi", model.OutcomeFailed)
		add(2, "jsapi", model.OutcomeUnchanged)
		add(3, "jsapi", model.OutcomeFailed)
		add(4, "jsapi", model.OutcomeRefused)
		add(5, "access_token", model.OutcomeRenewed)
		add(6, "jsapi", model.OutcomeFailed)
		if got := since(); got != 3 {
			t.Errorf("failing since %d, want 3", got)
		}
		add(7, "jsapi", model.OutcomeRenewed)
		if got := since(); got != 0 {
			t.Errorf("after a success: %d", got)
		}
	})
}

func TestAccountStates(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, s *model.Store) {
		t.Helper()
		for i := range 5 {
			must(t, s.InsertAccount(t.Context(), model.Account{
				AppID: fmt.Sprint("wx", i), Name: "名", Platform: "official_account", Origin: model.OriginFile, Enabled: i != 3,
				SecretEnc: []byte("x"), TokenMode: "stable",
			}, []string{"access_token", "jsapi"}))
		}
		ids := func(states []model.AccountState) (got []string) {
			for _, a := range states {
				if len(a.Credentials) != 2 || a.Enabled != (a.AppID != "wx3") {
					t.Errorf("state %+v", a)
				}
				got = append(got, a.AppID)
			}
			return got
		}
		page, now, err := s.AccountStates(t.Context(), "", 3)
		must(t, err)
		if diff := cmp.Diff([]string{"wx0", "wx1", "wx2"}, ids(page)); diff != "" || now == 0 {
			t.Errorf("first page at %d: %s", now, diff)
		}
		page, _, err = s.AccountStates(t.Context(), "wx2", 3)
		must(t, err)
		if diff := cmp.Diff([]string{"wx3", "wx4"}, ids(page)); diff != "" {
			t.Errorf("second page: %s", diff)
		}
		page, _, err = s.AccountStatesOf(t.Context(), []string{"wx4", "wx1", "nobody"})
		must(t, err)
		if diff := cmp.Diff([]string{"wx1", "wx4"}, ids(page)); diff != "" {
			t.Errorf("by name: %s", diff)
		}
	})
}
