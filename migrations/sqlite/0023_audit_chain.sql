-- +goose Up
-- seq is NULL in entries of versions that did not chain them yet.
ALTER TABLE audit ADD COLUMN seq INTEGER NULL;
ALTER TABLE audit ADD COLUMN prev_hash TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN hash TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX audit_seq ON audit (seq);
CREATE INDEX audit_actor ON audit (actor, at_ms, id);
CREATE INDEX audit_action ON audit (action, at_ms, id);
CREATE INDEX audit_target ON audit (target, at_ms, id);

-- +goose Down
DROP INDEX audit_seq;
DROP INDEX audit_actor;
DROP INDEX audit_action;
DROP INDEX audit_target;
ALTER TABLE audit DROP COLUMN seq;
ALTER TABLE audit DROP COLUMN prev_hash;
ALTER TABLE audit DROP COLUMN hash;
