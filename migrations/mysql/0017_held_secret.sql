-- +goose Up
CREATE TABLE IF NOT EXISTS held_secret (
  app_id       VARCHAR(96)     NOT NULL,
  role         VARCHAR(16)     NOT NULL,            -- 'next': entered, not used yet; 'previous': was used before
  secret_enc   VARBINARY(2048) NOT NULL,            -- AppSecret, sealed
  key_id       CHAR(8)         NOT NULL,            -- master key that sealed it
  actor        VARCHAR(191)    NOT NULL,            -- who entered it, or replaced it by another
  made_ms      BIGINT          NOT NULL,
  until_ms     BIGINT          NOT NULL,            -- is dropped then
  tested_ms    BIGINT          NOT NULL DEFAULT 0,  -- when WeChat was asked about it; 0 = never
  accepted     TINYINT         NOT NULL DEFAULT 0,  -- WeChat gave a token for it
  test_errcode INT             NOT NULL DEFAULT 0,
  test_text    VARCHAR(512)    NOT NULL DEFAULT '',
  PRIMARY KEY (app_id, role),
  KEY held_secret_until (until_ms)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE held_secret;
