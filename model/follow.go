package model

import "context"

// Mark is the part of a credential row by which a follower sees that it
// changed.
type Mark struct {
	AppID     string
	Kind      string
	Version   int64
	PublishID string
	ExpiresMs int64
	FailCount int
	ConfigRev int64
	Dead      bool // WeChat says so, though its time is not over
	// What tells that the clock was set back.
	NextRefreshMs int64
	UpdatedMs     int64
}

// Marks reads the marks of the rows that moved after sinceMs (database clock),
// and the clock of the reading. sinceMs 0 reads all.
func (s *Store) Marks(ctx context.Context, sinceMs int64) ([]Mark, int64, error) {
	// The left join gives one row with the clock even where nothing moved.
	var rows []struct {
		Mark  `gorm:"embedded"`
		Found bool
		NowMs int64
	}
	err := s.query(ctx, `
SELECT n.now_ms, c.app_id IS NOT NULL AS found, COALESCE(c.app_id, '') AS app_id, COALESCE(c.kind, '') AS kind,
  COALESCE(c.version, 0) AS version, COALESCE(c.publish_id, '') AS publish_id, COALESCE(c.expires_ms, 0) AS expires_ms,
  COALESCE(c.fail_count, 0) AS fail_count, COALESCE(c.config_rev, 0) AS config_rev,
  CASE WHEN c.value_hash <> '' AND c.dead_hash = c.value_hash THEN 1 ELSE 0 END AS dead,
  COALESCE(c.next_refresh_ms, 0) AS next_refresh_ms, COALESCE(c.updated_ms, 0) AS updated_ms
FROM (SELECT NOWMS AS now_ms) n LEFT JOIN credential c ON c.updated_ms > ?`, sinceMs).Scan(&rows).Error
	if err != nil {
		return nil, 0, wrap("follow credentials", err)
	}
	var now int64
	marks := make([]Mark, 0, len(rows))
	for _, r := range rows {
		now = r.NowMs
		if r.Found {
			marks = append(marks, r.Mark)
		}
	}
	return marks, now, nil
}

// AccountsSince reads the accounts that were edited after sinceMs (database
// clock); 0 reads all.
func (s *Store) AccountsSince(ctx context.Context, sinceMs int64) ([]Account, error) {
	var rows []Account
	err := s.query(ctx, "SELECT "+accountColumns+" FROM account WHERE updated_ms > ?", sinceMs).Scan(&rows).Error
	return rows, wrap("follow accounts", err)
}

// AppIDs lists the ids of all accounts.
func (s *Store) AppIDs(ctx context.Context) ([]string, error) {
	var appIDs []string
	err := s.query(ctx, "SELECT app_id FROM account").Scan(&appIDs).Error
	return appIDs, wrap("list accounts", err)
}
