-- +goose Up
CREATE TABLE person (
  id                INTEGER PRIMARY KEY AUTOINCREMENT,
  name              TEXT    NOT NULL,
  role              TEXT    NOT NULL,            -- 'admin' or 'viewer'
  enabled           INTEGER NOT NULL DEFAULT 1,
  password_hash     TEXT    NOT NULL,            -- argon2id, PHC string; '' = nothing matches
  password_until_ms INTEGER NOT NULL DEFAULT 0,  -- end of a one-time password; 0 = none
  must_change       INTEGER NOT NULL DEFAULT 0,  -- signs in only to choose a password
  epoch             INTEGER NOT NULL DEFAULT 1,  -- +1 ends all sessions of the person
  created_ms        INTEGER NOT NULL,
  updated_ms        INTEGER NOT NULL
);
CREATE UNIQUE INDEX person_name ON person (name);

-- +goose Down
DROP TABLE person;
