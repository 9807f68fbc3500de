-- Events that the database records by itself (auditlog.capture). Roles, settings, logins and refusals come from hooks
-- (src/hooks); definitions of objects from these event triggers.

CREATE FUNCTION auditlog_data.capture_ddl() RETURNS event_trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'auditlog_capture_ddl';
COMMENT ON FUNCTION auditlog_data.capture_ddl() IS 'Event trigger: records definitions of objects when auditlog.capture has ddl';
CREATE FUNCTION auditlog_data.capture_drop() RETURNS event_trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'auditlog_capture_drop';
COMMENT ON FUNCTION auditlog_data.capture_drop() IS 'Event trigger: records dropped objects when auditlog.capture has ddl';

CREATE EVENT TRIGGER auditlog_capture_ddl ON ddl_command_end EXECUTE FUNCTION auditlog_data.capture_ddl();
CREATE EVENT TRIGGER auditlog_capture_drop ON sql_drop EXECUTE FUNCTION auditlog_data.capture_drop();
ALTER EVENT TRIGGER auditlog_capture_ddl ENABLE ALWAYS;
ALTER EVENT TRIGGER auditlog_capture_drop ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER auditlog_capture_ddl IS 'pg_auditlog: records definitions of objects';
COMMENT ON EVENT TRIGGER auditlog_capture_drop IS 'pg_auditlog: records dropped objects';

CREATE FUNCTION auditlog.import_pgaudit(line text) RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_import_pgaudit';
COMMENT ON FUNCTION auditlog.import_pgaudit(text) IS
    'Records a line that the extension pgaudit wrote into a server log (stderr, csvlog or jsonlog) and returns its event_id; NULL for other lines';
