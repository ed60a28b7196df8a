-- +goose Up
CREATE TABLE IF NOT EXISTS account (
  app_id     VARCHAR(96)    NOT NULL,
  name       VARCHAR(191)   NOT NULL,
  platform   VARCHAR(32)    NOT NULL,
  origin     VARCHAR(16)    NOT NULL,            -- 'file' or 'panel': who may edit it
  enabled    TINYINT        NOT NULL DEFAULT 1,
  secret_enc VARBINARY(2048) NOT NULL,           -- AppSecret, sealed
  key_id     CHAR(8)        NOT NULL,            -- master key that sealed it
  token_mode VARCHAR(16)    NOT NULL,            -- 'stable' or 'classic'
  tickets    TEXT           NOT NULL,            -- JSON list of kinds
  domains    TEXT           NOT NULL,            -- JSON list of patterns
  allow_http TINYINT        NOT NULL DEFAULT 0,
  profiles   TEXT           NOT NULL,            -- JSON object
  config_rev BIGINT         NOT NULL DEFAULT 1,  -- +1 per edit that renewals must see
  created_ms BIGINT         NOT NULL,
  updated_ms BIGINT         NOT NULL,
  PRIMARY KEY (app_id),
  KEY account_updated (updated_ms)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE account;
