-- +goose Up
CREATE TABLE delivery (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  channel    TEXT    NOT NULL,             -- who carries it: a webhook, mail, a robot
  event_id   TEXT    NOT NULL,             -- one row per channel and event
  event_type TEXT    NOT NULL,
  at_ms      INTEGER NOT NULL,             -- when the event was
  body       TEXT    NOT NULL,             -- what is delivered; never a value or a secret
  state      TEXT    NOT NULL,             -- pending, sent, failed
  attempts   INTEGER NOT NULL DEFAULT 0,
  fence      INTEGER NOT NULL DEFAULT 0,   -- +1 per claim
  holder     TEXT    NOT NULL DEFAULT '',  -- of the newest claim
  next_ms    INTEGER NOT NULL,             -- due from then on; a claim sets it to its end
  queued_ms  INTEGER NOT NULL,             -- the time to give up counts from here
  created_ms INTEGER NOT NULL,
  done_ms    INTEGER NOT NULL DEFAULT 0,   -- sent or given up
  last_error TEXT    NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX delivery_event ON delivery (channel, event_id);
CREATE INDEX delivery_due ON delivery (state, channel, next_ms);
CREATE INDEX delivery_done ON delivery (state, done_ms);
CREATE INDEX delivery_created ON delivery (created_ms, id);

-- +goose Down
DROP TABLE delivery;
