-- +goose Up
CREATE TABLE IF NOT EXISTS person (
  id                BIGINT       NOT NULL AUTO_INCREMENT,
  name              VARCHAR(64)  NOT NULL,
  role              VARCHAR(16)  NOT NULL,            -- 'admin' or 'viewer'
  enabled           TINYINT      NOT NULL DEFAULT 1,
  password_hash     VARCHAR(191) NOT NULL,            -- argon2id, PHC string; '' = nothing matches
  password_until_ms BIGINT       NOT NULL DEFAULT 0,  -- end of a one-time password; 0 = none
  must_change       TINYINT      NOT NULL DEFAULT 0,  -- signs in only to choose a password
  epoch             BIGINT       NOT NULL DEFAULT 1,  -- +1 ends all sessions of the person
  created_ms        BIGINT       NOT NULL,
  updated_ms        BIGINT       NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY person_name (name)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE person;
