package model

import (
	"context"
	"fmt"
	"strings"
)

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

// PageClient begins the client of a report that a page sent about itself.
const PageClient = "page "

// AddQAReport writes a report and drops the account's oldest beyond keep. Those of
// pages and those of the demo page are counted apart: everybody can send the
// former, and a flood of them must not push out what people have tested.
func (s *Store) AddQAReport(ctx context.Context, r QAReport, keep int) error {
	_, err := s.exec(ctx, "write a QA report", `
INSERT INTO qa_report (app_id, profile, page_url, user_agent, client, verdict, detail, created_ms)
VALUES (@AppID, @Profile, @PageURL, @UserAgent, @Client, @Verdict, @Detail, NOWMS)`, r)
	if err != nil {
		return err
	}
	same := "app_id = ? AND client NOT LIKE '" + PageClient + "%'"
	if strings.HasPrefix(r.Client, PageClient) {
		same = "app_id = ? AND client LIKE '" + PageClient + "%'"
	}
	var oldestKept []int64
	err = s.query(ctx, "SELECT id FROM qa_report WHERE "+same+" ORDER BY id DESC LIMIT 1 OFFSET ?", r.AppID, keep-1).Scan(&oldestKept).Error
	if err != nil || len(oldestKept) == 0 {
		return wrap("count QA reports", err)
	}
	_, err = s.exec(ctx, "drop old QA reports", "DELETE FROM qa_report WHERE "+same+" AND id < ?", r.AppID, oldestKept[0])
	return err
}

const qaColumns = "q.id, q.app_id, q.profile, q.page_url, q.user_agent, q.client, q.verdict, q.detail, q.created_ms"

// QAFilter says which reports are wanted; zero fields do not matter.
type QAFilter struct {
	AppID, Verdict, Client string
	UserAgent              string // is part of it, in any case
	FromMs                 int64  // this instant and later
	ToMs                   int64  // before this instant
}

// qaSearch bounds the reports that one page looks at.
const qaSearch = 5000

// QAReports reads at most limit reports that are older than the one with the
// given id (0 = the newest ones), newest first. next is where to go on, 0 at the
// end; with fewer reports than asked for, the search was cut short there.
func (s *Store) QAReports(ctx context.Context, f QAFilter, before int64, limit int) (rows []QAReport, next int64, err error) {
	where, rest := f.plan(before)
	var end []int64
	if len(rest.terms) > 0 {
		err = s.query(ctx, "SELECT q.id FROM qa_report q"+where.text()+" ORDER BY q.id DESC LIMIT 1 OFFSET ?",
			append(where.args, qaSearch-1)...).Scan(&end).Error
		if err != nil {
			return nil, 0, wrap("search QA reports", err)
		}
		where.add(rest.terms, rest.args...)
		if len(end) > 0 {
			where.add([]string{"q.id >= ?"}, end[0])
		}
	}
	err = s.query(ctx, "SELECT "+qaColumns+" FROM qa_report q"+where.text()+" ORDER BY q.id DESC LIMIT ?",
		append(where.args, limit+1)...).Scan(&rows).Error
	switch {
	case err != nil:
		return nil, 0, wrap("read QA reports", err)
	case len(rows) > limit:
		return rows[:limit], rows[limit-1].ID, nil
	case len(end) > 0:
		return rows, end[0], nil
	}
	return rows, 0, nil
}

// plan parts a filter: what an index answers that is in the order of ids, and
// what each report is looked at for.
func (f QAFilter) plan(before int64) (where, rest conditions) {
	if before > 0 {
		where.add([]string{"q.id < ?"}, before)
	}
	into := &where
	for _, c := range []struct{ term, value string }{{"q.app_id = ?", f.AppID}, {"q.verdict = ?", f.Verdict}, {"q.client = ?", f.Client}} {
		if c.value != "" {
			into.add([]string{c.term}, c.value)
			into = &rest
		}
	}
	if f.UserAgent != "" {
		rest.add([]string{"LOWER(q.user_agent) LIKE ? ESCAPE '!'"}, "%"+likeText(strings.ToLower(f.UserAgent))+"%")
	}
	if f.FromMs > 0 {
		rest.add([]string{"q.created_ms >= ?"}, f.FromMs)
	}
	if f.ToMs > 0 {
		rest.add([]string{"q.created_ms < ?"}, f.ToMs)
	}
	return where, rest
}

// likeText makes a text mean itself in LIKE … ESCAPE '!'.
func likeText(text string) string {
	return strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(text)
}

// QAReport reads one report, or fails with ErrNotFound.
func (s *Store) QAReport(ctx context.Context, id int64) (QAReport, error) {
	var rows []QAReport
	err := s.query(ctx, "SELECT "+qaColumns+" FROM qa_report q WHERE q.id = ?", id).Scan(&rows).Error
	if err != nil {
		return QAReport{}, wrap("read a QA report", err)
	}
	if len(rows) == 0 {
		return QAReport{}, fmt.Errorf("QA report: %w", ErrNotFound)
	}
	return rows[0], nil
}
