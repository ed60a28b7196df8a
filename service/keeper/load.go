package keeper

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/snapshot"
)

// loadPage is how many accounts are read at once, at least, and the credentials of how many.
const loadPage = 500

// Load puts everything that is stored into the snapshot: old but alive is
// welcome. It renews nothing. It returns the database time from which to
// follow, in Unix milliseconds.
func (k *Keeper) Load(ctx context.Context) (sinceMs int64, err error) {
	if sinceMs, err = k.store.Now(ctx); err != nil {
		return 0, err
	}
	after := ""
	for {
		// As many as are here already: each put builds the index of all anew, and in
		// equal pages that would be most of the work of a start with many accounts.
		rows, err := k.store.Accounts(ctx, after, max(loadPage, k.table.Len()))
		if err != nil {
			return 0, err
		}
		if len(rows) == 0 {
			return sinceMs, nil
		}
		if err := k.takeAccounts(ctx, rows); err != nil {
			return 0, err
		}
		after = rows[len(rows)-1].AppID
	}
}

// takeAccounts serves accounts and their credentials as the rows say.
func (k *Keeper) takeAccounts(ctx context.Context, rows []model.Account) error {
	accounts := make([]snapshot.Account, 0, len(rows))
	appIDs := make([]string, 0, len(rows))
	for i := range rows {
		a, err := servedAccount(&rows[i])
		if err != nil {
			k.log.Error("an account cannot be served; correct it and it comes back by itself", "account", rows[i].AppID, "err", err)
			continue
		}
		accounts = append(accounts, a)
		appIDs = append(appIDs, a.AppID)
	}
	k.table.PutAccounts(accounts...)
	return k.takeCredentials(ctx, appIDs)
}

// takeCredentials reads and adopts the credentials of the accounts.
func (k *Keeper) takeCredentials(ctx context.Context, appIDs []string) error {
	for page := range slices.Chunk(appIDs, loadPage) {
		before := time.Now()
		rows, err := k.store.Credentials(ctx, page)
		if err != nil {
			return fmt.Errorf("load credentials: %w", err)
		}
		after := time.Now()
		for i := range rows {
			k.adopt(&rows[i].Credential, clock{nowMs: rows[i].NowMs, before: before, after: after})
		}
	}
	return nil
}
