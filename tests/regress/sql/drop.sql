-- A log that holds events isn't dropped by mistake; on purpose it goes, and comes back empty.
\set VERBOSITY terse
SET client_min_messages = warning;
DROP EXTENSION pg_auditlog;
BEGIN;
DROP EXTENSION pg_auditlog CASCADE;
SELECT count(*) AS schemas FROM pg_namespace WHERE nspname LIKE 'auditlog%';
ROLLBACK;
SELECT count(*) > 0 AS still_there FROM auditlog.events;
DROP EXTENSION pg_auditlog CASCADE;
SELECT count(*) AS schemas FROM pg_namespace WHERE nspname LIKE 'auditlog%';
SELECT count(*) AS event_triggers FROM pg_event_trigger;
CREATE EXTENSION pg_auditlog;
SELECT auditlog.record('{"event_type": "a.b", "event_id": "after"}'::jsonb);
SELECT auditlog.await_sealed('after', '60s') AS log_index;
-- without events it goes without CASCADE
DROP EXTENSION pg_auditlog CASCADE;
CREATE EXTENSION pg_auditlog;
DROP EXTENSION pg_auditlog;
DROP ROLE regress_app, regress_analyst, regress_nobody, regress_monitor;
