-- +goose Up
CREATE TABLE audit (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms      INTEGER NOT NULL,
  actor      TEXT    NOT NULL,  -- person, key name, or 'command line'
  address    TEXT    NOT NULL,  -- where the actor was; '' = on the machine itself
  action     TEXT    NOT NULL,
  target     TEXT    NOT NULL,  -- what it was done to
  request_id TEXT    NOT NULL
);
CREATE INDEX audit_at ON audit (at_ms, id);

-- +goose Down
DROP TABLE audit;
