-- Several databases, each with its own log, searched as one from this database: README.md beside this file.
-- For a superuser of the database in which the analysts work; it has pg_auditlog itself, at the version of the others.
\set ON_ERROR_STOP on
BEGIN;
SET LOCAL client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS postgres_fdw;
CREATE SCHEMA fleet;
COMMENT ON SCHEMA fleet IS 'The audit logs of several databases, read through postgres_fdw';

-- Reads the log of a foreign server from now on; its name is the column "origin" of fleet.events. The caller needs a user
-- mapping for it, because the columns are asked for over there.
CREATE FUNCTION fleet.add(server name) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$body$
DECLARE
    o record;
    members text := 'fleet_' || server;
BEGIN
    -- With «extensions» conditions are judged, and the word index is used, over there; see postgres_fdw's documentation.
    FOR o IN SELECT d.name, d.value FROM (VALUES ('extensions', 'pg_auditlog'), ('async_capable', 'true'),
            ('use_remote_estimate', 'true'), ('fetch_size', '1000')) AS d (name, value)
        WHERE NOT EXISTS (SELECT FROM pg_foreign_server AS s, pg_options_to_table(s.srvoptions) AS has
            WHERE s.srvname = server AND has.option_name = d.name)
    LOOP
        EXECUTE format('ALTER SERVER %I OPTIONS (ADD %I %L)', server, o.name, o.value);
    END LOOP;
    EXECUTE format('CREATE SCHEMA %I', members);
    EXECUTE format('IMPORT FOREIGN SCHEMA auditlog LIMIT TO (events, checkpoints) FROM SERVER %I INTO %I', server, members);
    PERFORM fleet.refresh();
END
$body$;
COMMENT ON FUNCTION fleet.add(name) IS 'Reads the log of this foreign server from now on';

-- The opposite. The server and its user mappings stay.
CREATE FUNCTION fleet.remove(server name) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$body$
BEGIN
    DROP VIEW IF EXISTS fleet.events, fleet.checkpoints;
    EXECUTE format('DROP SCHEMA %I CASCADE', 'fleet_' || server);
    PERFORM fleet.refresh();
END
$body$;
COMMENT ON FUNCTION fleet.remove(name) IS 'Reads the log of this foreign server no longer';

-- Makes the views anew. They run with the rights of who reads: over there it is the login of his own user mapping, whose
-- row-level security holds and in whose name the access journal has it.
CREATE FUNCTION fleet.refresh() RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS
$body$
DECLARE
    m record;
    events text := 'SELECT current_database()::text AS origin, row(e.*)::auditlog.events AS event, e.* FROM auditlog.events AS e';
    checkpoints text := 'SELECT current_database()::text AS member, c.* FROM auditlog.checkpoints AS c';
BEGIN
    FOR m IN SELECT n.nspname AS schema, substr(n.nspname, 7) AS server FROM pg_foreign_table AS t
        JOIN pg_class AS c ON c.oid = t.ftrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.relname = 'events' AND n.nspname LIKE 'fleet\_%' ORDER BY 1
    LOOP
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO PUBLIC', m.schema);
        EXECUTE format('GRANT SELECT ON %1$I.events, %1$I.checkpoints TO PUBLIC', m.schema);
        events := events || format(' UNION ALL SELECT %L::text, row(e.*)::auditlog.events, e.* FROM %I.events AS e', m.server, m.schema);
        checkpoints := checkpoints || format(' UNION ALL SELECT %L::text, c.* FROM %I.checkpoints AS c', m.server, m.schema);
    END LOOP;
    DROP VIEW IF EXISTS fleet.events, fleet.checkpoints;
    EXECUTE 'CREATE VIEW fleet.events WITH (security_invoker = true) AS ' || events;
    EXECUTE 'CREATE VIEW fleet.checkpoints WITH (security_invoker = true) AS ' || checkpoints;
    COMMENT ON VIEW fleet.events IS 'Events of all databases; event @@@ ''query'' searches them';
    COMMENT ON VIEW fleet.checkpoints IS 'Signed checkpoints of all logs: each log is a tree of its own';
    -- Who reads has no more rights than his user mapping gives him over there, and his role gives him here.
    GRANT SELECT ON fleet.events, fleet.checkpoints TO PUBLIC;
END
$body$;
COMMENT ON FUNCTION fleet.refresh() IS 'Makes fleet.events and fleet.checkpoints anew';

REVOKE EXECUTE ON FUNCTION fleet.add(name), fleet.remove(name), fleet.refresh() FROM PUBLIC;
GRANT USAGE ON SCHEMA fleet TO PUBLIC;
SELECT fleet.refresh();
COMMIT;
