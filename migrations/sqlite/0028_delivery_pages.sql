-- +goose Up
CREATE INDEX IF NOT EXISTS delivery_state ON delivery (state, created_ms, id);
CREATE INDEX IF NOT EXISTS delivery_channel ON delivery (channel, state, created_ms, id);

-- +goose Down
DROP INDEX delivery_state;
DROP INDEX delivery_channel;
