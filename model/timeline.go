package model

import "context"

// Moment is what a timeline needs of an attempt, or of several that are alike.
type Moment struct {
	AtMs        int64
	FirstMs     int64 // of the oldest of them
	Count       int64
	Kind        string
	Version     int64
	TriggerName string
	Outcome     string
	Errcode     int
	LatencyMs   int64
	ExpiresMs   int64
}

// TimelineQuery says which attempts of an account are wanted.
type TimelineQuery struct {
	AppID  string
	FromMs int64 // this instant and later
	ToMs   int64 // before this instant
	Limit  int   // of the newest moments
	// StepMs makes one moment, the newest, of those that are alike in a time of so
	// many milliseconds: kind, trigger, outcome and errcode. 0 = each is a moment.
	StepMs int64
}

// Timeline reads the attempts of an account, newest first.
func (s *Store) Timeline(ctx context.Context, q TimelineQuery) ([]Moment, error) {
	const moment = "h.at_ms, h.kind, h.version, h.trigger_name, h.outcome, h.errcode, h.latency_ms, h.expires_ms"
	statement := "SELECT " + moment + `, h.at_ms AS first_ms, 1 AS count FROM history h
WHERE h.app_id = @AppID AND h.at_ms >= @FromMs AND h.at_ms < @ToMs ORDER BY h.at_ms DESC, h.id DESC LIMIT @Limit`
	if q.StepMs > 0 { // of each group one row is read, the index has the rest
		statement = "SELECT " + moment + `, g.first_ms, g.count FROM (
SELECT MAX(h.id) AS newest, MIN(h.at_ms) AS first_ms, COUNT(*) AS count FROM history h ` + s.along("history_account_filter") + `
WHERE h.app_id = @AppID AND h.at_ms >= @FromMs AND h.at_ms < @ToMs
GROUP BY h.at_ms - h.at_ms % @StepMs, h.kind, h.trigger_name, h.outcome, h.errcode) g
JOIN history h ON h.id = g.newest ORDER BY h.at_ms DESC, h.id DESC LIMIT @Limit`
	}
	var rows []Moment
	err := s.query(ctx, statement, q).Scan(&rows).Error
	return rows, wrap("read the timeline of "+q.AppID, err)
}

// AttemptBefore is when the attempt was that has skip newer ones since fromMs, 0
// where there are not so many. It reads along the index only.
func (s *Store) AttemptBefore(ctx context.Context, appID string, fromMs int64, skip int) (int64, error) {
	var at []int64
	err := s.query(ctx, "SELECT h.at_ms FROM history h "+s.along("history_account")+`
WHERE h.app_id = ? AND h.at_ms >= ? ORDER BY h.at_ms DESC, h.id DESC LIMIT 1 OFFSET ?`, appID, fromMs, skip).Scan(&at).Error
	if err != nil || len(at) == 0 {
		return 0, wrap("look how much happened to "+appID, err)
	}
	return at[0], nil
}
