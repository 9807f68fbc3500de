-- Checks the events in pg_temp.checked (event) against the rules of the document and the catalogue.

SELECT auditlog_examples_test.expect(string_agg(DISTINCT fault, '; '), NULL,
  format('%s: %s events keep the rules of the document', :'source', (SELECT count(*) FROM pg_temp.checked)))
FROM pg_temp.checked, auditlog_examples_test.faults(event) AS fault;
SELECT auditlog_examples_test.expect(
  string_agg(DISTINCT event ->> 'event_type', ', ') FILTER (WHERE type.event_type IS NULL), NULL,
  format('%s: all %s event types are in the catalogue', :'source', count(DISTINCT event ->> 'event_type')))
FROM pg_temp.checked LEFT JOIN auditlog.event_types AS type ON type.event_type = event ->> 'event_type';
