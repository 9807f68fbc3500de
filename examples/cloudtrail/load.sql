-- Loads a file of AWS CloudTrail records into the audit log.
--
--   psql -v file=PATH -f examples/cloudtrail/load.sql
--
-- One JSON document a line: a record, or an object whose "Records" holds a list of them (as in the
-- files that CloudTrail writes to S3, unpacked). The mapping is made for this session only, so that
-- the role needs no more than the right to record events and to use temporary tables.
-- Running it again within 24 hours records nothing twice: the key is CloudTrail's eventID.

\set ON_ERROR_STOP on
\if :{?file}
\else
  \warn 'no file given; call it as: psql -v file=PATH -f examples/cloudtrail/load.sql'
  DO $$BEGIN RAISE EXCEPTION 'the variable file is not set'; END$$;
\endif
\set QUIET on
\set schema pg_temp
\ir mapping.sql
\ir ../shared/read_lines.sql

CREATE TEMP TABLE mapped AS
SELECT row_number() OVER (ORDER BY line.n, item.ordinality) AS n,
       event || jsonb_build_object('idempotency_key',
         coalesce(event ->> 'event_id', encode(sha256(convert_to(item.record::text, 'UTF8')), 'hex'))) AS event
FROM pg_temp.line,
     CAST(line.text AS jsonb) AS document,
     jsonb_array_elements(CASE jsonb_typeof(document -> 'Records')
       WHEN 'array' THEN document -> 'Records' ELSE jsonb_build_array(document) END)
       WITH ORDINALITY AS item (record, ordinality),
     pg_temp.auditlog_cloudtrail(item.record) AS event
WHERE line.text ~ '\S';

\ir ../shared/record_mapped.sql
