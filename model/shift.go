package model

import "context"

// Shift moves the instants of a row along with a database clock that was set.
type Shift struct {
	AppID     string
	Kind      string
	PublishID string
	ExpiresMs int64 // that the row has: several may find it wrong, one moves it
	ByMs      int64
}

// Shift moves all instants of a row, unless it is not as it was seen any more.
// 0 means "never" or "none" in most of them and stays.
func (s *Store) Shift(ctx context.Context, x Shift) (bool, error) {
	n, err := s.exec(ctx, "move "+x.Kind+" with the clock", `
UPDATE credential SET issued_ms=issued_ms+@By, expires_ms=expires_ms+@By, next_refresh_ms=next_refresh_ms+@By,
  lease_until_ms=CASE WHEN lease_until_ms=0 THEN 0 ELSE lease_until_ms+@By END,
  asked_ms=CASE WHEN asked_ms=0 THEN 0 ELSE asked_ms+@By END,
  next_probe_ms=CASE WHEN next_probe_ms=0 THEN 0 ELSE next_probe_ms+@By END,
  force_ms=CASE WHEN force_ms=0 THEN 0 ELSE force_ms+@By END, updated_ms=NOWMS
WHERE app_id=@AppID AND kind=@Kind AND publish_id=@PublishID AND expires_ms=@ExpiresMs`,
		map[string]any{"By": x.ByMs, "AppID": x.AppID, "Kind": x.Kind, "PublishID": x.PublishID, "ExpiresMs": x.ExpiresMs})
	return n == 1, err
}

// PullForward makes a row due that was due at nextRefreshMs, unless that has
// changed.
func (s *Store) PullForward(ctx context.Context, appID, kind string, nextRefreshMs int64) (bool, error) {
	n, err := s.exec(ctx, "pull "+kind+" forward", `
UPDATE credential SET next_refresh_ms=NOWMS, updated_ms=NOWMS WHERE app_id=@AppID AND kind=@Kind AND next_refresh_ms=@Seen`,
		map[string]any{"AppID": appID, "Kind": kind, "Seen": nextRefreshMs})
	return n == 1, err
}
