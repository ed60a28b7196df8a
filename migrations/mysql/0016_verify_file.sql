-- +goose Up
CREATE TABLE IF NOT EXISTS verify_file (
  name       VARCHAR(64)  NOT NULL,  -- MP_verify_<code>.txt or WW_verify_<code>.txt, as in the path
  app_id     VARCHAR(96)  NOT NULL,
  body       VARCHAR(256) NOT NULL,
  created_ms BIGINT       NOT NULL,
  PRIMARY KEY (name),
  KEY verify_file_account (app_id, name)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
DROP TABLE verify_file;
