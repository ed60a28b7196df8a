-- +goose Up
-- seq is NULL in entries of versions that did not chain them yet.
ALTER TABLE audit
  ADD COLUMN /*M! IF NOT EXISTS */ seq BIGINT NULL,
  ADD COLUMN /*M! IF NOT EXISTS */ prev_hash CHAR(64) NOT NULL DEFAULT '',
  ADD COLUMN /*M! IF NOT EXISTS */ hash CHAR(64) NOT NULL DEFAULT '',
  ADD UNIQUE INDEX /*M! IF NOT EXISTS */ audit_seq (seq),
  ADD INDEX /*M! IF NOT EXISTS */ audit_actor (actor, at_ms, id),
  ADD INDEX /*M! IF NOT EXISTS */ audit_action (action, at_ms, id),
  ADD INDEX /*M! IF NOT EXISTS */ audit_target (target, at_ms, id);

-- +goose Down
ALTER TABLE audit DROP INDEX audit_seq, DROP INDEX audit_actor, DROP INDEX audit_action, DROP INDEX audit_target,
  DROP COLUMN seq, DROP COLUMN prev_hash, DROP COLUMN hash;
