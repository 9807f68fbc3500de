-- Who is who (docs/roles.md): which actor of the events a login role or an application's user is, which
-- teams it belongs to and manages. Written by the functions alone, so that every change is an event.

CREATE TABLE auditlog_data.principal (
    actor_id text NOT NULL CHECK (actor_id OPERATOR(pg_catalog.<>) ''),
    tenant text CHECK (tenant OPERATOR(pg_catalog.<>) ''),
    role_name text UNIQUE,
    email text,
    teams text[] NOT NULL DEFAULT '{}',
    manages text[],
    changed_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    changed_by text NOT NULL,
    -- The same id may be somebody else's in another tenant; no tenant is a tenant of its own.
    UNIQUE NULLS NOT DISTINCT (actor_id, tenant)
);
COMMENT ON TABLE auditlog_data.principal IS 'Who is who to the log; read auditlog.principals';
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.principal', '');

-- What tokens are checked with, when it is not a file that a superuser has named.
CREATE TABLE auditlog_data.token_keys (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    jwks text NOT NULL,
    issuer text NOT NULL,
    audience text NOT NULL,
    set_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    set_by text NOT NULL
);
COMMENT ON TABLE auditlog_data.token_keys IS 'Public keys, issuer and audience of tokens; read auditlog.token_keys';
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.token_keys', '');

CREATE FUNCTION auditlog_data.principals_changed() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'auditlog_principals_changed';
COMMENT ON FUNCTION auditlog_data.principals_changed() IS
    'Trigger: has principals read again';

CREATE TRIGGER auditlog_no_change BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON auditlog_data.principal
    FOR EACH STATEMENT EXECUTE FUNCTION auditlog_data.refuse();
CREATE TRIGGER auditlog_no_change BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON auditlog_data.token_keys
    FOR EACH STATEMENT EXECUTE FUNCTION auditlog_data.refuse();
CREATE TRIGGER auditlog_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON auditlog_data.principal
    FOR EACH STATEMENT EXECUTE FUNCTION auditlog_data.principals_changed();
ALTER TABLE auditlog_data.principal ENABLE ALWAYS TRIGGER auditlog_no_change;
ALTER TABLE auditlog_data.token_keys ENABLE ALWAYS TRIGGER auditlog_no_change;
ALTER TABLE auditlog_data.principal ENABLE ALWAYS TRIGGER auditlog_changed;

CREATE FUNCTION auditlog.add_principal(
    role_name name DEFAULT NULL,
    actor_id text DEFAULT NULL,
    email text DEFAULT NULL,
    teams text[] DEFAULT NULL,
    tenant text DEFAULT NULL,
    manages text[] DEFAULT NULL
) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_add_principal';
COMMENT ON FUNCTION auditlog.add_principal(name, text, text, text[], text, text[]) IS
    'Says which actor of the events a login role, or a user of an application, is; actor_id is the role''s name unless given, manages are the own teams unless given';

CREATE FUNCTION auditlog.alter_principal(actor_id text, changes jsonb, tenant text DEFAULT NULL) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_alter_principal';
COMMENT ON FUNCTION auditlog.alter_principal(text, jsonb, text) IS
    'Changes what is known of a principal: the keys that are given, such as {"teams": ["ops"], "email": null}';

CREATE FUNCTION auditlog.drop_principal(actor_id text, tenant text DEFAULT NULL) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_drop_principal';
COMMENT ON FUNCTION auditlog.drop_principal(text, text) IS 'Removes a principal, which sees nothing any more as a user or manager';

CREATE FUNCTION auditlog.authenticate(token text) RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_authenticate';
COMMENT ON FUNCTION auditlog.authenticate(text) IS
    'Has the session speak for the subject of a signed JSON Web Token until the transaction ends; returns its actor id';

CREATE FUNCTION auditlog.set_token_keys(jwks text, issuer text DEFAULT NULL, audience text DEFAULT NULL) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_set_token_keys';
COMMENT ON FUNCTION auditlog.set_token_keys(text, text, text) IS
    'Sets the keys (a JWK Set), issuer and audience that auditlog.authenticate() checks tokens with; NULL takes them away';

CREATE FUNCTION auditlog.whoami()
    RETURNS TABLE (role text, actor_id text, email text, teams text[], tenant text, manages text[], sees text, identified_by text)
    LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 1 AS 'MODULE_PATHNAME', 'auditlog_whoami';
COMMENT ON FUNCTION auditlog.whoami() IS
    'Who the caller is to the log, by which means that is known, and which events it sees: all, team, own or nothing';

-- What policies ask. Restricted: the identity is in the memory of the process that has the connection.
CREATE FUNCTION auditlog_data.my_actor_id() RETURNS text
    LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'auditlog_my_actor_id';
COMMENT ON FUNCTION auditlog_data.my_actor_id() IS 'The caller''s actor id; NULL when it is no principal';
CREATE FUNCTION auditlog_data.my_tenant() RETURNS text
    LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'auditlog_my_tenant';
COMMENT ON FUNCTION auditlog_data.my_tenant() IS 'The caller''s tenant; NULL when it has none';
CREATE FUNCTION auditlog_data.my_team() RETURNS text[]
    LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'auditlog_my_team';
COMMENT ON FUNCTION auditlog_data.my_team() IS 'The actors in the teams that the caller manages, and the caller itself';
CREATE FUNCTION auditlog_data.my_reader_id() RETURNS text
    LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'auditlog_my_reader_id';
COMMENT ON FUNCTION auditlog_data.my_reader_id() IS 'The actor as which the caller''s reads are recorded: its actor id, or its login role';

-- actor_id = me, as a condition of policies: the planner uses indexes for it, and does not count it twice
-- beside the same condition of a query (src/planner/actor.rs).
CREATE FUNCTION auditlog_data.actor_support(internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'auditlog_actor_support';
COMMENT ON FUNCTION auditlog_data.actor_support(internal) IS 'Planner support of auditlog_data.is_actor';
CREATE FUNCTION auditlog_data.is_actor(actor_id text, me text) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE SUPPORT auditlog_data.actor_support
    AS 'MODULE_PATHNAME', 'auditlog_is_actor';
COMMENT ON FUNCTION auditlog_data.is_actor(text, text) IS 'Are the two ids the same?';

-- Immutable, so that it is settled when a query is planned: the tenant of each row is then not looked at
-- where no principal has one. A change of the principals has the plans made again.
CREATE FUNCTION auditlog_data.has_no_tenants() RETURNS boolean
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'auditlog_has_no_tenants';
COMMENT ON FUNCTION auditlog_data.has_no_tenants() IS 'Has no principal a tenant?';

CREATE FUNCTION auditlog_data.access_types() RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS
$body$
    SELECT ARRAY['auditlog.access_denied', 'auditlog.export', 'auditlog.report', 'auditlog.search',
        'auditlog.verify_failed', 'auditlog.verify_ok', 'auditlog.view']
$body$;
COMMENT ON FUNCTION auditlog_data.access_types() IS 'Event types that tell of reads of the log';

-- Views for people. The reader''s own rights and policies apply below them; the conditions repeat the
-- policies', because here the planner can order by an index that begins with the actor.
CREATE VIEW auditlog.principals WITH (security_invoker = true) AS
SELECT p.actor_id, p.tenant, p.role_name, p.email, p.teams, p.manages, p.changed_at, p.changed_by
FROM auditlog_data.principal AS p;
COMMENT ON VIEW auditlog.principals IS 'Who is who to the log: all to administrators, analysts and compliance officers, the team to managers, itself to a user';

CREATE VIEW auditlog.token_keys WITH (security_invoker = true) AS
SELECT k.issuer, k.audience, k.jwks, k.set_at, k.set_by FROM auditlog_data.token_keys AS k;
COMMENT ON VIEW auditlog.token_keys IS 'Keys, issuer and audience that an administrator has set for tokens';

CREATE VIEW auditlog.my_events WITH (security_invoker = true) AS
SELECT e.* FROM auditlog.events AS e
WHERE e.actor_id OPERATOR(pg_catalog.=) (SELECT auditlog_data.my_actor_id())
    AND (auditlog_data.has_no_tenants() OR (SELECT auditlog_data.my_tenant()) IS NULL
        OR e.tenant OPERATOR(pg_catalog.=) (SELECT auditlog_data.my_tenant()));
COMMENT ON VIEW auditlog.my_events IS 'Events of which the caller is the actor';

CREATE VIEW auditlog.team_events WITH (security_invoker = true) AS
SELECT e.* FROM auditlog.events AS e
WHERE e.actor_id OPERATOR(pg_catalog.=) ANY ((SELECT auditlog_data.my_team())::text[])
    AND (auditlog_data.has_no_tenants() OR (SELECT auditlog_data.my_tenant()) IS NULL
        OR e.tenant OPERATOR(pg_catalog.=) (SELECT auditlog_data.my_tenant()));
COMMENT ON VIEW auditlog.team_events IS 'Events of the actors in the teams that the caller manages, and its own';

CREATE VIEW auditlog.access_log WITH (security_invoker = true) AS
SELECT e.* FROM auditlog.events AS e
WHERE e.event_type OPERATOR(pg_catalog.=) ANY (auditlog_data.access_types())
    AND ((SELECT pg_catalog.pg_has_role('auditlog_administrator', 'USAGE'))
        OR e.actor_id OPERATOR(pg_catalog.=) (SELECT auditlog_data.my_reader_id()));
COMMENT ON VIEW auditlog.access_log IS 'Reads of the audit log: all to administrators, the own ones to others';
