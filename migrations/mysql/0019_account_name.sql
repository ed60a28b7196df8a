-- +goose Up
CREATE INDEX account_name ON account (name);

-- +goose Down
DROP INDEX account_name ON account;
