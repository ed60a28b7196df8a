-- +goose Up
CREATE INDEX IF NOT EXISTS qa_report_verdict ON qa_report (verdict, id);
CREATE INDEX IF NOT EXISTS qa_report_client ON qa_report (client, id);

-- +goose Down
DROP INDEX qa_report_verdict;
DROP INDEX qa_report_client;
