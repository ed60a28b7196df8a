-- +goose Up
CREATE TABLE sign_in_throttle (
  name_hash TEXT    NOT NULL,  -- SHA-256 of the name: people type passwords into the wrong field
  network   TEXT    NOT NULL,  -- an address, or the /64 of an IPv6 one
  tries     INTEGER NOT NULL,  -- without a success between them
  until_ms  INTEGER NOT NULL,  -- no further try before
  forget_ms INTEGER NOT NULL,  -- counts as if it were not there from then on
  PRIMARY KEY (name_hash, network)
) WITHOUT ROWID;
CREATE INDEX sign_in_throttle_forget ON sign_in_throttle (forget_ms);

-- +goose Down
DROP TABLE sign_in_throttle;
