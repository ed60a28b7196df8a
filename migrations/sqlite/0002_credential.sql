-- +goose Up
CREATE TABLE credential (
  app_id          TEXT    NOT NULL,
  kind            TEXT    NOT NULL,            -- access_token, jsapi, wx_card, agent_config
  version         INTEGER NOT NULL DEFAULT 0,  -- +1 per publish
  publish_id      TEXT    NOT NULL DEFAULT '', -- random per publish
  published_by    TEXT    NOT NULL DEFAULT '', -- replica/attempt of that publish
  value_enc       BLOB    NULL,                -- sealed
  key_id          TEXT    NOT NULL DEFAULT '', -- master key that sealed it
  value_hash      TEXT    NOT NULL DEFAULT '', -- SHA-256, hex
  dead_hash       TEXT    NOT NULL DEFAULT '', -- value that WeChat said is dead before its time
  issued_ms       INTEGER NOT NULL DEFAULT 0,  -- when the request for it was sent
  expires_ms      INTEGER NOT NULL DEFAULT 0,
  longest_life_ms INTEGER NOT NULL DEFAULT 0,  -- largest expires_in seen
  birth_known     INTEGER NOT NULL DEFAULT 0,  -- we saw this value replace another
  next_refresh_ms INTEGER NOT NULL DEFAULT 0,
  fence           INTEGER NOT NULL DEFAULT 0,  -- +1 per claim
  lease_owner     TEXT    NOT NULL DEFAULT '', -- replica/attempt that holds the claim
  lease_until_ms  INTEGER NOT NULL DEFAULT 0,
  config_rev      INTEGER NOT NULL,
  updated_ms      INTEGER NOT NULL DEFAULT 0,  -- moves when followers must look, not on a claim
  fail_count      INTEGER NOT NULL DEFAULT 0,
  fail_errcode    INTEGER NOT NULL DEFAULT 0,
  fail_text       TEXT    NOT NULL DEFAULT '',
  force_day       INTEGER NOT NULL DEFAULT 0,  -- yyyymmdd in Beijing of force_count
  force_count     INTEGER NOT NULL DEFAULT 0,
  force_ms        INTEGER NOT NULL DEFAULT 0,  -- the last force refresh
  next_probe_ms   INTEGER NOT NULL DEFAULT 0,  -- access_token: when to prove it alive; 0 = not planned yet
  probed_dead_hash TEXT   NOT NULL DEFAULT '', -- value that a probe found dead
  PRIMARY KEY (app_id, kind)
) WITHOUT ROWID;
CREATE INDEX credential_due ON credential (next_refresh_ms);
CREATE INDEX credential_updated ON credential (updated_ms);

-- +goose Down
DROP TABLE credential;
