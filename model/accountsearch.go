package model

import "context"

// SearchAccounts finds up to limit accounts whose app_id or name begins with
// one of the prefixes, in order of app_id. Case counts; callers give the
// spellings that they mean. The state and the clock are as in AccountStates.
func (s *Store) SearchAccounts(ctx context.Context, prefixes []string, limit int) ([]AccountState, int64, error) {
	found := map[string]bool{}
	var appIDs []string
	for _, column := range []string{"app_id", "name"} {
		for _, prefix := range prefixes {
			var ids []string
			// Ranges, not LIKE: SQLite's LIKE takes no index, and nothing needs escaping.
			err := s.query(ctx, "SELECT app_id FROM account WHERE "+column+" >= ? AND "+column+" < ? ORDER BY "+column+" LIMIT ?",
				prefix, prefix+lastRune, limit).Scan(&ids).Error
			if err != nil {
				return nil, 0, wrap("search accounts", err)
			}
			for _, id := range ids {
				if !found[id] && len(appIDs) < limit {
					found[id] = true
					appIDs = append(appIDs, id)
				}
			}
		}
	}
	if len(appIDs) == 0 {
		return nil, 0, nil
	}
	return s.AccountStatesOf(ctx, appIDs)
}

// lastRune sorts behind everything that people write, in UTF-8's order.
const lastRune = "\U0010FFFF"
