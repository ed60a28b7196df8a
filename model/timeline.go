package model

import "context"

// Moment is what a timeline needs of an attempt.
type Moment struct {
	AtMs        int64
	Kind        string
	Version     int64
	TriggerName string
	Outcome     string
	Errcode     int
	LatencyMs   int64
	ExpiresMs   int64
}

// Timeline reads the attempts of an account from one instant to before another,
// newest first and at most limit of them.
func (s *Store) Timeline(ctx context.Context, appID string, fromMs, toMs int64, limit int) ([]Moment, error) {
	var rows []Moment
	err := s.query(ctx, `
SELECT at_ms, kind, version, trigger_name, outcome, errcode, latency_ms, expires_ms FROM history
WHERE app_id = ? AND at_ms >= ? AND at_ms < ? ORDER BY at_ms DESC, id DESC LIMIT ?`, appID, fromMs, toMs, limit).Scan(&rows).Error
	return rows, wrap("read the timeline of "+appID, err)
}
