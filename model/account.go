package model

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Origins of an account: who may edit it.
const (
	OriginFile  = "file"
	OriginPanel = "panel"
)

// Account is a row of table account.
type Account struct {
	AppID     string
	Name      string
	Platform  string
	Origin    string
	Enabled   bool
	SecretEnc []byte
	KeyID     string
	TokenMode string
	Tickets   Strings
	Domains   Strings
	AllowHTTP bool
	Profiles  Profiles
	ConfigRev int64
	CreatedMs int64
	UpdatedMs int64
}

const accountColumns = `app_id, name, platform, origin, enabled, secret_enc, key_id, token_mode,
  tickets, domains, allow_http, profiles, config_rev, created_ms, updated_ms`

// Account reads one account, or ErrNotFound.
func (s *Store) Account(ctx context.Context, appID string) (Account, error) {
	var rows []Account
	err := s.query(ctx, "SELECT "+accountColumns+" FROM account WHERE app_id = ?", appID).Scan(&rows).Error
	// MySQL compares "wx1" and "wx1 " as equal, SQLite and our callers do not.
	if err == nil && (len(rows) == 0 || rows[0].AppID != appID) {
		return Account{}, fmt.Errorf("account %s: %w", appID, ErrNotFound)
	}
	if err != nil {
		return Account{}, wrap("read account "+appID, err)
	}
	return rows[0], nil
}

// Accounts reads up to limit accounts whose app_id comes after the given one,
// in order: call it again with the last app_id for the next page.
func (s *Store) Accounts(ctx context.Context, after string, limit int) ([]Account, error) {
	var rows []Account
	err := s.query(ctx, "SELECT "+accountColumns+" FROM account WHERE app_id > ? ORDER BY app_id LIMIT ?", after, limit).Scan(&rows).Error
	return rows, wrap("read accounts", err)
}

// InsertAccount adds an account with one credential row per kind, all due at
// once. It fails with ErrDuplicate where the account is there already. An
// app_id with blanks at its ends is refused: engines differ in whether they count.
func (s *Store) InsertAccount(ctx context.Context, a Account, kinds []string) error {
	if err := s.insertAccounts(ctx, "insert account "+a.AppID, []Account{a}); err != nil {
		return err
	}
	return s.alignCredentials(ctx, a.AppID, 1, kinds)
}

// InsertAccounts adds some accounts, at most some hundred, with the credential
// rows of their kinds, by a few statements: all accounts or none. It fails with
// ErrDuplicate where one is there already, or ErrNotApplied. Then, and where the
// process dies within it, credential rows may be missing: Misaligned finds them.
func (s *Store) InsertAccounts(ctx context.Context, accounts []Account) error {
	if len(accounts) == 0 {
		return nil
	}
	if err := s.insertAccounts(ctx, fmt.Sprintf("insert %d accounts", len(accounts)), accounts); err != nil {
		return err
	}
	with := map[string][]string{}
	for i := range accounts {
		for _, kind := range accounts[i].Kinds() {
			with[kind] = append(with[kind], accounts[i].AppID)
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(with)) {
		_, err := s.exec(ctx, "add credential rows", addCredential+"app_id IN ? AND config_rev=1", kind, with[kind])
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) insertAccounts(ctx context.Context, what string, accounts []Account) error {
	const row = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, NOWMS, NOWMS)"
	places := make([]string, 0, len(accounts))
	args := make([]any, 0, len(accounts)*strings.Count(row, "?"))
	for i := range accounts {
		a := &accounts[i]
		if a.AppID == "" || strings.TrimSpace(a.AppID) != a.AppID {
			return fmt.Errorf("insert account: app_id %q is empty or begins or ends with a blank", a.AppID)
		}
		places = append(places, row)
		args = append(args, a.AppID, a.Name, a.Platform, a.Origin, a.Enabled, a.SecretEnc, a.KeyID, a.TokenMode,
			a.Tickets, a.Domains, a.AllowHTTP, a.Profiles)
	}
	_, err := s.exec(ctx, what, "INSERT INTO account ("+accountColumns+")\nVALUES "+strings.Join(places, ",\n  "), args...)
	return err
}

// addCredential adds rows of one kind to the accounts that its end chooses.
const addCredential = `
INSERT INTO credential (app_id, kind, config_rev, next_refresh_ms, updated_ms)
SELECT app_id, ?, config_rev, 0, NOWMS FROM account WHERE `

const updateAccount = `
UPDATE account SET name=@Name, platform=@Platform, origin=@Origin, enabled=@Enabled, secret_enc=@SecretEnc, key_id=@KeyID,
  token_mode=@TokenMode, tickets=@Tickets, domains=@Domains, allow_http=@AllowHTTP, profiles=@Profiles,
  config_rev=config_rev+1, updated_ms=NOWMS
WHERE app_id=@AppID AND config_rev=@ConfigRev`

// UpdateAccount writes a changed account, guarded by the config_rev it was
// read with: false means that somebody else was faster, read again. Values
// that live are kept; claims in flight lose their fence by the new revision,
// and back-off ends, because the edit may be the mend.
func (s *Store) UpdateAccount(ctx context.Context, a Account, kinds []string) (bool, error) {
	n, err := s.exec(ctx, "update account "+a.AppID, updateAccount, a)
	if err != nil || n == 0 {
		return false, err
	}
	return true, s.alignCredentials(ctx, a.AppID, a.ConfigRev+1, kinds)
}

// AlignCredentials makes the credential rows fit an account again, for the
// case that a process died between editing the account and this.
func (s *Store) AlignCredentials(ctx context.Context, a Account, kinds []string) error {
	return s.alignCredentials(ctx, a.AppID, a.ConfigRev, kinds)
}

// alignCredentials carries the revision over, adds missing kinds and drops
// surplus ones. Each step may be repeated and none moves a revision back. Two
// edits may be aligning at once: the carried revision keeps the older one from
// dropping what the newer one wants, and only the newest one adds.
func (s *Store) alignCredentials(ctx context.Context, appID string, rev int64, kinds []string) error {
	_, err := s.exec(ctx, "carry the revision to credential rows", `
UPDATE credential SET config_rev=@Rev, updated_ms=NOWMS,
  next_refresh_ms = CASE WHEN fail_count>0 THEN 0 ELSE next_refresh_ms END, fail_count=0
WHERE app_id=@AppID AND config_rev<@Rev`, map[string]any{"AppID": appID, "Rev": rev})
	if err != nil {
		return err
	}
	for _, kind := range kinds {
		_, err := s.exec(ctx, "add credential row", addCredential+"app_id=? AND config_rev=?", kind, appID, rev)
		if err != nil && !errors.Is(err, ErrDuplicate) {
			return err
		}
	}
	_, err = s.exec(ctx, "drop surplus credential rows",
		"DELETE FROM credential WHERE app_id=? AND config_rev<=? AND kind NOT IN ?", appID, rev, kinds)
	return err
}
