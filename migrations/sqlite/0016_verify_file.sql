-- +goose Up
CREATE TABLE verify_file (
  name       TEXT    NOT NULL PRIMARY KEY,  -- MP_verify_<code>.txt or WW_verify_<code>.txt, as in the path
  app_id     TEXT    NOT NULL,
  body       TEXT    NOT NULL,
  created_ms INTEGER NOT NULL
);
CREATE INDEX verify_file_account ON verify_file (app_id, name);

-- +goose Down
DROP TABLE verify_file;
