-- +goose Up
CREATE TABLE IF NOT EXISTS alert_duty (
  name     VARCHAR(16)  NOT NULL,             -- what one replica does for all
  holder   VARCHAR(191) NOT NULL DEFAULT '',
  until_ms BIGINT       NOT NULL DEFAULT 0,   -- then another one may take it
  PRIMARY KEY (name)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE alert_duty;
