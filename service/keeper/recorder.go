package keeper

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wxsign/wxsign/model"
)

// recorder writes history rows one after the other, beside the renewals: a row
// that cannot be written must never delay or undo a publish.
type recorder struct {
	store interface {
		AddHistory(ctx context.Context, h model.History) error
		HasHistory(ctx context.Context, publishID string) (bool, error)
	}
	log     *slog.Logger
	rows    chan entry
	waiting atomic.Int64  // rows that are not in yet
	ending  chan struct{} // closed by stop
	done    sync.WaitGroup
}

// entry is a row that waits.
type entry struct {
	model.History
	unlessThere bool // somebody else may have written it
}

// recorderRoom is how many rows wait in memory while the database is away.
const recorderRoom = 4096

func newRecorder(store Store, log *slog.Logger) *recorder {
	return &recorder{store: store, log: log, rows: make(chan entry, recorderRoom), ending: make(chan struct{})}
}

// add takes a row; it never waits. Where there is no room the row is lost and
// the log says so: the renewal itself is safe in its own row.
func (r *recorder) add(h model.History) { r.put(entry{History: h}) }

// complete adds the row of a publish whose holder may have died, if there is
// none yet.
func (r *recorder) complete(row *model.Credential) { r.put(entry{recovered(row), true}) }

func (r *recorder) put(h entry) {
	r.waiting.Add(1)
	select {
	case r.rows <- h:
	default:
		r.waiting.Add(-1)
		r.log.Error("a history row is lost: the database has been away for too long", "account", h.AppID, "kind", h.Kind, "outcome", h.Outcome)
	}
}

// start begins to write; work in progress is dropped when ctx ends.
func (r *recorder) start(ctx context.Context) {
	r.done.Go(func() { r.run(ctx) })
}

// idle reports that nothing waits to be written.
func (r *recorder) idle() bool { return r.waiting.Load() == 0 }

// stop returns when the rows that wait are written. No add may follow.
func (r *recorder) stop() {
	close(r.ending)
	close(r.rows)
	r.done.Wait()
	if lost := r.waiting.Load(); lost > 0 {
		r.log.Error("history rows are lost: wxsign stopped while they could not be written", "rows", lost)
	}
}

// run writes rows until stop, each until it is in or ctx ends.
func (r *recorder) run(ctx context.Context) {
	for h := range r.rows {
		level, ending := slog.LevelWarn, r.ending
		for pause := firstRecorderPause; !r.write(ctx, h, level); pause = min(2*pause, mostRecorderPause) {
			level = slog.LevelDebug // the first failure is news
			select {
			case <-time.After(pause):
			case <-ending: // the database may have been back for long
				ending, pause = nil, firstRecorderPause/2
			case <-ctx.Done():
				return
			}
		}
		r.waiting.Add(-1)
	}
}

const (
	firstRecorderPause = time.Second
	mostRecorderPause  = 30 * time.Second
)

func (r *recorder) write(ctx context.Context, h entry, level slog.Level) bool {
	ctx, cancel := context.WithTimeout(ctx, dbTimeout)
	defer cancel()
	there, err := false, error(nil)
	if h.unlessThere {
		there, err = r.store.HasHistory(ctx, *h.PublishID)
	}
	if err == nil && !there {
		err = r.store.AddHistory(ctx, h.History)
	}
	if err != nil {
		r.log.Log(ctx, level, "cannot write history yet; the row is kept and tried again", "account", h.AppID, "kind", h.Kind, "err", err)
	}
	return err == nil
}

// recovered is the row of a publish whose holder died before it wrote it. The
// publish id keeps it from standing beside the holder's own. The attempt id is
// not the holder's: cut off while its publish was done, a holder may have noted
// under it that the value was dropped. The fence is 0, unknown: the row's own has
// gone on with every claim since.
func recovered(row *model.Credential) model.History {
	actor, _, _ := splitOwner(row.PublishedBy)
	h := model.History{
		AttemptID: row.PublishID, PublishID: &row.PublishID, AtMs: row.IssuedMs,
		AppID: row.AppID, Kind: row.Kind, Version: row.Version,
		TriggerName: model.TriggerRecovery, Actor: actor, Outcome: model.OutcomeRenewed,
		Errmsg:    "written by another replica: this one ended after publishing, or could not write its history",
		ExpiresMs: row.ExpiresMs, Fingerprint: fingerprint(row.ValueHash),
	}
	if kindIsToken(row.Kind) {
		h.ValueHash, h.IssuedMs = row.ValueHash, row.IssuedMs
	}
	return h
}

// fingerprint is the part of a hash that people see.
func fingerprint(hash string) string { return hash[:min(8, len(hash))] }
