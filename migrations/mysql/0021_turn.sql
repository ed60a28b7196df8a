-- +goose Up
CREATE TABLE IF NOT EXISTS turn (
  name VARCHAR(16) NOT NULL,             -- what is done one after the other: 'audit', 'people'
  seq  BIGINT      NOT NULL DEFAULT 0,   -- +1 per turn; 'audit': the number of the newest entry
  hash CHAR(64)    NOT NULL DEFAULT '',  -- 'audit': that entry's
  PRIMARY KEY (name)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE turn;
