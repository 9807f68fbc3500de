-- The audit log as a REST API by PostgREST (README.md beside this file). For a superuser of the database that has the log; it may be
-- run again after an update.
--
--   psql -d app -f examples/postgrest/api.sql
\set ON_ERROR_STOP on
BEGIN;
SET LOCAL client_min_messages = warning;

-- Whom PostgREST logs in as. It has no rights of its own; each request becomes the role that its token names. Who got SQL through
-- would be any role that the authenticator may become, so there are two: postgrest_own is for everybody, postgrest_all for staff.
DO $roles$
DECLARE
    login text;
BEGIN
    FOREACH login IN ARRAY ARRAY['postgrest_own', 'postgrest_all'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = login) THEN
            EXECUTE format('CREATE ROLE %I LOGIN NOINHERIT NOCREATEDB NOCREATEROLE NOSUPERUSER', login);
        END IF;
        EXECUTE format('ALTER ROLE %I SET statement_timeout = ''15s''', login);
        EXECUTE format('ALTER ROLE %I SET idle_in_transaction_session_timeout = ''30s''', login);
    END LOOP;
END
$roles$;
GRANT auditlog_user, auditlog_manager TO postgrest_own;
GRANT auditlog_user, auditlog_manager, auditlog_compliance, auditlog_analyst, auditlog_administrator, auditlog_writer TO postgrest_all;

-- Called by PostgREST before each request (db-pre-request), in its transaction and under its role; not itself to be called over HTTP,
-- as the schema is not among db-schemas. The signed token says who asks, not request.jwt.claims, which any SQL can set.
DROP SCHEMA IF EXISTS auditlog_postgrest, auditlog_api CASCADE;
CREATE SCHEMA auditlog_postgrest;
COMMENT ON SCHEMA auditlog_postgrest IS 'What PostgREST calls before each request; made by examples/postgrest/api.sql';
CREATE FUNCTION auditlog_postgrest.identify() RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS
$body$
DECLARE
    header text := COALESCE(NULLIF(current_setting('request.headers', true), ''), '{}')::jsonb ->> 'authorization';
    token text := substring(header FROM '^[Bb]earer +([^ ]+)$');
BEGIN
    -- An application that records is no person, and reads nothing.
    IF current_user = 'auditlog_writer' THEN
        RETURN;
    END IF;
    IF token IS NULL THEN
        RAISE EXCEPTION 'no bearer token' USING ERRCODE = 'invalid_authorization_specification';
    END IF;
    PERFORM auditlog.authenticate(token);
END
$body$;
COMMENT ON FUNCTION auditlog_postgrest.identify() IS 'Has the request speak for the subject of its token, which the extension checks itself';

-- What is there over HTTP. Views and functions run with the rights of the role that asks: row-level security decides.
CREATE SCHEMA auditlog_api;
COMMENT ON SCHEMA auditlog_api IS 'The audit log over HTTP';

CREATE VIEW auditlog_api.events WITH (security_invoker = true) AS
SELECT e.log_index, e.event_id, e."timestamp", e.event_type, e.category, e.severity, e.tenant, e.actor_type, e.actor_id, e.actor_email, e.actor_ip,
    e.resource_type, e.resource_id, e.cloud_provider, e.account_id, e.region, e.operation, e.status, e.before, e.after, e.request_id, e.tags, e.extra,
    e.recorded_at, e.sealed_at, e.hash
FROM auditlog.events AS e;
COMMENT ON VIEW auditlog_api.events IS 'Events that one may see';

CREATE VIEW auditlog_api.my_events WITH (security_invoker = true) AS
SELECT e.log_index, e.event_id, e."timestamp", e.event_type, e.category, e.severity, e.resource_type, e.resource_id, e.operation, e.status, e.extra
FROM auditlog.my_events AS e;
COMMENT ON VIEW auditlog_api.my_events IS 'Events of which one is the actor';

CREATE VIEW auditlog_api.access_log WITH (security_invoker = true) AS
SELECT e.log_index, e.event_id, e."timestamp", e.event_type, e.actor_id, e.operation, e.status, e.extra FROM auditlog.access_log AS e;
COMMENT ON VIEW auditlog_api.access_log IS 'Reads of the audit log: all for administrators, one''s own for others';

CREATE VIEW auditlog_api.alert_firings WITH (security_invoker = true) AS
SELECT f.id, f.alert, f.severity, f."group", f.events, f.first_at, f.last_at, f.fired_at, f.state, f.acknowledged_at, f.acknowledged_by, f.note
FROM auditlog.alert_firings AS f;
COMMENT ON VIEW auditlog_api.alert_firings IS 'What alerts have found';

-- Arguments may not be called limit, offset, order or select: over HTTP these are PostgREST's own.
CREATE FUNCTION auditlog_api.search(query text DEFAULT '', since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
        page_size integer DEFAULT 100, after text DEFAULT NULL, direction text DEFAULT 'newest')
    RETURNS TABLE (cursor text, event jsonb)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS
$body$
    SELECT auditlog.cursor(e), auditlog.to_json(e) FROM auditlog.search(query, since, until, NULL, LEAST(page_size, 1000), after, direction) AS e
$body$;
COMMENT ON FUNCTION auditlog_api.search(text, timestamptz, timestamptz, integer, text, text) IS
    'Events that match a query, newest first; the cursor of the last one, given as «after», leads to the next page';

CREATE FUNCTION auditlog_api.count(query text DEFAULT '', since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL) RETURNS bigint
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS
$body$ SELECT auditlog.count(query, since, until) $body$;
COMMENT ON FUNCTION auditlog_api.count(text, timestamptz, timestamptz) IS 'How many events match a query';

CREATE FUNCTION auditlog_api.facets(field text, query text DEFAULT '', since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL)
    RETURNS TABLE (value text, events bigint)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS
$body$ SELECT f.value, f.count FROM auditlog.facets(query, field, since, until) AS f $body$;
COMMENT ON FUNCTION auditlog_api.facets(text, text, timestamptz, timestamptz) IS 'The most frequent values of a field';

CREATE FUNCTION auditlog_api.histogram(since timestamptz, until timestamptz, width interval DEFAULT '1 hour', query text DEFAULT '')
    RETURNS TABLE (bucket timestamptz, events bigint)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS
$body$ SELECT h.bucket, h.count FROM auditlog.histogram(query, width, since, until) AS h $body$;
COMMENT ON FUNCTION auditlog_api.histogram(timestamptz, timestamptz, interval, text) IS 'Events over time';

CREATE FUNCTION auditlog_api.whoami() RETURNS TABLE (role text, actor_id text, teams text[], tenant text, manages text[], sees text, identified_by text)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS
$body$ SELECT w.role, w.actor_id, w.teams, w.tenant, w.manages, w.sees, w.identified_by FROM auditlog.whoami() AS w $body$;
COMMENT ON FUNCTION auditlog_api.whoami() IS 'Who one is to the log, and what one sees';

CREATE FUNCTION auditlog_api.health() RETURNS TABLE ("check" text, status text, detail text, hint text)
    LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS
$body$ SELECT h."check", h.status, h.detail, h.hint FROM auditlog.health() AS h $body$;
COMMENT ON FUNCTION auditlog_api.health() IS 'Checks of the audit log';

-- One unnamed argument of type jsonb: the body of the request.
CREATE FUNCTION auditlog_api.record(jsonb) RETURNS text
    LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp AS
$body$ SELECT auditlog.record($1) $body$;
COMMENT ON FUNCTION auditlog_api.record(jsonb) IS 'Records an event; what it does not say of its actor is taken from the token and the headers';

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA auditlog_api, auditlog_postgrest FROM PUBLIC;
GRANT USAGE ON SCHEMA auditlog_api, auditlog_postgrest TO auditlog_user, auditlog_manager, auditlog_compliance, auditlog_analyst, auditlog_administrator,
    auditlog_writer;
GRANT EXECUTE ON FUNCTION auditlog_postgrest.identify(), auditlog_api.whoami()
    TO auditlog_user, auditlog_manager, auditlog_compliance, auditlog_analyst, auditlog_administrator, auditlog_writer;
GRANT SELECT ON auditlog_api.events, auditlog_api.my_events, auditlog_api.access_log
    TO auditlog_user, auditlog_manager, auditlog_compliance, auditlog_analyst, auditlog_administrator;
GRANT EXECUTE ON FUNCTION auditlog_api.search(text, timestamptz, timestamptz, integer, text, text), auditlog_api.count(text, timestamptz, timestamptz),
    auditlog_api.facets(text, text, timestamptz, timestamptz), auditlog_api.histogram(timestamptz, timestamptz, interval, text)
    TO auditlog_user, auditlog_manager, auditlog_compliance, auditlog_analyst, auditlog_administrator;
GRANT SELECT ON auditlog_api.alert_firings TO auditlog_compliance, auditlog_analyst, auditlog_administrator;
GRANT EXECUTE ON FUNCTION auditlog_api.health() TO auditlog_compliance, auditlog_analyst, auditlog_administrator;
GRANT EXECUTE ON FUNCTION auditlog_api.record(jsonb) TO auditlog_writer, auditlog_administrator;
NOTIFY pgrst, 'reload schema';
COMMIT;
