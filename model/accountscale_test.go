//go:build scale

package model_test

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/model/modeltest"
)

// What the panel's pages ask of a database with so many accounts, a week of
// deliveries and a long audit log; docs/performance-history.md tells what came of it.
const (
	scaleAccounts   = 50_000
	scaleDeliveries = 1_000_000
	scaleAudit      = 500_000
	accountsPage    = 50
)

func TestPanelScale(t *testing.T) { //nolint:paralleltest // nothing may run beside it
	server := modeltest.MariaDBServer(t)
	store := modeltest.Connect(t, model.MySQL, server.DSN())
	_, err := store.MigrateUp(t.Context())
	must(t, err)
	db := raw(t, model.MySQL, server.DSN())
	exec(t, db, "SET GLOBAL innodb_buffer_pool_size = 1024*1024*1024")
	exec(t, db, "SET GLOBAL innodb_flush_log_at_trx_commit = 0")
	fillPanel(t, db)
	w := scaleWorld{store: store, random: rand.New(rand.NewPCG(1, 2)), rows: scaleDeliveries}
	t.Logf("| what | p50 ms | p95 ms | most ms | rows |\n|---|---|---|---|---|")
	for _, c := range w.panelCases() {
		w.measure(t, c)
	}
}

// fillPanel writes the rows; seq is MariaDB's.
func fillPanel(t *testing.T, db *sql.DB) {
	t.Helper()
	exec(t, db, fmt.Sprintf(`
INSERT INTO account (app_id, name, platform, origin, enabled, secret_enc, key_id, token_mode, tickets, domains, profiles, created_ms, updated_ms)
SELECT CONCAT('wx', LPAD(seq, 16, '0')), CONCAT('shop ', MD5(seq)), 'official_account', 'panel', MOD(seq, 50) > 0, 'x', 'k', 'stable', '["jsapi"]', '[]', '{}',
  %[1]d, %[1]d + seq FROM seq_1_to_%[2]d`, int64(scaleBegin), scaleAccounts))
	for _, kind := range []string{"access_token", "jsapi"} {
		exec(t, db, fmt.Sprintf(`
INSERT INTO credential (app_id, kind, version, value_hash, issued_ms, expires_ms, next_refresh_ms, config_rev, updated_ms, fail_count, fail_errcode)
SELECT app_id, '%[1]s', 7, SHA2(app_id, 256), updated_ms, updated_ms + 7200000, updated_ms + 6900000, 1, updated_ms, MOD(updated_ms, 100) = 1,
  IF(MOD(updated_ms, 100) = 1, 40164, 0) FROM account`, kind))
	}
	exec(t, db, fmt.Sprintf(`
INSERT INTO delivery (channel, event_id, event_type, at_ms, body, state, attempts, next_ms, queued_ms, created_ms, done_ms, last_error)
SELECT CONCAT('webhook:', MOD(seq, 3)), MD5(seq), 'credential.renewed', at, '{"id":"x"}', IF(MOD(CRC32(seq), 1000) = 0, 'failed', 'sent'), 1, at, at, at, at, ''
FROM (SELECT seq, %d + FLOOR(%d * seq / %d) AS at FROM seq_1_to_%[3]d) made`, int64(scaleBegin), scaleDays*int64(dayMs), scaleDeliveries))
	exec(t, db, fmt.Sprintf(`
INSERT INTO audit (at_ms, actor, address, action, target, request_id)
SELECT %d + seq * 1000, CONCAT('person-', MOD(seq, 20)), '', IF(MOD(seq, 1000) = 0, 'reveal', 'refresh'),
  CONCAT('wx', LPAD(MOD(CRC32(seq), %d), 16, '0'), ' jsapi: look'), '' FROM seq_1_to_%d`, int64(scaleBegin), scaleAccounts, scaleAudit))
	exec(t, db, "ANALYZE TABLE account, credential, delivery, audit")
}

func (w scaleWorld) panelCases() []scaleCase {
	appID := func() string { return fmt.Sprintf("wx%016d", 1+w.random.Int64N(scaleAccounts)) }
	search := func(prefix func() string) func(context.Context, model.HistoryKey) (int, error) {
		return func(ctx context.Context, _ model.HistoryKey) (int, error) {
			states, _, err := w.store.SearchAccounts(ctx, []string{prefix()}, accountsPage+1)
			return len(states), err
		}
	}
	deliveries := func(f model.DeliveryFilter) func(context.Context, model.HistoryKey) (int, error) {
		return func(ctx context.Context, place model.HistoryKey) (int, error) {
			rows, _, err := w.store.DeliveryPage(ctx, f, model.DeliveryKey{CreatedMs: place.AtMs, ID: place.ID}, 50)
			return len(rows), err
		}
	}
	entries := func(f func() model.AuditFilter) func(context.Context, model.HistoryKey) (int, error) {
		return func(ctx context.Context, _ model.HistoryKey) (int, error) {
			rows, _, err := w.store.AuditPage(ctx, f(), model.AuditKey{}, 50)
			return len(rows), err
		}
	}
	return []scaleCase{
		{"overview, any page of 50", func(ctx context.Context, _ model.HistoryKey) (int, error) {
			states, _, err := w.store.AccountStates(ctx, appID(), accountsPage)
			return len(states), err
		}, mostP95},
		{"overview, ten accounts in trouble", func(ctx context.Context, _ model.HistoryKey) (int, error) {
			states, _, err := w.store.AccountStatesOf(ctx, []string{
				appID(), appID(), appID(), appID(), appID(), appID(), appID(), appID(), appID(), appID(),
			})
			return len(states), err
		}, mostP95},
		{"search, an AppID", search(appID), mostP95},
		{"search, all begin so", search(func() string { return "wx" }), mostP95},
		{"search, a name", search(func() string { return fmt.Sprintf("shop %02x", w.random.IntN(256)) }), mostP95},
		{"search, none", search(func() string { return "zzz" }), mostP95},
		{"deliveries", deliveries(model.DeliveryFilter{}), mostP95},
		{"deliveries, given up (0.1 %)", deliveries(model.DeliveryFilter{State: "failed"}), mostP95},
		{"deliveries, a receiver", deliveries(model.DeliveryFilter{Channel: "webhook:1"}), mostP95},
		{"deliveries, a receiver, given up", deliveries(model.DeliveryFilter{Channel: "webhook:1", State: "failed"}), mostP95},
		{"deliveries, a receiver, on their way (none)", deliveries(model.DeliveryFilter{Channel: "webhook:1", State: "pending"}), mostP95},
		{"audit log", entries(func() model.AuditFilter { return model.AuditFilter{} }), mostP95},
		{"audit log, an AppID", entries(func() model.AuditFilter { return model.AuditFilter{Target: appID()} }), mostP95},
		{"audit log, a person, what is rare", entries(func() model.AuditFilter { return model.AuditFilter{Actor: "person-0", Action: "reveal"} }), mostP95},
	}
}
