-- Records the events in pg_temp.mapped (n, event) and says how many were recorded. Each chunk is a
-- statement and, outside a transaction block, a transaction of its own.

\if :{?chunk}
\else
\set chunk 500
\endif
CREATE TEMP TABLE recorded (events bigint NOT NULL);
CREATE UNIQUE INDEX ON pg_temp.mapped (n);
ANALYZE pg_temp.mapped;

SELECT format('INSERT INTO pg_temp.recorded SELECT auditlog.record_batch(jsonb_agg(event ORDER BY n))'
              ' FROM pg_temp.mapped WHERE n BETWEEN %s AND %s', first, first + :chunk - 1)
FROM generate_series(1, (SELECT max(n) FROM pg_temp.mapped), :chunk) AS first
ORDER BY first
\gexec

SELECT (SELECT count(*) FROM pg_temp.mapped) AS events_read,
       (SELECT coalesce(sum(events), 0) FROM pg_temp.recorded) AS events_recorded;
\ir clear.sql
