package keeper

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wxsign/wxsign/model"
)

// issuedReach is how long a token that we issued is known as ours. SDKs keep a
// token for up to its two hours and some keep it longer.
const issuedReach = 4 * time.Hour

// issuedToken is an access_token that this process has served.
type issuedToken struct {
	appID string
	at    time.Time
}

// noteIssued remembers a token by its hash.
func (k *Keeper) noteIssued(appID, kind, valueHash string, at time.Time) {
	if !kindIsToken(kind) {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.issued[valueHash] = issuedToken{appID, at}
}

// forgetIssued drops the tokens that nobody may use any more, here and in the
// database.
func (k *Keeper) forgetIssued() {
	k.dropIssued()
	for k.working.Err() == nil {
		n := int64(0)
		_, err := k.try(func(ctx context.Context) (done bool, err error) {
			n, err = k.store.PurgeIssued(ctx)
			return n == 0, err
		})
		if err != nil {
			k.log.Warn("cannot purge the hashes of old tokens; the next look goes on", "err", err)
		}
		if err != nil || n == 0 {
			return
		}
	}
}

func (k *Keeper) dropIssued() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for hash, token := range k.issued {
		if time.Since(token.at) > issuedReach {
			delete(k.issued, hash)
		}
	}
}

// Issued finds the account that an access_token was issued to within the last
// 4 hours, by the SHA-256 of its value in lower-case hex, whether it lives or
// not. Without the database it still knows what this process has served.
func (k *Keeper) Issued(ctx context.Context, sha256Hex string) (appID string, found bool, err error) {
	k.mu.Lock()
	token, known := k.issued[sha256Hex]
	k.mu.Unlock()
	if known {
		return token.appID, time.Since(token.at) <= issuedReach, nil
	}
	ctx, cancel := context.WithTimeout(ctx, dbTimeout)
	defer cancel()
	appID, err = k.store.IssuedTo(ctx, sha256Hex, issuedReach.Milliseconds())
	switch {
	case errors.Is(err, model.ErrNotFound):
		return "", false, nil
	case err != nil:
		return "", false, fmt.Errorf("look for an issued token: %w", err)
	}
	return appID, true, nil
}
