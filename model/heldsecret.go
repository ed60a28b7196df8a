package model

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"
)

// Roles of an AppSecret that is held beside the one in use.
const (
	SecretNext     = "next"     // entered, not used yet
	SecretPrevious = "previous" // was used before
)

// HeldSecret is a row of table held_secret: an AppSecret that is not in use.
type HeldSecret struct {
	AppID       string
	Role        string
	SecretEnc   []byte
	KeyID       string
	Actor       string
	MadeMs      int64
	UntilMs     int64
	TestedMs    int64 // 0 = WeChat was never asked about it
	Accepted    bool
	TestErrcode int
	TestText    string
}

const heldSecretColumns = "app_id, role, secret_enc, key_id, actor, made_ms, until_ms, tested_ms, accepted, test_errcode, test_text"

const (
	holdAgain = `
UPDATE held_secret SET secret_enc=@SecretEnc, key_id=@KeyID, actor=@Actor, made_ms=NOWMS, until_ms=NOWMS+@Life,
  tested_ms=0, accepted=0, test_errcode=0, test_text=''
WHERE app_id=@AppID AND role=@Role`
	holdFirst = `
INSERT INTO held_secret (app_id, role, secret_enc, key_id, actor, made_ms, until_ms)
VALUES (@AppID, @Role, @SecretEnc, @KeyID, @Actor, NOWMS, NOWMS+@Life)`
)

// holdArgs are those of holdAgain and holdFirst.
func holdArgs(h HeldSecret, lifeMs int64) map[string]any {
	return map[string]any{
		"AppID": h.AppID, "Role": h.Role, "SecretEnc": h.SecretEnc, "KeyID": h.KeyID, "Actor": cut(h.Actor, maxName), "Life": lifeMs,
	}
}

// HoldSecret keeps a secret for lifeMs in place of the one with the same role,
// as not tested.
func (s *Store) HoldSecret(ctx context.Context, h HeldSecret, lifeMs int64) error {
	args := holdArgs(h, lifeMs)
	for range 2 {
		n, err := s.exec(ctx, "hold a "+h.Role+" AppSecret", holdAgain, args)
		if err != nil || n > 0 {
			return err
		}
		_, err = s.exec(ctx, "hold a first "+h.Role+" AppSecret", holdFirst, args)
		if !errors.Is(err, ErrDuplicate) {
			return err
		}
	}
	return fmt.Errorf("hold a %s AppSecret of %s: others keep changing it: %w", h.Role, h.AppID, ErrNotApplied)
}

// SecretSwitch is the step of an account from one AppSecret to another.
type SecretSwitch struct {
	Account Account    // with the AppSecret to use from now on, as UpdateAccount takes it
	Kinds   []string   // of its credentials
	Left    HeldSecret // the AppSecret that is left, in the role it is held in from now on
	LifeMs  int64      // how long it is held
}

// SwitchSecret is UpdateAccount that also holds the AppSecret that is left, both
// or neither: whatever ends in between, each of the two stays in one place at
// least. false means that somebody else was faster, and nothing was done.
func (s *Store) SwitchSecret(ctx context.Context, w SecretSwitch) (bool, error) {
	args := holdArgs(w.Left, w.LifeMs)
	done, err := s.wholly(ctx, "switch the AppSecret of "+w.Account.AppID, func(tx *gorm.DB) error {
		// The account first: who waits for its row sees the revision of the faster
		// one and touches no held secret.
		if err := s.change(tx, updateAccount, w.Account); err != nil {
			return err
		}
		err := s.change(tx, holdAgain, args)
		if errors.Is(err, errNotNow) {
			err = s.change(tx, holdFirst, args)
		}
		return err
	})
	if err != nil || !done {
		return false, err
	}
	return true, s.alignCredentials(ctx, w.Account.AppID, w.Account.ConfigRev+1, w.Kinds)
}

// HeldSecrets reads the secrets of accounts that are still held, and the
// database clock of the reading; the clock is 0 where there are none.
func (s *Store) HeldSecrets(ctx context.Context, appIDs []string) ([]HeldSecret, int64, error) {
	var rows []struct {
		HeldSecret `gorm:"embedded"`
		NowMs      int64
	}
	err := s.query(ctx, "SELECT "+heldSecretColumns+", NOWMS AS now_ms FROM held_secret WHERE app_id IN ? AND until_ms > NOWMS ORDER BY app_id, role",
		appIDs).Scan(&rows).Error
	held, nowMs := make([]HeldSecret, 0, len(rows)), int64(0)
	for i := range rows {
		held, nowMs = append(held, rows[i].HeldSecret), rows[i].NowMs
	}
	return held, nowMs, wrap("read held AppSecrets", err)
}

// NoteSecretTest writes down what WeChat said of a held secret; false where it
// is no longer the one that was tested.
func (s *Store) NoteSecretTest(ctx context.Context, h HeldSecret) (bool, error) {
	h.TestText = cut(h.TestText, maxText)
	n, err := s.exec(ctx, "note the test of an AppSecret", `
UPDATE held_secret SET tested_ms=NOWMS, accepted=@Accepted, test_errcode=@TestErrcode, test_text=@TestText
WHERE app_id=@AppID AND role=@Role AND secret_enc=@SecretEnc`, h)
	return n > 0, err
}

// DropSecret forgets a held secret; false where there is none.
func (s *Store) DropSecret(ctx context.Context, appID, role string) (bool, error) {
	n, err := s.exec(ctx, "drop a "+role+" AppSecret", "DELETE FROM held_secret WHERE app_id=? AND role=?", appID, role)
	return n > 0, err
}

// PurgeSecrets forgets the held secrets whose time is over.
func (s *Store) PurgeSecrets(ctx context.Context) (int64, error) {
	return s.exec(ctx, "purge held AppSecrets", "DELETE FROM held_secret WHERE until_ms<=NOWMS")
}

// ResealHeldSecret is ResealSecret for a secret that is held.
func (s *Store) ResealHeldSecret(ctx context.Context, appID, role string, r Reseal) (bool, error) {
	n, err := s.exec(ctx, "seal the "+role+" AppSecret of "+appID+" anew",
		"UPDATE held_secret SET secret_enc=@Is, key_id=@KeyID WHERE app_id=@AppID AND role=@Kind AND secret_enc=@Was", r.args(appID, role))
	return n > 0, err
}

// DeleteAccount deletes a disabled account of the panel with all that belongs
// to it but its history; false where it has another revision, is enabled, or
// is the file's.
func (s *Store) DeleteAccount(ctx context.Context, appID string, rev int64) (bool, error) {
	n, err := s.exec(ctx, "delete account "+appID,
		"DELETE FROM account WHERE app_id=? AND config_rev=? AND enabled=0 AND origin=?", appID, rev, OriginPanel)
	if err != nil || n == 0 {
		return false, err
	}
	return true, s.ClearRemains(ctx, appID)
}

// ClearRemains deletes what belongs to those of the accounts, at most some
// hundred, that are not there: a process may have ended in the middle of
// DeleteAccount, and the next account of the same AppID must begin anew.
func (s *Store) ClearRemains(ctx context.Context, appIDs ...string) error {
	for _, table := range []string{"credential", "held_secret", "verify_file"} {
		_, err := s.exec(ctx, "delete the remains of accounts",
			"DELETE FROM "+table+" WHERE app_id IN ? AND NOT EXISTS (SELECT 1 FROM account a WHERE a.app_id="+table+".app_id)", appIDs)
		if err != nil {
			return err
		}
	}
	return nil
}
