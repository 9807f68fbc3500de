-- Records invented events and shows what they are.
--
--   psql -v n=10000 -f examples/demo/load.sql        (n: number of events, 10,000 when not given;
--                                                     seed: another series, 0.42 when not given)

\set ON_ERROR_STOP on
\if :{?n}
\else
\set n 10000
\endif
\if :{?seed}
\else
\set seed 0.42
\endif
\set QUIET on
\set schema pg_temp
\set chunk 1000
\ir generate.sql
\ir ../shared/clear.sql

CREATE TEMP TABLE mapped AS
SELECT n, event FROM pg_temp.demo_events(:n, :seed) WITH ORDINALITY AS demo (event, n);

SELECT split_part(event ->> 'event_type', '.', 1) AS kind, count(*) AS events,
       count(*) FILTER (WHERE event #>> '{action,status}' IN ('failed', 'denied')) AS failed_or_denied,
       count(DISTINCT event #>> '{actor,id}') AS actors, min(event ->> 'timestamp') AS first, max(event ->> 'timestamp') AS last
FROM pg_temp.mapped GROUP BY 1 ORDER BY 2 DESC, 1;

\ir ../shared/record_mapped.sql
