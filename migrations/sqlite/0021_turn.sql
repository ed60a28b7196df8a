-- +goose Up
CREATE TABLE IF NOT EXISTS turn (
  name TEXT    PRIMARY KEY,          -- what is done one after the other: 'audit', 'people'
  seq  INTEGER NOT NULL DEFAULT 0,   -- +1 per turn; 'audit': the number of the newest entry
  hash TEXT    NOT NULL DEFAULT ''   -- 'audit': that entry's
);

-- +goose Down
DROP TABLE turn;
