-- +goose Up
CREATE TABLE history (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  attempt_id   TEXT    NOT NULL,            -- one row per attempt
  publish_id   TEXT    NULL,                -- set where the attempt published
  at_ms        INTEGER NOT NULL,
  app_id       TEXT    NOT NULL,
  kind         TEXT    NOT NULL,
  version      INTEGER NOT NULL,
  fence        INTEGER NOT NULL,
  trigger_name TEXT    NOT NULL,            -- startup, schedule, report, manual, probe, recovery
  actor        TEXT    NOT NULL,            -- replica, key name or person
  outcome      TEXT    NOT NULL,            -- renewed, unchanged, failed, refused
  errcode      INTEGER NOT NULL DEFAULT 0,
  errmsg       TEXT    NOT NULL DEFAULT '',
  rid          TEXT    NOT NULL DEFAULT '',
  latency_ms   INTEGER NOT NULL DEFAULT 0,
  expires_ms   INTEGER NOT NULL DEFAULT 0,
  fingerprint  TEXT    NOT NULL DEFAULT ''  -- first 8 hex of the value's SHA-256
);
CREATE UNIQUE INDEX history_attempt ON history (attempt_id);
CREATE UNIQUE INDEX history_publish ON history (publish_id);
CREATE INDEX history_at ON history (at_ms, id);
CREATE INDEX history_account ON history (app_id, at_ms, id);

-- +goose Down
DROP TABLE history;
