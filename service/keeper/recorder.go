package keeper

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/wxsign/wxsign/model"
)

// recorder writes history rows one after the other, beside the renewals: a row
// that cannot be written must never delay or undo a publish.
type recorder struct {
	store interface {
		AddHistory(ctx context.Context, h model.History) error
	}
	log  *slog.Logger
	rows chan model.History
	done sync.WaitGroup
}

// recorderRoom is how many rows wait in memory while the database is away.
const recorderRoom = 4096

func newRecorder(store Store, log *slog.Logger) *recorder {
	return &recorder{store: store, log: log, rows: make(chan model.History, recorderRoom)}
}

// add takes a row; it never waits. Where there is no room the row is lost and
// the log says so: the renewal itself is safe in its own row.
func (r *recorder) add(h model.History) {
	select {
	case r.rows <- h:
	default:
		r.log.Error("a history row is lost: the database has been away for too long", "account", h.AppID, "kind", h.Kind, "outcome", h.Outcome)
	}
}

// start begins to write; work in progress is dropped when ctx ends.
func (r *recorder) start(ctx context.Context) {
	r.done.Go(func() { r.run(ctx) })
}

// stop returns when the rows that wait are written. No add may follow.
func (r *recorder) stop() {
	close(r.rows)
	r.done.Wait()
}

// run writes rows until stop, each until it is in or ctx ends.
func (r *recorder) run(ctx context.Context) {
	for h := range r.rows {
		for pause := time.Second; !r.write(ctx, h); pause = min(2*pause, mostRecorderPause) {
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				r.log.Error("a history row is lost: wxsign stops while the database is away", "account", h.AppID, "kind", h.Kind, "outcome", h.Outcome)
				return
			}
		}
	}
}

const mostRecorderPause = 30 * time.Second

func (r *recorder) write(ctx context.Context, h model.History) bool {
	ctx, cancel := context.WithTimeout(ctx, dbTimeout)
	defer cancel()
	err := r.store.AddHistory(ctx, h)
	if err != nil {
		r.log.Warn("cannot write history yet", "account", h.AppID, "kind", h.Kind, "err", err)
	}
	return err == nil
}

// recovered is the row of a publish whose holder died before it wrote it. It
// has the attempt id that the holder would have used, so both cannot stand.
func recovered(row *model.Credential) model.History {
	actor, attemptID := row.PublishedBy, row.PublishID
	if slash := strings.LastIndexByte(row.PublishedBy, '/'); slash >= 0 {
		actor, attemptID = row.PublishedBy[:slash], row.PublishedBy[slash+1:]
	}
	return model.History{
		AttemptID: attemptID, PublishID: &row.PublishID, AtMs: row.IssuedMs,
		AppID: row.AppID, Kind: row.Kind, Version: row.Version, Fence: row.Fence,
		TriggerName: model.TriggerRecovery, Actor: actor, Outcome: model.OutcomeRenewed,
		Errmsg:    "written by another replica: this one ended between publishing and writing its history",
		ExpiresMs: row.ExpiresMs, Fingerprint: row.ValueHash[:min(8, len(row.ValueHash))],
	}
}
