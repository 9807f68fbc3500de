-- Checks the invented events.

\set source demo
CREATE TEMP TABLE checked AS SELECT n, event FROM auditlog_examples_test.demo_events(10000) WITH ORDINALITY AS demo (event, n);
\ir documents.sql
SELECT auditlog_examples_test.expect(count(*), 10000::bigint, 'demo: as many events as asked for') FROM pg_temp.checked;
SELECT auditlog_examples_test.expect(
  (SELECT md5(string_agg((event - 'timestamp')::text, '' ORDER BY n)) FROM auditlog_examples_test.demo_events(2000) WITH ORDINALITY AS d (event, n))
    = (SELECT md5(string_agg((event - 'timestamp')::text, '' ORDER BY n)) FROM auditlog_examples_test.demo_events(2000) WITH ORDINALITY AS d (event, n)),
  true, 'demo: the same seed gives the same events');
SELECT auditlog_examples_test.expect(
  (SELECT jsonb_agg(event - 'timestamp') FROM auditlog_examples_test.demo_events(50, 0.1) AS event)
    = (SELECT jsonb_agg(event - 'timestamp') FROM auditlog_examples_test.demo_events(50, 0.2) AS event),
  false, 'demo: another seed gives other events');
SELECT auditlog_examples_test.expect(
  (SELECT string_agg(category, ', ') FROM unnest(ARRAY['access', 'authentication', 'automation', 'configuration', 'cost', 'data',
     'incident', 'integration', 'policy', 'privacy', 'resource', 'system']) AS category
   WHERE category NOT IN (SELECT type.category FROM pg_temp.checked JOIN auditlog.event_types AS type ON type.event_type = event ->> 'event_type')),
  NULL, 'demo: every category has events');
SELECT auditlog_examples_test.expect(
  count(*) FILTER (WHERE (event ->> 'timestamp')::timestamptz NOT BETWEEN now() - interval '31 days' AND now()), 0::bigint,
  'demo: all events are of the last 30 days')
FROM pg_temp.checked;
SELECT auditlog_examples_test.expect(bool_and(found), true, 'demo: the example queries of the product description find something')
FROM (SELECT unnest(ARRAY[
    bool_or(event ->> 'event_type' = 'authentication.login' AND event #>> '{action,status}' = 'failed'),
    bool_or(event ->> 'event_type' = 'resource.delete' AND event #> '{actor,email}' IS NOT NULL),
    bool_or(event #> '{metadata,tags}' ?| ARRAY['budget', 'cost-optimization']),
    bool_or(event ->> 'event_type' LIKE 'policy.%' AND event #>> '{resource,tags,Environment}' = 'production'),
    bool_or(family(nullif(event #>> '{actor,ip_address}', '')::inet) = 6)]) FROM pg_temp.checked) AS query (found);

\if :can_record
SELECT auditlog_examples_test.expect(auditlog.record_batch(jsonb_agg(event ORDER BY n)), 2000::bigint, 'demo: 2000 events were recorded')
FROM pg_temp.checked WHERE n <= 2000;
\else
\echo skipped: demo into the log, the extension is not there
\endif
