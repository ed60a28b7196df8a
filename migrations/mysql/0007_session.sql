-- +goose Up
CREATE TABLE IF NOT EXISTS session (
  token_hash VARCHAR(64)  NOT NULL,  -- of the cookie's value: a stolen table opens no session
  person_id  BIGINT       NOT NULL,
  epoch      BIGINT       NOT NULL,  -- the person's at sign-in; another one ends the session
  address    VARCHAR(64)  NOT NULL,
  user_agent VARCHAR(255) NOT NULL,
  created_ms BIGINT       NOT NULL,
  seen_ms    BIGINT       NOT NULL,
  idle_ms    BIGINT       NOT NULL,  -- ends then, unless it is used before
  ends_ms    BIGINT       NOT NULL,  -- ends then, whatever happens
  PRIMARY KEY (token_hash),
  KEY session_person (person_id),
  KEY session_idle (idle_ms)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE session;
