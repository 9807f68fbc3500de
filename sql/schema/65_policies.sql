-- Row-level security: who sees which events (docs/roles.md, decision 20). One policy for each role, so that
-- a query is planned for the one that applies; what policies ask of the session they ask once a query.

CREATE FUNCTION auditlog_data.event_policies() RETURNS TABLE (role text, command text, condition text)
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$body$
    VALUES ('auditlog_owner', 'ALL', 'true'),
        ('auditlog_administrator', 'SELECT', 'true'),
        ('auditlog_analyst', 'SELECT', 'true'),
        ('auditlog_compliance', 'SELECT', 'true'),
        ('auditlog_manager', 'SELECT', 'actor_id = ANY ((SELECT auditlog_data.my_team())::text[])'
            ' AND (auditlog_data.has_no_tenants() OR (SELECT auditlog_data.my_tenant()) IS NULL'
            ' OR tenant = (SELECT auditlog_data.my_tenant()))'),
        ('auditlog_user', 'SELECT', 'auditlog_data.is_actor(actor_id, (SELECT auditlog_data.my_actor_id()))'
            ' AND (auditlog_data.has_no_tenants() OR (SELECT auditlog_data.my_tenant()) IS NULL'
            ' OR tenant = (SELECT auditlog_data.my_tenant()))')
$body$;
COMMENT ON FUNCTION auditlog_data.event_policies() IS 'The policies of every table that holds events, and of the principals';

-- Also for the owner, who needs all rows for what it does in our functions: a policy of its own says so.
CREATE FUNCTION auditlog_data.secure_rows(relation regclass, only_role text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS
$body$
DECLARE
    t record;
    p record;
BEGIN
    IF NOT auditlog_data.is_worker() THEN
        RAISE EXCEPTION 'only the sealer changes policies of the log' USING ERRCODE = '42501';
    END IF;
    SELECT format('%I.%I', n.nspname, c.relname) AS name, c.relrowsecurity, c.relforcerowsecurity INTO t
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = relation;
    IF NOT t.relrowsecurity THEN
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', t.name);
    END IF;
    IF NOT t.relforcerowsecurity THEN
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', t.name);
    END IF;
    FOR p IN SELECT * FROM auditlog_data.event_policies() AS e
        WHERE (only_role IS NULL OR e.role = only_role)
            AND NOT EXISTS (SELECT FROM pg_policy AS o WHERE o.polrelid = relation AND o.polname = e.role)
    LOOP
        EXECUTE format('CREATE POLICY %I ON %s FOR %s TO %I USING (%s)', p.role, t.name, p.command, p.role, p.condition);
    END LOOP;
END
$body$;
COMMENT ON FUNCTION auditlog_data.secure_rows(regclass, text) IS
    'Switches row-level security on and adds the policies that a table lacks; called by the sealer';

-- Every table of the private schema: pg_read_all_data reads them all otherwise, and some say something of
-- events that their reader may not see.
DO $policies$
DECLARE
    t record;
BEGIN
    FOR t IN SELECT c.oid, c.relname FROM pg_catalog.pg_class AS c
        JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
        WHERE n.nspname OPERATOR(pg_catalog.=) 'auditlog_data' AND c.relkind IN ('r', 'p')
    LOOP
        PERFORM auditlog_data.secure_rows(t.oid::pg_catalog.regclass,
            CASE WHEN t.relname IN ('log', 'log_standard', 'inbox_0', 'inbox_1', 'inbox_2', 'inbox_3', 'principal', 'restored')
                THEN NULL ELSE 'auditlog_owner' END);
    END LOOP;
    PERFORM auditlog_data.secure_rows('auditlog_data.token_keys', 'auditlog_administrator');
END
$policies$;
