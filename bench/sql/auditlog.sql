-- The extension as it comes, with its sealer running; the client role may only record.
CREATE EXTENSION pg_auditlog;
GRANT auditlog_writer TO bench_app;
