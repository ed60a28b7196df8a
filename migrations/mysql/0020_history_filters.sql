-- +goose Up
-- Each index has one filter in front and the history's order behind it; the columns after that let the other filters be decided without the
-- rows. One pass over the table for all of them. MariaDB alone reads IF NOT EXISTS; it is a comment to MySQL, which does not know it.
ALTER TABLE history
  ADD INDEX /*M! IF NOT EXISTS */ history_errcode (errcode, at_ms, id, kind, trigger_name, outcome),
  ADD INDEX /*M! IF NOT EXISTS */ history_outcome (outcome, at_ms, id, kind, trigger_name, errcode),
  ADD INDEX /*M! IF NOT EXISTS */ history_trigger (trigger_name, at_ms, id, kind, outcome, errcode),
  ADD INDEX /*M! IF NOT EXISTS */ history_actor (actor, at_ms, id, kind, trigger_name, outcome, errcode),
  ADD INDEX /*M! IF NOT EXISTS */ history_kind (kind, at_ms, id, trigger_name, outcome, errcode),
  ADD INDEX /*M! IF NOT EXISTS */ history_account_filter (app_id, at_ms, id, kind, trigger_name, outcome, errcode, actor);

-- +goose Down
ALTER TABLE history
  DROP INDEX history_errcode,
  DROP INDEX history_outcome,
  DROP INDEX history_trigger,
  DROP INDEX history_actor,
  DROP INDEX history_kind,
  DROP INDEX history_account_filter;
