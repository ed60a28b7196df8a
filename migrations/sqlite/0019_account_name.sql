-- +goose Up
CREATE INDEX IF NOT EXISTS account_name ON account (name);

-- +goose Down
DROP INDEX account_name;
