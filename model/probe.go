package model

import "context"

// DueProbe is an access_token whose liveness is to be proved.
type DueProbe struct {
	AppID       string
	PublishID   string
	ValueEnc    []byte
	ValueHash   string
	Version     int64
	Fence       int64
	NextProbeMs int64 // 0 = never planned
}

// DueProbes lists the access_tokens of enabled accounts that are due for a
// probe, live, and not called dead or younger than minAgeMs.
func (s *Store) DueProbes(ctx context.Context, minAgeMs int64, limit int) ([]DueProbe, error) {
	var due []DueProbe
	err := s.query(ctx, `
SELECT c.app_id, c.publish_id, c.value_enc, c.value_hash, c.version, c.fence, c.next_probe_ms
FROM credential c JOIN account a ON a.app_id = c.app_id
WHERE a.enabled = 1 AND c.kind = 'access_token' AND c.version > 0 AND c.next_probe_ms <= NOWMS
  AND c.expires_ms > NOWMS AND c.issued_ms <= NOWMS - ? AND c.dead_hash <> c.value_hash
ORDER BY c.next_probe_ms LIMIT ?`, minAgeMs, limit).Scan(&due).Error
	return due, wrap("list due probes", err)
}

// ClaimProbe takes one probe by moving its next one away: a compare-and-swap in
// one statement, like Claim, but with nothing to give back. After an error the
// outcome is open and the probe is best left out: the next one comes.
func (s *Store) ClaimProbe(ctx context.Context, p DueProbe, nextInMs int64) (bool, error) {
	n, err := s.exec(ctx, "claim a probe", `
UPDATE credential SET next_probe_ms=NOWMS+@NextIn
WHERE app_id=@AppID AND kind='access_token' AND version=@Version AND next_probe_ms=@Seen AND next_probe_ms<=NOWMS`,
		map[string]any{"NextIn": nextInMs, "AppID": p.AppID, "Version": p.Version, "Seen": p.NextProbeMs})
	return n == 1, err
}

// NoteProbedDead remembers that it was a probe that found this value dead. It
// changes nothing where the value is no longer current.
func (s *Store) NoteProbedDead(ctx context.Context, appID, valueHash string) (bool, error) {
	n, err := s.exec(ctx, "note a dead probe", `
UPDATE credential SET probed_dead_hash=@Hash WHERE app_id=@AppID AND kind='access_token' AND value_hash=@Hash`,
		map[string]any{"AppID": appID, "Hash": valueHash})
	return n == 1, err
}

// ProbedDead reports whether a probe found this value dead.
func (s *Store) ProbedDead(ctx context.Context, appID, valueHash string) (bool, error) {
	var n int64
	err := s.query(ctx, `
SELECT COUNT(*) FROM credential WHERE app_id=? AND kind='access_token' AND probed_dead_hash=?`, appID, valueHash).Scan(&n).Error
	return n == 1, wrap("read who found the token dead", err)
}
