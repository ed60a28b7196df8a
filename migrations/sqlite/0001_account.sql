-- +goose Up
CREATE TABLE account (
  app_id     TEXT    NOT NULL PRIMARY KEY,
  name       TEXT    NOT NULL,
  platform   TEXT    NOT NULL,
  origin     TEXT    NOT NULL,            -- 'file' or 'panel': who may edit it
  enabled    INTEGER NOT NULL DEFAULT 1,
  secret_enc BLOB    NOT NULL,            -- AppSecret, sealed
  key_id     TEXT    NOT NULL,            -- master key that sealed it
  token_mode TEXT    NOT NULL,            -- 'stable' or 'classic'
  tickets    TEXT    NOT NULL,            -- JSON list of kinds
  domains    TEXT    NOT NULL,            -- JSON list of patterns
  allow_http INTEGER NOT NULL DEFAULT 0,
  profiles   TEXT    NOT NULL,            -- JSON object
  config_rev INTEGER NOT NULL DEFAULT 1,  -- +1 per edit that renewals must see
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX account_updated ON account (updated_ms);

-- +goose Down
DROP TABLE account;
