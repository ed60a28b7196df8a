package keeper

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/wxsign/wxsign/model"
)

// issuedReach is how long a token that we issued is known as ours. SDKs keep a
// token for up to its two hours and some keep it longer.
const issuedReach = 4 * time.Hour

// issuedChunks bounds what forgetIssued deletes, once a minute and between two looks
// for news: 1,000 hashes. 50,000 accounts have 420 new ones a minute; what a long stop
// has left behind may take hours.
const issuedChunks = 10

// tokenHash is the SHA-256 of an access_token. Every account has up to three of them
// here, so they are kept as bytes: as text they would take more than the token.
type tokenHash [sha256.Size]byte

// hashOf reads 64 lower-case hex digits; ok is false of anything else.
func hashOf(sha256Hex string) (h tokenHash, ok bool) {
	if len(sha256Hex) != hex.EncodedLen(len(h)) || sha256Hex != strings.ToLower(sha256Hex) {
		return h, false
	}
	_, err := hex.Decode(h[:], []byte(sha256Hex))
	return h, err == nil
}

// issuedToken is an access_token that this process has served.
type issuedToken struct {
	appID string
	at    time.Time
}

// noteIssued remembers a token by its hash.
func (k *Keeper) noteIssued(appID, kind, valueHash string, at time.Time) {
	hash, ok := hashOf(valueHash)
	if !kindIsToken(kind) || !ok {
		return
	}
	if view, found := k.table.Lookup(appID); found {
		appID = view.Account.AppID // which is kept anyway, unlike that of a row
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.issued[hash] = issuedToken{appID, at}
}

// issuedHere finds a token that this process itself has served.
func (k *Keeper) issuedHere(sha256Hex string) (token issuedToken, known bool) {
	hash, ok := hashOf(sha256Hex)
	if !ok {
		return token, false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	token, known = k.issued[hash]
	return token, known
}

// forgetIssued drops the tokens that nobody may use any more, here and in the
// database.
func (k *Keeper) forgetIssued() {
	k.dropIssued()
	for i := 0; i < issuedChunks && k.working.Err() == nil; i++ {
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
	if token, known := k.issuedHere(sha256Hex); known {
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
