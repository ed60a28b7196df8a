-- +goose Up
ALTER TABLE delivery
  ADD INDEX /*M! IF NOT EXISTS */ delivery_state (state, created_ms, id),
  ADD INDEX /*M! IF NOT EXISTS */ delivery_channel (channel, state, created_ms, id);

-- +goose Down
ALTER TABLE delivery DROP INDEX delivery_state, DROP INDEX delivery_channel;
