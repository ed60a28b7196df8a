-- +goose Up
ALTER TABLE credential
  ADD COLUMN next_probe_ms    BIGINT   NOT NULL DEFAULT 0,  -- access_token: when to prove it alive; 0 = not planned yet
  ADD COLUMN probed_dead_hash CHAR(64) NOT NULL DEFAULT ''; -- value that a probe found dead

-- +goose Down
ALTER TABLE credential
  DROP COLUMN next_probe_ms,
  DROP COLUMN probed_dead_hash;
