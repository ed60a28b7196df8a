package keeper

import (
	"context"
	"log/slog"
	"time"

	"github.com/wxsign/wxsign/model"
	"github.com/wxsign/wxsign/service/wechat"
)

// What plan_test.go sees of the planner.
type (
	Verdict  = verdict
	Received = received
)

// NewVerdict makes a Verdict.
func NewVerdict(publish bool, expiresMs, nextRefreshMs int64, birthKnown bool) Verdict {
	return verdict{publish, expiresMs, nextRefreshMs, birthKnown}
}

// NewReceived makes a Received.
func NewReceived(hash string, lifeMs, sentMs, nowMs int64) Received {
	return received{hash, lifeMs, sentMs, nowMs}
}

// NextRefresh is when the verdict wants the next renewal.
func NextRefresh(v Verdict) int64 { return v.nextRefreshMs }

// WithNextRefresh replaces it, for comparing the rest.
func WithNextRefresh(v Verdict, ms int64) Verdict {
	v.nextRefreshMs = ms
	return v
}

// Margin is the planner's margin.
func Margin(t Timing, kind string, mode wechat.Mode, longestLifeMs int64) int64 {
	return planner{t}.margin(kind, mode, longestLifeMs)
}

// RenewAt is the planner's renewAt.
func RenewAt(t Timing, kind string, mode wechat.Mode, expiresMs, longestLifeMs int64) int64 {
	return planner{t}.renewAt(kind, mode, expiresMs, longestLifeMs)
}

// Judge is the planner's judge.
func Judge(t Timing, row *model.Credential, mode wechat.Mode, r Received) Verdict {
	return planner{t}.judge(row, mode, r)
}

// Due is the planner's due; the kind is "" where nothing is to be done.
func Due(t Timing, tended *model.Tended) (kind string, atMs int64) {
	row, atMs := planner{t}.due(tended)
	if row == nil {
		return "", 0
	}
	return row.Kind, atMs
}

// WaitAfter is the back-off after a failure.
func WaitAfter(row *model.Credential, err error, nowMs int64) time.Duration {
	return waitAfter(row, err, nowMs)
}

// Recorder is what writes the history, alone.
type Recorder struct{ r *recorder }

// NewRecorder makes a Recorder.
func NewRecorder(s Store, log *slog.Logger) Recorder { return Recorder{newRecorder(s, log)} }

// Add takes a row.
func (r Recorder) Add(h model.History) { r.r.add(h) }

// Complete takes the publish of a holder that may have died.
func (r Recorder) Complete(row *model.Credential) { r.r.complete(row) }

// Start begins to write.
func (r Recorder) Start(ctx context.Context) { r.r.start(ctx) }

// Stop returns when what waits is written.
func (r Recorder) Stop() { r.r.stop() }
