-- The triggers of design §2. ENABLE ALWAYS: session_replication_role = replica does not switch them off.

DO $triggers$
DECLARE
    t text;
BEGIN
    FOR i IN 0..3 LOOP
        t := pg_catalog.format('auditlog_data.inbox_%s', i);
        EXECUTE pg_catalog.format('CREATE TRIGGER auditlog_row BEFORE INSERT ON %s FOR EACH ROW EXECUTE FUNCTION auditlog_data.inbox_row()', t);
        EXECUTE pg_catalog.format('CREATE TRIGGER auditlog_no_change BEFORE UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION auditlog_data.refuse()', t);
        EXECUTE pg_catalog.format('CREATE TRIGGER auditlog_no_truncate BEFORE TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION auditlog_data.refuse()', t);
        EXECUTE pg_catalog.format('ALTER TABLE %s ENABLE ALWAYS TRIGGER auditlog_row', t);
        EXECUTE pg_catalog.format('ALTER TABLE %s ENABLE ALWAYS TRIGGER auditlog_no_change', t);
        EXECUTE pg_catalog.format('ALTER TABLE %s ENABLE ALWAYS TRIGGER auditlog_no_truncate', t);
    END LOOP;
    CREATE TRIGGER auditlog_row BEFORE INSERT ON auditlog_data.log FOR EACH ROW EXECUTE FUNCTION auditlog_data.log_row();
    CREATE TRIGGER auditlog_no_change BEFORE UPDATE OR DELETE ON auditlog_data.log FOR EACH ROW EXECUTE FUNCTION auditlog_data.refuse();
    ALTER TABLE auditlog_data.log ENABLE ALWAYS TRIGGER auditlog_row;
    ALTER TABLE auditlog_data.log ENABLE ALWAYS TRIGGER auditlog_no_change;
    -- Statement triggers do not pass down to partitions: each level has its own.
    FOREACH t IN ARRAY ARRAY['auditlog_data.log', 'auditlog_data.log_standard'] LOOP
        EXECUTE pg_catalog.format('CREATE TRIGGER auditlog_no_truncate BEFORE TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION auditlog_data.refuse()', t);
        EXECUTE pg_catalog.format('ALTER TABLE %s ENABLE ALWAYS TRIGGER auditlog_no_truncate', t);
    END LOOP;
    CREATE TRIGGER auditlog_no_change BEFORE INSERT OR UPDATE OR DELETE ON auditlog_data.head FOR EACH ROW EXECUTE FUNCTION auditlog_data.refuse();
    CREATE TRIGGER auditlog_no_truncate BEFORE TRUNCATE ON auditlog_data.head FOR EACH STATEMENT EXECUTE FUNCTION auditlog_data.refuse();
    ALTER TABLE auditlog_data.head ENABLE ALWAYS TRIGGER auditlog_no_change;
    ALTER TABLE auditlog_data.head ENABLE ALWAYS TRIGGER auditlog_no_truncate;
    -- Proofs: the tree belongs to the sealer, what was signed of it to the publisher.
    FOREACH t IN ARRAY ARRAY['tile', 'incarnation', 'signing_key', 'key_rotation', 'checkpoint', 'cosignature', 'checkpoint_sink', 'publisher'] LOOP
        EXECUTE pg_catalog.format('CREATE TRIGGER auditlog_no_change BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON auditlog_data.%I FOR EACH STATEMENT EXECUTE FUNCTION auditlog_data.refuse()', t);
        EXECUTE pg_catalog.format('ALTER TABLE auditlog_data.%I ENABLE ALWAYS TRIGGER auditlog_no_change', t);
    END LOOP;
    -- The word index decides what a search finds: only the sealer may write it.
    FOREACH t IN ARRAY ARRAY['auditlog_data.word_run', 'auditlog_data.word_chunk'] LOOP
        EXECUTE pg_catalog.format('CREATE TRIGGER auditlog_no_change BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION auditlog_data.refuse()', t);
        EXECUTE pg_catalog.format('ALTER TABLE %s ENABLE ALWAYS TRIGGER auditlog_no_change', t);
    END LOOP;
END
$triggers$;

CREATE TRIGGER auditlog_row INSTEAD OF INSERT ON auditlog.events FOR EACH ROW EXECUTE FUNCTION auditlog_data.events_row();

CREATE TRIGGER auditlog_changed BEFORE INSERT OR UPDATE OR DELETE ON auditlog.event_types
    FOR EACH ROW EXECUTE FUNCTION auditlog_data.event_types_changed();
ALTER TABLE auditlog.event_types ENABLE ALWAYS TRIGGER auditlog_changed;

-- The catalogue decides how events are judged, so a change of it is an event. Not while a dump is loaded, into a log
-- that has nothing sealed yet.
CREATE FUNCTION auditlog_data.tell_type_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on AS
$body$
BEGIN
    IF NOT auditlog_data.is_worker() AND EXISTS (SELECT FROM auditlog_data.head_state() AS h WHERE h.size > 0) THEN
        PERFORM auditlog_data.tell_change('auditlog.type_change', 'warning', lower(TG_OP) || '_event_type',
            COALESCE(NEW.event_type, OLD.event_type), to_jsonb(OLD), to_jsonb(NEW));
    END IF;
    RETURN NULL;
END
$body$;
COMMENT ON FUNCTION auditlog_data.tell_type_change() IS 'Trigger: records a change of the catalogue of event types';

CREATE TRIGGER auditlog_told AFTER INSERT OR UPDATE OR DELETE ON auditlog.event_types
    FOR EACH ROW EXECUTE FUNCTION auditlog_data.tell_type_change();
ALTER TABLE auditlog.event_types ENABLE ALWAYS TRIGGER auditlog_told;

CREATE EVENT TRIGGER auditlog_guard_ddl ON ddl_command_end EXECUTE FUNCTION auditlog_data.guard_ddl();
CREATE EVENT TRIGGER auditlog_guard_drop ON sql_drop EXECUTE FUNCTION auditlog_data.guard_drop();
CREATE EVENT TRIGGER auditlog_guard_extension ON ddl_command_start WHEN TAG IN ('DROP EXTENSION', 'DROP SCHEMA', 'DROP OWNED')
    EXECUTE FUNCTION auditlog_data.guard_extension();
ALTER EVENT TRIGGER auditlog_guard_ddl ENABLE ALWAYS;
ALTER EVENT TRIGGER auditlog_guard_drop ENABLE ALWAYS;
ALTER EVENT TRIGGER auditlog_guard_extension ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER auditlog_guard_ddl IS 'pg_auditlog: refuses DDL on the log';
COMMENT ON EVENT TRIGGER auditlog_guard_drop IS 'pg_auditlog: refuses dropping parts of the log';
COMMENT ON EVENT TRIGGER auditlog_guard_extension IS 'pg_auditlog: refuses DROP EXTENSION without CASCADE while there are events';
