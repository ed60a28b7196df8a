-- +goose Up
ALTER TABLE qa_report
  ADD INDEX /*M! IF NOT EXISTS */ qa_report_verdict (verdict, id),
  ADD INDEX /*M! IF NOT EXISTS */ qa_report_client (client, id);

-- +goose Down
ALTER TABLE qa_report DROP INDEX qa_report_verdict, DROP INDEX qa_report_client;
