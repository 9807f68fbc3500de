-- The roles of the product. Group roles without login; they are shared by all databases of the
-- cluster, so they are made only where missing and never dropped with the extension.
DO $roles$
DECLARE
    r record;
BEGIN
    -- Events are UTF-8; in another encoding they could not be kept as they came.
    IF pg_catalog.getdatabaseencoding() OPERATOR(pg_catalog.<>) 'UTF8' THEN
        RAISE EXCEPTION 'pg_auditlog needs a database with encoding UTF8'
            USING ERRCODE = 'feature_not_supported',
                DETAIL = pg_catalog.format('This database has %s.', pg_catalog.getdatabaseencoding()),
                HINT = 'Create the database with ENCODING ''UTF8'' TEMPLATE template0.';
    END IF;
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'auditlog_owner' AND (rolcanlogin OR rolsuper)) THEN
        RAISE EXCEPTION 'role auditlog_owner exists and may log in'
            USING ERRCODE = 'object_not_in_prerequisite_state',
                DETAIL = 'It owns the audit log; nobody may log in as it, and it must not be a superuser.',
                HINT = 'ALTER ROLE auditlog_owner NOLOGIN NOSUPERUSER, and look who made it.';
    END IF;
    FOR r IN SELECT * FROM (VALUES
        ('auditlog_owner', 'owns the objects of pg_auditlog; nobody logs in as it'),
        ('auditlog_administrator', 'audit administrator: full access, export, alerts'),
        ('auditlog_analyst', 'security analyst: view, search, export'),
        ('auditlog_compliance', 'compliance officer: view, generate reports'),
        ('auditlog_manager', 'manager: views the activities of the own team'),
        ('auditlog_user', 'regular user: views own activities only'),
        ('auditlog_writer', 'application: records events, reads none')
    ) AS v (name, description)
    LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = r.name) THEN
            BEGIN
                EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN NOINHERIT', r.name);
                EXECUTE pg_catalog.format('COMMENT ON ROLE %I IS %L', r.name, r.description);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL; -- made by CREATE EXTENSION in another database at this moment
            END;
        END IF;
    END LOOP;
END
$roles$;

CREATE SCHEMA auditlog_data;
COMMENT ON SCHEMA auditlog_data IS 'pg_auditlog: inbox and log as they are stored; read auditlog.events instead';
COMMENT ON SCHEMA auditlog IS 'pg_auditlog: the audit log. Record with auditlog.record(), read auditlog.events, check with auditlog.verify()';
