-- +goose Up
-- When the first attempt was begun whose outcome nobody knows; 0 = there is none.
ALTER TABLE credential ADD COLUMN asked_ms INTEGER NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE credential DROP COLUMN asked_ms;
