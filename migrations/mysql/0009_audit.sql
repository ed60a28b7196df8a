-- +goose Up
CREATE TABLE IF NOT EXISTS audit (
  id         BIGINT       NOT NULL AUTO_INCREMENT,
  at_ms      BIGINT       NOT NULL,
  actor      VARCHAR(191) NOT NULL,  -- person, key name, or 'command line'
  address    VARCHAR(64)  NOT NULL,  -- where the actor was; '' = on the machine itself
  action     VARCHAR(64)  NOT NULL,
  target     VARCHAR(191) NOT NULL,  -- what it was done to
  request_id VARCHAR(64)  NOT NULL,
  PRIMARY KEY (id),
  KEY audit_at (at_ms, id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE audit;
