// Package history is what the panel asks of the database about credentials:
// what happened to them (page.go, detail.go, export.go), who overwrote them
// (loss.go), and how they are now (overview.go). It reads only, along indexes, and
// never a value.
package history

import (
	"context"
	"errors"

	"golang.org/x/sync/semaphore"

	"github.com/wxsign/wxsign/model"
)

// Store is what the package needs of the database; *model.Store is one.
type Store interface {
	Now(ctx context.Context) (int64, error)
	HistoryPage(ctx context.Context, f model.HistoryFilter, after model.HistoryKey, limit int) (model.HistoryPage, error)
	HistoryRow(ctx context.Context, id int64) (model.History, error)
	HistoryAfter(ctx context.Context, appID, kind string, place model.HistoryKey, limit int) ([]model.History, error)
	FailingSince(ctx context.Context, appID, kind string) (int64, error)
	AccountStates(ctx context.Context, after string, limit int) ([]model.AccountState, int64, error)
	AccountStatesOf(ctx context.Context, appIDs []string) ([]model.AccountState, int64, error)
	SearchAccounts(ctx context.Context, prefixes []string, limit int) ([]model.AccountState, int64, error)
	Timeline(ctx context.Context, q model.TimelineQuery) ([]model.Moment, error)
	AttemptBefore(ctx context.Context, appID string, fromMs int64, skip int) (int64, error)
}

// Desk answers the questions. It is safe for concurrent use.
type Desk struct {
	store   Store
	exports *semaphore.Weighted
}

// New makes a Desk.
func New(store Store) (*Desk, error) {
	if store == nil {
		return nil, errors.New("history: a Store is needed")
	}
	return &Desk{store: store, exports: semaphore.NewWeighted(mostExports)}, nil
}
