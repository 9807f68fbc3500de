-- Seeing it run: numbers about the log for pg_monitor, never its content.

CREATE FUNCTION auditlog_data.inbox_state(OUT events bigint, OUT oldest timestamptz, OUT bytes bigint)
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on AS
$body$
    SELECT count(*), min(recorded_at),
        (SELECT sum(pg_total_relation_size(format('auditlog_data.inbox_%s', i)::regclass))::bigint FROM generate_series(0, 3) AS i)
    FROM auditlog_data.inbox
$body$;
COMMENT ON FUNCTION auditlog_data.inbox_state() IS 'How many events wait to be sealed, since when, and the size of the inbox tables';

CREATE FUNCTION auditlog_data.head_state(OUT size bigint, OUT hash bytea, OUT updated_at timestamptz, OUT foreign_heads bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on AS
$body$
    SELECT h.size, h.hash, h.updated_at,
        (SELECT count(*) FROM auditlog_data.head AS o WHERE o.extension_oid <> e.oid::bigint OR o.database_oid <> d.oid::bigint)
    FROM pg_extension AS e
    JOIN pg_database AS d ON d.datname = current_database()
    LEFT JOIN auditlog_data.head AS h ON h.extension_oid = e.oid::bigint AND h.database_oid = d.oid::bigint
        AND h.system_identifier = (SELECT system_identifier FROM pg_control_system())
    WHERE e.extname = 'pg_auditlog'
$body$;
COMMENT ON FUNCTION auditlog_data.head_state() IS 'Head of this installation''s log';

CREATE VIEW auditlog.stat_alerts AS
SELECT w.evaluator_pid, e.position, GREATEST(COALESCE(h.size, 0) OPERATOR(pg_catalog.-) e.position, 0) AS behind, w.evaluated, w.groups, w.lost_groups,
    w.dropped_entries, (SELECT pg_catalog.count(*) FROM auditlog_data.firing AS f) AS firings,
    (SELECT pg_catalog.count(*) FROM auditlog_data.firing AS f WHERE f.resolved_at IS NULL) AS open_firings, w.errors, w.last_error_at, w.last_error
FROM auditlog_data.watch_state() AS w LEFT JOIN auditlog_data.evaluator AS e ON true LEFT JOIN auditlog_data.head_state() AS h ON true;
COMMENT ON VIEW auditlog.stat_alerts IS 'The evaluator of alerts: how far it is, and what it holds in memory';

CREATE VIEW auditlog.stat_workers AS
SELECT w.worker, w.pid, a.backend_start AS started_at, w.errors, w.last_error_at, w.last_error
FROM (SELECT 'sealer' AS worker, s.sealer_pid AS pid, s.errors, s.last_error_at, s.last_error FROM auditlog_data.stats() AS s
    UNION ALL SELECT 'publisher', p.publisher_pid, NULL, NULL, NULL FROM auditlog_data.stats() AS p
    UNION ALL SELECT 'recorder', x.recorder_pid, x.errors, x.last_error_at, x.last_error FROM auditlog_data.access_state() AS x
    UNION ALL SELECT 'evaluator', y.evaluator_pid, y.errors, y.last_error_at, y.last_error FROM auditlog_data.watch_state() AS y
    UNION ALL SELECT 'deliverer', y.deliverer_pid, y.delivery_errors, y.last_delivery_error_at, y.last_delivery_error FROM auditlog_data.watch_state() AS y
    UNION ALL SELECT 'scheduler', z.scheduler_pid, z.errors, z.last_error_at, z.last_error FROM auditlog_data.scheduler_state() AS z) AS w
LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid OPERATOR(pg_catalog.=) w.pid;
COMMENT ON VIEW auditlog.stat_workers IS 'The background workers of this database: evaluator, deliverer and scheduler run where there are alerts, channels, jobs';

CREATE VIEW auditlog.stat_ingest AS
SELECT
    COALESCE(h.size, 0) + i.events AS events,
    i.events AS inbox_events,
    i.oldest AS inbox_oldest,
    i.bytes AS inbox_bytes,
    s.active_inbox,
    s.repeats AS idempotent_repeats,
    s.differing_repeats AS idempotent_repeats_differing,
    s.schema_warnings
FROM auditlog_data.inbox_state() AS i
LEFT JOIN auditlog_data.head_state() AS h ON true
LEFT JOIN auditlog_data.stats() AS s ON true;
COMMENT ON VIEW auditlog.stat_ingest IS 'Recording: events in all, and what waits in the inbox';

CREATE VIEW auditlog.stat_seal AS
SELECT
    COALESCE(h.size, 0) AS sealed_events,
    h.hash AS head_hash,
    i.events AS inbox_rows,
    pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) i.oldest AS inbox_age,
    s.sealer_pid,
    s.batches,
    s.last_batch AS last_batch_events,
    s.last_seal AS last_sealed_at,
    s.last_lag_us OPERATOR(pg_catalog.*) interval '1 microsecond' AS last_seal_lag,
    s.last_round AS last_round_at,
    s.seal_us OPERATOR(pg_catalog.*) interval '1 microsecond' AS seal_time,
    s.tree_us OPERATOR(pg_catalog.*) interval '1 microsecond' AS tree_time,
    s.truncations AS inbox_truncations,
    s.tampered AS changed_before_sealing,
    s.errors,
    s.last_error_at,
    s.last_error
FROM auditlog_data.inbox_state() AS i
LEFT JOIN auditlog_data.head_state() AS h ON true
LEFT JOIN auditlog_data.stats() AS s ON true;
COMMENT ON VIEW auditlog.stat_seal IS 'Sealing: head of the log, what waits, how long, last error';

CREATE FUNCTION auditlog_data.word_state(OUT runs bigint, OUT events bigint, OUT postings bigint, OUT bytes bigint)
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on AS
$body$
    SELECT count(*), COALESCE(max(end_index), 0), COALESCE(sum(postings), 0)::bigint,
        pg_total_relation_size('auditlog_data.word_chunk'::regclass) + pg_total_relation_size('auditlog_data.word_run'::regclass)
    FROM auditlog_data.word_run
$body$;
COMMENT ON FUNCTION auditlog_data.word_state() IS 'Runs of the word index, the events that they cover, and its size';

CREATE VIEW auditlog.stat_word_index AS
SELECT
    w.events AS indexed_events,
    GREATEST(COALESCE(h.size, 0) OPERATOR(pg_catalog.-) w.events, 0) AS waiting_events,
    w.runs,
    w.postings,
    w.bytes
FROM auditlog_data.word_state() AS w
LEFT JOIN auditlog_data.head_state() AS h ON true;
COMMENT ON VIEW auditlog.stat_word_index IS 'The word index: how far it is behind the log, and its size';

CREATE FUNCTION auditlog_data.publisher_state(
        OUT state text, OUT detail text, OUT since timestamptz, OUT pid integer, OUT origin text, OUT size bigint,
        OUT made_at timestamptz, OUT key_in_data_directory boolean, OUT verified_size bigint, OUT verified_at timestamptz,
        OUT verify_findings bigint, OUT verify_first text)
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on AS
$body$
    SELECT COALESCE(p.state, 'ok'), COALESCE(p.detail, ''), p.since, s.publisher_pid, i.origin, c.size, c.made_at,
        s.key_in_data_directory, COALESCE(p.verified_size, 0), p.verified_at, COALESCE(p.verify_findings, 0), p.verify_first
    FROM auditlog_data.stats() AS s
    LEFT JOIN auditlog_data.publisher AS p ON true
    LEFT JOIN LATERAL (SELECT n.origin FROM auditlog_data.incarnation AS n ORDER BY n.number DESC LIMIT 1) AS i ON true
    LEFT JOIN LATERAL (SELECT k.size, k.made_at FROM auditlog_data.checkpoint AS k WHERE k.origin = i.origin
        ORDER BY k.size DESC LIMIT 1) AS c ON true
$body$;
COMMENT ON FUNCTION auditlog_data.publisher_state() IS 'What the publisher of checkpoints says, and the newest checkpoint';

CREATE VIEW auditlog.stat_verify AS
SELECT s.verify_pid AS pid, s.verify_done AS rows_done, s.verify_total AS rows_total, s.verify_started AS started_at
FROM auditlog_data.stats() AS s
WHERE s.verify_pid IN (SELECT a.pid FROM pg_catalog.pg_stat_activity AS a);
COMMENT ON VIEW auditlog.stat_verify IS 'Progress of a running auditlog.verify(); rows_total is an estimate';

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
            UNION ALL SELECT 'auditlog_data.principal'::regclass, e.role, e.command FROM auditlog_data.event_policies() AS e
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
            ('auditlog_data.channel'::regclass), ('auditlog_data.channel_state'::regclass), ('auditlog_data.notification'::regclass), ('auditlog_data.job'::regclass), ('auditlog_data.job_run'::regclass)) AS w (relid)
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

CREATE FUNCTION auditlog.health() RETURNS TABLE ("check" text, status text, detail text, hint text)
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on AS
$body$
DECLARE
    s record;
    i record;
    h record;
    w record;
    p record;
    a record;
    age interval;
    faults text[];
BEGIN
    SELECT * INTO s FROM auditlog_data.stats();
    SELECT * INTO i FROM auditlog_data.inbox_state();
    SELECT * INTO h FROM auditlog_data.head_state();
    age := clock_timestamp() - i.oldest;

    "check" := 'preload';
    IF NOT FOUND OR s.batches IS NULL THEN
        status := 'error'; detail := 'The library is not loaded at server start: nothing can be recorded.';
        hint := 'Add pg_auditlog to shared_preload_libraries and restart PostgreSQL.';
    ELSE
        status := 'ok'; detail := 'The library is loaded at server start.'; hint := NULL;
    END IF;
    RETURN NEXT;

    "check" := 'sealer';
    IF pg_is_in_recovery() THEN
        status := 'ok'; detail := 'This is a standby; the primary seals.'; hint := NULL;
    ELSIF s.sealer_pid IS NULL OR s.sealer_pid <= 0 THEN
        status := CASE WHEN i.events = 0 THEN 'warning' ELSE 'error' END;
        detail := 'No sealer is running for this database.';
        hint := 'It is started within a minute; if not, look into the server log and raise max_worker_processes. Events are safe in the inbox.';
    ELSIF clock_timestamp() - s.last_round > interval '30 seconds' THEN
        status := 'error'; detail := format('The sealer (pid %s) has not looked into the inbox since %s.', s.sealer_pid, s.last_round);
        hint := 'Look what it waits for in pg_stat_activity. Events are safe in the inbox.';
    ELSE
        status := 'ok'; detail := format('The sealer (pid %s) is running; %s batches since the server started.', s.sealer_pid, s.batches); hint := NULL;
    END IF;
    RETURN NEXT;

    "check" := 'inbox';
    detail := format('%s events wait to be sealed, the oldest for %s; the inbox takes %s.',
        i.events, COALESCE(date_trunc('milliseconds', age), interval '0'), pg_size_pretty(i.bytes));
    IF age > interval '5 minutes' THEN
        status := 'error'; hint := 'Look at auditlog.stat_seal.last_error. Events are safe in the inbox.';
    ELSIF age > interval '10 seconds' THEN
        status := 'warning'; hint := 'The sealer is behind; look at auditlog.stat_seal.';
    ELSE
        status := 'ok'; hint := NULL;
    END IF;
    RETURN NEXT;

    "check" := 'inbox size';
    IF i.bytes > 1073741824 THEN
        status := 'warning'; detail := format('The inbox tables take %s.', pg_size_pretty(i.bytes));
        hint := 'A long transaction, a prepared transaction or a replication slot holds old rows; look for backend_xmin in pg_stat_activity.';
    ELSE
        status := 'ok'; detail := format('The inbox tables take %s and were emptied %s times.', pg_size_pretty(i.bytes), s.truncations); hint := NULL;
    END IF;
    RETURN NEXT;

    "check" := 'word index';
    SELECT * INTO w FROM auditlog_data.word_state();
    detail := format('%s of %s sealed events are indexed, in %s runs; the index takes %s.',
        w.events, COALESCE(h.size, 0), w.runs, pg_size_pretty(w.bytes));
    IF h.size - w.events > 50000 THEN
        status := 'warning'; hint := 'Searches for words read the log without the index until it has caught up, which it does by itself.';
    ELSE
        status := 'ok'; hint := NULL;
    END IF;
    RETURN NEXT;

    "check" := 'seal errors';
    IF s.last_error_at > COALESCE(s.last_seal, '-infinity') AND s.last_error_at > clock_timestamp() - interval '1 hour' THEN
        status := 'error'; detail := format('%s: %s', s.last_error_at, s.last_error); hint := 'The sealer tries again by itself; remove the cause.';
    ELSE
        status := 'ok'; detail := format('%s failed rounds since the server started.', COALESCE(s.errors, 0)); hint := NULL;
    END IF;
    RETURN NEXT;

    "check" := 'access journal';
    SELECT * INTO a FROM auditlog_data.access_state();
    IF a.dropped > 0 OR a.unrecordable > 0 THEN
        status := 'error'; detail := format('%s reads went unrecorded and %s entries went to the server log only, since the server started.', a.dropped, a.unrecordable);
        hint := 'Look at auditlog.stat_access; auditlog.access_policy = block lets no read through unrecorded.';
    ELSIF NOT current_setting('auditlog.access_log')::boolean THEN
        status := 'warning'; detail := 'Reads of the audit log are not recorded: auditlog.access_log is off for this session.';
        hint := 'pg_settings and pg_db_role_setting show where it was switched off.';
    ELSIF a.recorder_pid IS NULL AND NOT pg_is_in_recovery() THEN
        status := 'warning'; detail := 'No recorder is running for this database.';
        hint := 'It is started within seconds; if not, look into the server log and raise max_worker_processes. Reads wait when the queue is full.';
    ELSIF a.queued_since < clock_timestamp() - interval '10 seconds' THEN
        status := 'error'; detail := format('Nothing was recorded since %s; %s of %s are queued. The last error: %s', a.queued_since,
            pg_size_pretty(a.queued_bytes), pg_size_pretty(a.queue_bytes), COALESCE(a.last_error, 'none'));
        hint := 'Look what the recorder waits for in pg_stat_activity. Reads wait when the queue is full.';
    ELSE
        status := 'ok'; detail := format('%s entries were recorded since the server started; the queue is %s%% full.', COALESCE(a.recorded, 0),
            COALESCE(100 * (a.queued_bytes + a.reserved_bytes) / NULLIF(a.queue_bytes, 0), 0)); hint := NULL;
    END IF;
    RETURN NEXT;

    "check" := 'log';
    IF h.size IS NULL THEN
        status := 'warning'; detail := 'The log has no head yet.'; hint := 'The sealer makes it at its first start.';
    ELSIF h.foreign_heads > 0 THEN
        status := CASE WHEN h.size > 0 THEN 'error' ELSE 'warning' END;
        detail := 'The head of another installation is here: a restore is under way, or two logs were mixed.';
        hint := 'When a restore has ended and this stays, restore into an empty database.';
    ELSE
        status := 'ok'; detail := format('%s events are sealed.', h.size); hint := NULL;
    END IF;
    RETURN NEXT;

    "check" := 'checkpoints';
    SELECT * INTO p FROM auditlog_data.publisher_state();
    IF p.state = 'copied' THEN
        status := 'error'; detail := format('No checkpoints: %s.', p.detail);
        hint := 'When the original is gone for good, call auditlog.declare_incarnation(reason); otherwise drop this copy.';
    ELSIF p.state IN ('rolled_back', 'forked') THEN
        status := 'error'; detail := format('No checkpoints: %s.', p.detail);
        hint := 'Run auditlog.verify(). After a restore that was meant, call auditlog.declare_incarnation(reason).';
    ELSIF p.state IN ('key_lost', 'key_replaced') THEN
        status := 'error'; detail := format('No checkpoints: %s.', p.detail);
        hint := 'Put the key file back. If it is gone, auditlog.declare_incarnation(reason) goes on under a new origin and key.';
    ELSIF p.state <> 'ok' THEN
        status := 'error'; detail := format('No checkpoints: %s.', p.detail); hint := 'Look into the server log.';
    ELSIF pg_is_in_recovery() THEN
        status := 'ok'; detail := 'This is a standby; the primary signs.'; hint := NULL;
    ELSIF p.pid IS NULL THEN
        status := 'warning'; detail := 'No publisher is running for this database.';
        hint := 'It is started within a minute; if not, look into the server log and raise max_worker_processes.';
    ELSIF p.size IS NULL THEN
        status := 'ok'; detail := 'Nothing was signed yet: there are no events, or they are new.'; hint := NULL;
    ELSIF h.size > p.size AND clock_timestamp() - p.made_at > 3 * current_setting('auditlog.checkpoint_interval')::interval + interval '1 minute' THEN
        status := 'warning'; detail := format('%s events are sealed, the newest checkpoint of %s covers %s.', h.size, date_trunc('second', p.made_at), p.size);
        hint := 'Look what the publisher waits for in pg_stat_activity: a synchronous standby?';
    ELSE
        status := 'ok'; detail := format('The newest checkpoint covers %s of %s events, signed as %s.', p.size, h.size, p.origin); hint := NULL;
    END IF;
    RETURN NEXT;

    "check" := 'signing key';
    IF p.key_in_data_directory THEN
        status := 'warning'; detail := 'The signing key lies in the data directory, so base backups copy it.';
        hint := 'Move the file elsewhere (mode 0600) and set auditlog.signing_key_file to its path.';
    ELSE
        status := 'ok'; detail := 'The signing key lies outside of the data directory.'; hint := NULL;
    END IF;
    RETURN NEXT;

    "check" := 'verification';
    IF p.verify_findings > 0 THEN
        status := 'error'; detail := format('%s findings in the background, the first: %s.', p.verify_findings, p.verify_first);
        hint := 'auditlog.verify() names them all.';
    ELSIF current_setting('auditlog.verify_interval')::interval = interval '0' THEN
        status := 'warning'; detail := 'Nothing is verified in the background.'; hint := 'Set auditlog.verify_interval.';
    ELSE
        status := 'ok'; hint := NULL;
        detail := format('%s of %s events were verified in the background%s.', p.verified_size, COALESCE(h.size, 0),
            COALESCE(', the last at ' || date_trunc('second', p.verified_at), ''));
    END IF;
    RETURN NEXT;

    "check" := 'tampering';
    IF s.tampered > 0 THEN
        status := 'error'; detail := format('%s events were changed between commit and sealing.', s.tampered);
        hint := 'auditlog.verify() names them.';
    ELSE
        status := 'ok'; detail := 'No event was changed before it was sealed, since the server started.'; hint := NULL;
    END IF;
    RETURN NEXT;

    "check" := 'capture';
    faults := ARRAY(SELECT format('%s is %s', c.relation, c.state) FROM auditlog_data.capture_states() AS c
        WHERE c.state <> 'enabled' ORDER BY c.relation::text);
    IF cardinality(faults) > 0 THEN
        status := 'warning'; detail := format('Rows of tracked tables may go unrecorded: %s.', array_to_string(faults[1:5], ', '));
        hint := 'Call auditlog.track() for the table again, and look for auditlog.policy_change events: who did it?';
    ELSE
        status := 'ok'; detail := format('%s tables are tracked.', (SELECT count(*) FROM auditlog_data.tracked_table)); hint := NULL;
    END IF;
    RETURN NEXT;

    "check" := 'alerts';
    SELECT * INTO w FROM auditlog_data.watch_state();
    faults := ARRAY(SELECT format('%s: %s', al.name, st.error) FROM auditlog_data.alert AS al
        JOIN auditlog_data.alert_state AS st ON st.alert_id = al.id WHERE al.enabled AND st.error IS NOT NULL ORDER BY al.name);
    IF cardinality(faults) > 0 THEN
        status := 'error'; detail := format('Alerts that cannot be evaluated: %s.', array_to_string(faults[1:5], '; '));
        hint := 'Change them with auditlog.alter_alert(); a saved query that they use may be gone.';
    ELSIF NOT EXISTS (SELECT FROM auditlog_data.alert AS al WHERE al.enabled) THEN
        status := 'ok'; detail := 'There are no alerts.'; hint := NULL;
    ELSIF COALESCE(h.size, 0) - (SELECT e.position FROM auditlog_data.evaluator AS e) > 100000
        OR w.evaluator_pid IS NULL AND COALESCE(h.size, 0) > COALESCE((SELECT e.position FROM auditlog_data.evaluator AS e), 0) THEN
        status := 'error'; detail := format('The evaluator of alerts is %s events behind%s.',
            COALESCE(h.size, 0) - COALESCE((SELECT e.position FROM auditlog_data.evaluator AS e), 0), COALESCE(': ' || w.last_error, ''));
        hint := 'Look at auditlog.stat_alerts and the server log; is max_worker_processes large enough?';
    ELSIF w.lost_groups > 0 THEN
        status := 'warning'; detail := format('%s groups were given up for want of memory: firings may be missing.', w.lost_groups);
        hint := 'Raise auditlog.alert_max_groups, or group by a field with fewer values.';
    ELSE
        status := 'ok'; detail := format('%s alerts are evaluated, %s firings are open.',
            (SELECT count(*) FROM auditlog_data.alert AS al WHERE al.enabled), (SELECT count(*) FROM auditlog_data.firing AS f WHERE f.resolved_at IS NULL));
        hint := NULL;
    END IF;
    RETURN NEXT;

    "check" := 'delivery';
    faults := ARRAY(SELECT format('%s: %s', c.name, st.last_error) FROM auditlog_data.channel AS c
        JOIN auditlog_data.channel_state AS st ON st.channel = c.name WHERE c.enabled AND st.paused ORDER BY c.name);
    IF cardinality(faults) > 0 THEN
        status := 'error'; detail := format('Channels that wait for somebody: %s', array_to_string(faults[1:5], '; '));
        hint := 'Mend what is said; auditlog.alter_channel() has them tried again at once.';
    ELSIF EXISTS (SELECT FROM auditlog_data.notification AS n WHERE n.state = 'dead') THEN
        status := 'warning'; detail := format('%s notifications were refused for good.', (SELECT count(*) FROM auditlog_data.notification AS n WHERE n.state = 'dead'));
        hint := 'auditlog.dead_letters lists them; auditlog.redrive(id) sends one again.';
    ELSIF EXISTS (SELECT FROM auditlog_data.notification AS n WHERE n.state = 'waiting' AND n.made_at < clock_timestamp() - interval '5 minutes') THEN
        status := 'warning'; detail := format('%s notifications have been waiting for more than 5 minutes.', (SELECT count(*) FROM auditlog_data.notification AS n
            WHERE n.state = 'waiting' AND n.made_at < clock_timestamp() - interval '5 minutes'));
        hint := 'auditlog.stat_channels has the last error of each channel.';
    ELSE
        status := 'ok'; detail := format('%s channels.', (SELECT count(*) FROM auditlog_data.channel AS c WHERE c.enabled)); hint := NULL;
    END IF;
    RETURN NEXT;

    "check" := 'jobs';
    SELECT * INTO w FROM auditlog_data.scheduler_state();
    faults := ARRAY(SELECT format('%s: %s', COALESCE(jb.jobname, jb.jobid::text), left(r.return_message, 100)) FROM auditlog_data.job AS jb
        JOIN LATERAL (SELECT o.status, o.return_message FROM auditlog_data.job_run AS o WHERE o.jobid = jb.jobid AND o.end_time IS NOT NULL
            ORDER BY o.runid DESC LIMIT 1) AS r ON r.status = 'failed' WHERE jb.active ORDER BY jb.jobid);
    IF cardinality(faults) > 0 THEN
        status := 'warning'; detail := format('Jobs whose last run failed: %s.', array_to_string(faults[1:5], '; '));
        hint := 'auditlog.job_run_details has the messages.';
    ELSIF w.scheduler_pid IS NULL AND EXISTS (SELECT FROM auditlog_data.job AS jb WHERE jb.active AND jb.looked_at < clock_timestamp() - interval '2 minutes') THEN
        status := 'error'; detail := format('The scheduler of jobs does not run%s.', COALESCE(': ' || w.last_error, ''));
        hint := 'Look at the server log; is max_worker_processes large enough?';
    ELSE
        status := 'ok'; detail := format('%s jobs.', (SELECT count(*) FROM auditlog_data.job AS jb WHERE jb.active)); hint := NULL;
    END IF;
    RETURN NEXT;

    "check" := 'protection';
    faults := ARRAY(SELECT f.fault FROM auditlog_data.guard_faults() AS f);
    IF cardinality(faults) > 0 THEN
        status := 'error'; detail := array_to_string(faults[1:5], '; ') || '.';
        hint := 'Somebody with superuser rights changed the log''s protection. Run auditlog.verify() and find out who.';
    ELSE
        status := 'ok'; detail := 'All triggers are in place and nobody may write to the log directly.'; hint := NULL;
    END IF;
    RETURN NEXT;
END
$body$;
COMMENT ON FUNCTION auditlog.health() IS 'Checks of the audit log: ok, warning or error, with what to do';
