//go:build scale

package model_test

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wxsign/wxsign/migrations"
	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/model/modeltest"
)

// `make history-scale` measures the history on a MariaDB of its own with this many
// rows; docs/performance-history.md tells what came of it. It is no part of `make
// test`: it needs 10 GB and most of an hour.
const (
	filtersStep = "0020_history_filters.sql" // adds the indexes
	envRows     = "WXSIGN_HISTORY_ROWS"
	defaultRows = 10_000_000

	scaleBegin  = 1_750_000_000_000
	scaleDays   = 90
	dayMs       = 86_400_000
	scaleRounds = 40
	mostP95     = 100 * time.Millisecond
	mostMoments = 4000 // of a timeline, each attempt one
)

func TestHistoryScale(t *testing.T) { //nolint:paralleltest // nothing may run beside it
	rows := int64(defaultRows)
	if text := os.Getenv(envRows); text != "" {
		var err error
		rows, err = strconv.ParseInt(text, 10, 64)
		must(t, err)
	}
	server := modeltest.MariaDBServer(t)
	store := modeltest.Connect(t, model.MySQL, server.DSN())
	_, err := store.MigrateUp(t.Context())
	must(t, err)
	db := raw(t, model.MySQL, server.DSN())
	exec(t, db, "SET GLOBAL innodb_buffer_pool_size = 1024*1024*1024")
	begin := time.Now()
	fillScale(t, db, rows)
	t.Logf("%d rows and their indexes: %s", rows, time.Since(begin).Round(time.Second))
	sizes(t, db)
	w := scaleWorld{store: store, random: rand.New(rand.NewPCG(1, 2)), rows: rows}
	t.Logf("| what | p50 ms | p95 ms | most ms | rows |\n|---|---|---|---|---|")
	for _, c := range w.cases() {
		w.measure(t, c)
	}
}

// fillScale writes the rows with the indexes away that would slow it down, and
// brings them back as the migrations define them.
func fillScale(t *testing.T, db *sql.DB, rows int64) {
	t.Helper()
	exec(t, db, "ALTER TABLE history DROP INDEX history_account_filter, DROP INDEX history_errcode, DROP INDEX history_outcome, DROP INDEX history_trigger, "+
		"DROP INDEX history_actor, DROP INDEX history_kind, DROP INDEX history_account, DROP INDEX history_at")
	exec(t, db, "SET GLOBAL innodb_flush_log_at_trx_commit = 0")
	const chunk = 250_000
	for from := int64(1); from <= rows; from += chunk {
		exec(t, db, fmt.Sprintf(scaleInsert, scaleBegin, int64(scaleDays)*dayMs, rows, from, min(rows, from+chunk-1)))
	}
	exec(t, db, "ALTER TABLE history ADD KEY history_at (at_ms, id), ADD KEY history_account (app_id, at_ms, id)")
	text, err := fs.ReadFile(migrations.FS, "mysql/"+filtersStep)
	must(t, err)
	_, up, _ := strings.Cut(string(text), "ALTER TABLE")
	up, _, _ = strings.Cut(up, ";")
	exec(t, db, "ALTER TABLE"+up)
	exec(t, db, "ANALYZE TABLE history")
}

// scaleInsert makes rows as two years of a busy server would leave them: nearly
// all are renewals on schedule, two in a hundred fail, each twentieth is of one
// account that never rests, the others of 50,000.
const scaleInsert = `
INSERT INTO history (attempt_id, publish_id, at_ms, app_id, kind, version, fence, trigger_name, actor, outcome, errcode, errmsg, rid,
  latency_ms, expires_ms, fingerprint)
SELECT LPAD(HEX(seq), 32, '0'), IF(bad, NULL, LPAD(HEX(seq), 32, '0')), %d + FLOOR(%d / %d * seq),
  IF(MOD(seq, 20) = 0, 'wxbusy', CONCAT('wx', LPAD(MOD(CRC32(seq + 7), 50000), 16, '0'))),
  CASE WHEN MOD(seq, 100) = 3 THEN 'wx_card' WHEN MOD(seq, 2) = 0 THEN 'access_token' ELSE 'jsapi' END,
  FLOOR(seq / 1000), seq,
  CASE WHEN dice < 5 THEN 'report' WHEN dice < 8 THEN 'probe' WHEN dice < 9 THEN 'manual'
    WHEN dice < 12 THEN 'recovery' ELSE 'schedule' END,
  CASE WHEN dice = 8 THEN CONCAT('person-', MOD(seq, 7)) ELSE CONCAT('wxsign-', MOD(seq, 3), '/1/', LPAD(HEX(MOD(seq, 3)), 8, 'a')) END,
  CASE WHEN bad AND dice = 29 THEN 'refused' WHEN bad THEN 'failed' WHEN dice < 40 THEN 'unchanged' ELSE 'renewed' END,
  CASE WHEN NOT bad THEN 0 WHEN MOD(seq, 1000000) = 17 THEN 89503 WHEN MOD(seq, 3) = 0 THEN 40164
    WHEN MOD(seq, 3) = 1 THEN 45011 ELSE -1 END,
  IF(bad, 'wechat stable_token: errcode 40164: invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist — add it', ''),
  IF(bad, '6553a1c2-1d2e3f40-5a6b7c8d', ''), 80 + MOD(seq, 50), IF(bad, 0, %[1]d + FLOOR(%[2]d / %[3]d * seq) + 7200000),
  IF(bad, '', LPAD(HEX(MOD(CRC32(seq), 4294967295)), 8, '0'))
FROM (SELECT seq, MOD(CRC32(seq), 1000) AS dice, MOD(CRC32(seq), 1000) BETWEEN 10 AND 29 OR MOD(seq, 1000000) = 17 AS bad
  FROM seq_%d_to_%d) AS made`

func sizes(t *testing.T, db *sql.DB) {
	t.Helper()
	var data, index int64
	must(t, db.QueryRow("SELECT data_length, index_length FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'history'").
		Scan(&data, &index))
	t.Logf("rows %d MB, indexes %d MB, buffer pool 1024 MB", data>>20, index>>20)
}

type scaleWorld struct {
	store  *model.Store
	random *rand.Rand
	rows   int64
}

// scaleCase is one question, asked at another place each time.
type scaleCase struct {
	name string
	ask  func(ctx context.Context, place model.HistoryKey) (rows int, err error)
	most time.Duration // 0 = only told
}

func (w scaleWorld) cases() []scaleCase {
	page := func(name string, f model.HistoryFilter) scaleCase {
		return scaleCase{name, func(ctx context.Context, place model.HistoryKey) (int, error) {
			page, err := w.store.HistoryPage(ctx, f, place, 50)
			return len(page.Rows), err
		}, mostP95}
	}
	code := func(n int) *int { return &n }
	purged := model.HistoryKey{}
	mid := int64(scaleBegin + scaleDays/2*dayMs)
	const busy, quiet, replica = "wxbusy", "wx0000000000000042", "wxsign-1/1/aaaaaaa1"
	return []scaleCase{
		page("no filter", model.HistoryFilter{}),
		page("account, 200 rows", model.HistoryFilter{AppID: quiet}),
		page("account, 500,000 rows", model.HistoryFilter{AppID: busy}),
		page("kind jsapi", model.HistoryFilter{Kind: "jsapi"}),
		page("kind wx_card (1 %)", model.HistoryFilter{Kind: "wx_card"}),
		page("kind agent_config (none)", model.HistoryFilter{Kind: "agent_config"}),
		page("trigger schedule", model.HistoryFilter{Trigger: "schedule"}),
		page("trigger manual (0.1 %)", model.HistoryFilter{Trigger: "manual"}),
		page("outcome renewed", model.HistoryFilter{Outcome: "renewed"}),
		page("outcome failed (2 %)", model.HistoryFilter{Outcome: "failed"}),
		page("outcome refused (0.1 %)", model.HistoryFilter{Outcome: "refused"}),
		page("errcode 0", model.HistoryFilter{Errcode: code(0)}),
		page("errcode 40164", model.HistoryFilter{Errcode: code(40164)}),
		page("errcode 89503 (10 rows)", model.HistoryFilter{Errcode: code(89503)}),
		page("errcode 99999 (none)", model.HistoryFilter{Errcode: code(99999)}),
		page("actor, a replica", model.HistoryFilter{Actor: replica}),
		page("actor, a person", model.HistoryFilter{Actor: "person-3"}),
		page("actor, nobody", model.HistoryFilter{Actor: "nobody"}),
		page("a day", model.HistoryFilter{FromMs: mid, ToMs: mid + dayMs}),
		page("a day, failed", model.HistoryFilter{FromMs: mid, ToMs: mid + dayMs, Outcome: "failed"}),
		page("failed, wx_card", model.HistoryFilter{Outcome: "failed", Kind: "wx_card"}),
		page("failed, by a person (none)", model.HistoryFilter{Outcome: "failed", Actor: "person-3"}),
		page("probe, failed, access_token", model.HistoryFilter{Trigger: "probe", Outcome: "failed", Kind: "access_token"}),
		page("renewed, schedule, jsapi, a replica", model.HistoryFilter{
			Outcome: "renewed", Trigger: "schedule", Kind: "jsapi",
			Actor: replica,
		}),
		page("a replica, agent_config (none)", model.HistoryFilter{Actor: replica, Kind: "agent_config"}),
		page("busy account, errcode 89503 (none)", model.HistoryFilter{AppID: busy, Errcode: code(89503)}),
		page("busy account, failed, jsapi (none)", model.HistoryFilter{AppID: busy, Outcome: "failed", Kind: "jsapi"}),
		{"a row and its neighbours", w.neighbours, mostP95},
		{"failing since, busy account", func(ctx context.Context, _ model.HistoryKey) (int, error) {
			_, err := w.store.FailingSince(ctx, busy, "access_token")
			return 1, err
		}, mostP95},
		{"timeline of 90 days, account of 200 rows", w.timeline(quiet, scaleDays), mostP95},
		{"timeline of 24 hours, busy account", w.timeline(busy, 1), 0}, // 5,000 attempts in some hundred moments
		{"export, a chunk of 1,000", func(ctx context.Context, place model.HistoryKey) (int, error) {
			page, err := w.store.HistoryPage(ctx, model.HistoryFilter{Outcome: "failed"}, place, 1000)
			return len(page.Rows), err
		}, 0},
		{"write a row", func(ctx context.Context, place model.HistoryKey) (int, error) {
			return 1, w.store.AddHistory(ctx, model.History{
				AttemptID: fmt.Sprintf("new%d-%d", place.ID, w.random.Int64()), AppID: quiet, Kind: "jsapi", Outcome: "renewed", TriggerName: "schedule", Actor: replica,
			})
		}, mostP95},
		{"purge a chunk of 100", func(ctx context.Context, _ model.HistoryKey) (int, error) {
			n, last, err := w.store.PurgeHistory(ctx, purged, mid)
			purged = last
			return int(n), err
		}, mostP95},
	}
}

func (w scaleWorld) timeline(appID string, days int64) func(context.Context, model.HistoryKey) (int, error) {
	return func(ctx context.Context, place model.HistoryKey) (int, error) {
		to := cmp.Or(place.AtMs, int64(scaleBegin+scaleDays*dayMs))
		q := model.TimelineQuery{AppID: appID, FromMs: to - days*dayMs, ToMs: to, Limit: mostMoments}
		first, err := w.store.AttemptBefore(ctx, appID, q.FromMs, mostMoments)
		if err == nil && first > 0 { // as package history does
			q.StepMs = days * dayMs / 150
		}
		if err != nil {
			return 0, err
		}
		moments, err := w.store.Timeline(ctx, q)
		return len(moments), err
	}
}

func (w scaleWorld) neighbours(ctx context.Context, place model.HistoryKey) (int, error) {
	near, err := w.store.HistoryPage(ctx, model.HistoryFilter{}, place, 1)
	if err != nil || len(near.Rows) == 0 {
		return 0, err
	}
	row, err := w.store.HistoryRow(ctx, near.Rows[0].ID) // ids have gaps
	if err != nil {
		return 0, err
	}
	key := model.HistoryKey{AtMs: row.AtMs, ID: row.ID}
	after, err := w.store.HistoryAfter(ctx, row.AppID, row.Kind, key, 3)
	if err != nil {
		return 0, err
	}
	prior, err := w.store.HistoryPage(ctx, model.HistoryFilter{AppID: row.AppID, Kind: row.Kind}, key, 3)
	return len(after) + len(prior.Rows), err
}

// measure asks at the newest end and at places all over the table: most of what
// is read was not in memory before.
func (w scaleWorld) measure(t *testing.T, c scaleCase) {
	t.Helper()
	took := make([]time.Duration, 0, scaleRounds)
	total := 0
	for i := range scaleRounds {
		place := model.HistoryKey{}
		if i%8 != 0 {
			place.ID = 1 + w.random.Int64N(w.rows)
			place.AtMs = scaleBegin + scaleDays*dayMs/w.rows*place.ID
		}
		begin := time.Now()
		n, err := c.ask(t.Context(), place)
		took = append(took, time.Since(begin))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		total += n
	}
	slices.Sort(took)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	p95 := took[len(took)*95/100]
	t.Logf("| %s | %.1f | %.1f | %.1f | %d |", c.name, ms(took[len(took)/2]), ms(p95), ms(took[len(took)-1]), total/len(took))
	if c.most > 0 && p95 > c.most {
		t.Errorf("%s: p95 %s, want %s at most", c.name, p95, c.most)
	}
}
