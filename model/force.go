package model

import "context"

// ForceSpent is how many force refreshes of its day's budget an account has
// spent.
type ForceSpent struct {
	AppID string
	Count int
}

// ForcesSpent lists up to limit accounts that spent force refreshes on a day
// (Beijing, yyyymmdd), those that spent most first. It reads the whole table:
// ask it by the minute, not by the request.
func (s *Store) ForcesSpent(ctx context.Context, day, limit int) ([]ForceSpent, error) {
	var rows []ForceSpent
	err := s.query(ctx, `
SELECT app_id, force_count AS count FROM credential
WHERE kind='access_token' AND force_day=? AND force_count>0 ORDER BY force_count DESC, app_id LIMIT ?`, day, limit).Scan(&rows).Error
	return rows, wrap("list force refreshes", err)
}
