-- +goose Up
CREATE TABLE IF NOT EXISTS credential (
  app_id          VARCHAR(96)  NOT NULL,
  kind            VARCHAR(16)  NOT NULL,            -- access_token, jsapi, wx_card, agent_config
  version         BIGINT       NOT NULL DEFAULT 0,  -- +1 per publish
  publish_id      CHAR(32)     NOT NULL DEFAULT '', -- random per publish
  published_by    VARCHAR(191) NOT NULL DEFAULT '', -- replica/attempt of that publish
  value_enc       VARBINARY(2048) NULL,             -- sealed
  key_id          CHAR(8)      NOT NULL DEFAULT '', -- master key that sealed it
  value_hash      CHAR(64)     NOT NULL DEFAULT '', -- SHA-256, hex
  dead_hash       CHAR(64)     NOT NULL DEFAULT '', -- value that WeChat said is dead before its time
  issued_ms       BIGINT       NOT NULL DEFAULT 0,  -- when the request for it was sent
  expires_ms      BIGINT       NOT NULL DEFAULT 0,
  longest_life_ms BIGINT       NOT NULL DEFAULT 0,  -- largest expires_in seen
  birth_known     TINYINT      NOT NULL DEFAULT 0,  -- we saw this value replace another
  next_refresh_ms BIGINT       NOT NULL DEFAULT 0,
  fence           BIGINT       NOT NULL DEFAULT 0,  -- +1 per claim
  lease_owner     VARCHAR(191) NOT NULL DEFAULT '', -- replica/attempt that holds the claim
  lease_until_ms  BIGINT       NOT NULL DEFAULT 0,
  config_rev      BIGINT       NOT NULL,
  updated_ms      BIGINT       NOT NULL DEFAULT 0,  -- moves when followers must look, not on a claim
  fail_count      INT          NOT NULL DEFAULT 0,
  fail_errcode    INT          NOT NULL DEFAULT 0,
  fail_text       VARCHAR(512) NOT NULL DEFAULT '',
  force_day       INT          NOT NULL DEFAULT 0,  -- yyyymmdd in Beijing of force_count
  force_count     INT          NOT NULL DEFAULT 0,
  force_ms        BIGINT       NOT NULL DEFAULT 0,  -- the last force refresh
  next_probe_ms   BIGINT       NOT NULL DEFAULT 0,  -- access_token: when to prove it alive; 0 = not planned yet
  probed_dead_hash CHAR(64)    NOT NULL DEFAULT '', -- value that a probe found dead
  PRIMARY KEY (app_id, kind),
  KEY credential_due (next_refresh_ms),
  KEY credential_updated (updated_ms)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE credential;
