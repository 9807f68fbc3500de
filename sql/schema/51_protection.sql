-- What protects the log, and what of it is missing.

CREATE FUNCTION auditlog_data.guard_faults() RETURNS TABLE (fault text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on AS
$body$
    -- By pg_inherits, not pg_partition_tree(): that one sees partitions newer than this statement.
    WITH RECURSIVE tree AS (
        SELECT 'auditlog_data.log'::regclass::oid AS relid
        UNION ALL SELECT i.inhrelid FROM tree JOIN pg_inherits AS i ON i.inhparent = tree.relid
    ), tables AS (
        SELECT relid::regclass FROM tree
        UNION ALL SELECT format('auditlog_data.inbox_%s', i)::regclass FROM generate_series(0, 3) AS i
    ), wanted AS (
        SELECT t.relid, w.name FROM tables AS t CROSS JOIN (VALUES ('auditlog_row'), ('auditlog_no_change'), ('auditlog_no_truncate')) AS w (name)
    )
    SELECT format('trigger %s is missing on %s', w.name, w.relid::regclass) FROM wanted AS w
        WHERE NOT EXISTS (SELECT FROM pg_trigger AS g WHERE g.tgrelid = w.relid AND g.tgname = w.name)
    UNION ALL
    SELECT format('trigger %s on %s is not ENABLE ALWAYS', g.tgname, g.tgrelid::regclass) FROM pg_trigger AS g
        JOIN tables AS t ON t.relid = g.tgrelid WHERE g.tgname LIKE 'auditlog\_%' AND g.tgenabled <> 'A'
    UNION ALL
    SELECT format('foreign trigger %s on %s', g.tgname, g.tgrelid::regclass) FROM pg_trigger AS g
        JOIN tables AS t ON t.relid = g.tgrelid WHERE NOT g.tgisinternal AND g.tgname NOT LIKE 'auditlog\_%'
    UNION ALL
    SELECT format('event trigger %s is not ENABLE ALWAYS', w.name)
        FROM (VALUES ('auditlog_guard_ddl'), ('auditlog_guard_drop'), ('auditlog_guard_extension'),
            ('auditlog_capture_ddl'), ('auditlog_capture_drop')) AS w (name)
        WHERE NOT EXISTS (SELECT FROM pg_event_trigger AS e WHERE e.evtname = w.name AND e.evtenabled = 'A')
    UNION ALL
    SELECT format('%s may %s on %s', COALESCE(r.rolname, 'PUBLIC'), a.privilege_type, t.relid::regclass)
        FROM tables AS t JOIN pg_class AS c ON c.oid = t.relid CROSS JOIN LATERAL aclexplode(c.relacl) AS a
        LEFT JOIN pg_roles AS r ON r.oid = a.grantee
        WHERE a.grantee <> c.relowner AND a.privilege_type <> 'SELECT'
    UNION ALL
    SELECT format('%s may read partition %s', COALESCE(r.rolname, 'PUBLIC'), t.relid::regclass)
        FROM tables AS t JOIN pg_class AS c ON c.oid = t.relid AND c.relispartition AND c.relkind = 'r'
        CROSS JOIN LATERAL aclexplode(c.relacl) AS a
        LEFT JOIN pg_roles AS r ON r.oid = a.grantee
        WHERE a.grantee <> c.relowner
    UNION ALL
    SELECT format('%s belongs to %s instead of auditlog_owner', t.relid::regclass, pg_get_userbyid(c.relowner))
        FROM tables AS t JOIN pg_class AS c ON c.oid = t.relid WHERE pg_get_userbyid(c.relowner) <> 'auditlog_owner'
    UNION ALL
    SELECT format('%s inherits from %s', i.inhrelid::regclass, t.relid::regclass)
        FROM pg_inherits AS i JOIN tables AS t ON t.relid = i.inhparent
        WHERE NOT EXISTS (SELECT FROM tree WHERE tree.relid = i.inhrelid)
    UNION ALL
    SELECT format('%s is a member of auditlog_owner', m.rolname)
        FROM pg_auth_members AS a JOIN pg_roles AS o ON o.oid = a.roleid AND o.rolname = 'auditlog_owner'
        JOIN pg_roles AS m ON m.oid = a.member WHERE NOT m.rolsuper
    UNION ALL
    SELECT 'auditlog_owner may log in or is a superuser' FROM pg_roles
        WHERE rolname = 'auditlog_owner' AND (rolcanlogin OR rolsuper)
    UNION ALL
    SELECT format('%s is a role without row-level security', r.rolname) FROM pg_roles AS r
        WHERE (r.rolsuper OR r.rolbypassrls) AND r.rolname IN (SELECT e.role FROM auditlog_data.event_policies() AS e)
    UNION ALL
    SELECT format('row-level security of %s is not enabled and forced', c.oid::regclass)
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = 'auditlog_data' AND c.relkind IN ('r', 'p') AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
    UNION ALL
    SELECT format('policy %s on %s is missing or another one', w.role, w.relid)
        FROM (SELECT t.relid, e.role, e.command FROM tables AS t CROSS JOIN auditlog_data.event_policies() AS e
            UNION ALL SELECT o.relid, e.role, e.command FROM auditlog_data.event_policies() AS e
                CROSS JOIN (VALUES ('auditlog_data.principal'::regclass), ('auditlog_data.restored'::regclass)) AS o (relid)
            UNION SELECT c.oid::regclass, 'auditlog_owner', 'ALL' FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
                WHERE n.nspname = 'auditlog_data' AND c.relkind IN ('r', 'p')) AS w
        WHERE NOT EXISTS (SELECT FROM pg_policy AS p WHERE p.polrelid = w.relid AND p.polname = w.role AND p.polpermissive
            AND p.polroles = ARRAY[(SELECT r.oid FROM pg_roles AS r WHERE r.rolname = w.role)]
            AND p.polcmd = CASE w.command WHEN 'ALL' THEN '*' ELSE 'r' END::"char")
    UNION ALL
    SELECT format('foreign policy %s on %s', p.polname, c.oid::regclass)
        FROM pg_policy AS p JOIN pg_class AS c ON c.oid = p.polrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = 'auditlog_data' AND p.polname NOT IN (SELECT e.role FROM auditlog_data.event_policies() AS e)
    UNION ALL
    -- What a condition says is written down when it is made; all tables have the same.
    SELECT format('policy %s is not the same on all tables', p.polname)
        FROM pg_policy AS p JOIN pg_class AS c ON c.oid = p.polrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = 'auditlog_data' GROUP BY p.polname
        HAVING count(DISTINCT concat(pg_get_expr(p.polqual, p.polrelid), ' / ', pg_get_expr(p.polwithcheck, p.polrelid))) > 1
    UNION ALL
    SELECT format('trigger auditlog_no_change on %s is missing or not ENABLE ALWAYS', w.relid)
        FROM (VALUES ('auditlog_data.word_run'::regclass), ('auditlog_data.word_chunk'::regclass), ('auditlog_data.tile'::regclass),
            ('auditlog_data.incarnation'::regclass), ('auditlog_data.signing_key'::regclass), ('auditlog_data.key_rotation'::regclass), ('auditlog_data.checkpoint'::regclass),
            ('auditlog_data.publisher'::regclass), ('auditlog_data.tracked_table'::regclass), ('auditlog_data.principal'::regclass), ('auditlog_data.token_keys'::regclass), ('auditlog_data.cosignature'::regclass), ('auditlog_data.checkpoint_sink'::regclass),
            ('auditlog_data.alert'::regclass), ('auditlog_data.alert_state'::regclass), ('auditlog_data.evaluator'::regclass), ('auditlog_data.firing'::regclass),
            ('auditlog_data.channel'::regclass), ('auditlog_data.channel_state'::regclass), ('auditlog_data.notification'::regclass), ('auditlog_data.job'::regclass), ('auditlog_data.job_run'::regclass),
            ('auditlog_data.retention_policy'::regclass), ('auditlog_data.legal_hold'::regclass), ('auditlog_data.partition_tier'::regclass),
            ('auditlog_data.retention_move'::regclass), ('auditlog_data.certificate'::regclass), ('auditlog_data.retention_run'::regclass),
            ('auditlog_data.archive_object'::regclass), ('auditlog_data.restored'::regclass), ('auditlog_data.restore'::regclass), ('auditlog_data.archive_erasure'::regclass),
            ('auditlog_data.export'::regclass), ('auditlog_data.sink'::regclass), ('auditlog_data.sink_state'::regclass), ('auditlog_data.sink_letter'::regclass)) AS w (relid)
        WHERE NOT EXISTS (SELECT FROM pg_trigger AS g WHERE g.tgrelid = w.relid
            AND g.tgname = 'auditlog_no_change' AND g.tgenabled = 'A')
    UNION ALL
    SELECT format('trigger %s on auditlog_data.head is missing or not ENABLE ALWAYS', w.name)
        FROM (VALUES ('auditlog_no_change'), ('auditlog_no_truncate')) AS w (name)
        WHERE NOT EXISTS (SELECT FROM pg_trigger AS g WHERE g.tgrelid = 'auditlog_data.head'::regclass
            AND g.tgname = w.name AND g.tgenabled = 'A')
$body$;
COMMENT ON FUNCTION auditlog_data.guard_faults() IS 'What of the log''s protection is missing';

-- What protects the log, as one hash for each kind of thing. The rows' xmin is in it: what was switched
-- off and on again has another one. Partitions come and go, so of them only what sets one apart counts.
CREATE FUNCTION auditlog_data.protection() RETURNS jsonb
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on AS
$body$
    WITH tables AS (
        SELECT c.*, CASE WHEN c.relispartition THEN 'partition' ELSE c.oid::regclass::text END AS name
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname IN ('auditlog', 'auditlog_data') AND c.relkind IN ('r', 'p', 'v')
    ), things (kind, name, definition) AS (
        SELECT 'triggers', c.name || ' ' || t.tgname, concat_ws(' ', t.tgenabled, t.tgfoid::regproc, t.tgtype,
                CASE WHEN NOT c.relispartition THEN t.xmin::text
                    WHEN t.xmin <> first_value(t.xmin) OVER (PARTITION BY c.oid ORDER BY t.xmin::text::bigint) THEN c.oid || ' ' || t.xmin END)
            FROM pg_trigger AS t JOIN tables AS c ON c.oid = t.tgrelid
        UNION ALL SELECT 'event triggers', e.evtname, concat_ws(' ', e.xmin, e.evtenabled, e.evtfoid::regproc, e.evtevent, e.evttags)
            FROM pg_event_trigger AS e WHERE e.evtname LIKE 'auditlog\_%'
        UNION ALL SELECT 'functions', p.oid::regprocedure::text,
            concat_ws(' ', p.xmin, p.proowner::regrole, p.prosecdef, p.proconfig, p.proacl, p.prosrc, p.probin)
            FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace WHERE n.nspname IN ('auditlog', 'auditlog_data')
        UNION ALL SELECT 'tables', c.name, concat_ws(' ', c.relowner::regrole, c.relacl, c.relrowsecurity, c.relforcerowsecurity, c.relkind,
                CASE WHEN c.relkind = 'v' THEN pg_get_viewdef(c.oid) END)
            FROM tables AS c
        -- What captures rows; partitions have copies, which come and go with them.
        UNION ALL SELECT 'capture', t.tgrelid || ' ' || t.tgname, concat_ws(' ', t.tgenabled, t.tgtype, t.xmin)
            FROM pg_trigger AS t JOIN auditlog_data.tracked_table AS r ON r.relation = t.tgrelid
            WHERE t.tgfoid = 'auditlog_data.capture()'::regprocedure
        UNION ALL SELECT 'capture', r.relation::oid::text, concat_ws(' ', r.rules, r.only_if, r.event_prefix)
            FROM auditlog_data.tracked_table AS r
        UNION ALL SELECT 'policies', c.name || ' ' || p.polname,
            concat_ws(' ', p.polcmd, p.polpermissive, p.polroles::regrole[], pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
            FROM pg_policy AS p JOIN tables AS c ON c.oid = p.polrelid
        UNION ALL SELECT 'settings', s.name, s.setting FROM pg_settings AS s WHERE s.name LIKE 'auditlog.%' AND s.context <> 'user'
        UNION ALL SELECT 'settings', concat_ws(' ', s.setdatabase, s.setrole::regrole), c FROM pg_db_role_setting AS s, unnest(s.setconfig) AS c
            WHERE c LIKE 'auditlog.%'
        UNION ALL SELECT 'owner', r.rolname, concat_ws(' ', r.rolcanlogin, r.rolsuper, r.rolbypassrls,
                (SELECT array_agg(m.member::regrole ORDER BY m.member::regrole::text) FROM pg_auth_members AS m WHERE m.roleid = r.oid))
            FROM pg_roles AS r WHERE r.rolname = 'auditlog_owner'
        -- Who has a role on the log: itself, or through another role.
        UNION ALL SELECT 'members', r.rolname, concat_ws(' ', r.rolcanlogin, r.rolsuper, r.rolbypassrls,
                (WITH RECURSIVE members (roleid) AS (SELECT r.oid
                        UNION SELECT m.member FROM pg_auth_members AS m JOIN members AS o ON o.roleid = m.roleid)
                    SELECT string_agg((to_jsonb(m) - 'oid')::text, ' ' ORDER BY m.roleid, m.member, m.grantor)
                    FROM pg_auth_members AS m JOIN members AS o ON o.roleid = m.roleid))
            FROM pg_roles AS r WHERE r.rolname IN ('auditlog_administrator', 'auditlog_analyst', 'auditlog_compliance',
                'auditlog_manager', 'auditlog_user', 'auditlog_writer')
    )
    SELECT jsonb_object_agg(kind, encode(sha256(convert_to(list, 'UTF8')), 'hex'))
    FROM (SELECT kind, string_agg(DISTINCT concat(name, ': ', definition), E'\n') AS list FROM things GROUP BY kind) AS kinds
$body$;
COMMENT ON FUNCTION auditlog_data.protection() IS 'Hashes of what protects the log: triggers, functions, tables, policies, settings, the owner role, members of the other roles';

