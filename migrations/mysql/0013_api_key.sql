-- +goose Up
CREATE TABLE IF NOT EXISTS api_key (
  id           CHAR(10)     NOT NULL,  -- what people call it by; tells nothing of the key
  name         VARCHAR(64)  NOT NULL,  -- of the program that holds it
  slot         TINYINT      NULL,      -- 1 or 2: a name has two live keys at most; NULL = not live
  key_hash     CHAR(64)     NOT NULL,  -- SHA-256 of the key, which is nowhere
  scopes       TEXT         NOT NULL,  -- JSON list
  accounts     TEXT         NOT NULL,  -- JSON list of app_ids; ["*"] = all
  cidrs        TEXT         NOT NULL,  -- JSON list; empty = from every address
  rev          BIGINT       NOT NULL,  -- +1 per change that matters to who may enter
  created_ms   BIGINT       NOT NULL,
  created_by   VARCHAR(191) NOT NULL,
  expires_ms   BIGINT       NOT NULL,  -- 0 = does not
  revoked_ms   BIGINT       NOT NULL,  -- 0 = is not
  used_ms      BIGINT       NOT NULL,  -- last, exact to a minute; 0 = never
  used_address VARCHAR(64)  NOT NULL,
  PRIMARY KEY (id),
  UNIQUE KEY api_key_hash (key_hash),
  UNIQUE KEY api_key_slot (name, slot)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE api_key;
