package keeper_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/keeper"
)

// fate is what happens to one statement.
type fate int

const (
	pass     fate = iota
	lose          // done, but the caller is told that the connection broke
	refuse        // not done, and the caller is told that the connection broke
	conflict      // not done, and the caller is told so
	late          // done, but the caller goes on 30 minutes later
)

var errCut = fmt.Errorf("%w: cut by the test", model.ErrUnreachable)

// faulty stands between a keeper and its store and decides the fate of each
// statement.
type faulty struct {
	keeper.Store
	mu   sync.Mutex
	seen map[string]int
	plan func(op string, n int) fate // n counts from 1 per op
}

// through makes a faulty store for world.start.
func through(f *faulty) func(keeper.Store) keeper.Store {
	return func(s keeper.Store) keeper.Store {
		f.Store, f.seen = s, map[string]int{}
		return f
	}
}

func (f *faulty) set(plan func(op string, n int) fate) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.plan = plan
}

// always gives every statement the same fate.
func always(what fate) func(string, int) fate { return func(string, int) fate { return what } }

func (f *faulty) times(op string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.seen[op]
}

func (f *faulty) decide(op string) fate {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen[op]++
	if f.plan == nil {
		return pass
	}
	return f.plan(op, f.seen[op])
}

// run carries a statement out as its fate says.
func run[T any](f *faulty, op string, do func() (T, error)) (T, error) {
	var nothing T
	switch f.decide(op) {
	case lose:
		_, err := do()
		return nothing, errors.Join(errCut, err)
	case refuse:
		return nothing, errCut
	case conflict:
		return nothing, model.ErrNotApplied
	case late:
		defer time.Sleep(30 * time.Minute)
	case pass:
	}
	return do()
}

func (f *faulty) Now(ctx context.Context) (int64, error) {
	return run(f, "Now", func() (int64, error) { return f.Store.Now(ctx) })
}

func (f *faulty) Tended(ctx context.Context, appID string) (model.Tended, error) {
	return run(f, "Tended", func() (model.Tended, error) { return f.Store.Tended(ctx, appID) })
}

func (f *faulty) DueAccounts(ctx context.Context, withinMs, leaseMs int64, limit int) ([]string, error) {
	return run(f, "DueAccounts", func() ([]string, error) { return f.Store.DueAccounts(ctx, withinMs, leaseMs, limit) })
}

func (f *faulty) Claim(ctx context.Context, g model.Grant, leaseMs int64) (bool, error) {
	return run(f, "Claim", func() (bool, error) { return f.Store.Claim(ctx, g, leaseMs) })
}

func (f *faulty) Holds(ctx context.Context, g model.Grant) (bool, error) {
	return run(f, "Holds", func() (bool, error) { return f.Store.Holds(ctx, g) })
}

func (f *faulty) Release(ctx context.Context, g model.Grant) (bool, error) {
	return run(f, "Release", func() (bool, error) { return f.Store.Release(ctx, g) })
}

func (f *faulty) ReleaseUnused(ctx context.Context, g model.Grant) (bool, error) {
	return run(f, "ReleaseUnused", func() (bool, error) { return f.Store.ReleaseUnused(ctx, g) })
}

func (f *faulty) Publish(ctx context.Context, g model.Grant, p model.Publication) (bool, error) {
	return run(f, "Publish", func() (bool, error) { return f.Store.Publish(ctx, g, p) })
}

func (f *faulty) Published(ctx context.Context, g model.Grant, publishID string) (bool, error) {
	return run(f, "Published", func() (bool, error) { return f.Store.Published(ctx, g, publishID) })
}

func (f *faulty) Unchanged(ctx context.Context, g model.Grant, expiresMs, nextRefreshMs int64) (bool, error) {
	return run(f, "Unchanged", func() (bool, error) { return f.Store.Unchanged(ctx, g, expiresMs, nextRefreshMs) })
}

func (f *faulty) Fail(ctx context.Context, g model.Grant, x model.Failure) (bool, error) {
	return run(f, "Fail", func() (bool, error) { return f.Store.Fail(ctx, g, x) })
}

func (f *faulty) SpendForce(ctx context.Context, g model.Grant, b model.ForceBudget) (bool, error) {
	return run(f, "SpendForce", func() (bool, error) { return f.Store.SpendForce(ctx, g, b) })
}

func (f *faulty) MarkDead(ctx context.Context, appID, kind, valueHash string, minAgeMs int64) (bool, error) {
	return run(f, "MarkDead", func() (bool, error) { return f.Store.MarkDead(ctx, appID, kind, valueHash, minAgeMs) })
}

func (f *faulty) Heal(ctx context.Context, g model.Grant, p model.Publication) (bool, error) {
	return run(f, "Heal", func() (bool, error) { return f.Store.Heal(ctx, g, p) })
}

func (f *faulty) AppIDs(ctx context.Context) ([]string, error) {
	return run(f, "AppIDs", func() ([]string, error) { return f.Store.AppIDs(ctx) })
}

func (f *faulty) AccountsSince(ctx context.Context, sinceMs int64) ([]model.Account, error) {
	return run(f, "AccountsSince", func() ([]model.Account, error) { return f.Store.AccountsSince(ctx, sinceMs) })
}

func (f *faulty) Credentials(ctx context.Context, appIDs []string) ([]model.CredentialNow, error) {
	return run(f, "Credentials", func() ([]model.CredentialNow, error) { return f.Store.Credentials(ctx, appIDs) })
}

func (f *faulty) Marks(ctx context.Context, sinceMs int64) ([]model.Mark, int64, error) {
	var nowMs int64
	marks, err := run(f, "Marks", func() (marks []model.Mark, err error) {
		marks, nowMs, err = f.Store.Marks(ctx, sinceMs)
		return marks, err
	})
	return marks, nowMs, err
}

func (f *faulty) AddHistory(ctx context.Context, h model.History) error {
	_, err := run(f, "AddHistory", func() (struct{}, error) { return struct{}{}, f.Store.AddHistory(ctx, h) })
	return err
}

// AddHistories is an AddHistory to a plan: how many rows come together is not its
// business.
func (f *faulty) AddHistories(ctx context.Context, rows []model.History) error {
	_, err := run(f, "AddHistory", func() (struct{}, error) { return struct{}{}, f.Store.AddHistories(ctx, rows) })
	return err
}

func (f *faulty) UnwrittenHistory(ctx context.Context, fromMs int64) ([]model.Credential, error) {
	return run(f, "UnwrittenHistory", func() ([]model.Credential, error) { return f.Store.UnwrittenHistory(ctx, fromMs) })
}

func (f *faulty) DueProbes(ctx context.Context, minAgeMs int64, limit int) ([]model.DueProbe, error) {
	return run(f, "DueProbes", func() ([]model.DueProbe, error) { return f.Store.DueProbes(ctx, minAgeMs, limit) })
}

func (f *faulty) ClaimProbe(ctx context.Context, p model.DueProbe, nextInMs int64) (bool, error) {
	return run(f, "ClaimProbe", func() (bool, error) { return f.Store.ClaimProbe(ctx, p, nextInMs) })
}

func (f *faulty) ClaimReportProbe(ctx context.Context, p model.ReportProbe, gapMs int64) (bool, error) {
	return run(f, "ClaimReportProbe", func() (bool, error) { return f.Store.ClaimReportProbe(ctx, p, gapMs) })
}

func (f *faulty) ReportProbe(ctx context.Context, appID string) (model.ReportProbe, int64, error) {
	var nowMs int64
	p, err := run(f, "ReportProbe", func() (p model.ReportProbe, err error) {
		p, nowMs, err = f.Store.ReportProbe(ctx, appID)
		return p, err
	})
	return p, nowMs, err
}

func (f *faulty) EndReportProbe(ctx context.Context, p model.ReportProbe) (bool, error) {
	return run(f, "EndReportProbe", func() (bool, error) { return f.Store.EndReportProbe(ctx, p) })
}

func (f *faulty) NoteRequest(ctx context.Context, r model.RefreshRequest) error {
	_, err := run(f, "NoteRequest", func() (struct{}, error) { return struct{}{}, f.Store.NoteRequest(ctx, r) })
	return err
}

func (f *faulty) RequestBefore(ctx context.Context, appID, kind string, fence int64) (model.RefreshRequest, error) {
	return run(f, "RequestBefore", func() (model.RefreshRequest, error) { return f.Store.RequestBefore(ctx, appID, kind, fence) })
}

func (f *faulty) MakeDue(ctx context.Context, d model.Due) (bool, error) {
	return run(f, "MakeDue", func() (bool, error) { return f.Store.MakeDue(ctx, d) })
}

func (f *faulty) IssuedTo(ctx context.Context, valueHash string, withinMs int64) (string, error) {
	return run(f, "IssuedTo", func() (string, error) { return f.Store.IssuedTo(ctx, valueHash, withinMs) })
}
