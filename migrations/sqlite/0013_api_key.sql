-- +goose Up
CREATE TABLE api_key (
  id           TEXT    NOT NULL PRIMARY KEY,  -- what people call it by; tells nothing of the key
  name         TEXT    NOT NULL,  -- of the program that holds it
  slot         INTEGER NULL,      -- 1 or 2: a name has two live keys at most; NULL = not live
  key_hash     TEXT    NOT NULL,  -- SHA-256 of the key, which is nowhere
  scopes       TEXT    NOT NULL,  -- JSON list
  accounts     TEXT    NOT NULL,  -- JSON list of app_ids; ["*"] = all
  cidrs        TEXT    NOT NULL,  -- JSON list; empty = from every address
  rev          INTEGER NOT NULL,  -- +1 per change that matters to who may enter
  created_ms   INTEGER NOT NULL,
  created_by   TEXT    NOT NULL,
  expires_ms   INTEGER NOT NULL,  -- 0 = does not
  revoked_ms   INTEGER NOT NULL,  -- 0 = is not
  used_ms      INTEGER NOT NULL,  -- last, exact to a minute; 0 = never
  used_address TEXT    NOT NULL
) WITHOUT ROWID;
CREATE UNIQUE INDEX api_key_hash ON api_key (key_hash);
CREATE UNIQUE INDEX api_key_slot ON api_key (name, slot);

-- +goose Down
DROP TABLE api_key;
