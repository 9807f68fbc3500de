-- The statistics views: their columns, and what they say of a log at rest.
SELECT c.relname AS view, a.attname AS column, format_type(atttypid, atttypmod) AS type
FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid
WHERE c.oid IN ('auditlog.stat_ingest'::regclass, 'auditlog.stat_seal'::regclass, 'auditlog.stat_verify'::regclass) AND attnum > 0
ORDER BY c.relname, attnum;
CALL settle();
SELECT count(*) FROM auditlog.stat_seal;
SELECT count(*) FROM auditlog.stat_ingest;

-- pg_monitor sees the statistics, not the content.
CREATE ROLE regress_monitor IN ROLE pg_monitor;
SET ROLE regress_monitor;
SELECT count(*) > 0 AS readable FROM auditlog.stat_ingest, auditlog.stat_seal;
SELECT count(*) > 0 AS readable FROM auditlog.health();
SELECT count(*) FROM auditlog.events;
RESET ROLE;
SET ROLE regress_nobody;
SELECT count(*) FROM auditlog.stat_seal;
SELECT count(*) FROM auditlog.health();
RESET ROLE;
