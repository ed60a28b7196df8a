-- +goose Up
CREATE TABLE IF NOT EXISTS alert (
  id         BIGINT       NOT NULL AUTO_INCREMENT,
  event_id   VARCHAR(32)  NOT NULL,             -- what its messages are known by
  alert_key  VARCHAR(191) NOT NULL,             -- the trouble: condition, account, kind, replica
  open_key   VARCHAR(191) NULL,                 -- = alert_key while open, NULL when cleared: one open alert per trouble
  name       VARCHAR(32)  NOT NULL,             -- the condition
  severity   VARCHAR(16)  NOT NULL,             -- warning, critical
  app_id     VARCHAR(96)  NOT NULL DEFAULT '',
  kind       VARCHAR(32)  NOT NULL DEFAULT '',
  replica    VARCHAR(191) NOT NULL DEFAULT '',  -- whose own trouble it is, '' = that of all
  facts      TEXT         NOT NULL,             -- JSON: what its text is made of; never a value or a secret
  since_ms   BIGINT       NOT NULL,             -- when the trouble began
  raised_ms  BIGINT       NOT NULL,
  absent_ms  BIGINT       NOT NULL DEFAULT 0,   -- since when the trouble is not seen any more, 0 = it is
  calm_ms    BIGINT       NOT NULL,             -- for how long it must not be seen to be over
  cleared_ms BIGINT       NOT NULL DEFAULT 0,
  acked_ms   BIGINT       NOT NULL DEFAULT 0,   -- a person has it in hand
  acked_by   VARCHAR(191) NOT NULL DEFAULT '',
  ack_note   VARCHAR(512) NOT NULL DEFAULT '',
  tell       INT          NOT NULL DEFAULT 0,   -- 1 = that it is raised is to be told, 2 = that it is over
  told_ms    BIGINT       NOT NULL DEFAULT 0,   -- when it was told last that it is raised
  PRIMARY KEY (id),
  UNIQUE KEY alert_open (open_key),
  KEY alert_key (alert_key, cleared_ms),
  KEY alert_cleared (cleared_ms, id),
  KEY alert_tell (tell, id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE alert;
