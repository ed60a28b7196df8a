package model

import (
	"context"
)

// Credential is a row of table credential: one account's token or one of its
// tickets. Instants are Unix milliseconds by the database's clock.
type Credential struct {
	AppID         string
	Kind          string
	Version       int64
	PublishID     string
	PublishedBy   string
	ValueEnc      []byte
	KeyID         string
	ValueHash     string
	DeadHash      string
	IssuedMs      int64
	ExpiresMs     int64
	LongestLifeMs int64
	BirthKnown    bool
	NextRefreshMs int64
	Fence         int64
	LeaseOwner    string
	LeaseUntilMs  int64
	ConfigRev     int64
	UpdatedMs     int64
	FailCount     int
	FailErrcode   int
	FailText      string
	ForceDay      int
	ForceCount    int
	ForceMs       int64
	AskedMs       int64 // when the first attempt was begun whose outcome nobody knows; 0 = there is none
}

// Dead reports whether WeChat said of this very value that it is dead, though
// its time is not over.
func (c *Credential) Dead() bool { return c.ValueHash != "" && c.DeadHash == c.ValueHash }

const credentialColumns = `c.app_id, c.kind, c.version, c.publish_id, c.published_by, c.value_enc, c.key_id, c.value_hash, c.dead_hash,
  c.issued_ms, c.expires_ms, c.longest_life_ms, c.birth_known, c.next_refresh_ms, c.fence, c.lease_owner, c.lease_until_ms, c.config_rev,
  c.updated_ms, c.fail_count, c.fail_errcode, c.fail_text, c.force_day, c.force_count, c.force_ms, c.asked_ms`

// Tended is all that a renewal of one account needs, read in one statement so
// that account, credentials and clock belong together.
type Tended struct {
	Credentials []Credential
	SecretEnc   []byte
	TokenMode   string
	Platform    string
	Enabled     bool
	ConfigRev   int64 // of the account; a credential row with another one is being edited
	NowMs       int64
}

// Credential returns the row of a kind, nil where there is none.
func (t *Tended) Credential(kind string) *Credential {
	for i := range t.Credentials {
		if t.Credentials[i].Kind == kind {
			return &t.Credentials[i]
		}
	}
	return nil
}

// Tended reads an account with all its credential rows and the database clock,
// or ErrNotFound.
func (s *Store) Tended(ctx context.Context, appID string) (Tended, error) {
	var rows []struct {
		Credential `gorm:"embedded"`
		SecretEnc  []byte
		TokenMode  string
		Platform   string
		Enabled    bool
		AccountRev int64
		NowMs      int64
	}
	err := s.query(ctx, `
SELECT `+credentialColumns+`, a.secret_enc, a.token_mode, a.platform, a.enabled, a.config_rev AS account_rev, NOWMS AS now_ms
FROM credential c JOIN account a ON a.app_id = c.app_id WHERE c.app_id = ?`, appID).Scan(&rows).Error
	if err != nil {
		return Tended{}, wrap("read the credentials of "+appID, err)
	}
	if len(rows) == 0 || rows[0].AppID != appID { // see Account
		return Tended{}, ErrNotFound
	}
	first := &rows[0]
	t := Tended{
		SecretEnc: first.SecretEnc, TokenMode: first.TokenMode, Platform: first.Platform,
		Enabled: first.Enabled, ConfigRev: first.AccountRev, NowMs: first.NowMs,
	}
	for i := range rows {
		t.Credentials = append(t.Credentials, rows[i].Credential)
	}
	return t, nil
}

// CredentialNow is a credential row with the database clock of its reading.
type CredentialNow struct {
	Credential `gorm:"embedded"`
	NowMs      int64
}

// Credentials reads the rows of the accounts given, with the clock.
func (s *Store) Credentials(ctx context.Context, appIDs []string) ([]CredentialNow, error) {
	var rows []CredentialNow
	err := s.query(ctx, "SELECT "+credentialColumns+", NOWMS AS now_ms FROM credential c WHERE c.app_id IN ?", appIDs).Scan(&rows).Error
	return rows, wrap("read credentials", err)
}

// LeaseSlack is how many leases long a claim may look to be before it counts
// as the trace of a clock that was stepped back.
const LeaseSlack = 10

// DueAccounts lists enabled accounts with a credential that is due within the
// given time and not claimed for longer than that, the most urgent first.
func (s *Store) DueAccounts(ctx context.Context, withinMs, leaseMs int64, limit int) ([]string, error) {
	// Not GROUP BY: with it SQLite reads all rows instead of the due ones.
	var ofRows []string
	err := s.query(ctx, `
SELECT c.app_id FROM credential c JOIN account a ON a.app_id = c.app_id
WHERE a.enabled = 1 AND c.next_refresh_ms <= NOWMS + @Within
  AND (c.lease_until_ms <= NOWMS + @Within OR c.lease_until_ms > NOWMS + @Absurd)
ORDER BY c.next_refresh_ms LIMIT @Limit`,
		map[string]any{"Within": withinMs, "Absurd": LeaseSlack * leaseMs, "Limit": mostKinds * limit}).Scan(&ofRows).Error
	var appIDs []string
	listed := make(map[string]bool, len(ofRows))
	for _, appID := range ofRows {
		if len(appIDs) < limit && !listed[appID] {
			listed[appID] = true
			appIDs = append(appIDs, appID)
		}
	}
	return appIDs, wrap("list due accounts", err)
}

// mostKinds is how many credentials an account can have.
const mostKinds = 4

// endValues ends stored values, so that they are fetched anew at once.
const endValues = `
UPDATE credential SET expires_ms=0, next_refresh_ms=0, lease_owner='', lease_until_ms=0, fail_count=0, updated_ms=NOWMS`

// ForgetValues ends the stored values of the accounts that were issued before
// beforeMs (database clock), so that they are fetched anew. It is for the
// built-in simulator, which forgets what it issued when it restarts; WeChat
// never does.
func (s *Store) ForgetValues(ctx context.Context, appIDs []string, beforeMs int64) error {
	_, err := s.exec(ctx, "forget simulated values", endValues+" WHERE app_id IN ? AND issued_ms < ?", appIDs, beforeMs)
	return err
}
