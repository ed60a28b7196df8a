-- +goose Up
CREATE TABLE IF NOT EXISTS delivery (
  id         BIGINT       NOT NULL AUTO_INCREMENT,
  channel    VARCHAR(96)  NOT NULL,             -- who carries it: a webhook, mail, a robot
  event_id   VARCHAR(96)  NOT NULL,             -- one row per channel and event
  event_type VARCHAR(64)  NOT NULL,
  at_ms      BIGINT       NOT NULL,             -- when the event was
  body       TEXT         NOT NULL,             -- what is delivered; never a value or a secret
  state      VARCHAR(16)  NOT NULL,             -- pending, sent, failed
  attempts   INT          NOT NULL DEFAULT 0,
  fence      BIGINT       NOT NULL DEFAULT 0,   -- +1 per claim
  holder     VARCHAR(191) NOT NULL DEFAULT '',  -- of the newest claim
  next_ms    BIGINT       NOT NULL,             -- due from then on; a claim sets it to its end
  queued_ms  BIGINT       NOT NULL,             -- the time to give up counts from here
  created_ms BIGINT       NOT NULL,
  done_ms    BIGINT       NOT NULL DEFAULT 0,   -- sent or given up
  last_error VARCHAR(512) NOT NULL DEFAULT '',
  PRIMARY KEY (id),
  UNIQUE KEY delivery_event (channel, event_id),
  KEY delivery_due (state, channel, next_ms),
  KEY delivery_done (state, done_ms),
  KEY delivery_created (created_ms, id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE delivery;
