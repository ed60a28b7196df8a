-- +goose Up
CREATE TABLE report_probe (
  app_id     TEXT    NOT NULL PRIMARY KEY,
  value_hash TEXT    NOT NULL,             -- SHA-256 of the access_token that somebody reported as dead
  owner      TEXT    NOT NULL,             -- replica/attempt that asks WeChat about it
  claimed_ms INTEGER NOT NULL,
  outcome    TEXT    NOT NULL DEFAULT '',  -- alive, dead, unknown; '' = not over yet
  errcode    INTEGER NOT NULL DEFAULT 0,
  errmsg     TEXT    NOT NULL DEFAULT ''
) WITHOUT ROWID;

-- +goose Down
DROP TABLE report_probe;
