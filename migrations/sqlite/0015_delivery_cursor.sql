-- +goose Up
CREATE TABLE delivery_cursor (
  channel  TEXT    NOT NULL,
  begin_ms INTEGER NOT NULL,  -- events before are none of the channel's
  at_ms    INTEGER NOT NULL,  -- events were looked for up to here
  PRIMARY KEY (channel)
) WITHOUT ROWID;

-- +goose Down
DROP TABLE delivery_cursor;
