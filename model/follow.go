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
}

// Marks reads the marks of the rows that moved after sinceMs (database clock),
// and the clock of the reading. sinceMs 0 reads all.
func (s *Store) Marks(ctx context.Context, sinceMs int64) ([]Mark, int64, error) {
	// The left join gives one row with the clock even where nothing moved.
	var rows []struct {
		AppID     *string
		Kind      string
		Version   int64
		PublishID string
		ExpiresMs int64
		FailCount int
		ConfigRev int64
		NowMs     int64
	}
	err := s.query(ctx, `
SELECT n.now_ms, c.app_id, c.kind, c.version, c.publish_id, c.expires_ms, c.fail_count, c.config_rev
FROM (SELECT NOWMS AS now_ms) n LEFT JOIN credential c ON c.updated_ms > ?`, sinceMs).Scan(&rows).Error
	if err != nil {
		return nil, 0, wrap("follow credentials", err)
	}
	var now int64
	marks := make([]Mark, 0, len(rows))
	for _, r := range rows {
		now = r.NowMs
		if r.AppID != nil {
			marks = append(marks, Mark{
				AppID: *r.AppID, Kind: r.Kind, Version: r.Version, PublishID: r.PublishID,
				ExpiresMs: r.ExpiresMs, FailCount: r.FailCount, ConfigRev: r.ConfigRev,
			})
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
