-- Loads a file of Kubernetes audit events into the audit log.
--
--   psql -v file=PATH -f examples/kubernetes/load.sql
--
-- One JSON document a line: an audit event, as the API server's log backend writes it, or an
-- EventList, as its webhook sends it. The mapping is made for this session only, so that the role
-- needs no more than the right to record events and to use temporary tables.
-- Running it again within 24 hours records nothing twice. The key is not the auditID alone: a
-- client may choose that (header Audit-ID), and must not be able to hide one request behind
-- another, so a hash of the record belongs to it.

\set ON_ERROR_STOP on
\if :{?file}
\else
  \warn 'no file given; call it as: psql -v file=PATH -f examples/kubernetes/load.sql'
  DO $$BEGIN RAISE EXCEPTION 'the variable file is not set'; END$$;
\endif
\set QUIET on
\set schema pg_temp
\ir mapping.sql
\ir ../shared/read_lines.sql

CREATE TEMP TABLE mapped AS
SELECT row_number() OVER (ORDER BY line.n, item.ordinality) AS n,
       event || jsonb_build_object('idempotency_key',
         concat_ws('.', event ->> 'event_id', encode(sha256(convert_to(item.record::text, 'UTF8')), 'hex'))) AS event
FROM pg_temp.line,
     CAST(line.text AS jsonb) AS document,
     jsonb_array_elements(CASE WHEN document ->> 'kind' = 'EventList' AND jsonb_typeof(document -> 'items') = 'array'
       THEN document -> 'items' ELSE jsonb_build_array(document) END)
       WITH ORDINALITY AS item (record, ordinality),
     pg_temp.auditlog_kubernetes(item.record) AS event
WHERE line.text ~ '\S';

\ir ../shared/record_mapped.sql
