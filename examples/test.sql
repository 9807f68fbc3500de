-- Checks the examples and the built-in catalogue of event types.
--
--   psql -v ON_ERROR_STOP=1 -v cloudtrail=PATH -v kubernetes=PATH -v controls=PATH -f examples/test.sql
--
-- Each variable names a file of test data (../shared/data/cloudtrail/invictus.ndjson,
-- ../shared/data/kubernetes/falco.ndjson, ../shared/data/compliance/controls.json); without it
-- that part says «skipped». The extension need not be there: then the catalogue is read from
-- sql/schema, and the parts that record say «skipped». Everything is rolled back.
-- A failed check is an error (exit status 3); each passed one is a line that begins with «ok».

\set ON_ERROR_STOP on
\set QUIET on
\pset tuples_only on
\pset format unaligned
\pset fieldsep ' '

BEGIN;
CREATE SCHEMA auditlog_examples_test;
\set schema auditlog_examples_test
\ir cloudtrail/mapping.sql
\ir kubernetes/mapping.sql
\ir demo/generate.sql
\ir test/rules.sql
\ir test/catalogue.sql
\ir test/cases.sql

-- What is there to record with?
SELECT EXISTS (SELECT FROM pg_proc WHERE proname = 'record_batch' AND pronamespace::regnamespace::text = 'auditlog') AS can_record,
       EXISTS (SELECT FROM pg_proc WHERE proname = 'to_json' AND pronamespace::regnamespace::text = 'auditlog') AS can_read,
       EXISTS (SELECT FROM pg_settings WHERE name = 'auditlog.validation')
         AND (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS can_reject
\gset
\if :can_reject
-- Now a type that is not in the catalogue, or a document that breaks its schema, is an error.
SET LOCAL auditlog.validation = 'reject';
\endif

\set source cloudtrail
\if :{?cloudtrail}
\set file :cloudtrail
\else
\set file ''
\endif
\ir test/file.sql

\set source kubernetes
\if :{?kubernetes}
\set file :kubernetes
\else
\set file ''
\endif
\ir test/file.sql

\ir test/demo.sql
ROLLBACK;
