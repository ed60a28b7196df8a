package keeper

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/wechat"
)

// In classic mode an answer that is lost is not nothing: WeChat has issued a
// token that nobody has, the one in use has become its predecessor and lives for
// 5 minutes more, and the next call that WeChat carries out makes it the
// predecessor's predecessor, which dies at once (getAccessToken; that only one
// predecessor lives on is not documented, so the worse is assumed). One lost
// answer costs nothing if the next one arrives; two leave a dead token in use
// until one arrives.
//
// So after a failure that was no word of WeChat's, and as long as it is unknown
// what came of an attempt, because its answer was lost or its holder vanished, the
// next call is risked only when WeChat is seen to answer: a probe of the token in use, which changes nothing, goes before it. While
// the probe gets no answer either, the token in use lives on untouched; when it
// does, the way is open and the call follows at once.

// lastMoments is how much life of the token in use is not worth saving.
const lastMoments = time.Minute

// errNotRisked says that a classic token was not asked for.
var errNotRisked = errors.New("WeChat does not answer; a new classic token is not asked for before it does, because an answer that is lost would kill the token in use")

// testTheWater makes that probe where it is due. An error means not to call.
func (k *Keeper) testTheWater(ctx context.Context, a *attempt) error {
	row := a.row
	left := time.Duration(row.ExpiresMs-a.tended.NowMs) * time.Millisecond
	if !isRisky(row) || row.Version == 0 || row.Dead() || left < lastMoments {
		return nil
	}
	token, err := k.openValue(row)
	if err != nil {
		return nil //nolint:nilerr // nobody uses it
	}
	_, err = k.sendProbe(ctx, row.AppID, token)
	switch {
	case err == nil:
	case isDead(err):
		k.log.Warn("an answer of WeChat's that was lost has killed the access_token in use; the next is asked for at once",
			"account", row.AppID, "version", row.Version, "rid", ridOf(err))
		k.tokenDead(a)
	case errcodeOf(err) == 0:
		return fmt.Errorf("%w: %w", errNotRisked, err)
	}
	return nil
}

// isRisky reports whether the next call may be the second whose answer is lost:
// WeChat may have issued a token since the row's, to an attempt that did not get it,
// or was not reached by the last one, so that the way is known to be bad. The row
// notes the first since migration 0029; a program of before, which does not, may have
// been the holder that vanished. A note from before the row's own publish is of an
// attempt that such a program has ended.
func isRisky(row *model.Credential) bool {
	silent := row.FailCount > 0 && row.FailErrcode == 0
	return row.LeaseOwner != "" || silent || row.AskedMs != 0 && row.AskedMs >= row.IssuedMs
}

const (
	// mostDeadBackoff bounds the pause where the token in use is dead and WeChat
	// does not answer: every second of it is a second without a token.
	mostDeadBackoff = 10 * time.Second
	// mostWaterBackoff bounds the pause between two of those probes: the token in
	// use may have a few minutes left, and a probe costs nothing.
	mostWaterBackoff = 15 * time.Second
)

// afterSilence shortens a back-off after WeChat gave no answer at all.
func afterSilence(wait time.Duration, row *model.Credential, err error) time.Duration {
	switch {
	case errors.Is(err, errNotRisked):
		return min(wait, mostWaterBackoff)
	case row.Dead() && errcodeOf(err) == 0 && wechat.ClassOf(err) == wechat.Transient:
		return min(wait, mostDeadBackoff)
	}
	return wait
}
