-- +goose Up
INSERT OR IGNORE INTO turn (name) VALUES ('audit'), ('people');

-- +goose Down
DELETE FROM turn;
