-- +goose Up
CREATE TABLE qa_report (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  app_id     TEXT    NOT NULL,
  profile    TEXT    NOT NULL,
  page_url   TEXT    NOT NULL,
  user_agent TEXT    NOT NULL,
  client     TEXT    NOT NULL,  -- android, ios, pc, wecom, browser
  verdict    TEXT    NOT NULL,  -- ok, failed
  detail     TEXT    NOT NULL,  -- JSON: the steps and their errMsg
  created_ms INTEGER NOT NULL
);
CREATE INDEX qa_report_account ON qa_report (app_id, id);

-- +goose Down
DROP TABLE qa_report;
