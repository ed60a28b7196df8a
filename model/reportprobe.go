package model

import (
	"context"
	"errors"
)

// Outcomes of the probe of a reported token; "" = it is not over yet.
const (
	ProbeAlive   = "alive"
	ProbeDead    = "dead"
	ProbeUnknown = "unknown" // WeChat's answer, or its absence, proves neither
)

// ReportProbe is a row of table report_probe: the newest question to WeChat
// whether a token that somebody reported is dead. All replicas share it.
type ReportProbe struct {
	AppID     string
	ValueHash string
	Owner     string // replica/attempt, unique per probe
	ClaimedMs int64
	Outcome   string
	Errcode   int
	Errmsg    string // for people; never with a secret in it
}

// ClaimReportProbe takes the account's probe for its owner, unless one was
// taken less than gapMs ago. A claim from far in the future is the trace of a
// clock that was set back. After an error the outcome is open: ask ReportProbe
// who has it.
func (s *Store) ClaimReportProbe(ctx context.Context, p ReportProbe, gapMs int64) (bool, error) {
	args := map[string]any{"AppID": p.AppID, "Hash": p.ValueHash, "Owner": p.Owner, "Gap": gapMs}
	n, err := s.exec(ctx, "claim the probe of a report", `
UPDATE report_probe SET value_hash=@Hash, owner=@Owner, claimed_ms=NOWMS, outcome='', errcode=0, errmsg=''
WHERE app_id=@AppID AND (claimed_ms<=NOWMS-@Gap OR claimed_ms>NOWMS+@Gap)`, args)
	if err != nil || n == 1 {
		return n == 1, err
	}
	_, err = s.exec(ctx, "claim the first probe of a report", `
INSERT INTO report_probe (app_id, value_hash, owner, claimed_ms) VALUES (@AppID, @Hash, @Owner, NOWMS)`, args)
	if errors.Is(err, ErrDuplicate) {
		return false, nil
	}
	return err == nil, err
}

// EndReportProbe tells everybody who waits what WeChat said. False means that
// the probe is no longer the owner's.
func (s *Store) EndReportProbe(ctx context.Context, p ReportProbe) (bool, error) {
	n, err := s.exec(ctx, "end the probe of a report", `
UPDATE report_probe SET outcome=@Outcome, errcode=@Errcode, errmsg=@Errmsg WHERE app_id=@AppID AND owner=@Owner`,
		map[string]any{"Outcome": p.Outcome, "Errcode": p.Errcode, "Errmsg": cut(p.Errmsg, maxText), "AppID": p.AppID, "Owner": p.Owner})
	return n == 1, err
}

// ReportProbe reads the newest probe of an account with the database clock, or
// ErrNotFound where there never was one.
func (s *Store) ReportProbe(ctx context.Context, appID string) (p ReportProbe, nowMs int64, err error) {
	var rows []struct {
		ReportProbe `gorm:"embedded"`
		NowMs       int64
	}
	err = s.query(ctx, `
SELECT app_id, value_hash, owner, claimed_ms, outcome, errcode, errmsg, NOWMS AS now_ms
FROM report_probe WHERE app_id=?`, appID).Scan(&rows).Error
	if err != nil {
		return ReportProbe{}, 0, wrap("read the probe of a report", err)
	}
	if len(rows) == 0 {
		return ReportProbe{}, 0, ErrNotFound
	}
	return rows[0].ReportProbe, rows[0].NowMs, nil
}
