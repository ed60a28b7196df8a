-- +goose Up
CREATE TABLE IF NOT EXISTS master_key (
  key_id     CHAR(8)       NOT NULL,
  check_enc  VARBINARY(255) NOT NULL,  -- a known text sealed with the key: proves at the start that it is the right one
  created_ms BIGINT        NOT NULL,
  PRIMARY KEY (key_id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE master_key;
