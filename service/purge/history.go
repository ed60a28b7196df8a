package purge

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/wxsign/wxsign/model"
)

const (
	// dutyLease is how long a replica that has died keeps the others from going on.
	dutyLease = time.Minute
	// dutyRenewed is how often the duty is taken again: a look may fail, and a chunk
	// take as long as a statement may.
	dutyRenewed = dutyLease / 3
	// pauseLasts is the time to the next look where another replica has the duty, and
	// to the next try after an error.
	pauseLasts = 30 * time.Second
	// leaveTimeout bounds the last statement of a run.
	leaveTimeout = 2 * time.Second
)

// errNotOurs says that another replica has the duty; it never leaves this package.
var errNotOurs = errors.New("another replica purges")

// Store is what the package needs of the database; *model.Store is one.
type Store interface {
	Now(ctx context.Context) (int64, error)
	PurgeHistory(ctx context.Context, after model.HistoryKey, beforeMs int64) (int64, model.HistoryKey, error)
	TakePurgeDuty(ctx context.Context, holder string, leaseMs int64) (bool, error)
	LeavePurgeDuty(ctx context.Context, holder string) error
}

// Options of NewHistory; Store, Replica and Retention are required. Zero fields
// mean: Note = nobody is told, Logger = slog.Default().
type Options struct {
	Store     Store
	Replica   string // the name of this one
	Retention time.Duration
	// Note is told of each error, and of nil once it goes well again.
	Note   func(error)
	Logger *slog.Logger
}

// History purges the history. One Run at a time.
type History struct {
	Options
}

// NewHistory checks the options.
func NewHistory(o Options) (*History, error) {
	if o.Store == nil || o.Replica == "" || o.Retention <= 0 {
		return nil, errors.New("purge: Store, Replica and Retention are required")
	}
	if o.Note == nil {
		o.Note = func(error) {}
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return &History{o}, nil
}

// Run deletes what is older than the retention, and returns when nothing is, or ctx
// ends. All replicas may call it at the same time, as cron does: one purges, and the
// others look twice a minute whether it has ended. If it died, one of them goes on. An
// error does not end the run either: with a daily one the rest would wait for a day.
func (h *History) Run(ctx context.Context) {
	r := run{History: h, begun: time.Now()}
	for !r.purge(ctx) && ctx.Err() == nil {
		rest(ctx, pauseLasts)
	}
	r.leave(ctx)
	level := slog.LevelInfo
	if r.deleted == 0 {
		level = slog.LevelDebug // each replica has its turn, and one found something
	}
	h.Logger.Log(ctx, level, "purged old history", "deleted", r.deleted, "retention", h.Retention.String(),
		"took", time.Since(r.begun).Round(time.Millisecond).String(), "stopped", ctx.Err() != nil)
}

// run is one Run.
type run struct {
	*History
	begun   time.Time
	deleted int64
	last    model.HistoryKey // everything older than this is gone
	taken   time.Time        // when the duty was taken last; zero = it is not ours
	failing bool             // and the log knows
}

// purge deletes until nothing old is left (true), another replica has the duty, or
// an error.
func (r *run) purge(ctx context.Context) (done bool) {
	nowMs, err := r.Store.Now(ctx)
	if err == nil {
		_, err = All(ctx, func(ctx context.Context) (int64, error) { return r.chunk(ctx, nowMs-r.Retention.Milliseconds()) })
	}
	if errors.Is(err, errNotOurs) {
		r.taken = time.Time{}
		r.tell(ctx, nil)
		return false
	}
	r.tell(ctx, err)
	if err != nil {
		r.leave(ctx) // another replica may have more luck
	}
	return err == nil
}

// chunk deletes one if the duty is ours.
func (r *run) chunk(ctx context.Context, beforeMs int64) (int64, error) {
	if err := r.take(ctx); err != nil {
		return 0, err
	}
	n, last, err := r.Store.PurgeHistory(ctx, r.last, beforeMs)
	if err != nil {
		return 0, err
	}
	r.deleted, r.last = r.deleted+n, last
	r.tell(ctx, nil)
	return n, nil
}

// take takes the duty, or keeps it in time.
func (r *run) take(ctx context.Context) error {
	if !r.taken.IsZero() && time.Since(r.taken) < dutyRenewed {
		return nil
	}
	asked := time.Now()
	ours, err := r.Store.TakePurgeDuty(ctx, r.Replica, dutyLease.Milliseconds())
	if err != nil {
		return err
	}
	if !ours {
		return errNotOurs
	}
	r.taken = asked
	return nil
}

// leave gives the duty back, so that another replica need not wait for its end.
func (r *run) leave(ctx context.Context) {
	if r.taken.IsZero() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTimeout)
	defer cancel()
	if err := r.Store.LeavePurgeDuty(ctx, r.Replica); err != nil {
		r.Logger.Debug("cannot leave the duty to purge; it ends by itself", "err", err)
	}
	r.taken = time.Time{}
}

// tell notes how it goes; the log has the first of some errors in a row. What fails
// because the program stops is none.
func (r *run) tell(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	r.Note(err)
	if err != nil && !r.failing {
		r.Logger.Warn("cannot purge old history; trying again", "deleted", r.deleted, "err", err)
	}
	r.failing = err != nil
}
