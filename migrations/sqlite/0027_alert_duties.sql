-- +goose Up
INSERT OR IGNORE INTO alert_duty (name) VALUES ('look');

-- +goose Down
DELETE FROM alert_duty;
