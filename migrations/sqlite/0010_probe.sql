-- +goose Up
ALTER TABLE credential ADD COLUMN next_probe_ms INTEGER NOT NULL DEFAULT 0;    -- access_token: when to prove it alive; 0 = not planned yet
ALTER TABLE credential ADD COLUMN probed_dead_hash TEXT NOT NULL DEFAULT '';   -- value that a probe found dead

-- +goose Down
ALTER TABLE credential DROP COLUMN next_probe_ms;
ALTER TABLE credential DROP COLUMN probed_dead_hash;
