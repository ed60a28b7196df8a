-- +goose Up
CREATE TABLE session (
  token_hash TEXT    NOT NULL PRIMARY KEY,  -- of the cookie's value: a stolen table opens no session
  person_id  INTEGER NOT NULL,
  epoch      INTEGER NOT NULL,  -- the person's at sign-in; another one ends the session
  address    TEXT    NOT NULL,
  user_agent TEXT    NOT NULL,
  created_ms INTEGER NOT NULL,
  seen_ms    INTEGER NOT NULL,
  idle_ms    INTEGER NOT NULL,  -- ends then, unless it is used before
  ends_ms    INTEGER NOT NULL   -- ends then, whatever happens
) WITHOUT ROWID;
CREATE INDEX session_person ON session (person_id);
CREATE INDEX session_idle ON session (idle_ms);

-- +goose Down
DROP TABLE session;
