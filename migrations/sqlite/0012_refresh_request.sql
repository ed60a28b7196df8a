-- +goose Up
CREATE TABLE refresh_request (
  app_id       TEXT    NOT NULL,
  kind         TEXT    NOT NULL,
  trigger_name TEXT    NOT NULL,  -- report or manual
  actor        TEXT    NOT NULL,  -- key name or person
  reason       TEXT    NOT NULL,
  fence        INTEGER NOT NULL,  -- that the credential had: the claim after it answers the request
  asked_ms     INTEGER NOT NULL,
  PRIMARY KEY (app_id, kind)
) WITHOUT ROWID;

-- +goose Down
DROP TABLE refresh_request;
