-- +goose Up
CREATE TABLE IF NOT EXISTS sign_in_throttle (
  name_hash CHAR(64)    NOT NULL,  -- SHA-256 of the name: people type passwords into the wrong field
  network   VARCHAR(64) NOT NULL,  -- an address, or the /64 of an IPv6 one
  tries     INT         NOT NULL,  -- without a success between them
  until_ms  BIGINT      NOT NULL,  -- no further try before
  forget_ms BIGINT      NOT NULL,  -- counts as if it were not there from then on
  PRIMARY KEY (name_hash, network),
  KEY sign_in_throttle_forget (forget_ms)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE sign_in_throttle;
