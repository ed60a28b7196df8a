package keeper

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wxsign/wxsign/model"
)

// recorder writes history rows beside the renewals, what waits together: a row
// that cannot be written must never delay or undo a publish.
type recorder struct {
	store   historyStore
	log     *slog.Logger
	rows    chan *entry   // pointers: nearly always empty, and the collector looks through all of it
	waiting atomic.Int64  // rows that are not in yet
	stuck   atomic.Bool   // the rows whose turn it is could not be written
	lost    atomic.Int64  // rows without room that nobody has told of
	ending  chan struct{} // closed by stop
	done    sync.WaitGroup
	told    time.Time // when lost was told last; the writer's own
}

// historyStore is what the recorder needs of the database.
type historyStore interface {
	AddHistory(ctx context.Context, h model.History) error
	AddHistories(ctx context.Context, rows []model.History) error
	WrittenHistory(ctx context.Context, publishIDs []string) (map[string]bool, error)
}

// entry is a row that waits.
type entry struct {
	model.History
	unlessThere bool // somebody else may have written it
}

const (
	// recorderRoom is how many rows wait in memory while the database is away.
	recorderRoom = 4096
	// recorderBatch is how many rows one statement writes at most.
	recorderBatch = 100
	// lostInterval is the time between two lines about rows that found no room.
	lostInterval = time.Minute
)

func newRecorder(store historyStore, log *slog.Logger) *recorder {
	return &recorder{store: store, log: log, rows: make(chan *entry, recorderRoom), ending: make(chan struct{})}
}

// add takes a row; it never waits. Where there is no room the row is lost and
// the log says so: the renewal itself is safe in its own row.
func (r *recorder) add(h model.History) { r.put(entry{History: h}) }

// complete adds the row of a publish whose holder may have died, if there is
// none yet.
func (r *recorder) complete(row *model.Credential) { r.put(entry{recovered(row), true}) }

// roomy says that half of the room is free. Who has many rows to complete waits
// for that: they can be found again, what happens now cannot.
func (r *recorder) roomy() bool { return len(r.rows) < recorderRoom/2 }

func (r *recorder) put(h entry) {
	r.waiting.Add(1)
	select {
	case r.rows <- &h:
	default:
		r.waiting.Add(-1)
		r.lost.Add(1)
	}
}

// start begins to write; work in progress is dropped when ctx ends.
func (r *recorder) start(ctx context.Context) {
	r.done.Go(func() { r.run(ctx) })
}

// stop returns when the rows that wait are written. No add may follow.
func (r *recorder) stop() {
	close(r.ending)
	close(r.rows)
	r.done.Wait()
	r.told = time.Time{}
	r.tellLost(r.stuck.Load())
	if lost := r.waiting.Load(); lost > 0 {
		r.log.Error("history rows are lost: wxsign stopped while they could not be written", "rows", lost)
	}
}

// run writes rows until stop, each until it is in or ctx ends.
func (r *recorder) run(ctx context.Context) {
	for first := range r.rows {
		batch, level, ending := r.batch(first), slog.LevelWarn, r.ending
		for pause := firstRecorderPause; ; pause = min(2*pause, mostRecorderPause) {
			batch = r.write(ctx, batch, level)
			r.tellLost(len(batch) > 0 || level == slog.LevelDebug)
			if len(batch) == 0 {
				break
			}
			level = slog.LevelDebug // the first failure is news
			select {
			case <-time.After(pause):
			case <-ending: // the database may have been back for long
				ending, pause = nil, firstRecorderPause/2
			case <-ctx.Done():
				return
			}
		}
	}
}

const (
	firstRecorderPause = time.Second
	mostRecorderPause  = 30 * time.Second
)

// batch is the first row with what waits behind it.
func (r *recorder) batch(first *entry) []*entry {
	batch := []*entry{first}
	for len(batch) < recorderBatch {
		select {
		case next, open := <-r.rows:
			if !open {
				return batch
			}
			batch = append(batch, next)
		default:
			return batch
		}
	}
	return batch
}

// write writes what it can, and returns the rows that are not in.
func (r *recorder) write(ctx context.Context, batch []*entry, level slog.Level) []*entry {
	left, err := r.missing(ctx, batch)
	if err == nil {
		left, err = r.insert(ctx, left)
	}
	r.stuck.Store(err != nil)
	r.waiting.Add(int64(len(left) - len(batch)))
	if err != nil {
		r.log.Log(ctx, level, "cannot write history yet; what waits is kept and tried again",
			"rows", r.waiting.Load(), "account", left[0].AppID, "kind", left[0].Kind, "err", err)
	}
	return left
}

// missing leaves out the rows that somebody else was to write, and has.
func (r *recorder) missing(ctx context.Context, batch []*entry) ([]*entry, error) {
	var asked []string
	for _, h := range batch {
		if h.unlessThere {
			asked = append(asked, *h.PublishID)
		}
	}
	if len(asked) == 0 {
		return batch, nil
	}
	ctx, cancel := context.WithTimeout(ctx, dbTimeout)
	defer cancel()
	written, err := r.store.WrittenHistory(ctx, asked)
	if err != nil {
		return batch, err
	}
	return slices.DeleteFunc(slices.Clone(batch), func(h *entry) bool { return h.unlessThere && written[*h.PublishID] }), nil
}

// insert writes rows by one statement. Where it was refused for what is in them
// each gets its own: one that is there already, as after a lost answer, refuses all.
// It returns those that are not in.
func (r *recorder) insert(ctx context.Context, batch []*entry) ([]*entry, error) {
	if len(batch) > 1 {
		err := r.insertAll(ctx, batch)
		if err == nil {
			return nil, nil
		}
		if isTrouble(err) {
			return batch, err
		}
	}
	for i, h := range batch {
		if err := r.insertOne(ctx, h); err != nil {
			return batch[i:], err
		}
	}
	return nil, nil
}

// isTrouble says that an error is about the database and not about the rows.
func isTrouble(err error) bool {
	return errors.Is(err, model.ErrUnreachable) || errors.Is(err, model.ErrAccess) || errors.Is(err, model.ErrNotApplied)
}

func (r *recorder) insertAll(ctx context.Context, batch []*entry) error {
	ctx, cancel := context.WithTimeout(ctx, dbTimeout)
	defer cancel()
	rows := make([]model.History, len(batch))
	for i, h := range batch {
		rows[i] = h.History
	}
	return r.store.AddHistories(ctx, rows)
}

func (r *recorder) insertOne(ctx context.Context, h *entry) error {
	ctx, cancel := context.WithTimeout(ctx, dbTimeout)
	defer cancel()
	return r.store.AddHistory(ctx, h.History)
}

// tellLost tells of the rows that found no room, once per lostInterval. away says
// that the database could not be written to meanwhile.
func (r *recorder) tellLost(away bool) {
	if r.lost.Load() == 0 || time.Since(r.told) < lostInterval {
		return
	}
	why := "more come than the database takes"
	if away {
		why = "the database has been away for too long"
	}
	r.told = time.Now()
	r.log.Error("history rows are lost; the renewals themselves are safe", "rows", r.lost.Swap(0), "why", why)
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
