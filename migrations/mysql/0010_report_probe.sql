-- +goose Up
CREATE TABLE IF NOT EXISTS report_probe (
  app_id     VARCHAR(96)  NOT NULL,
  value_hash CHAR(64)     NOT NULL,             -- SHA-256 of the access_token that somebody reported as dead
  owner      VARCHAR(191) NOT NULL,             -- replica/attempt that asks WeChat about it
  claimed_ms BIGINT       NOT NULL,
  outcome    VARCHAR(16)  NOT NULL DEFAULT '',  -- alive, dead, unknown; '' = not over yet
  errcode    INT          NOT NULL DEFAULT 0,
  errmsg     VARCHAR(512) NOT NULL DEFAULT '',
  PRIMARY KEY (app_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE report_probe;
