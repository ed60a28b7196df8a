-- +goose Up
CREATE TABLE IF NOT EXISTS alert_duty (
  name     TEXT    NOT NULL PRIMARY KEY,   -- what one replica does for all
  holder   TEXT    NOT NULL DEFAULT '',
  until_ms INTEGER NOT NULL DEFAULT 0      -- then another one may take it
);

-- +goose Down
DROP TABLE alert_duty;
