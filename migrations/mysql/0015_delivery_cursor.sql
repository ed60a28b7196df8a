-- +goose Up
CREATE TABLE IF NOT EXISTS delivery_cursor (
  channel  VARCHAR(96) NOT NULL,
  begin_ms BIGINT      NOT NULL,  -- events before are none of the channel's
  at_ms    BIGINT      NOT NULL,  -- events were looked for up to here
  PRIMARY KEY (channel)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE delivery_cursor;
