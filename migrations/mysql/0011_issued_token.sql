-- +goose Up
CREATE TABLE IF NOT EXISTS issued_token (
  value_hash CHAR(64)    NOT NULL,  -- SHA-256 of an access_token
  app_id     VARCHAR(96) NOT NULL,
  issued_ms  BIGINT      NOT NULL,
  PRIMARY KEY (value_hash),
  KEY issued_token_issued (issued_ms)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE issued_token;
