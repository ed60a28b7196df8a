-- +goose Up
CREATE TABLE IF NOT EXISTS history (
  id           BIGINT       NOT NULL AUTO_INCREMENT,
  attempt_id   CHAR(32)     NOT NULL,            -- one row per attempt
  publish_id   CHAR(32)     NULL,                -- set where the attempt published
  at_ms        BIGINT       NOT NULL,
  app_id       VARCHAR(96)  NOT NULL,
  kind         VARCHAR(16)  NOT NULL,
  version      BIGINT       NOT NULL,
  fence        BIGINT       NOT NULL,
  trigger_name VARCHAR(16)  NOT NULL,            -- startup, schedule, report, manual, probe, recovery
  actor        VARCHAR(191) NOT NULL,            -- replica, key name or person
  outcome      VARCHAR(16)  NOT NULL,            -- renewed, unchanged, failed, refused
  errcode      INT          NOT NULL DEFAULT 0,
  errmsg       VARCHAR(512) NOT NULL DEFAULT '',
  rid          VARCHAR(64)  NOT NULL DEFAULT '',
  latency_ms   BIGINT       NOT NULL DEFAULT 0,
  expires_ms   BIGINT       NOT NULL DEFAULT 0,
  fingerprint  CHAR(8)      NOT NULL DEFAULT '', -- first 8 hex of the value's SHA-256
  PRIMARY KEY (id),
  UNIQUE KEY history_attempt (attempt_id),
  UNIQUE KEY history_publish (publish_id),
  KEY history_at (at_ms, id),
  KEY history_account (app_id, at_ms, id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE history;
