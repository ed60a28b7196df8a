package keeper

import (
	"context"
	"errors"
	"time"

	"github.com/wxsign/wxsign/model"
)

const (
	// doubtGap is the time between two probes of reported tokens of an account,
	// whatever the number of reports and replicas.
	doubtGap = 30 * time.Second
	// doubtTime is how long a probe is waited for that another replica makes; a
	// call to WeChat takes 8 s at most by default.
	doubtTime = 12 * time.Second
)

// doubt asks WeChat whether the reported token is alive: ResultAlive, or "" for
// dead. One replica asks for all, and its answer holds for 30 s. Against what was
// seen here, at seenMs by the database's clock, an older answer says nothing: then
// WeChat is asked again; 0 = it is somebody's word.
func (k *Keeper) doubt(ctx context.Context, row *model.Credential, why request, seenMs int64) (string, error) {
	p := model.ReportProbe{AppID: row.AppID, ValueHash: row.ValueHash, Owner: k.replica + "/" + NewID()}
	gap := doubtGap
	if seenMs != 0 {
		gap = seenGap
	}
	for try := 0; ; try++ {
		if try == 0 || seenMs != 0 {
			claimed, err := k.try(func(ctx context.Context) (bool, error) { return k.store.ClaimReportProbe(ctx, p, gap.Milliseconds()) })
			if claimed && err == nil {
				return k.probeReported(ctx, row, p, why)
			}
		}
		shared, nowMs, err := k.readReportProbe(row.AppID)
		switch {
		case err != nil:
			return "", k.databaseAway(err)
		case shared.Owner == p.Owner: // claimed after all: the answer was lost
			return k.probeReported(ctx, row, p, why)
		}
		verdict, err := shareDoubt(shared, row, nowMs, seenMs)
		if !errors.Is(err, errDoubtOpen) {
			return verdict, err
		}
		if !k.pauseUntilNews(ctx, row.AppID) {
			return "", refreshFailed("WeChat is still being asked whether the token is alive", 2*time.Second)
		}
	}
}

// errDoubtOpen says that the probe of another replica is under way.
var errDoubtOpen = errors.New("the probe is under way")

// shareDoubt is what an earlier probe means for a report of a token, which may be of
// what was seen here later than that probe was sent. Where that probe was of the
// token before, WeChat has given out this one since: that says as much as an answer
// to the probe would.
func shareDoubt(p model.ReportProbe, row *model.Credential, nowMs, seenMs int64) (string, error) {
	age := time.Duration(nowMs-p.ClaimedMs) * time.Millisecond
	again := doubtGap - age
	foundDead := p.ValueHash == row.ValueHash && p.Outcome == model.ProbeDead
	switch {
	case p.ClaimedMs < seenMs && !foundDead:
		return "", errDoubtOpen
	case p.ValueHash != row.ValueHash && row.IssuedMs >= p.ClaimedMs && seenMs == 0:
		return ResultAlive, nil
	case p.ValueHash != row.ValueHash:
		return "", refreshFailed("WeChat was asked about another token of this account a moment ago; it is asked at most every "+doubtGap.String(), again)
	case p.Outcome == "" && age < doubtTime:
		return "", errDoubtOpen
	case p.Outcome == "":
		return "", refreshFailed("the replica that asked WeChat whether the token is alive has vanished", again)
	case p.Outcome == model.ProbeUnknown:
		return "", &RefreshFailed{Errcode: p.Errcode, Reason: p.Errmsg, RetryAfter: max(time.Second, again)}
	case p.Outcome == model.ProbeAlive:
		return ResultAlive, nil
	}
	return "", nil
}

func (k *Keeper) readReportProbe(appID string) (model.ReportProbe, int64, error) {
	ctx, cancel := context.WithTimeout(k.hard, dbTimeout)
	defer cancel()
	return k.store.ReportProbe(ctx, appID)
}

// probeReported makes the probe and tells all replicas its outcome.
func (k *Keeper) probeReported(ctx context.Context, row *model.Credential, p model.ReportProbe, why request) (string, error) {
	token, err := k.openValue(row)
	if err != nil {
		return "", refreshFailed(describe(err), firstHumanWait)
	}
	latency, err := k.askProbe(ctx, row.AppID, token)
	p.Outcome, p.Errcode = probeOutcome(err), errcodeOf(err)
	if p.Outcome == model.ProbeUnknown {
		p.Errmsg = unknownProbe(err)
	}
	if _, endErr := k.try(func(ctx context.Context) (bool, error) { return k.store.EndReportProbe(ctx, p) }); endErr != nil {
		k.log.Warn("cannot tell the other replicas how a probe ended", "account", row.AppID, "err", endErr)
	}
	switch p.Outcome {
	case model.ProbeAlive:
		return ResultAlive, nil
	case model.ProbeUnknown:
		return "", &RefreshFailed{Errcode: p.Errcode, Reason: p.Errmsg, RetryAfter: doubtGap}
	}
	k.log.Warn("the access_token that was reported is dead before its time: somebody else may refresh this account",
		"account", row.AppID, "version", row.Version, "actor", why.actor, "errcode", p.Errcode, "rid", ridOf(err))
	k.recorder.add(evidence(row, why, latency, err))
	return "", nil
}

func probeOutcome(err error) string {
	switch {
	case err == nil:
		return model.ProbeAlive
	case isDead(err):
		return model.ProbeDead
	}
	return model.ProbeUnknown
}

// unknownProbe says why a probe proved nothing.
func unknownProbe(err error) string {
	return "WeChat was asked whether the token is alive and did not say: " + describe(err)
}

// blindProbe is a probe without the database, which this replica remembers for
// itself.
type blindProbe struct {
	at      time.Time
	hash    string
	outcome string
	err     error
}

// reportBlind is Report without the database: nothing can be renewed, but the
// token may still be proved alive. Each replica asks for itself, as rarely.
func (k *Keeper) reportBlind(ctx context.Context, r Report, cause error) (string, error) {
	held := k.held(&model.Credential{AppID: r.AppID, Kind: r.Kind})
	if !kindIsToken(r.Kind) || !held.Live(time.Now()) || held.Value.Hash() != r.SHA256 {
		return "", k.databaseAway(cause)
	}
	k.mu.Lock()
	last := k.blind[r.AppID]
	k.mu.Unlock()
	if time.Since(last.at) >= doubtGap {
		_, err := k.askProbe(ctx, r.AppID, held.Value)
		last = blindProbe{time.Now(), r.SHA256, probeOutcome(err), err}
		k.mu.Lock()
		k.blind[r.AppID] = last
		k.mu.Unlock()
	}
	switch {
	case last.hash != r.SHA256:
		return "", k.databaseAway(cause)
	case last.outcome == model.ProbeAlive:
		return ResultAlive, nil
	case last.outcome == model.ProbeUnknown:
		return "", &RefreshFailed{Errcode: errcodeOf(last.err), Reason: unknownProbe(last.err), RetryAfter: databaseRetry}
	}
	return "", &RefreshFailed{
		Errcode: errcodeOf(last.err), RetryAfter: databaseRetry,
		Reason: "WeChat calls the token dead, and wxsign cannot reach its database, without which nothing is renewed",
	}
}
