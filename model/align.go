package model

import "context"

// Misaligned lists the accounts whose credential rows do not fit them: rows of
// an older revision, missing kinds or surplus ones. A process died between
// editing the account and its rows, or is between them right now: aligning is
// harmless in both cases.
func (s *Store) Misaligned(ctx context.Context) ([]Account, error) {
	var rows []Account
	// tickets is a JSON list of kinds, none of which is part of another: two
	// quotes for each, and INSTR finds a kind in it. LENGTH and INSTR are the same
	// in all dialects for such text.
	err := s.query(ctx, `
SELECT `+accountColumns+` FROM (
  SELECT a.app_id AS id FROM account a LEFT JOIN credential c ON c.app_id = a.app_id
  GROUP BY a.app_id
  HAVING COUNT(c.kind) = 0 OR MIN(c.config_rev) < MAX(a.config_rev)
    OR MAX(c.config_rev) = MAX(a.config_rev) AND (
      2 * (COUNT(c.kind) - 1) <> MAX(LENGTH(a.tickets) - LENGTH(REPLACE(a.tickets, '"', '')))
      OR SUM(CASE WHEN c.kind = 'access_token' OR INSTR(a.tickets, c.kind) > 0 THEN 1 ELSE 0 END) <> COUNT(c.kind))) m
JOIN account ON account.app_id = m.id`).Scan(&rows).Error
	return rows, wrap("look for credential rows that do not fit their account", err)
}

// Kinds are the kinds of credential that are kept for the account.
func (a *Account) Kinds() []string { return append([]string{"access_token"}, a.Tickets...) }
