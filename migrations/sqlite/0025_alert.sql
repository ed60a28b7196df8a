-- +goose Up
CREATE TABLE IF NOT EXISTS alert (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id   TEXT    NOT NULL,             -- what its messages are known by
  alert_key  TEXT    NOT NULL,             -- the trouble: condition, account, kind, replica
  open_key   TEXT    NULL,                 -- = alert_key while open, NULL when cleared: one open alert per trouble
  name       TEXT    NOT NULL,             -- the condition
  severity   TEXT    NOT NULL,             -- warning, critical
  app_id     TEXT    NOT NULL DEFAULT '',
  kind       TEXT    NOT NULL DEFAULT '',
  replica    TEXT    NOT NULL DEFAULT '',  -- whose own trouble it is, '' = that of all
  facts      TEXT    NOT NULL,             -- JSON: what its text is made of; never a value or a secret
  since_ms   INTEGER NOT NULL,             -- when the trouble began
  raised_ms  INTEGER NOT NULL,
  absent_ms  INTEGER NOT NULL DEFAULT 0,   -- since when the trouble is not seen any more, 0 = it is
  calm_ms    INTEGER NOT NULL,             -- for how long it must not be seen to be over
  cleared_ms INTEGER NOT NULL DEFAULT 0,
  acked_ms   INTEGER NOT NULL DEFAULT 0,   -- a person has it in hand
  acked_by   TEXT    NOT NULL DEFAULT '',
  ack_note   TEXT    NOT NULL DEFAULT '',
  tell       INTEGER NOT NULL DEFAULT 0,   -- 1 = that it is raised is to be told, 2 = that it is over
  told_ms    INTEGER NOT NULL DEFAULT 0    -- when it was told last that it is raised
);
CREATE UNIQUE INDEX IF NOT EXISTS alert_open ON alert (open_key);
CREATE INDEX IF NOT EXISTS alert_key ON alert (alert_key, cleared_ms);
CREATE INDEX IF NOT EXISTS alert_cleared ON alert (cleared_ms, id);
CREATE INDEX IF NOT EXISTS alert_tell ON alert (tell, id);

-- +goose Down
DROP TABLE alert;
