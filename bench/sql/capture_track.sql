-- The client role has no right on the audit log: the trigger records for it.
CREATE EXTENSION pg_auditlog;
SELECT auditlog.track('bench.account');
