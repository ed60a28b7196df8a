-- +goose Up
INSERT IGNORE INTO turn (name) VALUES ('audit'), ('people');

-- +goose Down
DELETE FROM turn;
