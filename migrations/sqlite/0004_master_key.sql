-- +goose Up
CREATE TABLE master_key (
  key_id     TEXT    NOT NULL PRIMARY KEY,
  check_enc  BLOB    NOT NULL,  -- a known text sealed with the key: proves at the start that it is the right one
  created_ms INTEGER NOT NULL
) WITHOUT ROWID;

-- +goose Down
DROP TABLE master_key;
