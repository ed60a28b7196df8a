-- +goose Up
CREATE TABLE IF NOT EXISTS replica (
  name       VARCHAR(191) NOT NULL,
  version    VARCHAR(64)  NOT NULL,
  config     VARCHAR(16)  NOT NULL,  -- what tells configurations apart, without telling them
  started_ms BIGINT       NOT NULL,
  seen_ms    BIGINT       NOT NULL,
  PRIMARY KEY (name),
  KEY replica_seen (seen_ms)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE replica;
