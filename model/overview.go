package model

import "context"

// AccountState is an account with how its credentials are, as the panel's
// overview shows it: nothing sealed is read.
type AccountState struct {
	AppID       string
	Name        string
	Platform    string
	Enabled     bool
	TokenMode   string
	Credentials []CredentialState
}

// CredentialState is how a credential is; instants as in Credential.
type CredentialState struct {
	Kind          string
	Version       int64
	IssuedMs      int64
	ExpiresMs     int64
	NextRefreshMs int64
	LeaseUntilMs  int64
	FailCount     int
	FailErrcode   int
	FailText      string
	Fingerprint   string // of the value, 8 hex digits
	Dead          bool   // WeChat says so, though its time is not over
}

const stateColumns = `app_id, name, platform, enabled, token_mode`

// AccountStates reads up to limit accounts whose app_id comes after the given
// one, in order, and the database clock of the reading.
func (s *Store) AccountStates(ctx context.Context, after string, limit int) ([]AccountState, int64, error) {
	return s.accountStates(ctx, "(SELECT "+stateColumns+" FROM account WHERE app_id > ? ORDER BY app_id LIMIT ?)", after, limit)
}

// AccountStatesOf reads the accounts given, in order of app_id, and the
// database clock; the clock is 0 where none of them is there.
func (s *Store) AccountStatesOf(ctx context.Context, appIDs []string) ([]AccountState, int64, error) {
	return s.accountStates(ctx, "(SELECT "+stateColumns+" FROM account WHERE app_id IN ?)", appIDs)
}

func (s *Store) accountStates(ctx context.Context, accounts string, args ...any) ([]AccountState, int64, error) {
	var rows []struct {
		AppID           string
		Name            string
		Platform        string
		Enabled         bool
		TokenMode       string
		CredentialState `gorm:"embedded"`
		NowMs           int64
	}
	err := s.query(ctx, `
SELECT a.app_id, a.name, a.platform, a.enabled, a.token_mode, NOWMS AS now_ms,
  COALESCE(c.kind, '') AS kind, COALESCE(c.version, 0) AS version, COALESCE(c.issued_ms, 0) AS issued_ms,
  COALESCE(c.expires_ms, 0) AS expires_ms, COALESCE(c.next_refresh_ms, 0) AS next_refresh_ms,
  COALESCE(c.lease_until_ms, 0) AS lease_until_ms, COALESCE(c.fail_count, 0) AS fail_count,
  COALESCE(c.fail_errcode, 0) AS fail_errcode, COALESCE(c.fail_text, '') AS fail_text,
  COALESCE(SUBSTR(c.value_hash, 1, 8), '') AS fingerprint,
  CASE WHEN c.value_hash <> '' AND c.dead_hash = c.value_hash THEN 1 ELSE 0 END AS dead
FROM `+accounts+` a LEFT JOIN credential c ON c.app_id = a.app_id ORDER BY a.app_id, c.kind`, args...).Scan(&rows).Error
	if err != nil {
		return nil, 0, wrap("read the state of accounts", err)
	}
	var states []AccountState
	var now int64
	for _, r := range rows {
		now = r.NowMs
		if len(states) == 0 || states[len(states)-1].AppID != r.AppID {
			states = append(states, AccountState{AppID: r.AppID, Name: r.Name, Platform: r.Platform, Enabled: r.Enabled, TokenMode: r.TokenMode})
		}
		if r.Kind != "" {
			last := &states[len(states)-1]
			last.Credentials = append(last.Credentials, r.CredentialState)
		}
	}
	return states, now, nil
}
