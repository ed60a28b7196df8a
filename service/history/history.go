// Package history is what the panel asks of the database about credentials:
// what happened to them (page.go) and how they are now (overview.go). It reads
// only, along indexes, and never a value.
package history

import (
	"context"
	"errors"

	"github.com/wxsign/wxsign/model"
)

// Store is what the package needs of the database; *model.Store is one.
type Store interface {
	Now(ctx context.Context) (int64, error)
	HistoryPage(ctx context.Context, f model.HistoryFilter, after model.HistoryKey, limit int) (model.HistoryPage, error)
	FailingSince(ctx context.Context, appID, kind string) (int64, error)
	AccountStates(ctx context.Context, after string, limit int) ([]model.AccountState, int64, error)
	AccountStatesOf(ctx context.Context, appIDs []string) ([]model.AccountState, int64, error)
}

// Desk answers the questions. It is safe for concurrent use.
type Desk struct {
	store Store
}

// New makes a Desk.
func New(store Store) (*Desk, error) {
	if store == nil {
		return nil, errors.New("history: a Store is needed")
	}
	return &Desk{store: store}, nil
}
