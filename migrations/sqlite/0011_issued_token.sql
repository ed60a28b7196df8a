-- +goose Up
CREATE TABLE issued_token (
  value_hash TEXT    NOT NULL PRIMARY KEY,  -- SHA-256 of an access_token
  app_id     TEXT    NOT NULL,
  issued_ms  INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX issued_token_issued ON issued_token (issued_ms);

-- +goose Down
DROP TABLE issued_token;
