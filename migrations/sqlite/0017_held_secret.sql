-- +goose Up
CREATE TABLE IF NOT EXISTS held_secret (
  app_id       TEXT    NOT NULL,
  role         TEXT    NOT NULL,             -- 'next': entered, not used yet; 'previous': was used before
  secret_enc   BLOB    NOT NULL,             -- AppSecret, sealed
  key_id       TEXT    NOT NULL,             -- master key that sealed it
  actor        TEXT    NOT NULL,             -- who entered it, or replaced it by another
  made_ms      INTEGER NOT NULL,
  until_ms     INTEGER NOT NULL,             -- is dropped then
  tested_ms    INTEGER NOT NULL DEFAULT 0,   -- when WeChat was asked about it; 0 = never
  accepted     INTEGER NOT NULL DEFAULT 0,   -- WeChat gave a token for it
  test_errcode INTEGER NOT NULL DEFAULT 0,
  test_text    TEXT    NOT NULL DEFAULT '',
  PRIMARY KEY (app_id, role)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS held_secret_until ON held_secret (until_ms);

-- +goose Down
DROP TABLE held_secret;
