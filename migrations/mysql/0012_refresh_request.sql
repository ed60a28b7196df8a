-- +goose Up
CREATE TABLE IF NOT EXISTS refresh_request (
  app_id       VARCHAR(96)  NOT NULL,
  kind         VARCHAR(16)  NOT NULL,
  trigger_name VARCHAR(16)  NOT NULL,  -- report or manual
  actor        VARCHAR(191) NOT NULL,  -- key name or person
  reason       VARCHAR(512) NOT NULL,
  fence        BIGINT       NOT NULL,  -- that the credential had: the claim after it answers the request
  asked_ms     BIGINT       NOT NULL,
  PRIMARY KEY (app_id, kind)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE refresh_request;
