package model

import "context"

// ResealSecret replaces the envelope of an account's AppSecret by one of the
// same secret under another master key. It compares the whole old envelope:
// false means that somebody changed the secret meanwhile, read again. Nothing
// that followers look for moves.
func (s *Store) ResealSecret(ctx context.Context, appID string, r Reseal) (bool, error) {
	n, err := s.exec(ctx, "seal the AppSecret of "+appID+" anew",
		"UPDATE account SET secret_enc=@Is, key_id=@KeyID WHERE app_id=@AppID AND secret_enc=@Was", r.args(appID, ""))
	return n > 0, err
}

// ResealValue is ResealSecret for a credential's value.
func (s *Store) ResealValue(ctx context.Context, appID, kind string, r Reseal) (bool, error) {
	n, err := s.exec(ctx, "seal the "+kind+" of "+appID+" anew",
		"UPDATE credential SET value_enc=@Is, key_id=@KeyID WHERE app_id=@AppID AND kind=@Kind AND value_enc=@Was", r.args(appID, kind))
	return n > 0, err
}

// Reseal is an envelope and the one that takes its place.
type Reseal struct {
	Was, Is []byte
	KeyID   string // master key that sealed Is
}

func (r Reseal) args(appID, kind string) map[string]any {
	return map[string]any{"AppID": appID, "Kind": kind, "Was": r.Was, "Is": r.Is, "KeyID": r.KeyID}
}

// ForgetKeyChecks drops the rows of all master keys but one, when nothing in
// the database is sealed with them any more: a process that has only an old key
// then stops at its start.
func (s *Store) ForgetKeyChecks(ctx context.Context, keepID string) error {
	_, err := s.exec(ctx, "drop the checks of old master keys", "DELETE FROM master_key WHERE key_id<>?", keepID)
	return err
}
