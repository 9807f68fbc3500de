-- The SQL interface. Recording runs with the caller's rights: the rows go in below SQL, so the caller
-- needs EXECUTE and nothing else, and the role in effect is known when the event is recorded.

CREATE FUNCTION auditlog.record(event jsonb, idempotency_key text DEFAULT NULL) RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_record_document';
COMMENT ON FUNCTION auditlog.record(jsonb, text) IS
    'Records an event given as a JSON document and returns its event_id; with the same idempotency_key again within 24 hours, the first event_id';

CREATE FUNCTION auditlog.record(event text, key_or_actor text) RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_record_text';
COMMENT ON FUNCTION auditlog.record(text, text) IS
    'The same for arguments without a type, as in psql: a JSON document and its idempotency key, or an event type and its actor';

CREATE FUNCTION auditlog.record(
    event_type text,
    actor jsonb DEFAULT NULL,
    resource jsonb DEFAULT NULL,
    action jsonb DEFAULT NULL,
    changes jsonb DEFAULT NULL,
    metadata jsonb DEFAULT NULL,
    severity text DEFAULT NULL,
    "timestamp" timestamptz DEFAULT NULL,
    tenant text DEFAULT NULL,
    idempotency_key text DEFAULT NULL
) RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_record_event';
COMMENT ON FUNCTION auditlog.record(text, jsonb, jsonb, jsonb, jsonb, jsonb, text, timestamptz, text, text) IS
    'Records an event given group by group and returns its event_id';

CREATE FUNCTION auditlog.record_batch(events jsonb) RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_record_batch';
COMMENT ON FUNCTION auditlog.record_batch(jsonb) IS
    'Records a JSON array of events, all or none; returns how many were new';

CREATE FUNCTION auditlog.record_ndjson(lines text) RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_record_ndjson';
COMMENT ON FUNCTION auditlog.record_ndjson(text) IS
    'Records one JSON document a line, all or none; returns how many were new';

CREATE FUNCTION auditlog.set_context(context jsonb) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_set_context';
COMMENT ON FUNCTION auditlog.set_context(jsonb) IS
    'Sets actor, tenant, request … for the events of this transaction that lack them; NULL clears it';

CREATE FUNCTION auditlog.to_json(event auditlog.events) RETURNS jsonb
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'auditlog_to_json';
COMMENT ON FUNCTION auditlog.to_json(auditlog.events) IS 'The event as the JSON document that it came as';

CREATE FUNCTION auditlog.await_sealed(event_id text, timeout interval DEFAULT '5s') RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_await_sealed';
COMMENT ON FUNCTION auditlog.await_sealed(text, interval) IS
    'Waits until an event is sealed and returns its log_index; an error when it is not in time';

CREATE FUNCTION auditlog.verify(from_index bigint DEFAULT 0, to_index bigint DEFAULT NULL)
    RETURNS TABLE (log_index bigint, kind text, detail text, event_id text)
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_verify';
COMMENT ON FUNCTION auditlog.verify(bigint, bigint) IS
    'Reads and hashes every event again; each row is a finding (modified, missing, extra, reordered, uncovered_gap, forked, rolled_back, key_replaced, unsealed_too_long, trigger_disabled), no row means intact';

-- Not for users.

CREATE FUNCTION auditlog_data.stats(
    OUT sealer_pid integer, OUT active_inbox integer, OUT sealed bigint, OUT batches bigint, OUT last_batch bigint,
    OUT last_seal timestamptz, OUT last_round timestamptz, OUT last_lag_us bigint, OUT tampered bigint,
    OUT truncations bigint, OUT errors bigint, OUT last_error_at timestamptz, OUT last_error text,
    OUT repeats bigint, OUT differing_repeats bigint, OUT schema_warnings bigint,
    OUT verify_pid integer, OUT verify_done bigint, OUT verify_total bigint, OUT verify_started timestamptz,
    OUT publisher_pid integer, OUT key_in_data_directory boolean, OUT seal_us bigint, OUT tree_us bigint
) RETURNS SETOF record
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_stats';
COMMENT ON FUNCTION auditlog_data.stats() IS 'Counters of this database in shared memory';

CREATE FUNCTION auditlog_data.is_worker() RETURNS boolean
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_is_worker';
COMMENT ON FUNCTION auditlog_data.is_worker() IS 'Is this process the sealer, or a script of the extension?';

CREATE FUNCTION auditlog_data.announce_database() RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_announce_database';
COMMENT ON FUNCTION auditlog_data.announce_database() IS 'Has a sealer started for this database at commit';

CREATE FUNCTION auditlog_data.refuse() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'auditlog_refuse';
COMMENT ON FUNCTION auditlog_data.refuse() IS 'Trigger: refuses UPDATE, DELETE and TRUNCATE';
CREATE FUNCTION auditlog_data.inbox_row() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'auditlog_inbox_row';
COMMENT ON FUNCTION auditlog_data.inbox_row() IS 'Trigger: validates and hashes an event';
CREATE FUNCTION auditlog_data.log_row() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'auditlog_log_row';
COMMENT ON FUNCTION auditlog_data.log_row() IS 'Trigger: enforces the hash chain';
CREATE FUNCTION auditlog_data.events_row() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'auditlog_events_row';
COMMENT ON FUNCTION auditlog_data.events_row() IS 'Trigger: INSERT INTO auditlog.events records an event';
CREATE FUNCTION auditlog_data.event_types_changed() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'auditlog_event_types_changed';
COMMENT ON FUNCTION auditlog_data.event_types_changed() IS 'Trigger: checks a JSON Schema, has the catalogue read again';
CREATE FUNCTION auditlog_data.guard_ddl() RETURNS event_trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'auditlog_guard_ddl';
COMMENT ON FUNCTION auditlog_data.guard_ddl() IS 'Event trigger: refuses DDL on the log';
CREATE FUNCTION auditlog_data.guard_drop() RETURNS event_trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'auditlog_guard_drop';
COMMENT ON FUNCTION auditlog_data.guard_drop() IS 'Event trigger: refuses dropping parts of the log';
CREATE FUNCTION auditlog_data.guard_extension() RETURNS event_trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'auditlog_guard_extension';
COMMENT ON FUNCTION auditlog_data.guard_extension() IS 'Event trigger: refuses DROP EXTENSION without CASCADE while there are events';

-- Gives a partition of the log what it needs where that is missing: indexes, triggers, policies, owner,
-- no grants. Also repairs a partition that came out of an incomplete dump.
CREATE FUNCTION auditlog_data.secure_partition(partition regclass) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS
$body$
DECLARE
    child text := (SELECT relname FROM pg_class WHERE oid = partition);
    i record;
    t record;
BEGIN
    IF NOT auditlog_data.is_worker() THEN
        RAISE EXCEPTION 'only the sealer changes partitions of the log' USING ERRCODE = '42501';
    END IF;
    FOR i IN SELECT * FROM auditlog_data.partition_indexes(child) LOOP
        IF to_regclass(format('auditlog_data.%I', child || '_' || i.suffix)) IS NULL THEN
            EXECUTE format('CREATE %s INDEX %I ON auditlog_data.%I USING %s (%s)',
                CASE WHEN i.is_unique THEN 'UNIQUE' END, child || '_' || i.suffix, child, i.method, i.columns);
        END IF;
    END LOOP;
    FOR i IN SELECT * FROM auditlog_data.partition_statistics() LOOP
        IF NOT EXISTS (
            SELECT FROM pg_statistic_ext
            WHERE stxrelid = partition AND stxname = child || '_' || i.suffix
        ) THEN
            EXECUTE format('CREATE STATISTICS auditlog_data.%I ON (%s) FROM auditlog_data.%I',
                child || '_' || i.suffix, i.expression, child);
            EXECUTE format('ALTER STATISTICS auditlog_data.%I OWNER TO auditlog_owner', child || '_' || i.suffix);
        END IF;
    END LOOP;
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = partition AND tgname = 'auditlog_no_truncate') THEN
        EXECUTE format('CREATE TRIGGER auditlog_no_truncate BEFORE TRUNCATE ON auditlog_data.%I FOR EACH STATEMENT EXECUTE FUNCTION auditlog_data.refuse()', child);
    END IF;
    PERFORM auditlog_data.always(child);
    EXECUTE format('ALTER TABLE auditlog_data.%I OWNER TO auditlog_owner', child);
    EXECUTE format('REVOKE ALL ON auditlog_data.%I FROM PUBLIC', child);
    PERFORM auditlog_data.secure_rows(partition);
END
$body$;
COMMENT ON FUNCTION auditlog_data.secure_partition(regclass) IS 'Adds the indexes, statistics, triggers and policies that a partition of the log lacks; called by the sealer';

-- The indexes of a partition. log_index is unique in each; that it is unique in the whole log is
-- the chain''s business (a unique index of the tree would have to contain the partition key). A warm one has those that
-- cost little: words find their places by log_index, times by blocks, as its rows lie in the order of time.
CREATE FUNCTION auditlog_data.partition_indexes(relation text) RETURNS TABLE (suffix text, is_unique boolean, method text, columns text)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS
$body$
    SELECT v.suffix, v.is_unique, v.method, v.columns
    FROM (VALUES ('log_index', true, 'btree', 'log_index', NULL),
        ('event_id', false, 'btree', 'event_id', 'hot'),
        ('timestamp', false, 'btree', '"timestamp"', 'hot'),
        ('event_type', false, 'btree', 'event_type text_pattern_ops, "timestamp"', 'hot'),
        ('actor_id', false, 'btree', 'actor_id, "timestamp"', 'hot'),
        ('actor_email', false, 'btree', 'actor_email, "timestamp"', 'hot'),
        ('actor_ip', false, 'btree', 'actor_ip, "timestamp"', 'hot'),
        ('resource_id', false, 'btree', 'resource_id, "timestamp"', 'hot'),
        ('time', false, 'brin', '"timestamp"', 'warm'),
        ('event', false, 'hash', 'event_id', 'warm')) AS v (suffix, is_unique, method, columns, tier)
    WHERE v.tier IS NULL OR v.tier = COALESCE((SELECT t.tier FROM auditlog_data.partition_tier AS t
        WHERE t.relation = partition_indexes.relation), 'hot')
$body$;
COMMENT ON FUNCTION auditlog_data.partition_indexes(text) IS 'The indexes of a partition of the log, by its tier';

-- Queries compare texts by fold(): without statistics of it the planner takes every value for one in 200.
CREATE FUNCTION auditlog_data.partition_statistics() RETURNS TABLE (suffix text, expression text)
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$body$
    SELECT name || '_folded', format('auditlog.fold(%I)', name)
    FROM unnest(ARRAY['operation', 'status', 'method', 'tenant', 'actor_type', 'actor_id', 'actor_email', 'actor_session_id',
        'resource_type', 'resource_id', 'cloud_provider', 'account_id', 'region', 'request_id']) AS name
$body$;
COMMENT ON FUNCTION auditlog_data.partition_statistics() IS 'The expressions of which ANALYZE keeps statistics in each partition of the log';

-- Partitions that lack something, as they are in the middle of a restore.
CREATE FUNCTION auditlog_data.incomplete_partitions() RETURNS SETOF regclass
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS
$body$
    SELECT p.relid FROM pg_partition_tree('auditlog_data.log') AS p JOIN pg_class AS c ON c.oid = p.relid
    WHERE p.isleaf AND (
        (SELECT count(*) FROM pg_trigger AS t WHERE t.tgrelid = p.relid AND t.tgenabled = 'A'
            AND t.tgname IN ('auditlog_row', 'auditlog_no_change', 'auditlog_no_truncate')) < 3
        OR NOT c.relrowsecurity OR NOT c.relforcerowsecurity
        OR EXISTS (SELECT FROM auditlog_data.event_policies() AS e
            WHERE NOT EXISTS (SELECT FROM pg_policy AS o WHERE o.polrelid = p.relid AND o.polname = e.role))
        OR EXISTS (SELECT FROM auditlog_data.partition_indexes(c.relname::text) AS i
            WHERE to_regclass(format('auditlog_data.%I', c.relname || '_' || i.suffix)) IS NULL)
        OR EXISTS (SELECT FROM auditlog_data.partition_statistics() AS s
            WHERE NOT EXISTS (SELECT FROM pg_statistic_ext AS x
                WHERE x.stxrelid = p.relid AND x.stxname = c.relname || '_' || s.suffix)))
$body$;
COMMENT ON FUNCTION auditlog_data.incomplete_partitions() IS 'Partitions of the log that lack a trigger, an index, statistics or a policy';

CREATE FUNCTION auditlog_data.partition_name(class text, year integer, month integer) RETURNS text
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$body$
    SELECT CASE WHEN month > 0 THEN format('log_%s_%s_%s', class, lpad(year::text, 4, '0'), lpad(month::text, 2, '0'))
        ELSE format('log_%s_before_2020', class) END
$body$;
COMMENT ON FUNCTION auditlog_data.partition_name(text, integer, integer) IS 'The name of a partition of the log';

CREATE FUNCTION auditlog_data.partition_bounds(year integer, month integer, OUT first timestamptz, OUT after timestamptz)
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS
$body$
    SELECT CASE WHEN month > 0 THEN make_timestamptz(year, month, 1, 0, 0, 0, 'UTC') END,
        CASE WHEN month = 0 THEN make_timestamptz(2020, 1, 1, 0, 0, 0, 'UTC')
            WHEN month = 12 THEN make_timestamptz(year + 1, 1, 1, 0, 0, 0, 'UTC')
            ELSE make_timestamptz(year, month + 1, 1, 0, 0, 0, 'UTC') END
$body$;
COMMENT ON FUNCTION auditlog_data.partition_bounds(integer, integer) IS 'The times of a partition of the log: first, and first after it';

-- Makes the table above the partitions of a retention class, where it is missing.
CREATE FUNCTION auditlog_data.ensure_class(class text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS
$body$
DECLARE
    parent text := format('log_%s', class);
BEGIN
    IF NOT auditlog_data.is_worker() THEN
        RAISE EXCEPTION 'only the sealer makes partitions of the log' USING ERRCODE = '42501';
    END IF;
    IF to_regclass(format('auditlog_data.%I', parent)) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE auditlog_data.%I (LIKE auditlog_data.log INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE INCLUDING COMMENTS)'
        ' PARTITION BY RANGE ("timestamp")', parent);
    EXECUTE format('COMMENT ON TABLE auditlog_data.%I IS %L', parent,
        format('Sealed events of the retention class «%s», a partition a month', class));
    EXECUTE format('ALTER TABLE auditlog_data.log ATTACH PARTITION auditlog_data.%I FOR VALUES IN (%L)', parent, class);
    EXECUTE format('CREATE TRIGGER auditlog_no_truncate BEFORE TRUNCATE ON auditlog_data.%I FOR EACH STATEMENT EXECUTE FUNCTION auditlog_data.refuse()', parent);
    PERFORM auditlog_data.always(parent);
    EXECUTE format('ALTER TABLE auditlog_data.%I OWNER TO auditlog_owner', parent);
    EXECUTE format('REVOKE ALL ON auditlog_data.%I FROM PUBLIC', parent);
    PERFORM auditlog_data.secure_rows(format('auditlog_data.%I', parent)::regclass);
END
$body$;
COMMENT ON FUNCTION auditlog_data.ensure_class(text) IS 'Makes the table above the partitions of a retention class; called by the workers';

-- Has the triggers of a part of the log fire whatever session_replication_role says.
CREATE FUNCTION auditlog_data.always(part text) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS
$body$
DECLARE
    t record;
BEGIN
    IF NOT auditlog_data.is_worker() THEN
        RAISE EXCEPTION 'only the sealer changes partitions of the log' USING ERRCODE = '42501';
    END IF;
    FOR t IN SELECT tgname FROM pg_trigger
        WHERE tgrelid = format('auditlog_data.%I', part)::regclass AND tgname LIKE 'auditlog\_%' AND tgenabled <> 'A'
    LOOP
        EXECUTE format('ALTER TABLE auditlog_data.%I ENABLE ALWAYS TRIGGER %I', part, t.tgname);
    END LOOP;
END
$body$;
COMMENT ON FUNCTION auditlog_data.always(text) IS 'Has the triggers of a part of the log fire whatever session_replication_role says; called by the workers';

-- Makes the partition of a month, or of all time before 2020 (month 0), and locks it down like its
-- parent. LIKE and ATTACH instead of PARTITION OF: that would lock the whole log against readers.
CREATE FUNCTION auditlog_data.ensure_partition(class text, year integer, month integer, OUT partition regclass, OUT made boolean)
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS
$body$
DECLARE
    parent text := format('log_%s', class);
    child text := auditlog_data.partition_name(class, year, month);
    b record;
BEGIN
    IF NOT auditlog_data.is_worker() THEN
        RAISE EXCEPTION 'only the sealer makes partitions of the log' USING ERRCODE = '42501';
    END IF;
    SELECT c.oid INTO partition FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE c.relname = child AND i.inhparent = to_regclass(format('auditlog_data.%I', parent));
    made := partition IS NULL;
    IF NOT made THEN
        RETURN;
    END IF;
    PERFORM auditlog_data.ensure_class(class);
    EXECUTE format('CREATE TABLE auditlog_data.%I (LIKE auditlog_data.log INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE INCLUDING COMMENTS)', child);
    SELECT * INTO b FROM auditlog_data.partition_bounds(year, month);
    EXECUTE format('ALTER TABLE auditlog_data.%I ATTACH PARTITION auditlog_data.%I FOR VALUES FROM (%s) TO (%L)',
        parent, child, CASE WHEN month > 0 THEN quote_literal(b.first) ELSE 'MINVALUE' END, b.after);
    partition := format('auditlog_data.%I', child)::regclass;
    PERFORM auditlog_data.secure_partition(partition);
END
$body$;
COMMENT ON FUNCTION auditlog_data.ensure_partition(text, integer, integer) IS 'Finds or makes the partition of a month; called by the sealer';
