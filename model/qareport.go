package model

import "context"

// QAReport is a row of table qa_report: what a demo page found on a device.
type QAReport struct {
	ID        int64
	AppID     string
	Profile   string
	PageURL   string
	UserAgent string
	Client    string
	Verdict   string
	Detail    string
	CreatedMs int64
}

// AddQAReport writes a report and drops the account's oldest beyond keep.
func (s *Store) AddQAReport(ctx context.Context, r QAReport, keep int) error {
	_, err := s.exec(ctx, "write a QA report", `
INSERT INTO qa_report (app_id, profile, page_url, user_agent, client, verdict, detail, created_ms)
VALUES (@AppID, @Profile, @PageURL, @UserAgent, @Client, @Verdict, @Detail, NOWMS)`, r)
	if err != nil {
		return err
	}
	var oldestKept []int64
	err = s.query(ctx, "SELECT id FROM qa_report WHERE app_id = ? ORDER BY id DESC LIMIT 1 OFFSET ?", r.AppID, keep-1).Scan(&oldestKept).Error
	if err != nil || len(oldestKept) == 0 {
		return wrap("count QA reports", err)
	}
	_, err = s.exec(ctx, "drop old QA reports", "DELETE FROM qa_report WHERE app_id = ? AND id < ?", r.AppID, oldestKept[0])
	return err
}

// QAReports reads the newest reports of an account, newest first.
func (s *Store) QAReports(ctx context.Context, appID string, limit int) ([]QAReport, error) {
	var rows []QAReport
	err := s.query(ctx, `
SELECT id, app_id, profile, page_url, user_agent, client, verdict, detail, created_ms
FROM qa_report WHERE app_id = ? ORDER BY id DESC LIMIT ?`, appID, limit).Scan(&rows).Error
	return rows, wrap("read QA reports", err)
}
