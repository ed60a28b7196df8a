package model

import (
	"context"
	"errors"
)

// RefreshRequest is a row of table refresh_request: who asked last for a new
// value. The attempt that answers it carries the name into history, whichever
// replica makes it.
type RefreshRequest struct {
	AppID       string
	Kind        string
	TriggerName string // TriggerReport or TriggerManual
	Actor       string // key name or person
	Reason      string
	Fence       int64 // that the credential has: the next claim answers
}

// requestLife is how long a request waits for its claim, in milliseconds. An
// older one was answered by a claim that began before it.
const requestLife = 120_000

// NoteRequest writes down who asks. It makes nothing due; the last to ask
// counts.
func (s *Store) NoteRequest(ctx context.Context, r RefreshRequest) error {
	r.Actor, r.Reason = cut(r.Actor, maxName), cut(r.Reason, maxText)
	for range 2 {
		n, err := s.exec(ctx, "note who asks for a refresh", `
UPDATE refresh_request SET trigger_name=@TriggerName, actor=@Actor, reason=@Reason, fence=@Fence, asked_ms=NOWMS
WHERE app_id=@AppID AND kind=@Kind`, r)
		if err != nil || n > 0 {
			return err
		}
		_, err = s.exec(ctx, "note who first asks for a refresh", `
INSERT INTO refresh_request (app_id, kind, trigger_name, actor, reason, fence, asked_ms)
VALUES (@AppID, @Kind, @TriggerName, @Actor, @Reason, @Fence, NOWMS)`, r)
		if !errors.Is(err, ErrDuplicate) {
			return err
		}
	}
	return nil // others keep asking at this very moment: theirs is the last
}

// RequestBefore reads the request that the claim of a row with this fence
// answers, or ErrNotFound where nobody asked.
func (s *Store) RequestBefore(ctx context.Context, appID, kind string, fence int64) (RefreshRequest, error) {
	var rows []RefreshRequest
	err := s.query(ctx, `
SELECT app_id, kind, trigger_name, actor, reason, fence FROM refresh_request
WHERE app_id=? AND kind=? AND fence=? AND asked_ms>NOWMS-?`, appID, kind, fence, requestLife).Scan(&rows).Error
	if err != nil {
		return RefreshRequest{}, wrap("read who asked for a refresh", err)
	}
	if len(rows) == 0 {
		return RefreshRequest{}, ErrNotFound
	}
	return rows[0], nil
}

// Due asks for a row to be renewed now.
type Due struct {
	AppID     string
	Kind      string
	ValueHash string // that is current; of another one nothing is changed
	GapMs     int64  // since the last attempt ended
	// EvenFailing ends a back-off too: a person may know that its cause is gone.
	EvenFailing bool
	// OnlyFailing leaves rows alone that somebody has renewed meanwhile.
	OnlyFailing bool
}

// MakeDue makes a row due, at most once in GapMs, however many ask: any attempt
// that ends counts. False means that it is too early, that the value is no
// longer current, or that its renewal is failing already.
func (s *Store) MakeDue(ctx context.Context, d Due) (bool, error) {
	n, err := s.exec(ctx, "make "+d.Kind+" due", `
UPDATE credential SET next_refresh_ms=NOWMS
WHERE app_id=@AppID AND kind=@Kind AND value_hash=@Hash AND (updated_ms<=NOWMS-@Gap OR updated_ms>NOWMS)
  AND (fail_count=0 OR @EvenFailing = 1) AND (fail_count>0 OR @OnlyFailing = 0)`,
		map[string]any{
			"AppID": d.AppID, "Kind": d.Kind, "Hash": d.ValueHash, "Gap": d.GapMs,
			"EvenFailing": number(d.EvenFailing), "OnlyFailing": number(d.OnlyFailing),
		})
	return n == 1, err
}

// number is a bool as both engines compare it.
func number(b bool) int {
	if b {
		return 1
	}
	return 0
}
