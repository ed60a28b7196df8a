package model

import "context"

// TakeAlertDuty takes or keeps the duty to look for troubles, for leaseMs
// milliseconds of database time. False means that another replica has it.
func (s *Store) TakeAlertDuty(ctx context.Context, holder string, leaseMs int64) (bool, error) {
	return s.takeDuty(ctx, dutyLook, holder, leaseMs)
}

// LeaveAlertDuty gives the duty back, for another replica to take at once.
func (s *Store) LeaveAlertDuty(ctx context.Context, holder string) error {
	return s.leaveDuty(ctx, dutyLook, holder)
}

// Ailing is a credential of an enabled account that may be in trouble, with what
// alerts tell of it. Nothing sealed is read.
type Ailing struct {
	AppID         string
	AccountName   string
	TokenMode     string
	Kind          string
	Version       int64
	IssuedMs      int64
	ExpiresMs     int64
	NextRefreshMs int64 // when the next attempt is due
	LongestLifeMs int64
	FailCount     int
	FailErrcode   int
	FailText      string
	Dead          bool // WeChat says so, though its time is not over
	NowMs         int64
}

// AilingLimits say which credentials Ailing reads: those that end so soon, and
// tickets that have been the same for so long; in milliseconds.
type AilingLimits struct {
	StableMs, ClassicMs, TicketMs int64
	UnchangedMs                   int64
}

// Ailing lists up to limit credentials whose newest attempt failed, that end soon
// or have ended, or that have not changed for long; those that end first come
// first. It reads the whole table: ask it by the half minute.
func (s *Store) Ailing(ctx context.Context, l AilingLimits, limit int) ([]Ailing, error) {
	var rows []Ailing
	err := s.query(ctx, `
SELECT c.app_id, a.name AS account_name, a.token_mode, c.kind, c.version, c.issued_ms, c.expires_ms, c.next_refresh_ms, c.longest_life_ms,
  c.fail_count, c.fail_errcode, c.fail_text,
  CASE WHEN c.value_hash<>'' AND c.dead_hash=c.value_hash THEN 1 ELSE 0 END AS dead, NOWMS AS now_ms
FROM credential c JOIN account a ON a.app_id=c.app_id
WHERE a.enabled AND (c.fail_count>0 OR c.version>0 AND (
  c.expires_ms<=NOWMS+CASE WHEN c.kind<>'access_token' THEN @TicketMs WHEN a.token_mode='classic' THEN @ClassicMs ELSE @StableMs END
  OR c.kind<>'access_token' AND c.issued_ms<NOWMS-@UnchangedMs))
ORDER BY c.expires_ms, c.app_id, c.kind LIMIT @Limit`, map[string]any{
		"StableMs": l.StableMs, "ClassicMs": l.ClassicMs, "TicketMs": l.TicketMs, "UnchangedMs": l.UnchangedMs, "Limit": limit,
	}).Scan(&rows).Error
	return rows, wrap("look for credentials in trouble", err)
}
