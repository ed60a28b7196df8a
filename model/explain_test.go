package model_test

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/model/modeltest"
)

// TestReadsGoAlongAnIndex asks both engines how they would carry out what the
// store really sends; a scan of the whole table would grow with the years.
func TestReadsGoAlongAnIndex(t *testing.T) {
	t.Parallel()
	for _, engine := range modeltest.Engines() {
		t.Run(engine.Name, func(t *testing.T) {
			t.Parallel()
			store, dsn := migrated(t, engine)
			db := raw(t, engine.Driver, dsn)
			seed(t, engine, db)
			since, err := store.Watch("explain")
			if err != nil {
				t.Fatal(err)
			}
			for _, read := range reads() {
				since()
				if err := read.do(t.Context(), store); err != nil {
					t.Fatalf("%s: %v", read.name, err)
				}
				sent := since()
				if len(sent) == 0 {
					t.Fatalf("%s: nothing was seen being sent", read.name)
				}
				for _, statement := range sent {
					if plan := explain(t, engine, db, statement); !along(plan, read.index) || scans(plan) {
						t.Errorf("%s: want the index %s:\n%s\n%s", read.name, read.index, statement.SQL, plan)
					}
				}
			}
		})
	}
}

type read struct {
	name, index string
	do          func(context.Context, *model.Store) error
}

const (
	seededAccounts = 300
	seededHistory  = 2000
	recentMs       = 1_000_000_000_000 // few rows are newer
)

func reads() []read {
	page := func(f model.HistoryFilter, after model.HistoryKey) func(context.Context, *model.Store) error {
		return func(ctx context.Context, s *model.Store) error {
			_, err := s.HistoryPage(ctx, f, after, 20)
			return err
		}
	}
	old := model.HistoryKey{AtMs: 1500, ID: 1500}
	none, code := 0, 40164
	newest, later := model.DeliveryKey{}, model.DeliveryKey{CreatedMs: 5, ID: 5}
	return append(filteredReads(page, old, &none, &code), []read{
		{"due accounts", "credential_due", func(ctx context.Context, s *model.Store) error {
			_, err := s.DueAccounts(ctx, 1000, lease, 50)
			return err
		}},
		{"marks", "credential_updated", func(ctx context.Context, s *model.Store) error {
			_, _, err := s.Marks(ctx, recentMs)
			return err
		}},
		{"edited accounts", "account_updated", func(ctx context.Context, s *model.Store) error {
			_, err := s.AccountsSince(ctx, recentMs)
			return err
		}},
		{"accounts by their beginning", "account", func(ctx context.Context, s *model.Store) error {
			_, _, err := s.SearchAccounts(ctx, []string{"zz"}, 30)
			return err
		}},
		{"timeline", "history_account", func(ctx context.Context, s *model.Store) error {
			_, err := s.Timeline(ctx, model.TimelineQuery{AppID: "wx7", FromMs: 1, ToMs: recentMs, Limit: 20})
			return err
		}},
		{"timeline of many attempts", "history_account_filter", func(ctx context.Context, s *model.Store) error {
			_, err := s.Timeline(ctx, model.TimelineQuery{AppID: "wx7", FromMs: 1, ToMs: recentMs, StepMs: 7, Limit: 20})
			return err
		}},
		{"how much happened", "history_account", func(ctx context.Context, s *model.Store) error {
			_, err := s.AttemptBefore(ctx, "wx7", 1, 3)
			return err
		}},
		{"unwritten history", "history_publish", func(ctx context.Context, s *model.Store) error {
			_, err := s.UnwrittenHistory(ctx, recentMs)
			return err
		}},
		{"history of an account", "history_account", func(ctx context.Context, s *model.Store) error {
			_, err := s.HistoryOf(ctx, "wx7", 20)
			return err
		}},
		{"history, all accounts", "history_at", page(model.HistoryFilter{}, model.HistoryKey{})},
		{"history, all accounts, next page", "history_at", page(model.HistoryFilter{}, old)},
		{"history, all accounts, since", "history_at", page(model.HistoryFilter{FromMs: 1990}, model.HistoryKey{})},
		{"history, one account, next page", "history_account", page(model.HistoryFilter{AppID: "wx7"}, old)},
		{"history to purge", "history_at|issued_token_issued", func(ctx context.Context, s *model.Store) error {
			_, _, err := s.PurgeHistory(ctx, model.HistoryKey{}, 2)
			return err
		}},
		{"history to purge, next chunk", "history_at", func(ctx context.Context, s *model.Store) error {
			_, _, err := s.PurgeHistory(ctx, model.HistoryKey{AtMs: 1, ID: 2}, 3)
			return err
		}},
		{"a row of the history", "", func(ctx context.Context, s *model.Store) error {
			_, err := s.HistoryRow(ctx, 7)
			return err
		}},
		{"what came after", "history_account_filter", func(ctx context.Context, s *model.Store) error {
			_, err := s.HistoryAfter(ctx, "wx7", "jsapi", old, 3)
			return err
		}},
		{"failing since", "history_account_filter", func(ctx context.Context, s *model.Store) error {
			_, err := s.FailingSince(ctx, "wx7", "jsapi")
			return err
		}},
		{"the newest of the audit log", "audit_at", func(ctx context.Context, s *model.Store) error {
			_, _, err := s.AuditPage(ctx, model.AuditFilter{}, model.AuditKey{}, 20)
			return err
		}},
		{"the audit log by target and actor", "audit_target", func(ctx context.Context, s *model.Store) error {
			_, _, err := s.AuditPage(ctx, model.AuditFilter{Target: "x", Actor: "y"}, model.AuditKey{AtMs: 5, ID: 5}, 20)
			return err
		}},
		{"the newest deliveries", "delivery_created", deliveryPage(model.DeliveryFilter{}, newest)},
		{"deliveries in a state", "delivery_state", deliveryPage(model.DeliveryFilter{State: "failed"}, later)},
		{"deliveries of a receiver", "delivery_channel", deliveryPage(model.DeliveryFilter{Channel: "x"}, later)},
		{"deliveries of a receiver in a state", "delivery_channel", deliveryPage(model.DeliveryFilter{Channel: "x", State: "sent"}, newest)},
		{"what a receiver did not get", "delivery_channel", func(ctx context.Context, s *model.Store) error {
			_, err := s.RequeueFailed(ctx, "x", 20)
			return err
		}},
		{"the chain of the audit log", "audit_seq", func(ctx context.Context, s *model.Store) error {
			_, err := s.AuditChain(ctx, 5, 20)
			return err
		}},
	}...)
}

func deliveryPage(f model.DeliveryFilter, after model.DeliveryKey) func(context.Context, *model.Store) error {
	return func(ctx context.Context, s *model.Store) error {
		_, _, err := s.DeliveryPage(ctx, f, after, 20)
		return err
	}
}

// filteredReads are the pages of each filter of the history, and of several at
// once: which index answers them.
func filteredReads(
	page func(model.HistoryFilter, model.HistoryKey) func(context.Context, *model.Store) error, old model.HistoryKey, none, code *int,
) []read {
	all := []read{}
	for name, c := range map[string]struct {
		index  string
		filter model.HistoryFilter
	}{
		"account":         {"history_account", model.HistoryFilter{AppID: "wx7"}},
		"kind":            {"history_kind", model.HistoryFilter{Kind: "jsapi"}},
		"trigger":         {"history_trigger", model.HistoryFilter{Trigger: "probe"}},
		"usual trigger":   {"history_trigger", model.HistoryFilter{Trigger: "schedule"}},
		"outcome":         {"history_outcome", model.HistoryFilter{Outcome: "failed"}},
		"usual outcome":   {"history_outcome", model.HistoryFilter{Outcome: "renewed"}},
		"errcode":         {"history_errcode", model.HistoryFilter{Errcode: code}},
		"no errcode":      {"history_errcode", model.HistoryFilter{Errcode: none}},
		"actor":           {"history_actor", model.HistoryFilter{Actor: "r"}},
		"rare of two":     {"history_outcome", model.HistoryFilter{Outcome: "failed", Trigger: "schedule", Kind: "jsapi"}},
		"errcode of all":  {"history_errcode", model.HistoryFilter{Outcome: "failed", Trigger: "probe", Errcode: code}},
		"account of all":  {"history_account_filter", model.HistoryFilter{AppID: "wx7", Outcome: "failed", Trigger: "probe", Errcode: code}},
		"actor and usual": {"history_actor", model.HistoryFilter{Actor: "r", Outcome: "renewed", Trigger: "schedule", Errcode: none}},
	} {
		since := c.filter
		since.FromMs, since.ToMs = 10, 1900
		all = append(all, read{"history by " + name, c.index, page(c.filter, model.HistoryKey{})},
			read{"history by " + name + ", next page", c.index, page(c.filter, old)}, read{
				"history by " + name + ", some days", c.index,
				page(since, old),
			})
	}
	return all
}

// seed fills the tables so that an index is worth its while: nearly all rows are
// not due and did not move.
func seed(t *testing.T, e modeltest.Engine, db *sql.DB) {
	t.Helper()
	insertMany(t, db, "account (app_id, name, platform, origin, secret_enc, key_id, token_mode, tickets, domains, profiles, created_ms, updated_ms)",
		seededAccounts, func(i int) string {
			return fmt.Sprintf("('wx%d', '', '', '', 'x', '', '', '[]', '[]', '{}', 1, %d)", i, mostlyOld(i))
		})
	insertMany(t, db, "credential (app_id, kind, version, publish_id, config_rev, next_refresh_ms, updated_ms)",
		2*seededAccounts, func(i int) string {
			next := int64(9_000_000_000_000)
			if i < 5 {
				next = 0
			}
			return fmt.Sprintf("('wx%d', '%s', 1, 'p%d', 1, %d, %d)", i/2, []string{"access_token", "jsapi"}[i%2], i, next, mostlyOld(i))
		})
	insertMany(t, db, "history (attempt_id, publish_id, at_ms, app_id, kind, version, fence, trigger_name, actor, outcome)",
		seededHistory, func(i int) string {
			return fmt.Sprintf("('a%d', 'p%d', %d, 'wx%d', 'jsapi', 1, 1, 'schedule', 'r', 'renewed')", i, i, i, i%seededAccounts)
		})
	if e.Driver == model.MySQL { // its statistics follow on their own, later
		exec(t, db, "ANALYZE TABLE account, credential, history")
	}
}

func mostlyOld(i int) int64 {
	if i%100 == 7 {
		return recentMs + 1
	}
	return 1
}

func insertMany(t *testing.T, db *sql.DB, into string, n int, row func(i int) string) {
	t.Helper()
	rows := make([]string, n)
	for i := range rows {
		rows[i] = row(i)
	}
	exec(t, db, "INSERT INTO "+into+" VALUES "+strings.Join(rows, ","))
}

// explain is the engine's plan, a line per step.
func explain(t *testing.T, e modeltest.Engine, db *sql.DB, s model.Statement) string {
	t.Helper()
	ask := "EXPLAIN "
	if e.Driver == model.SQLite {
		ask = "EXPLAIN QUERY PLAN "
	}
	rows, err := db.Query(ask+s.SQL, s.Args...)
	if err != nil {
		t.Fatalf("%s: %v", s.SQL, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var plan strings.Builder
	for rows.Next() {
		fields := make([]sql.NullString, len(columns))
		targets := make([]any, len(columns))
		for i := range fields {
			targets[i] = &fields[i]
		}
		if err := rows.Scan(targets...); err != nil {
			t.Fatal(err)
		}
		for i, f := range fields {
			fmt.Fprintf(&plan, "%s=%s ", columns[i], f.String)
		}
		plan.WriteByte('\n')
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return plan.String()
}

// along reports whether a plan uses one of some indexes.
func along(plan, indexes string) bool {
	return slices.ContainsFunc(strings.Split(indexes, "|"), func(index string) bool { return strings.Contains(plan, index) })
}

// scans finds a step that reads a whole table of ours, by letter: a, c, d, h. Along
// history_at, audit_at and delivery_created it is right: the newest rows of all come first, and it
// stops there.
func scans(plan string) bool {
	for line := range strings.Lines(plan) {
		if wholeTable.MatchString(line) && !newestFirst.MatchString(line) {
			return true
		}
	}
	return false
}

var newestFirst = regexp.MustCompile(`USING (COVERING )?INDEX (history_at|audit_at|delivery_created)\b`)

var wholeTable = regexp.MustCompile(
	`table=(account|credential|history|[acdh]) .*type=ALL|detail=SCAN (account|credential|history|[acdh])\b`)
