-- Maps every record of the file named by :file with the mapping named by :source and checks the
-- events. When there is something to record with, loads the file twice and reads it back.

SELECT :'file' <> '' AS have_file \gset
\if :have_file
\set function auditlog_:source
\ir ../shared/read_lines.sql
CREATE TEMP TABLE checked AS
SELECT text::jsonb AS record, md5(text::jsonb::text) AS key, :"schema".:"function"(text::jsonb) AS event
FROM pg_temp.line WHERE text ~ '\S';
\ir documents.sql
SELECT auditlog_examples_test.expect(count(*) FILTER (WHERE event #> ARRAY['metadata', :'source'] IS DISTINCT FROM record), 0::bigint,
  format('%s: all %s records are kept whole', :'source', count(*)))
FROM pg_temp.checked;

\if :can_record
\ir ../:source/load.sql
\set schema auditlog_examples_test
\endif
\if :can_read
CREATE TEMP TABLE stored AS
SELECT auditlog.to_json(event) AS event, md5((auditlog.to_json(event) #> ARRAY['metadata', :'source'])::text) AS key
FROM auditlog.events AS event WHERE auditlog.to_json(event) -> 'metadata' ? :'source';
ANALYZE pg_temp.checked, pg_temp.stored;
SELECT auditlog_examples_test.expect(count(*), 0::bigint,
  format('%s: all %s events come out of the log as they went in', :'source', (SELECT count(*) FROM pg_temp.checked)))
FROM pg_temp.checked
WHERE NOT EXISTS (SELECT FROM pg_temp.stored WHERE stored.key = checked.key AND stored.event @> checked.event);
\ir ../:source/load.sql
\set schema auditlog_examples_test
SELECT auditlog_examples_test.expect(count(*), (SELECT count(*) FROM pg_temp.stored),
  format('%s: loading the file again records nothing twice', :'source'))
FROM auditlog.events AS event WHERE auditlog.to_json(event) -> 'metadata' ? :'source';
DROP TABLE pg_temp.stored;
\else
\echo skipped: :source into the log and back, the extension is not there
\endif
DROP TABLE pg_temp.checked;
\else
\echo skipped: :source, no file given
\endif
