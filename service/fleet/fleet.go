// Package fleet lets replicas know of each other: each notes every few seconds
// that it is alive, and what tells its configuration from another's. Nothing
// depends on it; it is for people.
package fleet

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/wxsign/wxsign/model"
)

// Interval is how often Beat is to be called.
const Interval = 10 * time.Second

const (
	// lostAfter is how long a replica may be silent before it counts as lost:
	// two beats may go missing.
	lostAfter = 3*Interval + Interval/2
	// shownFor is how long a lost replica is still shown.
	shownFor = 15 * time.Minute
	// mostShown bounds a list.
	mostShown = 100
)

// Store is what the package needs of the database; *model.Store is one.
type Store interface {
	SeeReplica(ctx context.Context, r model.Replica) error
	Replicas(ctx context.Context, sinceMs int64, limit int) ([]model.Replica, int64, error)
	ForgetReplica(ctx context.Context, name string) error
	PurgeReplicas(ctx context.Context, ageMs int64) (int64, error)
}

// Options of New; Store and Name are required. Zero fields mean: Logger =
// slog.Default().
type Options struct {
	Store   Store
	Name    string // of this replica
	Version string // of wxsign
	// Config is equal where two replicas have the same configuration and keys,
	// and tells nothing about them.
	Config string
	Logger *slog.Logger
}

// Fleet is safe for concurrent use.
type Fleet struct {
	store Store
	self  model.Replica
	log   *slog.Logger

	mu      sync.Mutex
	told    map[string]bool // names of replicas whose difference was told
	failing bool            // and the log knows
}

// New checks the options.
func New(o Options) (*Fleet, error) {
	if o.Store == nil || o.Name == "" {
		return nil, errors.New("fleet: Store and Name are required")
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	self := model.Replica{Name: o.Name, Version: o.Version, Config: o.Config}
	return &Fleet{store: o.Store, self: self, log: o.Logger, told: map[string]bool{}}, nil
}

// Beat notes that this replica is alive, and tells the log once of each other
// that has not its configuration: two that renew by different rules undo each
// other's work.
func (f *Fleet) Beat(ctx context.Context) {
	err := f.store.SeeReplica(ctx, f.self)
	var all []Replica
	if err == nil {
		all, err = f.Replicas(ctx)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if err == nil {
		f.compare(all)
	} else if !f.failing {
		f.log.Warn("cannot note that this replica is alive; after a while the panel of the others shows it as lost", "err", err)
	}
	f.failing = err != nil
}

// compare tells what is new about the configurations; f.mu must be held.
func (f *Fleet) compare(all []Replica) {
	differ := map[string]bool{}
	for _, r := range all {
		if !r.Differs || r.Lost {
			continue
		}
		differ[r.Name] = true
		if !f.told[r.Name] {
			f.log.Warn("another replica has a different configuration or different master keys: give all the same; `wxsign config show` prints what is in effect",
				"replica", r.Name, "version", r.Version)
		}
	}
	if len(f.told) > 0 && len(differ) == 0 {
		f.log.Info("all replicas have the same configuration again")
	}
	f.told = differ
}

// Leave takes this replica out of the list: it ends on purpose.
func (f *Fleet) Leave(ctx context.Context) error { return f.store.ForgetReplica(ctx, f.self.Name) }

// Purge forgets replicas that are shown no more.
func (f *Fleet) Purge(ctx context.Context) error {
	_, err := f.store.PurgeReplicas(ctx, shownFor.Milliseconds())
	return err
}

// Replica is one of the processes that serve, or did a few minutes ago.
type Replica struct {
	Name    string
	Version string
	Self    bool
	Lost    bool // silent for longer than a busy machine explains
	Differs bool // its configuration or its master keys are not this replica's
	Started time.Time
	Seen    time.Time
}

// Replicas lists them: this one first, then by name.
func (f *Fleet) Replicas(ctx context.Context) ([]Replica, error) {
	rows, nowMs, err := f.store.Replicas(ctx, shownFor.Milliseconds(), mostShown)
	if err != nil {
		return nil, err
	}
	list := make([]Replica, 0, len(rows))
	for _, row := range rows {
		list = append(list, Replica{
			Name: row.Name, Version: row.Version, Self: row.Name == f.self.Name,
			Lost: nowMs-row.SeenMs > lostAfter.Milliseconds(), Differs: row.Config != f.self.Config,
			Started: time.UnixMilli(row.StartedMs), Seen: time.UnixMilli(row.SeenMs),
		})
	}
	slices.SortFunc(list, func(a, b Replica) int {
		if a.Self != b.Self {
			if a.Self {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.Name, b.Name)
	})
	return list, nil
}
