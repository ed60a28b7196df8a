package model

import (
	"context"
	"maps"
	"strings"
)

// Grant names one claim on one credential row: who holds it, and by which
// fence the database knows it. Every write of the holder is guarded by it.
type Grant struct {
	AppID     string
	Kind      string
	Owner     string // replica/attempt, unique per attempt
	Version   int64  // version the row had when it was read
	Fence     int64  // fence the row had when it was read; the claim makes it Fence+1
	ConfigRev int64
	AskedMs   int64 // what the row said when it was read; Fail and ReleaseUnused put it back
}

// Claim tries to take the row for leaseMs milliseconds of database time. It
// wins only if the row is still as it was read, is due, and nobody holds it: a
// compare-and-swap in one statement by primary key. The row notes the instant as
// asked_ms, unless an attempt since the last value left one behind. ErrNotApplied may be tried
// again; after any other error the outcome is open, ask Holds.
func (s *Store) Claim(ctx context.Context, g Grant, leaseMs int64) (bool, error) {
	n, err := s.exec(ctx, "claim "+g.Kind, `
UPDATE credential SET fence=fence+1, lease_owner=@Owner, lease_until_ms=NOWMS+@Lease,
  asked_ms=CASE WHEN asked_ms=0 OR asked_ms<issued_ms THEN NOWMS ELSE asked_ms END
WHERE app_id=@AppID AND kind=@Kind AND version=@Version AND fence=@Fence AND config_rev=@ConfigRev
  AND next_refresh_ms<=NOWMS AND (lease_until_ms<=NOWMS OR lease_until_ms>NOWMS+@Absurd)`,
		g.args(map[string]any{"Lease": leaseMs, "Absurd": LeaseSlack * leaseMs}))
	return n == 1, err
}

// Holds reads back whether a claim whose answer was lost did happen.
func (s *Store) Holds(ctx context.Context, g Grant) (bool, error) {
	var n int64
	err := s.query(ctx, `
SELECT COUNT(*) FROM credential WHERE app_id=@AppID AND kind=@Kind AND fence=@Fence + 1 AND lease_owner=@Owner`,
		g.args(nil)).Scan(&n).Error
	return n == 1, wrap("read back the claim of "+g.Kind, err)
}

// Release gives a claim back; the row is as due as before. What WeChat may have
// issued to it stays noted.
func (s *Store) Release(ctx context.Context, g Grant) (bool, error) {
	n, err := s.exec(ctx, "release "+g.Kind, `
UPDATE credential SET lease_owner='', lease_until_ms=0
WHERE app_id=@AppID AND kind=@Kind AND fence=@Fence + 1 AND lease_owner=@Owner`, g.args(nil))
	return n == 1, err
}

// ReleaseUnused gives a claim back under which WeChat issued nothing: it was not
// asked, or said so.
func (s *Store) ReleaseUnused(ctx context.Context, g Grant) (bool, error) {
	n, err := s.exec(ctx, "release unused "+g.Kind, `
UPDATE credential SET lease_owner='', lease_until_ms=0, asked_ms=@AskedMs
WHERE app_id=@AppID AND kind=@Kind AND fence=@Fence + 1 AND lease_owner=@Owner`, g.args(nil))
	return n == 1, err
}

// Publication is a new value for a claimed row. Instants are Unix milliseconds
// of the database's clock.
type Publication struct {
	PublishID     string
	ValueEnc      []byte
	KeyID         string
	ValueHash     string
	IssuedMs      int64 // when the request was sent
	ExpiresMs     int64
	LifeMs        int64 // expires_in as WeChat said it
	BirthKnown    bool
	NextRefreshMs int64
}

// Publish makes the value the next version and ends the claim. False means
// that the claim is no longer ours, or that this publication is in already:
// ask Published where the difference matters. After an error the outcome is
// open; the same call may be repeated, it cannot take effect twice.
func (s *Store) Publish(ctx context.Context, g Grant, p Publication) (bool, error) {
	n, err := s.exec(ctx, "publish "+g.Kind, `
UPDATE credential SET version=version+1, publish_id=@PublishID, published_by=@Owner, value_enc=@ValueEnc, key_id=@KeyID,
  value_hash=@ValueHash, dead_hash='', issued_ms=@IssuedMs, expires_ms=@ExpiresMs,
  longest_life_ms=CASE WHEN longest_life_ms<@LifeMs THEN @LifeMs ELSE longest_life_ms END,
  birth_known=@BirthKnown, next_refresh_ms=@NextRefreshMs, lease_owner='', lease_until_ms=0, asked_ms=0, updated_ms=NOWMS,
  fail_count=0, fail_errcode=0, fail_text=''
WHERE app_id=@AppID AND kind=@Kind AND fence=@Fence + 1 AND lease_owner=@Owner AND version=@Version AND config_rev=@ConfigRev`,
		g.args(map[string]any{
			"PublishID": p.PublishID, "ValueEnc": p.ValueEnc, "KeyID": p.KeyID, "ValueHash": p.ValueHash,
			"IssuedMs": p.IssuedMs, "ExpiresMs": p.ExpiresMs, "LifeMs": p.LifeMs, "BirthKnown": p.BirthKnown,
			"NextRefreshMs": p.NextRefreshMs,
		}))
	return n == 1, err
}

// Published reads back whether a publication whose answer was lost is in.
func (s *Store) Published(ctx context.Context, g Grant, publishID string) (bool, error) {
	var n int64
	err := s.query(ctx, `
SELECT COUNT(*) FROM credential WHERE app_id=? AND kind=? AND publish_id=?`, g.AppID, g.Kind, publishID).Scan(&n).Error
	return n == 1, wrap("read back the publish of "+g.Kind, err)
}

// Unchanged notes that WeChat gave the same value again, and ends the claim.
// expiresMs must not lie behind the stored expiry. A value that was called dead
// while the call was under way is due again at once.
func (s *Store) Unchanged(ctx context.Context, g Grant, expiresMs, nextRefreshMs int64) (bool, error) {
	n, err := s.exec(ctx, "note unchanged "+g.Kind, `
UPDATE credential SET expires_ms=@ExpiresMs, lease_owner='', lease_until_ms=0, asked_ms=0,
  next_refresh_ms=CASE WHEN dead_hash<>'' AND dead_hash=value_hash THEN NOWMS ELSE @NextRefreshMs END,
  updated_ms=NOWMS, fail_count=0, fail_errcode=0, fail_text=''
WHERE app_id=@AppID AND kind=@Kind AND fence=@Fence + 1 AND lease_owner=@Owner AND version=@Version AND config_rev=@ConfigRev`,
		g.args(map[string]any{"ExpiresMs": expiresMs, "NextRefreshMs": nextRefreshMs}))
	return n == 1, err
}

// Failure is why an attempt brought no value.
type Failure struct {
	Errcode   int
	Text      string // for administrators; never with a secret in it
	BackoffMs int64
	Unissued  bool // it is known that WeChat gave nothing: it said so, or was not asked
}

// Fail ends the claim and parks the row for the back-off. The stored value is
// not touched: it is served to its true end.
func (s *Store) Fail(ctx context.Context, g Grant, f Failure) (bool, error) {
	n, err := s.exec(ctx, "note failed "+g.Kind, `
UPDATE credential SET lease_owner='', lease_until_ms=0, next_refresh_ms=NOWMS+@Backoff, updated_ms=NOWMS,
  fail_count=fail_count+1, fail_errcode=@Errcode, fail_text=@Text,
  asked_ms=CASE WHEN @Unissued THEN @AskedMs ELSE asked_ms END
WHERE app_id=@AppID AND kind=@Kind AND fence=@Fence + 1 AND lease_owner=@Owner`,
		g.args(map[string]any{"Backoff": f.BackoffMs, "Errcode": f.Errcode, "Text": cut(f.Text, maxText), "Unissued": f.Unissued}))
	return n == 1, err
}

// ForceBudget limits force refreshes of a stable token.
type ForceBudget struct {
	Day   int   // today in Beijing, yyyymmdd
	Limit int   // at most so many a day
	GapMs int64 // at least so long apart
}

// SpendForce takes one force refresh from the day's budget before it is used,
// so that a crash can lose one but never overspend. False: none left, or too
// soon after the last. A last one in the future is the trace of a clock that was
// set back, here and in MarkDead.
func (s *Store) SpendForce(ctx context.Context, g Grant, b ForceBudget) (bool, error) {
	// force_count before force_day: MySQL assigns from left to right.
	n, err := s.exec(ctx, "spend a force refresh", `
UPDATE credential SET force_count=CASE WHEN force_day=@Day THEN force_count+1 ELSE 1 END, force_day=@Day, force_ms=NOWMS
WHERE app_id=@AppID AND kind=@Kind AND fence=@Fence + 1 AND lease_owner=@Owner
  AND (force_day<>@Day OR force_count<@Limit) AND (force_ms<=NOWMS-@Gap OR force_ms>NOWMS+@Gap)`,
		g.args(map[string]any{"Day": b.Day, "Limit": b.Limit, "Gap": b.GapMs}))
	return n == 1, err
}

// MarkDead notes that WeChat refused this very value before its time and makes
// the row due, unless its renewal is failing: then the back-off stays. It
// changes nothing where the value is no longer current, is younger than
// minAgeMs, or is marked already.
func (s *Store) MarkDead(ctx context.Context, appID, kind, valueHash string, minAgeMs int64) (bool, error) {
	n, err := s.exec(ctx, "mark "+kind+" as dead", `
UPDATE credential SET dead_hash=@Hash, updated_ms=NOWMS, next_refresh_ms=CASE WHEN fail_count=0 THEN NOWMS ELSE next_refresh_ms END
WHERE app_id=@AppID AND kind=@Kind AND value_hash=@Hash AND dead_hash<>@Hash
  AND (issued_ms<NOWMS-@MinAge OR issued_ms>NOWMS+@MinAge)`,
		map[string]any{"AppID": appID, "Kind": kind, "Hash": valueHash, "MinAge": minAgeMs})
	return n == 1, err
}

// Heal puts a newer value that this process still holds back into a database
// that has lost it (a failover or a restore). It succeeds only while the row
// still has the version given and an older value.
func (s *Store) Heal(ctx context.Context, g Grant, p Publication) (bool, error) {
	n, err := s.exec(ctx, "heal "+g.Kind, `
UPDATE credential SET version=version+1, publish_id=@PublishID, published_by=@Owner, value_enc=@ValueEnc, key_id=@KeyID,
  value_hash=@ValueHash, dead_hash='', issued_ms=@IssuedMs, expires_ms=@ExpiresMs, next_refresh_ms=@NextRefreshMs,
  asked_ms=CASE WHEN asked_ms<@IssuedMs THEN 0 ELSE asked_ms END,
  fence=fence+1, lease_owner='', lease_until_ms=0, updated_ms=NOWMS
WHERE app_id=@AppID AND kind=@Kind AND version=@Version AND fence=@Fence AND issued_ms<@IssuedMs AND lease_until_ms<=NOWMS`,
		g.args(map[string]any{
			"PublishID": p.PublishID, "ValueEnc": p.ValueEnc, "KeyID": p.KeyID, "ValueHash": p.ValueHash,
			"IssuedMs": p.IssuedMs, "ExpiresMs": p.ExpiresMs, "NextRefreshMs": p.NextRefreshMs,
		}))
	return n == 1, err
}

// maxText is the length of fail_text and errmsg columns in characters.
const maxText = 512

// cut shortens a text to what its column takes, and mends what is not UTF-8:
// WeChat's errmsg is stored as it came, and MariaDB in strict mode refuses the
// whole row for one bad byte.
func cut(text string, most int) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	n := 0
	for i := range text {
		if n == most {
			return text[:i]
		}
		n++
	}
	return text
}

// args are the named parameters of a statement about this grant.
func (g Grant) args(more map[string]any) map[string]any {
	args := map[string]any{
		"AppID": g.AppID, "Kind": g.Kind, "Owner": g.Owner,
		"Version": g.Version, "Fence": g.Fence, "ConfigRev": g.ConfigRev, "AskedMs": g.AskedMs,
	}
	maps.Copy(args, more)
	return args
}
