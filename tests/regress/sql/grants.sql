-- Roles, owners and rights.
SELECT rolname, rolcanlogin, rolsuper, rolbypassrls, rolcreaterole, rolreplication
FROM pg_roles WHERE rolname LIKE 'auditlog%' ORDER BY 1;

SELECT count(*) AS relations_not_owned_by_auditlog_owner FROM pg_class
WHERE relnamespace IN ('auditlog'::regnamespace, 'auditlog_data'::regnamespace) AND relkind <> 't' AND relowner <> 'auditlog_owner'::regrole;

SELECT r.rolname AS role, count(*) FILTER (WHERE has_table_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')) AS private_tables
FROM pg_roles r, pg_class c
WHERE (r.rolname LIKE 'auditlog%' AND r.rolname <> 'auditlog_owner' OR r.rolname = 'pg_monitor')
  AND c.relnamespace = 'auditlog_data'::regnamespace AND c.relkind IN ('r', 'p') AND c.relispartition
GROUP BY 1 ORDER BY 1;

SELECT c.relname, r.rolname AS role, string_agg(p, ' ' ORDER BY p) AS privileges
FROM pg_class c, pg_roles r, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) p
WHERE c.relnamespace = 'auditlog'::regnamespace AND c.relkind IN ('r', 'v')
  AND (r.rolname LIKE 'auditlog%' AND r.rolname <> 'auditlog_owner' OR r.rolname = 'pg_monitor')
  AND has_table_privilege(r.oid, c.oid, p)
GROUP BY 1, 2 ORDER BY 1, 2;

SELECT p.proname || CASE WHEN p.proname = 'record' THEN '(' || (p.proargtypes[0])::regtype::text || ', …)' ELSE '' END AS function,
       string_agg(r.rolname, ' ' ORDER BY r.rolname) AS roles
FROM pg_proc p LEFT JOIN pg_roles r ON (r.rolname LIKE 'auditlog%' AND r.rolname <> 'auditlog_owner' OR r.rolname IN ('pg_monitor', 'regress_nobody'))
  AND has_function_privilege(r.oid, p.oid, 'EXECUTE')
WHERE pronamespace = 'auditlog'::regnamespace
GROUP BY p.oid, 1 ORDER BY 1, 2;

SELECT has_schema_privilege('regress_nobody', 'auditlog_data', 'USAGE') AS nobody_in_private_schema,
       has_schema_privilege('regress_app', 'auditlog_data', 'USAGE') AS app_in_private_schema,
       has_schema_privilege('regress_app', 'auditlog', 'USAGE') AS app_in_public_schema,
       has_schema_privilege('regress_app', 'auditlog', 'CREATE') AS app_creates;
