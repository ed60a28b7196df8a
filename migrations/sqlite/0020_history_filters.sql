-- +goose Up
-- Each index has one filter in front and the history's order behind it; the columns after that let the other filters be decided without the
-- rows.
CREATE INDEX IF NOT EXISTS history_errcode ON history (errcode, at_ms, id, kind, trigger_name, outcome);
CREATE INDEX IF NOT EXISTS history_outcome ON history (outcome, at_ms, id, kind, trigger_name, errcode);
CREATE INDEX IF NOT EXISTS history_trigger ON history (trigger_name, at_ms, id, kind, outcome, errcode);
CREATE INDEX IF NOT EXISTS history_actor ON history (actor, at_ms, id, kind, trigger_name, outcome, errcode);
CREATE INDEX IF NOT EXISTS history_kind ON history (kind, at_ms, id, trigger_name, outcome, errcode);
CREATE INDEX IF NOT EXISTS history_account_filter ON history (app_id, at_ms, id, kind, trigger_name, outcome, errcode, actor);

-- +goose Down
DROP INDEX history_errcode;
DROP INDEX history_outcome;
DROP INDEX history_trigger;
DROP INDEX history_actor;
DROP INDEX history_kind;
DROP INDEX history_account_filter;
