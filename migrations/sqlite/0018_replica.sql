-- +goose Up
CREATE TABLE IF NOT EXISTS replica (
  name       TEXT    NOT NULL PRIMARY KEY,
  version    TEXT    NOT NULL,
  config     TEXT    NOT NULL,  -- what tells configurations apart, without telling them
  started_ms INTEGER NOT NULL,
  seen_ms    INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS replica_seen ON replica (seen_ms);

-- +goose Down
DROP TABLE replica;
