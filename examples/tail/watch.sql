-- The live tail in psql: psql -X -v query='status:failed' -f watch.sql
-- Each call waits up to 10 s and goes on behind the last event that the one before has shown. Ctrl-C ends it.
\if :{?query}
\else
    \set query ''
\endif
\pset footer off
SET example.after = '-1';
SELECT set_config('example.after', coalesce(auditlog.tail_position(), -1)::text, false) AS "goes on behind";
SELECT set_config('example.after', e.log_index::text, false) AS log_index, e."timestamp", e.event_type, e.status, e.actor_id, e.resource_id
FROM auditlog.tail(current_setting('example.after')::bigint, :'query', 1000, '10s') AS e \watch 0.1
