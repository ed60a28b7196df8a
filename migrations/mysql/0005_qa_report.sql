-- +goose Up
CREATE TABLE IF NOT EXISTS qa_report (
  id         BIGINT       NOT NULL AUTO_INCREMENT,
  app_id     VARCHAR(96)  NOT NULL,
  profile    VARCHAR(64)  NOT NULL,
  page_url   TEXT         NOT NULL,
  user_agent VARCHAR(512) NOT NULL,
  client     VARCHAR(32)  NOT NULL,  -- android, ios, pc, wecom, browser
  verdict    VARCHAR(16)  NOT NULL,  -- ok, failed
  detail     TEXT         NOT NULL,  -- JSON: the steps and their errMsg
  created_ms BIGINT       NOT NULL,
  PRIMARY KEY (id),
  KEY qa_report_account (app_id, id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE qa_report;
