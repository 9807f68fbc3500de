-- pg_auditlog 0.1.0: the whole install script. Written by pgrx-embed; do not edit.

-- sql/schema/10_roles.sql
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

-- sql/schema/20_tables.sql
-- Where events live. The columns that are hashed come first, in the order of crates/core/src/columns.rs;
-- a test compares the two.

CREATE TYPE auditlog.severity AS ENUM ('debug', 'info', 'notice', 'warning', 'error', 'critical');
COMMENT ON TYPE auditlog.severity IS 'How grave an event is, in ascending order';

CREATE TABLE auditlog.event_types (
    event_type text PRIMARY KEY
        CHECK (event_type OPERATOR(pg_catalog.~) '^[a-z0-9_][a-z0-9_-]*(\.[a-z0-9_][a-z0-9_-]*)*$'),
    category text NOT NULL CHECK (category OPERATOR(pg_catalog.<>) ''),
    default_severity auditlog.severity NOT NULL DEFAULT 'info',
    description text NOT NULL,
    json_schema jsonb,
    built_in boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE auditlog.event_types IS 'Catalogue of event types; add your own, with built_in = false';
COMMENT ON COLUMN auditlog.event_types.json_schema IS 'JSON Schema for events of this type, checked as auditlog.validation says';

-- Sealed events, by retention class and month. Only the sealer writes here.
CREATE TABLE auditlog_data.log (
    timestamp timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    db_xid bigint NOT NULL,
    severity auditlog.severity NOT NULL,
    event_id text NOT NULL,
    event_type text NOT NULL,
    category text NOT NULL,
    operation text,
    status text,
    method text,
    tenant text,
    idempotency_key text,
    actor_type text,
    actor_id text,
    actor_email text,
    actor_ip inet,
    actor_user_agent text,
    actor_session_id text,
    resource_type text,
    resource_id text,
    cloud_provider text,
    account_id text,
    region text,
    resource_tags jsonb,
    before jsonb,
    after jsonb,
    request_id text,
    tags text[],
    extra jsonb,
    db_session_user text NOT NULL,
    db_current_user text NOT NULL,
    db_client_addr inet,
    db_application text,
    personal text[],
    salt bytea,
    redacted jsonb,
    entry_hash bytea NOT NULL,
    sealed_at timestamptz NOT NULL,
    retention_class text NOT NULL,
    log_index bigint NOT NULL,
    prev_hash bytea NOT NULL,
    hash bytea NOT NULL
) PARTITION BY LIST (retention_class);
COMMENT ON TABLE auditlog_data.log IS 'The sealed, hash-chained log; read auditlog.events';
CREATE TABLE auditlog_data.log_standard PARTITION OF auditlog_data.log FOR VALUES IN ('standard')
    PARTITION BY RANGE ("timestamp");
COMMENT ON TABLE auditlog_data.log_standard IS 'Sealed events of the retention class «standard», a partition a month';

-- The tier of a partition, and the policy by which its events were last found to be of its class.
CREATE TABLE auditlog_data.partition_tier (
    relation text PRIMARY KEY,
    tier text NOT NULL DEFAULT 'hot' CHECK (tier OPERATOR(pg_catalog.=) ANY (ARRAY['hot', 'warm'])),
    policy bigint NOT NULL DEFAULT 0,
    since timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
COMMENT ON TABLE auditlog_data.partition_tier IS 'Tiers of the log''s partitions; one that is not here is hot';

-- Indexes are made on each partition (secure_partition), not on the tree: a dump then restores them
-- without a clash, and a closed partition can have other ones than the open one.

-- Recorded events that are not sealed yet. A few tables that take turns, so that a drained one can
-- be emptied at once; no index, no vacuum. Rows stay uncompressed: they are here for milliseconds.
CREATE TABLE auditlog_data.inbox_0 (
    timestamp timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    db_xid bigint NOT NULL,
    severity auditlog.severity NOT NULL,
    event_id text NOT NULL,
    event_type text NOT NULL,
    category text NOT NULL,
    operation text,
    status text,
    method text,
    tenant text,
    idempotency_key text,
    actor_type text,
    actor_id text,
    actor_email text,
    actor_ip inet,
    actor_user_agent text,
    actor_session_id text,
    resource_type text,
    resource_id text,
    cloud_provider text,
    account_id text,
    region text,
    resource_tags jsonb,
    before jsonb,
    after jsonb,
    request_id text,
    tags text[],
    extra jsonb,
    db_session_user text NOT NULL,
    db_current_user text NOT NULL,
    db_client_addr inet,
    db_application text,
    personal text[],
    salt bytea,
    redacted jsonb,
    entry_hash bytea NOT NULL
) WITH (autovacuum_enabled = false, toast.autovacuum_enabled = false, toast_tuple_target = 8160);
CREATE TABLE auditlog_data.inbox_1 (LIKE auditlog_data.inbox_0)
    WITH (autovacuum_enabled = false, toast.autovacuum_enabled = false, toast_tuple_target = 8160);
CREATE TABLE auditlog_data.inbox_2 (LIKE auditlog_data.inbox_0)
    WITH (autovacuum_enabled = false, toast.autovacuum_enabled = false, toast_tuple_target = 8160);
CREATE TABLE auditlog_data.inbox_3 (LIKE auditlog_data.inbox_0)
    WITH (autovacuum_enabled = false, toast.autovacuum_enabled = false, toast_tuple_target = 8160);
COMMENT ON TABLE auditlog_data.inbox_0 IS 'Recorded events that wait to be sealed; read auditlog.events';
COMMENT ON TABLE auditlog_data.inbox_1 IS 'Recorded events that wait to be sealed; read auditlog.events';
COMMENT ON TABLE auditlog_data.inbox_2 IS 'Recorded events that wait to be sealed; read auditlog.events';
COMMENT ON TABLE auditlog_data.inbox_3 IS 'Recorded events that wait to be sealed; read auditlog.events';
CREATE VIEW auditlog_data.inbox WITH (security_invoker = true) AS
    SELECT * FROM ONLY auditlog_data.inbox_0 UNION ALL SELECT * FROM ONLY auditlog_data.inbox_1
    UNION ALL SELECT * FROM ONLY auditlog_data.inbox_2 UNION ALL SELECT * FROM ONLY auditlog_data.inbox_3;
COMMENT ON VIEW auditlog_data.inbox IS 'All recorded events that wait to be sealed';

-- How far the chain has come: one row for this installation, and for a moment after a restore the
-- row of the installation that it was dumped from.
CREATE TABLE auditlog_data.head (
    system_identifier bigint NOT NULL,
    database_oid bigint NOT NULL,
    extension_oid bigint NOT NULL,
    size bigint NOT NULL,
    hash bytea NOT NULL,
    root bytea NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (system_identifier, database_oid, extension_oid)
) WITH (fillfactor = 50);
COMMENT ON TABLE auditlog_data.head IS 'Number of sealed events, hash of the last one, root of the Merkle tree';

-- The Merkle tree over the entries (docs/format.md), in tiles of 256 hashes as c2sp.org/tlog-tiles has
-- them; the last tile of each level grows. It does not depend on the rows: they may go, it stays.
CREATE TABLE auditlog_data.tile (
    level smallint NOT NULL,
    tile_index bigint NOT NULL,
    hashes bytea NOT NULL,
    PRIMARY KEY (level, tile_index)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
    toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 8000);
-- Hashes have nothing to compress.
ALTER TABLE auditlog_data.tile ALTER COLUMN hashes SET STORAGE EXTERNAL;
COMMENT ON TABLE auditlog_data.tile IS 'Tiles of the Merkle tree over the entries';

-- One log has one origin, until a restored or copied database goes on as another.
CREATE TABLE auditlog_data.incarnation (
    number integer PRIMARY KEY,
    origin text NOT NULL UNIQUE,
    first_size bigint NOT NULL,
    started_at timestamptz NOT NULL,
    system_identifier bigint NOT NULL,
    database_oid bigint NOT NULL,
    extension_oid bigint NOT NULL,
    declared_by text NOT NULL,
    reason text NOT NULL
);
COMMENT ON TABLE auditlog_data.incarnation IS 'Under which origin this log''s checkpoints are signed, and since when';

-- Keys that have signed, the public halves.
CREATE TABLE auditlog_data.signing_key (
    vkey text PRIMARY KEY,
    origin text NOT NULL,
    from_size bigint NOT NULL,
    since timestamptz NOT NULL,
    retired_at timestamptz
);
COMMENT ON TABLE auditlog_data.signing_key IS 'Public keys of the checkpoints';

-- Rotations of the key that were asked for; the publisher carries them out and deletes the row.
CREATE TABLE auditlog_data.key_rotation (
    requested_at timestamptz PRIMARY KEY,
    requested_by text NOT NULL
);
COMMENT ON TABLE auditlog_data.key_rotation IS 'Rotations of the signing key that are to be carried out';

CREATE TABLE auditlog_data.checkpoint (
    origin text NOT NULL,
    size bigint NOT NULL,
    root bytea NOT NULL,
    note text NOT NULL,
    made_at timestamptz NOT NULL,
    PRIMARY KEY (origin, size)
);
COMMENT ON TABLE auditlog_data.checkpoint IS 'Signed checkpoints: C2SP signed notes';

-- What witnesses have added to checkpoints: signature lines.
CREATE TABLE auditlog_data.cosignature (
    origin text NOT NULL,
    size bigint NOT NULL,
    sink text NOT NULL,
    lines text NOT NULL,
    cosigned_at timestamptz NOT NULL,
    PRIMARY KEY (origin, size, sink)
);
COMMENT ON TABLE auditlog_data.cosignature IS 'Cosignatures of checkpoints';

-- Where checkpoints go, and how far each has come.
CREATE TABLE auditlog_data.checkpoint_sink (
    name text PRIMARY KEY,
    kind text NOT NULL,
    address text NOT NULL,
    options jsonb NOT NULL,
    added_at timestamptz NOT NULL,
    added_by text NOT NULL,
    origin text,
    delivered_size bigint NOT NULL DEFAULT 0,
    delivered_at timestamptz,
    compared boolean NOT NULL DEFAULT false,
    attempts integer NOT NULL DEFAULT 0,
    next_attempt timestamptz NOT NULL,
    last_error text,
    last_error_at timestamptz
) WITH (fillfactor = 50);
COMMENT ON TABLE auditlog_data.checkpoint_sink IS 'Receivers of checkpoints outside of the database';

-- Why no checkpoint is made at the moment; one row, written by the publisher when it changes.
CREATE TABLE auditlog_data.publisher (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    state text NOT NULL,
    detail text NOT NULL,
    since timestamptz NOT NULL,
    protection jsonb,
    witness_policy text,
    verified_size bigint NOT NULL DEFAULT 0,
    verified_at timestamptz,
    verify_begun timestamptz,
    verify_findings bigint NOT NULL DEFAULT 0,
    verify_first text,
    blocked_origin text,
    blocked_state text,
    blocked_detail text
);
COMMENT ON TABLE auditlog_data.publisher IS 'State of the publisher of checkpoints';
COMMENT ON COLUMN auditlog_data.publisher.protection IS 'what auditlog_data.protection() said last';
COMMENT ON COLUMN auditlog_data.publisher.witness_policy IS 'which witnesses must cosign (c2sp.org/tlog-policy)';
COMMENT ON COLUMN auditlog_data.publisher.blocked_origin IS 'origin under which nothing is signed any more, because somebody outside has seen another log';

CREATE TABLE auditlog_data.idempotency (
    tenant text NOT NULL,
    key text NOT NULL,
    event_id text NOT NULL,
    digest bytea NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, key)
);
CREATE INDEX idempotency_recorded_at ON auditlog_data.idempotency (recorded_at);
COMMENT ON TABLE auditlog_data.idempotency IS 'Idempotency keys of the last 24 hours';

-- What everybody reads. Under the reader's own rights; a row moves from inbox to log in one
-- transaction, so each snapshot sees it exactly once.
CREATE VIEW auditlog.events WITH (security_invoker = true) AS
SELECT
    log_index, event_id, "timestamp", event_type, category, severity, tenant, actor_type, actor_id,
    actor_email, actor_ip, actor_user_agent, actor_session_id, resource_type, resource_id, cloud_provider,
    account_id, region, resource_tags, operation, status, method, before, after, request_id, tags, extra,
    idempotency_key, recorded_at, sealed_at, db_session_user, db_current_user, db_client_addr, db_application,
    db_xid, retention_class, personal, salt, redacted, entry_hash, prev_hash, hash
FROM auditlog_data.log
UNION ALL SELECT
    NULL::bigint, event_id, "timestamp", event_type, category, severity, tenant, actor_type, actor_id,
    actor_email, actor_ip, actor_user_agent, actor_session_id, resource_type, resource_id, cloud_provider,
    account_id, region, resource_tags, operation, status, method, before, after, request_id, tags, extra,
    idempotency_key, recorded_at, NULL::timestamptz, db_session_user, db_current_user, db_client_addr,
    db_application, db_xid, NULL::text, personal, salt, redacted, entry_hash, NULL::bytea, NULL::bytea
FROM ONLY auditlog_data.inbox_0
UNION ALL SELECT
    NULL::bigint, event_id, "timestamp", event_type, category, severity, tenant, actor_type, actor_id,
    actor_email, actor_ip, actor_user_agent, actor_session_id, resource_type, resource_id, cloud_provider,
    account_id, region, resource_tags, operation, status, method, before, after, request_id, tags, extra,
    idempotency_key, recorded_at, NULL::timestamptz, db_session_user, db_current_user, db_client_addr,
    db_application, db_xid, NULL::text, personal, salt, redacted, entry_hash, NULL::bytea, NULL::bytea
FROM ONLY auditlog_data.inbox_1
UNION ALL SELECT
    NULL::bigint, event_id, "timestamp", event_type, category, severity, tenant, actor_type, actor_id,
    actor_email, actor_ip, actor_user_agent, actor_session_id, resource_type, resource_id, cloud_provider,
    account_id, region, resource_tags, operation, status, method, before, after, request_id, tags, extra,
    idempotency_key, recorded_at, NULL::timestamptz, db_session_user, db_current_user, db_client_addr,
    db_application, db_xid, NULL::text, personal, salt, redacted, entry_hash, NULL::bytea, NULL::bytea
FROM ONLY auditlog_data.inbox_2
UNION ALL SELECT
    NULL::bigint, event_id, "timestamp", event_type, category, severity, tenant, actor_type, actor_id,
    actor_email, actor_ip, actor_user_agent, actor_session_id, resource_type, resource_id, cloud_provider,
    account_id, region, resource_tags, operation, status, method, before, after, request_id, tags, extra,
    idempotency_key, recorded_at, NULL::timestamptz, db_session_user, db_current_user, db_client_addr,
    db_application, db_xid, NULL::text, personal, salt, redacted, entry_hash, NULL::bytea, NULL::bytea
FROM ONLY auditlog_data.inbox_3;
COMMENT ON VIEW auditlog.events IS 'All events, sealed (log_index is set) and not yet sealed; INSERT and COPY record events';
COMMENT ON COLUMN auditlog.events.log_index IS 'place in the log, 0, 1, 2 … without gaps; NULL until sealed';
COMMENT ON COLUMN auditlog.events.event_id IS 'given by the caller, or evt_ and a UUIDv7';
COMMENT ON COLUMN auditlog.events."timestamp" IS 'when it happened';
COMMENT ON COLUMN auditlog.events.event_type IS 'what happened, dotted, lower case';
COMMENT ON COLUMN auditlog.events.category IS 'category of the type in auditlog.event_types';
COMMENT ON COLUMN auditlog.events.severity IS 'how grave it is';
COMMENT ON COLUMN auditlog.events.tenant IS 'whose event it is, where one database serves several';
COMMENT ON COLUMN auditlog.events.actor_ip IS 'address of the actor; what is no address is kept in extra';
COMMENT ON COLUMN auditlog.events.extra IS 'everything of the event document that has no column';
COMMENT ON COLUMN auditlog.events.idempotency_key IS 'a retry with the same key within 24 hours records nothing';
COMMENT ON COLUMN auditlog.events.recorded_at IS 'when the database recorded it';
COMMENT ON COLUMN auditlog.events.sealed_at IS 'when it got its place in the log';
COMMENT ON COLUMN auditlog.events.db_session_user IS 'login role that recorded it, set by the database';
COMMENT ON COLUMN auditlog.events.db_current_user IS 'role in effect when it was recorded, set by the database';
COMMENT ON COLUMN auditlog.events.db_client_addr IS 'address of the database client, set by the database';
COMMENT ON COLUMN auditlog.events.db_application IS 'application_name of the database client';
COMMENT ON COLUMN auditlog.events.db_xid IS 'transaction that recorded it';
COMMENT ON COLUMN auditlog.events.retention_class IS 'how long it is kept';
COMMENT ON COLUMN auditlog.events.personal IS 'paths whose values are hashed as commitments; NULL means the default ones';
COMMENT ON COLUMN auditlog.events.salt IS 'hides personal values in the hash; removed by erasure';
COMMENT ON COLUMN auditlog.events.redacted IS 'commitments in place of erased values';
COMMENT ON COLUMN auditlog.events.entry_hash IS 'SHA-256 of the entry (docs/format.md)';
COMMENT ON COLUMN auditlog.events.prev_hash IS 'hash of the event before';
COMMENT ON COLUMN auditlog.events.hash IS 'SHA-256 of prev_hash, entry_hash and log_index';

-- Dumps carry the events. Partitions are no members of the extension (they come and go), so pg_dump
-- takes them by itself; the event types that users added are told apart by built_in.
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.head', '');
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.tile', '');
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.incarnation', '');
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.signing_key', '');
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.checkpoint', '');
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.cosignature', '');
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.checkpoint_sink', '');
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.idempotency', '');
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.inbox_0', '');
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.inbox_1', '');
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.inbox_2', '');
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.inbox_3', '');
SELECT pg_catalog.pg_extension_config_dump('auditlog.event_types', 'WHERE NOT built_in');

-- sql/schema/30_functions.sql
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

-- sql/schema/34_access.sql
-- The access journal: who read the audit log. Its events leave the reader's transaction through a queue in shared
-- memory (src/queue.rs), which the recorder empties (src/worker/recorder.rs). What a query reads, the hooks see by
-- themselves (src/hooks/access.rs); functions say here what they were asked.

CREATE FUNCTION auditlog.note_search(name text, arguments jsonb) RETURNS boolean
    LANGUAGE c VOLATILE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'auditlog_note_search';
COMMENT ON FUNCTION auditlog.note_search(text, jsonb) IS
    'Has the event of the running statement name a search and its arguments; called by auditlog.search() and its like';

CREATE FUNCTION auditlog_data.note_export(name text, arguments jsonb) RETURNS boolean
    LANGUAGE c VOLATILE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'auditlog_note_export';
COMMENT ON FUNCTION auditlog_data.note_export(text, jsonb) IS 'The same for functions that hand out parts of the log as they are stored';

CREATE FUNCTION auditlog_data.tell_change(event_type text, severity text, operation text, subject text, before jsonb, after jsonb) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_tell_change';
COMMENT ON FUNCTION auditlog_data.tell_change(text, text, text, text, jsonb, jsonb) IS 'Records a change of the audit log''s configuration, in the running transaction';

CREATE FUNCTION auditlog.record_standby_reads(format text, entries bytea[]) RETURNS text[]
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_record_standby_reads';
COMMENT ON FUNCTION auditlog.record_standby_reads(text, bytea[]) IS
    'Records what was read on a standby, whose worker calls this; for each entry why it is no event, or an empty text. Grant EXECUTE to the standby''s role alone';

CREATE FUNCTION auditlog_data.access_state(
        OUT recorder_pid integer, OUT queue_bytes bigint, OUT queued_bytes bigint, OUT reserved_bytes bigint,
        OUT queued_since timestamptz, OUT queued bigint, OUT recorded bigint, OUT last_recorded_at timestamptz,
        OUT dropped bigint, OUT refused bigint, OUT waits bigint, OUT unrecordable bigint,
        OUT errors bigint, OUT last_error_at timestamptz, OUT last_error text)
    RETURNS SETOF record
    LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 1 AS 'MODULE_PATHNAME', 'auditlog_access_state';
COMMENT ON FUNCTION auditlog_data.access_state() IS 'The queue of events that are recorded outside of their transaction, and its recorder';

CREATE VIEW auditlog.stat_access AS
SELECT s.recorder_pid, s.queue_bytes, s.queued_bytes, s.reserved_bytes, s.queued_since, s.queued, s.recorded,
    s.last_recorded_at, s.dropped, s.refused, s.waits, s.unrecordable, s.errors, s.last_error_at, s.last_error
FROM auditlog_data.access_state() AS s;
COMMENT ON VIEW auditlog.stat_access IS 'The access journal: how full its queue is, what was recorded, and what was not';

-- sql/schema/35_query.sql
-- The query language (docs/query-language.md) over documents and events.

CREATE FUNCTION auditlog.matches(event jsonb, query text) RETURNS boolean
    LANGUAGE c STABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'auditlog_matches';
COMMENT ON FUNCTION auditlog.matches(jsonb, text) IS 'Does the event, or any JSON document, satisfy the query?';

CREATE FUNCTION auditlog.matches(event text, query text) RETURNS boolean
    LANGUAGE c STABLE STRICT PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'auditlog_matches_text';
COMMENT ON FUNCTION auditlog.matches(text, text) IS 'Does the JSON document, given as text, satisfy the query?';

-- The query as a condition: events @@@ 'query'. While planning, the support function turns it into
-- ordinary conditions on columns; the function''s own body judges a row where it can''t.
CREATE FUNCTION auditlog_data.matches_support(internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'auditlog_matches_support';
COMMENT ON FUNCTION auditlog_data.matches_support(internal) IS 'Planner support of auditlog.matches(auditlog.events, text)';

CREATE FUNCTION auditlog.matches(event auditlog.events, query text) RETURNS boolean
    LANGUAGE c STABLE PARALLEL SAFE COST 1000 SUPPORT auditlog_data.matches_support
    AS 'MODULE_PATHNAME', 'auditlog_matches_event';
COMMENT ON FUNCTION auditlog.matches(auditlog.events, text) IS 'Does the event satisfy the query?';

-- In pg_catalog, so that nobody needs auditlog in the search_path: there, auditlog.count(text) would be
-- taken for count() of a text column.
CREATE OPERATOR pg_catalog.@@@ (
    FUNCTION = auditlog.matches, LEFTARG = auditlog.events, RIGHTARG = text,
    RESTRICT = pg_catalog.matchingsel, JOIN = pg_catalog.matchingjoinsel
);
COMMENT ON OPERATOR pg_catalog.@@@ (auditlog.events, text) IS 'Does the event satisfy the query?';

-- What those conditions are made of where SQL has no operator of the same meaning.
CREATE FUNCTION auditlog.fold(value text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'auditlog_fold';
COMMENT ON FUNCTION auditlog.fold(text) IS 'The text without differences of case, as queries compare it; the same in every locale';

CREATE FUNCTION auditlog.moment(date text, time_zone text DEFAULT 'UTC') RETURNS timestamptz
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'auditlog_moment';
COMMENT ON FUNCTION auditlog.moment(text, text) IS 'The first moment of a date as queries write it, such as now-7d/d';

CREATE FUNCTION auditlog.match_text(value text, query text, leaf integer) RETURNS boolean
    LANGUAGE c STABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'auditlog_match_text';
COMMENT ON FUNCTION auditlog.match_text(text, text, integer) IS 'Does the value satisfy this condition of the query? Used by conditions that pg_auditlog makes';

CREATE FUNCTION auditlog.match_list("values" text[], query text, leaf integer) RETURNS boolean
    LANGUAGE c STABLE PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'auditlog_match_list';
COMMENT ON FUNCTION auditlog.match_list(text[], text, integer) IS 'Does any of the values satisfy this condition of the query? Used by conditions that pg_auditlog makes';

CREATE FUNCTION auditlog.match_json(value jsonb, query text, leaf integer, target integer, skip integer) RETURNS boolean
    LANGUAGE c STABLE PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'auditlog_match_json';
COMMENT ON FUNCTION auditlog.match_json(jsonb, text, integer, integer, integer) IS 'Does what lies in the value satisfy this condition of the query? Used by conditions that pg_auditlog makes';

CREATE FUNCTION auditlog.match_event(event auditlog.events, query text, leaf integer) RETURNS boolean
    LANGUAGE c STABLE PARALLEL SAFE COST 500 AS 'MODULE_PATHNAME', 'auditlog_match_event';
COMMENT ON FUNCTION auditlog.match_event(auditlog.events, text, integer) IS 'Does the event satisfy this condition of the query? Used by conditions that pg_auditlog makes';

CREATE FUNCTION auditlog.parse_query(query text) RETURNS jsonb
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'auditlog_parse_query';
COMMENT ON FUNCTION auditlog.parse_query(text) IS 'The query as a tree; "span" is the place in the text, in bytes';

CREATE FUNCTION auditlog.format_query(query text) RETURNS text
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'auditlog_format_query';
COMMENT ON FUNCTION auditlog.format_query(text) IS 'The query as it is understood, written out; NOTICEs say what was probably not meant';

CREATE FUNCTION auditlog.explain_query(query text) RETURNS text
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'auditlog_explain_query';
COMMENT ON FUNCTION auditlog.explain_query(text) IS 'The SQL that means the same as the query, and the values of its parameters';

CREATE FUNCTION auditlog.fields()
    RETURNS TABLE (field text, "column" text, type text, short_names text[], description text, example text)
    LANGUAGE c STABLE PARALLEL SAFE ROWS 40 AS 'MODULE_PATHNAME', 'auditlog_fields';
COMMENT ON FUNCTION auditlog.fields() IS 'The fields that queries know, with their short names';

-- sql/schema/36_words.sql
-- The word index: which words occur in which events (crates/index; decision 13). The sealer writes it
-- beside the log; a search asks it for candidates, and each is then judged by the query itself. Not
-- in dumps: it is made anew from the log.

CREATE TABLE auditlog_data.word_run (
    run bigint PRIMARY KEY,
    first_index bigint NOT NULL,
    end_index bigint NOT NULL,
    bits smallint NOT NULL,
    postings bigint NOT NULL
);
COMMENT ON TABLE auditlog_data.word_run IS 'Runs of the word index: each covers the events from first_index to before end_index';

CREATE TABLE auditlog_data.word_chunk (
    run bigint NOT NULL,
    bucket integer NOT NULL,
    data bytea NOT NULL,
    PRIMARY KEY (run, bucket)
);
-- Chunks have nothing left to compress.
ALTER TABLE auditlog_data.word_chunk ALTER COLUMN data SET STORAGE EXTERNAL;
ALTER TABLE auditlog_data.word_chunk SET (autovacuum_vacuum_scale_factor = 0.1, toast.autovacuum_vacuum_scale_factor = 0.1);
COMMENT ON TABLE auditlog_data.word_chunk IS 'Chunks of runs: the postings of the words whose hash begins with the bits of bucket';

CREATE FUNCTION auditlog_data.word_collect(event auditlog.events) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_word_collect';
COMMENT ON FUNCTION auditlog_data.word_collect(auditlog.events) IS 'Adds an event''s words to the run that the sealer builds';

CREATE FUNCTION auditlog_data.word_support(internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'auditlog_word_support';
COMMENT ON FUNCTION auditlog_data.word_support(internal) IS 'Planner support of auditlog.word_filter and auditlog_data.word_candidates';

-- It is stable, but the planner would make the whole answer of what is stable, and then estimate each
-- item of it, only to know how many rows to expect: word_filter tells it that.
CREATE FUNCTION auditlog_data.word_candidates(query text) RETURNS bigint[]
    LANGUAGE c VOLATILE STRICT PARALLEL SAFE COST 1000 SUPPORT auditlog_data.word_support
    AS 'MODULE_PATHNAME', 'auditlog_word_candidates';
COMMENT ON FUNCTION auditlog_data.word_candidates(text) IS 'Places in the log of the events that have the query''s words, and of those that are not indexed yet';

-- In the open schema: postgres_fdw names it to other databases (examples/fleet), and it says nothing of the log.
CREATE FUNCTION auditlog.word_filter(log_index bigint, query text) RETURNS boolean
    LANGUAGE c IMMUTABLE LEAKPROOF PARALLEL SAFE COST 0.1 SUPPORT auditlog_data.word_support
    AS 'MODULE_PATHNAME', 'auditlog_word_filter';
COMMENT ON FUNCTION auditlog.word_filter(bigint, text) IS 'True; lets the planner use the word index in its place';

CREATE FUNCTION auditlog.rebuild_word_index() RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_rebuild_word_index';
COMMENT ON FUNCTION auditlog.rebuild_word_index() IS 'Has the sealer make the word index anew from the log; searches work meanwhile, without it';

-- sql/schema/37_search.sql
-- Searching: what people and tools call instead of writing SQL over auditlog.events.
--
-- Everything here reads events with the caller's rights. Queries reach SQL as parameters of EXECUTE,
-- whose plan is made for these values: there the planner turns matches(e, $1) into ordinary conditions.

CREATE FUNCTION auditlog.filter_query(filters jsonb) RETURNS text
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'auditlog_filter_query';
COMMENT ON FUNCTION auditlog.filter_query(jsonb) IS 'The query that structured filters mean, such as {"status": ["failed", "denied"]}';

CREATE FUNCTION auditlog.cursor(event auditlog.events) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'auditlog_cursor';
COMMENT ON FUNCTION auditlog.cursor(auditlog.events) IS 'Where the event stands, for the argument "after" of auditlog.search()';

CREATE FUNCTION auditlog.cursor_position(cursor text)
    RETURNS TABLE ("timestamp" timestamptz, event_id text, entry_hash bytea)
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 1 AS 'MODULE_PATHNAME', 'auditlog_cursor_position';
COMMENT ON FUNCTION auditlog.cursor_position(text) IS 'The place that a cursor of auditlog.cursor() stands for; entry_hash is its beginning';

CREATE FUNCTION auditlog.search(
    query text DEFAULT '',
    since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL,
    filters jsonb DEFAULT NULL,
    "limit" integer DEFAULT 100,
    after text DEFAULT NULL,
    order_by text DEFAULT 'newest'
) RETURNS SETOF auditlog.events
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED ROWS 100 SET search_path = pg_catalog, pg_temp AS
$body$
DECLARE
    newest boolean := order_by = 'newest';
    -- Nothing that the policies don't ask already: here it lets an index give a user's events in order.
    own text := (SELECT w.actor_id FROM auditlog.whoami() AS w WHERE w.sees = 'own');
    position_time timestamptz;
    position_id text;
    position_hash bytea;
BEGIN
    PERFORM auditlog.note_search('search', jsonb_strip_nulls(jsonb_build_object('query', query, 'since', since, 'until', until, 'filters', filters,
        'limit', "limit", 'after', after, 'order_by', order_by)));
    IF order_by IS NULL OR order_by NOT IN ('newest', 'oldest') THEN
        RAISE EXCEPTION 'unknown order of events' USING ERRCODE = '22023',
            DETAIL = format('order_by is %s.', coalesce(quote_literal(left(order_by, 60)), 'NULL')),
            HINT = 'Use newest or oldest.';
    END IF;
    IF "limit" IS NULL OR "limit" NOT BETWEEN 1 AND 10000 THEN
        RAISE EXCEPTION 'limit of a search is out of range' USING ERRCODE = '22023',
            DETAIL = format('"limit" is %s; it may be 1 to 10000.', coalesce("limit"::text, 'NULL')),
            HINT = 'Read page by page: give auditlog.cursor() of the last event as "after".';
    END IF;
    IF after IS NOT NULL THEN
        SELECT p."timestamp", p.event_id, p.entry_hash INTO position_time, position_id, position_hash
            FROM auditlog.cursor_position(after) AS p;
    END IF;
    -- The bare comparison of "timestamp" is what an index can begin at. "C" because it compares bytes:
    -- the order of pages must not change with a library of collations.
    RETURN QUERY EXECUTE 'SELECT e.* FROM auditlog.events AS e'
        ' WHERE auditlog.matches(e, $1) AND auditlog.matches(e, $2)'
        || CASE WHEN since IS NULL THEN '' ELSE ' AND e."timestamp" >= $3' END
        || CASE WHEN until IS NULL THEN '' ELSE ' AND e."timestamp" < $4' END
        || CASE WHEN own IS NULL THEN '' ELSE ' AND e.actor_id = $9' END
        || CASE WHEN after IS NULL THEN '' WHEN newest THEN
            ' AND e."timestamp" <= $5 AND (e."timestamp" < $5 OR e.event_id COLLATE "C" < $6'
            ' OR e.event_id = $6 AND substring(e.entry_hash, 1, 8) < $7)'
            ELSE
            ' AND e."timestamp" >= $5 AND (e."timestamp" > $5 OR e.event_id COLLATE "C" > $6'
            ' OR e.event_id = $6 AND substring(e.entry_hash, 1, 8) > $7)' END
        || CASE WHEN newest THEN ' ORDER BY e."timestamp" DESC, e.event_id COLLATE "C" DESC, e.entry_hash DESC'
            ELSE ' ORDER BY e."timestamp", e.event_id COLLATE "C", e.entry_hash' END
        || ' LIMIT $8'
        USING coalesce(query, ''), coalesce(auditlog.filter_query(filters), ''), since, until,
            position_time, position_id, position_hash, "limit", own;
END
$body$;
COMMENT ON FUNCTION auditlog.search(text, timestamptz, timestamptz, jsonb, integer, text, text) IS
    'The events that satisfy query and filters, from since (inclusive) until (exclusive), a page at a time';

-- VOLATILE because EXPLAIN is a command, which no STABLE function may run.
CREATE FUNCTION auditlog.estimate(
    query text DEFAULT '',
    since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL,
    filters jsonb DEFAULT NULL
) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS
$body$
DECLARE
    plan json;
BEGIN
    PERFORM auditlog.note_search('estimate', jsonb_strip_nulls(jsonb_build_object('query', query, 'since', since, 'until', until, 'filters', filters)));
    EXECUTE 'EXPLAIN (FORMAT JSON) SELECT FROM auditlog.events AS e'
        ' WHERE auditlog.matches(e, $1) AND auditlog.matches(e, $2)'
        || CASE WHEN since IS NULL THEN '' ELSE ' AND e."timestamp" >= $3' END
        || CASE WHEN until IS NULL THEN '' ELSE ' AND e."timestamp" < $4' END
        INTO plan
        USING coalesce(query, ''), coalesce(auditlog.filter_query(filters), ''), since, until;
    RETURN (plan #>> '{0,Plan,Plan Rows}')::numeric::bigint;
END
$body$;
COMMENT ON FUNCTION auditlog.estimate(text, timestamptz, timestamptz, jsonb) IS
    'How many events the planner expects the search to find; reads none of them';

CREATE FUNCTION auditlog.count(
    query text DEFAULT '',
    since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL,
    filters jsonb DEFAULT NULL,
    exact boolean DEFAULT true
) RETURNS bigint
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS
$body$
DECLARE
    found bigint;
BEGIN
    IF NOT exact THEN
        RETURN auditlog.estimate(query, since, until, filters);
    END IF;
    PERFORM auditlog.note_search('count', jsonb_strip_nulls(jsonb_build_object('query', query, 'since', since, 'until', until, 'filters', filters)));
    EXECUTE 'SELECT count(*) FROM auditlog.events AS e'
        ' WHERE auditlog.matches(e, $1) AND auditlog.matches(e, $2)'
        || CASE WHEN since IS NULL THEN '' ELSE ' AND e."timestamp" >= $3' END
        || CASE WHEN until IS NULL THEN '' ELSE ' AND e."timestamp" < $4' END
        INTO found
        USING coalesce(query, ''), coalesce(auditlog.filter_query(filters), ''), since, until;
    RETURN found;
END
$body$;
COMMENT ON FUNCTION auditlog.count(text, timestamptz, timestamptz, jsonb, boolean) IS
    'How many events satisfy query and filters; with exact => false, the planner''s estimate';

-- Values of a field. The SQL of field_source is put together from the table of fields; a path that is
-- not in it reaches field_values as a parameter, $5.

CREATE FUNCTION auditlog.field_values(event auditlog.events, field text) RETURNS text[]
    LANGUAGE c STABLE STRICT PARALLEL SAFE COST 500 AS 'MODULE_PATHNAME', 'auditlog_field_values';
COMMENT ON FUNCTION auditlog.field_values(auditlog.events, text) IS
    'The values that a condition on the field is compared with in this event, each once';

CREATE FUNCTION auditlog.field_source(field text) RETURNS text
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'auditlog_field_source';
COMMENT ON FUNCTION auditlog.field_source(text) IS
    'SQL for the values of a field in the FROM clause behind auditlog.events AS e; used by auditlog.facets()';

CREATE FUNCTION auditlog.facets(
    query text,
    field text,
    since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL,
    filters jsonb DEFAULT NULL,
    "limit" integer DEFAULT 10
) RETURNS TABLE (value text, count bigint)
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED ROWS 10 SET search_path = pg_catalog, pg_temp AS
$body$
DECLARE
    source text := auditlog.field_source(field);
BEGIN
    PERFORM auditlog.note_search('facets', jsonb_strip_nulls(jsonb_build_object('query', query, 'field', field, 'since', since, 'until', until,
        'filters', filters, 'limit', "limit")));
    IF field IS NULL THEN
        RAISE EXCEPTION 'facets need a field' USING ERRCODE = '22004',
            HINT = 'auditlog.fields() lists the known ones.';
    END IF;
    IF "limit" IS NULL OR "limit" NOT BETWEEN 1 AND 10000 THEN
        RAISE EXCEPTION 'limit of facets is out of range' USING ERRCODE = '22023',
            DETAIL = format('"limit" is %s; it may be 1 to 10000.', coalesce("limit"::text, 'NULL')),
            HINT = 'Ask for the values of a narrower query.';
    END IF;
    RETURN QUERY EXECUTE 'SELECT v.value, count(*) FROM auditlog.events AS e CROSS JOIN ' || source || ' AS v'
        ' WHERE v.value IS NOT NULL AND auditlog.matches(e, $1) AND auditlog.matches(e, $2)'
        || CASE WHEN since IS NULL THEN '' ELSE ' AND e."timestamp" >= $3' END
        || CASE WHEN until IS NULL THEN '' ELSE ' AND e."timestamp" < $4' END
        || ' GROUP BY v.value ORDER BY count(*) DESC, v.value COLLATE "C" LIMIT $6'
        USING coalesce(query, ''), coalesce(auditlog.filter_query(filters), ''), since, until, field, "limit";
END
$body$;
COMMENT ON FUNCTION auditlog.facets(text, text, timestamptz, timestamptz, jsonb, integer) IS
    'The most frequent values of a field among the events found, and in how many of them each is';

-- Days, weeks, months and years begin when they do on the clocks of the zone; hours and shorter
-- buckets are counted from its midnight at the beginning of 2001, a Monday.
CREATE FUNCTION auditlog.histogram_buckets(
    query text,
    width interval,
    since timestamptz,
    until timestamptz,
    filters jsonb,
    time_zone text
) RETURNS TABLE (bucket timestamptz, count bigint)
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS
$body$
DECLARE
    most CONSTANT integer := 10000;
    zone text := coalesce(time_zone, current_setting('auditlog.query_timezone'));
    -- Raises an error when it is no zone of queries.
    midnight timestamptz := auditlog.moment('2001-01-01', zone);
    months integer := extract(year FROM width) * 12 + extract(month FROM width);
    days integer := extract(day FROM width);
    rest interval := width - make_interval(months => extract(year FROM width)::integer * 12
        + extract(month FROM width)::integer, days => extract(day FROM width)::integer);
    clocks text := 'UTC';
    origin timestamp := timezone('UTC', midnight);
    slot text := 'date_bin($6, timezone($7, %s), $8)';
    first timestamp;
    last timestamp;
    distance numeric;
    slots timestamp[];
    counts bigint[];
BEGIN
    PERFORM auditlog.note_search('histogram', jsonb_strip_nulls(jsonb_build_object('query', query, 'bucket', width, 'since', since, 'until', until,
        'filters', filters, 'time_zone', time_zone)));
    IF width IS NULL OR width <= interval '0' OR months <> 0 AND (days <> 0 OR rest <> interval '0') THEN
        RAISE EXCEPTION 'not a width of buckets' USING ERRCODE = '22023',
            DETAIL = format('bucket is %s.', coalesce(quote_literal(width::text), 'NULL')),
            HINT = 'Use a positive interval such as 5 minutes, 1 day, 7 days, 1 month; months and days cannot be mixed.';
    END IF;
    IF months <> 0 OR days <> 0 AND rest = interval '0' THEN
        -- PostgreSQL reads an offset's sign as POSIX does, the other way round.
        clocks := CASE WHEN zone ~ '^[+-]' THEN '<' || zone || '>' || translate(left(zone, 1), '+-', '-+') || substr(zone, 2)
            WHEN upper(zone) IN ('UTC', 'Z') THEN 'UTC' ELSE zone END;
        origin := timestamp '2001-01-01';
    END IF;
    IF months <> 0 THEN
        slot := format('$8 + make_interval(months => %s * floor(((extract(year FROM timezone($7, %%1$s)) - 2001) * 12'
            ' + extract(month FROM timezone($7, %%1$s)) - 1) / %s)::integer)', months, months);
    END IF;
    IF since IS NOT NULL THEN
        EXECUTE 'SELECT ' || format(slot, '$1') INTO first USING since, NULL, NULL, NULL, NULL, width, clocks, origin;
    END IF;
    IF until IS NOT NULL THEN
        EXECUTE 'SELECT ' || format(slot, '$1') INTO last
            USING until - interval '1 microsecond', NULL, NULL, NULL, NULL, width, clocks, origin;
    END IF;
    -- Before anything is read, when both ends are known; afterwards when they are those of the events.
    FOR i IN 1..2 LOOP
        distance := CASE WHEN months = 0 THEN extract(epoch FROM last - first) / extract(epoch FROM width)
            ELSE ((extract(year FROM last) - extract(year FROM first)) * 12
                + extract(month FROM last) - extract(month FROM first)) / months END;
        IF distance >= most OR cardinality(slots) > most THEN
            RAISE EXCEPTION 'histogram has more than % buckets', most USING ERRCODE = '54000',
                DETAIL = format('Buckets are %s wide.', width),
                HINT = 'Use wider buckets, or give since and until.';
        END IF;
        EXIT WHEN i = 2;
        EXECUTE 'SELECT array_agg(s.slot ORDER BY s.slot), array_agg(s.n ORDER BY s.slot)'
            ' FROM (SELECT ' || format(slot, 'e."timestamp"') || ' AS slot, count(*) AS n FROM auditlog.events AS e'
            ' WHERE auditlog.matches(e, $1) AND auditlog.matches(e, $2)'
            || CASE WHEN since IS NULL THEN '' ELSE ' AND e."timestamp" >= $3' END
            || CASE WHEN until IS NULL THEN '' ELSE ' AND e."timestamp" < $4' END
            || ' GROUP BY 1 LIMIT $5) AS s'
            INTO slots, counts
            USING coalesce(query, ''), coalesce(auditlog.filter_query(filters), ''), since, until, most + 1,
                width, clocks, origin;
        first := coalesce(first, slots[1]);
        last := coalesce(last, slots[cardinality(slots)]);
    END LOOP;
    RETURN QUERY SELECT timezone(clocks, s.slot), coalesce(f.n, 0)
        FROM generate_series(first, last, width) AS s (slot)
        LEFT JOIN unnest(slots, counts) AS f (slot, n) ON f.slot = s.slot
        ORDER BY s.slot;
END
$body$;
COMMENT ON FUNCTION auditlog.histogram_buckets(text, interval, timestamptz, timestamptz, jsonb, text) IS
    'The body of auditlog.histogram()';

-- A function of its own because plpgsql has one namespace for arguments and results.
CREATE FUNCTION auditlog.histogram(
    query text,
    bucket interval,
    since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL,
    filters jsonb DEFAULT NULL,
    time_zone text DEFAULT NULL
) RETURNS TABLE (bucket timestamptz, count bigint)
    LANGUAGE sql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS
$body$
    SELECT h.bucket, h.count FROM auditlog.histogram_buckets($1, $2, $3, $4, $5, $6) AS h
$body$;
COMMENT ON FUNCTION auditlog.histogram(text, interval, timestamptz, timestamptz, jsonb, text) IS
    'How many events satisfy query and filters in each bucket of time, empty buckets included';

-- Saved queries, for _saved_:name in any query. Written by the two functions, which check; read by
-- src/store/saved_queries.rs, which keeps them in memory until the trigger says that they changed.

CREATE TABLE auditlog.saved_queries (
    name text PRIMARY KEY
        CHECK (name OPERATOR(pg_catalog.~) '^[A-Za-z0-9_][A-Za-z0-9_.-]*$' AND pg_catalog.length(name) OPERATOR(pg_catalog.<=) 100),
    query text NOT NULL,
    description text,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    updated_by text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE auditlog.saved_queries IS 'Queries that others use as _saved_:name; see auditlog.save_query()';
COMMENT ON COLUMN auditlog.saved_queries.name IS 'letters, digits and _ . -; case sensitive';
COMMENT ON COLUMN auditlog.saved_queries.created_by IS 'role that saved it first; it and administrators may change it';
SELECT pg_catalog.pg_extension_config_dump('auditlog.saved_queries', '');

CREATE FUNCTION auditlog.save_query(name text, query text, description text DEFAULT NULL) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_save_query';
COMMENT ON FUNCTION auditlog.save_query(text, text, text) IS
    'Saves a query under a name, for _saved_:name; replaces one that the caller saved before';

CREATE FUNCTION auditlog.delete_query(name text) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_delete_query';
COMMENT ON FUNCTION auditlog.delete_query(text) IS 'Deletes a saved query that no other one uses';

CREATE FUNCTION auditlog_data.saved_queries_changed() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'auditlog_saved_queries_changed';
COMMENT ON FUNCTION auditlog_data.saved_queries_changed() IS
    'Trigger: has saved queries read again, and plans over the log made again';

CREATE TRIGGER auditlog_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON auditlog.saved_queries
    FOR EACH STATEMENT EXECUTE FUNCTION auditlog_data.saved_queries_changed();
ALTER TABLE auditlog.saved_queries ENABLE ALWAYS TRIGGER auditlog_changed;

CREATE FUNCTION auditlog.suggest(query text, cursor integer DEFAULT NULL, "limit" integer DEFAULT 20)
    RETURNS TABLE (suggestion text, kind text, description text, replace_from integer, replace_to integer)
    LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 20 AS 'MODULE_PATHNAME', 'auditlog_suggest';
COMMENT ON FUNCTION auditlog.suggest(text, integer, integer) IS
    'What may stand at a character of the query (default: its end), to replace the characters from replace_from to before replace_to';

-- sql/schema/38_proof.sql
-- Proofs for outsiders: checkpoints, inclusion and consistency proofs, what a bundle is made of
-- (docs/verify.md). Formats are those of c2sp.org.

CREATE FUNCTION auditlog.checkpoint() RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_checkpoint';
COMMENT ON FUNCTION auditlog.checkpoint() IS 'A signed checkpoint over all that is sealed now; made when there is none yet';

CREATE FUNCTION auditlog.public_key() RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on AS
$body$
    SELECT k.vkey FROM auditlog_data.signing_key AS k JOIN auditlog_data.incarnation AS i ON i.origin = k.origin
    WHERE k.retired_at IS NULL ORDER BY i.number DESC, k.since DESC LIMIT 1
$body$;
COMMENT ON FUNCTION auditlog.public_key() IS 'The key that checks the checkpoints, as C2SP vkey; write it down outside of the database';

CREATE FUNCTION auditlog.inclusion_proof(event_id text) RETURNS text
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'auditlog_inclusion_proof';
COMMENT ON FUNCTION auditlog.inclusion_proof(text) IS 'Proof that the event is in the log of the newest checkpoint, as C2SP tlog-proof';

CREATE FUNCTION auditlog.consistency_proof(old_size bigint, new_size bigint DEFAULT NULL) RETURNS text
    LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'auditlog_consistency_proof';
COMMENT ON FUNCTION auditlog.consistency_proof(bigint, bigint) IS 'Proof that the log of new_size events begins with that of old_size: hashes in base64, one a line';

CREATE FUNCTION auditlog.tiles(level integer, first bigint, last bigint) RETURNS TABLE (tile_index bigint, hashes bytea)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on AS
$body$
    SELECT auditlog_data.note_export('tiles', jsonb_build_object('level', tiles.level, 'first', first, 'last', last));
    SELECT t.tile_index, t.hashes FROM auditlog_data.tile AS t
    WHERE t.level = tiles.level AND t.tile_index BETWEEN first AND last ORDER BY t.tile_index
$body$;
COMMENT ON FUNCTION auditlog.tiles(integer, bigint, bigint) IS 'Tiles of the Merkle tree: 32 bytes a hash';

CREATE FUNCTION auditlog.bundle_record(event auditlog.events) RETURNS bytea
    LANGUAGE c STABLE STRICT PARALLEL RESTRICTED COST 100 AS 'MODULE_PATHNAME', 'auditlog_bundle_record';
COMMENT ON FUNCTION auditlog.bundle_record(auditlog.events) IS 'The event as a bundle holds it, for the offline verifier; NULL until it is sealed';

CREATE VIEW auditlog.checkpoints AS
SELECT c.origin, c.size, c.root, c.made_at, COALESCE(s.witnesses, 0) AS cosignatures, c.note OPERATOR(pg_catalog.||) COALESCE(s.lines, '') AS note
FROM auditlog_data.checkpoint AS c LEFT JOIN LATERAL (
    SELECT pg_catalog.count(*) AS witnesses, pg_catalog.string_agg(o.lines, '' ORDER BY o.sink) AS lines FROM auditlog_data.cosignature AS o
    WHERE o.origin OPERATOR(pg_catalog.=) c.origin AND o.size OPERATOR(pg_catalog.=) c.size) AS s ON true;
COMMENT ON VIEW auditlog.checkpoints IS 'Signed checkpoints of the log, with the cosignatures of witnesses';

CREATE FUNCTION auditlog.add_checkpoint_sink(name text, kind text, address text, options jsonb DEFAULT '{}') RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_add_checkpoint_sink';
COMMENT ON FUNCTION auditlog.add_checkpoint_sink(text, text, text, jsonb) IS
    'Has every checkpoint delivered to a file, http, syslog, s3 or witness, in order and until it has arrived';

CREATE FUNCTION auditlog.drop_checkpoint_sink(name text) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_drop_checkpoint_sink';
COMMENT ON FUNCTION auditlog.drop_checkpoint_sink(text) IS 'Delivers no more checkpoints there';

CREATE FUNCTION auditlog.set_witness_policy(policy text) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_set_witness_policy';
COMMENT ON FUNCTION auditlog.set_witness_policy(text) IS 'Which witnesses must have cosigned (c2sp.org/tlog-policy); NULL for any';

CREATE FUNCTION auditlog_data.anchored() RETURNS text
    LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'auditlog_anchored';
COMMENT ON FUNCTION auditlog_data.anchored() IS 'Size, witnesses, time and root of the newest checkpoint that witnesses have cosigned';

CREATE VIEW auditlog.checkpoint_sinks AS
SELECT s.name, s.kind, s.address, s.options,
    CASE WHEN s.attempts OPERATOR(pg_catalog.>) 0 THEN 'retrying'
        WHEN s.delivered_size OPERATOR(pg_catalog.<) COALESCE(c.size, 0) OR s.origin IS DISTINCT FROM c.origin AND c.origin IS NOT NULL THEN 'waiting'
        ELSE 'ok' END AS state,
    s.delivered_size, s.delivered_at, s.attempts, s.last_error, s.last_error_at,
    CASE WHEN s.attempts OPERATOR(pg_catalog.>) 0 THEN s.next_attempt END AS next_attempt, s.added_at, s.added_by
FROM auditlog_data.checkpoint_sink AS s
LEFT JOIN LATERAL (SELECT i.origin, (SELECT pg_catalog.max(k.size) FROM auditlog_data.checkpoint AS k
        WHERE k.origin OPERATOR(pg_catalog.=) i.origin) AS size
    FROM auditlog_data.incarnation AS i ORDER BY i.number DESC LIMIT 1) AS c ON true;
COMMENT ON VIEW auditlog.checkpoint_sinks IS 'Where checkpoints go, how far each sink has come, and its last error';

-- What an auditor asks first.
CREATE FUNCTION auditlog.status() RETURNS TABLE (subject text, statement text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on SET timezone = 'UTC' AS
$body$
DECLARE
    h record;
    c record;
    a text[];
    failing text;
BEGIN
    SELECT * INTO h FROM auditlog_data.head_state();
    subject := 'log'; statement := format('events sealed: %s', COALESCE(h.size, 0));
    RETURN NEXT;
    SELECT k.origin, k.size, k.made_at INTO c FROM auditlog_data.checkpoint AS k
        JOIN auditlog_data.incarnation AS i ON i.origin = k.origin ORDER BY i.number DESC, k.size DESC LIMIT 1;
    subject := 'checkpoint';
    statement := CASE WHEN c.size IS NULL THEN 'never signed'
        ELSE format('signed over %s events as %s at %s', c.size, c.origin, date_trunc('second', c.made_at)) END;
    RETURN NEXT;
    a := string_to_array(auditlog_data.anchored(), E'\t');
    subject := 'anchor';
    statement := CASE WHEN a IS NULL THEN 'never anchored outside'
        ELSE format('anchored at %s by %s at %s', a[1], a[2], to_timestamp(a[3]::bigint)) END;
    RETURN NEXT;
    subject := 'sinks';
    SELECT string_agg(format('%s: %s', s.name, s.last_error), '; ' ORDER BY s.name) INTO failing
        FROM auditlog_data.checkpoint_sink AS s WHERE s.attempts > 0;
    statement := COALESCE('failing: ' || failing, format('sinks for checkpoints: %s',
        (SELECT count(*) FROM auditlog_data.checkpoint_sink)));
    RETURN NEXT;
    subject := 'publishing';
    statement := COALESCE((SELECT format('stopped (%s): %s', p.state, p.detail) FROM auditlog_data.publisher AS p WHERE p.state <> 'ok'), 'going on');
    RETURN NEXT;
END
$body$;
COMMENT ON FUNCTION auditlog.status() IS 'How far the log is sealed, signed, and anchored outside';

CREATE VIEW auditlog.signing_keys AS
SELECT k.vkey, k.origin, k.from_size, k.since, k.retired_at FROM auditlog_data.signing_key AS k;
COMMENT ON VIEW auditlog.signing_keys IS 'Public keys that have signed checkpoints';

CREATE VIEW auditlog.incarnations AS
SELECT i.number, i.origin, i.first_size, i.started_at, i.declared_by, i.reason FROM auditlog_data.incarnation AS i;
COMMENT ON VIEW auditlog.incarnations IS 'Origins of this log: another one begins with each auditlog.declare_incarnation()';

CREATE FUNCTION auditlog.rotate_key() RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_rotate_key';
COMMENT ON FUNCTION auditlog.rotate_key() IS
    'Has the signing key replaced by a new one once this transaction commits; an event signed by both tells of it';

CREATE FUNCTION auditlog.declare_incarnation(reason text) RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_declare_incarnation';
COMMENT ON FUNCTION auditlog.declare_incarnation(text) IS 'Has the log go on under a new origin, which it returns: after a restore, a copy or the loss of the key; itself an event';

CREATE FUNCTION auditlog.erase(query text, reason text) RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_erase';
COMMENT ON FUNCTION auditlog.erase(text, text) IS
    'Erases the personal values of the events that satisfy the query; they still verify, and an event tells of it. Returns how many events';

-- sql/schema/39_live.sql
-- The live tail: the sealed log read by log_index, so that nothing is skipped and nothing comes twice (docs/live.md).

CREATE FUNCTION auditlog.tail_position() RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'auditlog_tail_position';
COMMENT ON FUNCTION auditlog.tail_position() IS 'log_index of the last sealed event, from which auditlog.tail() can go on; NULL while there is none';

CREATE FUNCTION auditlog.tail_wait(after bigint, until timestamptz) RETURNS bigint
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_tail_wait';
COMMENT ON FUNCTION auditlog.tail_wait(bigint, timestamptz) IS
    'Waits until something is sealed behind a position and returns where the log ends then; NULL when it is too late; used by auditlog.tail()';

CREATE FUNCTION auditlog.tail(
    after bigint DEFAULT NULL,
    query text DEFAULT '',
    "limit" integer DEFAULT 1000,
    wait interval DEFAULT '0'
) RETURNS SETOF auditlog.events
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 100 SET search_path = pg_catalog, pg_temp AS
$body$
DECLARE
    -- The entries that tell of tails are no news (src/api/tail.rs).
    source CONSTANT text := 'SELECT e.* FROM auditlog.events AS e WHERE e.log_index > $1 AND e.log_index <= $2'
        ' AND NOT (e.event_type = ''auditlog.search'' AND coalesce(e.operation, '''') = ''tail'')'
        ' AND auditlog.matches(e, $3) ORDER BY e.log_index';
    position bigint := after;
    last bigint;
    until timestamptz := clock_timestamp() + wait;
BEGIN
    IF "limit" IS NULL OR "limit" NOT BETWEEN 1 AND 10000 THEN
        RAISE EXCEPTION 'limit of a tail is out of range' USING ERRCODE = '22023',
            DETAIL = format('"limit" is %s; it may be 1 to 10000.', coalesce("limit"::text, 'NULL')),
            HINT = 'Go on with the last log_index as "after".';
    END IF;
    IF wait IS NULL OR wait < '0' OR wait > '1 hour' THEN
        RAISE EXCEPTION 'wait of a tail is out of range' USING ERRCODE = '22023',
            DETAIL = format('wait is %s; it may be 0 to 1 hour.', coalesce(wait::text, 'NULL')),
            HINT = 'Call again when nothing came.';
    END IF;
    IF after < -1 THEN
        RAISE EXCEPTION 'after of a tail is out of range' USING ERRCODE = '22023',
            DETAIL = format('after is %s.', after),
            HINT = 'Give the last log_index that you have, -1 for the whole log, or NULL for its end.';
    END IF;
    -- Errors of the query are told of also when there is nothing to look at.
    PERFORM auditlog.parse_query(coalesce(query, ''));
    IF after IS NULL THEN
        last := auditlog.tail_position();
        IF last IS NOT NULL THEN
            PERFORM auditlog.note_search('tail', jsonb_strip_nulls(jsonb_build_object('query', query, 'limit', "limit")));
            RETURN QUERY EXECUTE format('SELECT * FROM (%s DESC LIMIT $4) AS e ORDER BY e.log_index', source)
                USING -1, last, coalesce(query, ''), "limit";
            IF FOUND THEN
                RETURN;
            END IF;
        END IF;
        position := coalesce(last, -1);
    END IF;
    LOOP
        last := auditlog.tail_wait(position, until);
        EXIT WHEN last IS NULL;
        PERFORM auditlog.note_search('tail', jsonb_strip_nulls(jsonb_build_object('after', after, 'query', query, 'limit', "limit")));
        RETURN QUERY EXECUTE source || ' LIMIT $4' USING position, last, coalesce(query, ''), "limit";
        EXIT WHEN FOUND;
        position := last;
    END LOOP;
END
$body$;
COMMENT ON FUNCTION auditlog.tail(bigint, text, integer, interval) IS
    'The sealed events behind a position that satisfy the query, in the order of log_index; waits up to "wait" for the first. Without a position, the last ones';

-- sql/schema/40_triggers.sql
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

-- sql/schema/41_describe.sql
-- Events as people read them: what a change changed, and a sentence for what happened (docs/investigations.md).

CREATE FUNCTION auditlog.diff(before jsonb, after jsonb, path text DEFAULT '') RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 1000 SET search_path = pg_catalog, pg_temp AS
$body$
DECLARE
    found jsonb := '[]';
    key text;
    gone jsonb;
    came jsonb;
BEGIN
    -- Of something that was created or deleted each key is told, but below it what is on one side only is not taken apart.
    IF path = '' AND before IS NULL AND jsonb_typeof(after) = 'object' THEN
        before := '{}';
    ELSIF path = '' AND after IS NULL AND jsonb_typeof(before) = 'object' THEN
        after := '{}';
    END IF;
    IF before IS NOT DISTINCT FROM after THEN
        RETURN NULL;
    ELSIF jsonb_typeof(before) = 'object' AND jsonb_typeof(after) = 'object' THEN
        FOR key IN SELECT k FROM jsonb_object_keys(before || after) AS k ORDER BY k COLLATE "C" LOOP
            IF before -> key IS DISTINCT FROM after -> key THEN
                found := found || auditlog.diff(before -> key, after -> key, concat(nullif(path, '') || '.',
                    CASE WHEN key ~ '^[A-Za-z_][A-Za-z0-9_-]*$' THEN key ELSE to_json(key)::text END));
            END IF;
        END LOOP;
        RETURN found;
    ELSIF jsonb_typeof(before) = 'array' AND jsonb_typeof(after) = 'array' THEN
        IF jsonb_array_length(before) = jsonb_array_length(after) THEN
            FOR i IN 0 .. jsonb_array_length(before) - 1 LOOP
                IF before -> i IS DISTINCT FROM after -> i THEN
                    found := found || auditlog.diff(before -> i, after -> i, format('%s[%s]', path, i));
                END IF;
            END LOOP;
            RETURN found;
        END IF;
        -- Lists of different lengths: what went and what came, as positions say nothing there.
        path := path || '[]';
        SELECT nullif(coalesce(jsonb_agg(x.item ORDER BY x.item), '[]'), '[]') INTO gone
            FROM (SELECT jsonb_array_elements(before) EXCEPT ALL SELECT jsonb_array_elements(after)) AS x (item);
        SELECT nullif(coalesce(jsonb_agg(x.item ORDER BY x.item), '[]'), '[]') INTO came
            FROM (SELECT jsonb_array_elements(after) EXCEPT ALL SELECT jsonb_array_elements(before)) AS x (item);
        before := gone;
        after := came;
    END IF;
    RETURN jsonb_build_array(jsonb_build_object('path', path)
        || CASE WHEN before IS NULL THEN '{}' ELSE jsonb_build_object('before', before) END
        || CASE WHEN after IS NULL THEN '{}' ELSE jsonb_build_object('after', after) END);
END
$body$;
COMMENT ON FUNCTION auditlog.diff(jsonb, jsonb, text) IS
    'What differs, as a list of {path, before, after}; a side that had nothing is left out, path[] is what a list has lost and gained, and NULL means that nothing differs';

CREATE FUNCTION auditlog.sentence(
    actor text,
    event_type text,
    operation text,
    status text,
    resource_type text,
    resource_id text,
    diff jsonb DEFAULT NULL,
    metadata jsonb DEFAULT NULL
) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 200 SET search_path = pg_catalog, pg_temp AS
$body$
DECLARE
    last text := substring(event_type, '[^.]*$');
    thing text := nullif(concat_ws(' ', resource_type, resource_id), '');
    grantee text := metadata ->> 'grantee';
    -- what somebody tries to do, and what somebody did
    verb text[] := (CASE event_type
        WHEN 'authentication.login' THEN '{log in,logged in}'
        WHEN 'authentication.logout' THEN '{log out,logged out}'
        WHEN 'authentication.mfa_verify' THEN '{pass the second factor,passed the second factor}'
        WHEN 'authentication.password_change' THEN '{change a password,changed a password}'
        WHEN 'authentication.assume_role' THEN '{take on,took on}'
        WHEN 'session.set_role' THEN '{take on,took on}'
        WHEN 'session.set_authorization' THEN '{act as,acted as}'
        WHEN 'data.select' THEN '{read rows of,read rows of}'
        WHEN 'data.insert' THEN '{insert rows into,inserted rows into}'
        WHEN 'data.update' THEN '{update rows of,updated rows of}'
        WHEN 'data.delete' THEN '{delete rows of,deleted rows of}'
        WHEN 'data.merge' THEN '{merge rows into,merged rows into}'
        WHEN 'data.copy_from' THEN '{load rows into,loaded rows into}'
        WHEN 'data.copy_to' THEN '{copy rows out of,copied rows out of}'
        WHEN 'resource.tag_change' THEN '{change the tags of,changed the tags of}'
        WHEN 'resource.state_change' THEN '{change the state of,changed the state of}'
        WHEN 'owner.change' THEN '{change the owner of,changed the owner of}'
        WHEN 'grant.privilege' THEN '{"grant ","granted "}' -- the privilege follows
        WHEN 'revoke.privilege' THEN '{"revoke ","revoked "}'
        WHEN 'auditlog.search' THEN '{search the audit log,searched the audit log}'
        WHEN 'auditlog.view' THEN '{read the audit log,read the audit log}'
        WHEN 'auditlog.export' THEN '{export the audit log,exported the audit log}'
        ELSE CASE last
            WHEN 'create' THEN '{create,created}' WHEN 'user_create' THEN '{create,created}' WHEN 'budget_create' THEN '{create,created}'
            WHEN 'modify' THEN '{change,changed}' WHEN 'alter' THEN '{change,changed}' WHEN 'update' THEN '{change,changed}'
            WHEN 'user_modify' THEN '{change,changed}' WHEN 'budget_modify' THEN '{change,changed}'
            WHEN 'delete' THEN '{delete,deleted}' WHEN 'drop' THEN '{delete,deleted}'
            WHEN 'user_delete' THEN '{delete,deleted}' WHEN 'budget_delete' THEN '{delete,deleted}'
            WHEN 'rename' THEN '{rename,renamed}' WHEN 'truncate' THEN '{empty,emptied}' WHEN 'replace' THEN '{replace,replaced}'
            WHEN 'view' THEN '{look at,looked at}' WHEN 'read' THEN '{read,read}' WHEN 'write' THEN '{write,wrote}'
            WHEN 'execute' THEN '{run,ran}' WHEN 'exec' THEN '{run a command in,ran a command in}'
            WHEN 'export' THEN '{export,exported}' WHEN 'restore' THEN '{restore,restored}'
            WHEN 'request' THEN '{ask for,asked for}' WHEN 'approve' THEN '{approve,approved}' WHEN 'reject' THEN '{reject,rejected}'
            WHEN 'role' THEN CASE event_type WHEN 'grant.role' THEN '{grant,granted}' WHEN 'revoke.role' THEN '{revoke,revoked}' END
            ELSE CASE WHEN last LIKE '%\_change' OR last LIKE 'alter\_%' OR last LIKE '%\_update' THEN '{change,changed}' END
        END
    END)::text[];
    parts text[];
    done text;
BEGIN
    IF event_type = 'access.denied' OR event_type = 'auditlog.access_denied' THEN
        RETURN concat(coalesce(actor, 'somebody'), ' was refused', ' ' || operation, ' on ' || thing);
    END IF;
    IF verb IS NULL THEN
        done := concat_ws(' ', event_type || CASE WHEN lower(operation) = last THEN '' ELSE coalesce(' (' || operation || ')', '') END, thing);
        done := concat(coalesce(actor, 'somebody'), ': ', done,
            CASE WHEN lower(status) IN ('success', 'succeeded', 'ok') THEN NULL ELSE ', ' || status END);
    ELSE
        IF verb[1] LIKE '% ' THEN
            verb := ARRAY[verb[1] || coalesce(metadata ->> 'privilege', 'a right') || ' on', verb[2] || coalesce(metadata ->> 'privilege', 'a right') || ' on'];
        END IF;
        IF event_type LIKE 'authentication.log%' OR verb[1] LIKE '% the audit log' THEN
            thing := NULL;
        ELSIF event_type LIKE 'change.%' THEN
            thing := concat_ws(' ', 'the change', metadata ->> 'change_ref');
        END IF;
        -- An operation that says no more than the type is left out.
        IF split_part(lower(operation), ' ', 1) NOT IN (last, split_part(last, '_', 1), split_part(verb[1], ' ', 1), 'modify', 'update', 'select', 'insert',
            'login', 'logout') THEN
            thing := concat_ws(' ', thing, '(' || operation || ')');
        END IF;
        IF grantee IS NOT NULL AND event_type ~ '^(grant|revoke)\.' THEN
            thing := concat_ws(' ', thing, CASE WHEN event_type LIKE 'grant%' THEN 'to' ELSE 'from' END, grantee);
        END IF;
        done := CASE
            WHEN lower(status) = 'denied' THEN concat_ws(' ', coalesce(actor, 'somebody'), 'tried to', verb[1], thing) || ' and was refused'
            WHEN lower(status) IN ('failed', 'failure', 'error') THEN concat_ws(' ', coalesce(actor, 'somebody'), 'tried to', verb[1], thing) || ' and failed'
            ELSE concat_ws(' ', coalesce(actor, 'somebody'), verb[2], thing)
                || CASE WHEN lower(status) IN ('success', 'succeeded', 'ok') THEN '' ELSE coalesce(', ' || status, '') END
        END;
    END IF;
    -- What had been there is of no interest where all of it has gone.
    IF jsonb_array_length(diff) > 0 AND (verb[1] IS DISTINCT FROM 'delete' OR diff @? '$[*].after') THEN
        SELECT array_agg(CASE WHEN c.path LIKE '%[]' THEN concat_ws(' and ', left(c.path, -2) || ' lost ' || c.before,
                    CASE WHEN c.before IS NULL THEN left(c.path, -2) || ' ' ELSE '' END || 'gained ' || c.after)
                WHEN c.before IS NULL THEN format('%s set to %s', c.path, c.after)
                WHEN c.after IS NULL THEN format('%s removed (was %s)', c.path, c.before)
                ELSE format('%s %s → %s', c.path, c.before, c.after) END ORDER BY c.number) INTO parts
            FROM (SELECT d.number, d.item, coalesce(nullif(d.item ->> 'path', ''), 'value') AS path,
                    CASE WHEN d.item ? 'before' THEN CASE WHEN length(d.item ->> 'before') > 40 THEN left(d.item ->> 'before', 39) || '…'
                        ELSE coalesce(nullif(d.item ->> 'before', ''), CASE d.item ->> 'before' WHEN '' THEN '«»' ELSE 'null' END) END END AS before,
                    CASE WHEN d.item ? 'after' THEN CASE WHEN length(d.item ->> 'after') > 40 THEN left(d.item ->> 'after', 39) || '…'
                        ELSE coalesce(nullif(d.item ->> 'after', ''), CASE d.item ->> 'after' WHEN '' THEN '«»' ELSE 'null' END) END END AS after
                FROM jsonb_array_elements(diff) WITH ORDINALITY AS d (item, number) WHERE d.number <= 3) AS c;
        done := done || ': ' || array_to_string(parts, ', ')
            || CASE WHEN jsonb_array_length(diff) > 3 THEN format(' and %s more', jsonb_array_length(diff) - 3) ELSE '' END;
    END IF;
    RETURN done;
END
$body$;
COMMENT ON FUNCTION auditlog.sentence(text, text, text, text, text, text, jsonb, jsonb) IS
    'What an event tells, as a sentence: who did what to what, with what success, and what it changed';

-- sql/schema/42_investigation.sql
-- Investigations: what happened around somebody or something, in the order of time (docs/investigations.md).
--
-- Everything here reads events with the caller's rights. What arguments mean becomes a query of its own, beside the
-- caller's, so that an error in that one is told of at its own place. Without JIT: it takes ten seconds for statements of this size, which run for less than one.

CREATE FUNCTION auditlog.stitch(bursts integer[], sessions integer[], requests integer[]) RETURNS integer[]
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 10000 SET search_path = pg_catalog, pg_temp AS
$body$
DECLARE
    -- A forest over bursts, sessions and requests, in which everything that hangs together has one root.
    first_session CONSTANT integer := coalesce((SELECT max(b) FROM unnest(bursts) AS b), 0);
    first_request CONSTANT integer := first_session + coalesce((SELECT max(s) FROM unnest(sessions) AS s), 0);
    parent integer[] := ARRAY(SELECT generate_series(1, first_request + coalesce((SELECT max(r) FROM unnest(requests) AS r), 0)));
    numbers integer[] := array_fill(0, ARRAY[cardinality(parent)]);
    found integer[] := bursts;
    last integer := 0;
    a integer;
    b integer;
BEGIN
    FOR i IN 1 .. coalesce(cardinality(bursts), 0) LOOP
        FOR link IN 1 .. 2 LOOP
            a := bursts[i];
            b := CASE link WHEN 1 THEN sessions[i] + first_session ELSE requests[i] + first_request END;
            CONTINUE WHEN b IS NULL;
            WHILE parent[a] <> a LOOP
                parent[a] := parent[parent[a]];
                a := parent[a];
            END LOOP;
            WHILE parent[b] <> b LOOP
                parent[b] := parent[parent[b]];
                b := parent[b];
            END LOOP;
            IF a < b THEN
                parent[b] := a;
            ELSE
                parent[a] := b;
            END IF;
        END LOOP;
    END LOOP;
    FOR i IN 1 .. coalesce(cardinality(bursts), 0) LOOP
        a := bursts[i];
        WHILE parent[a] <> a LOOP
            a := parent[a];
        END LOOP;
        IF numbers[a] = 0 THEN
            last := last + 1;
            numbers[a] := last;
        END IF;
        found[i] := numbers[a];
    END LOOP;
    RETURN found;
END
$body$;
COMMENT ON FUNCTION auditlog.stitch(integer[], integer[], integer[]) IS
    'Numbers of stitched sessions: events that share a burst, a session or a request, each numbered from 1, belong together; used by auditlog.timeline()';

CREATE FUNCTION auditlog.timeline_rows(
    query text,
    since timestamptz,
    until timestamptz,
    around bigint,
    actor text,
    session text,
    request text,
    resource text,
    gap interval,
    max_rows integer
) RETURNS TABLE (log_index bigint, "timestamp" timestamptz, session_number integer, gap_before interval, actor_id text, actor_ip inet,
        actor_session_id text, request_id text, event_type text, operation text, status text, severity auditlog.severity,
        resource_type text, resource_id text, what text, changes jsonb, new_address boolean, event_id text)
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp SET jit = off AS
$body$
DECLARE
    own text := (SELECT w.actor_id FROM auditlog.whoami() AS w WHERE w.sees = 'own');
    pivot record;
    pivot_tenant text;
    conditions text[] := ARRAY['(actor.id:=%1$s OR actor.email:=%1$s)', 'actor.session_id:=%s', 'metadata.request_id:=%s',
        'resource.id:=%s'];
    given text[] := ARRAY[actor, session, request, resource];
    joined text := ' AND ';
    wanted text;
    source text;
    returned bigint;
    left_out timestamptz;
BEGIN
    PERFORM auditlog.note_search('timeline', jsonb_strip_nulls(jsonb_build_object('query', query, 'since', since, 'until', until, 'around', around,
        'actor', actor, 'session', session, 'request', request, 'resource', resource, 'gap', gap, 'max_rows', max_rows)));
    IF gap IS NULL OR gap < interval '0' THEN
        RAISE EXCEPTION 'gap of a timeline is out of range' USING ERRCODE = '22023',
            DETAIL = format('gap is %s; it may not be negative.', coalesce(quote_literal(gap::text), 'NULL')),
            HINT = 'Use an interval such as 30 minutes; with 0 every pause is shown.';
    END IF;
    IF max_rows IS NULL OR max_rows NOT BETWEEN 1 AND 100000 THEN
        RAISE EXCEPTION 'max_rows of a timeline is out of range' USING ERRCODE = '22023',
            DETAIL = format('max_rows is %s; it may be 1 to 100000.', coalesce(max_rows::text, 'NULL')),
            HINT = 'Give since and until, and go on from there.';
    END IF;
    IF since >= until THEN
        RAISE EXCEPTION 'the time of a timeline ends before it begins' USING ERRCODE = '22023',
            DETAIL = format('since is %s, until is %s.', since, until),
            HINT = 'since belongs to the time, until is the first moment after it.';
    END IF;
    IF around IS NOT NULL THEN
        SELECT e."timestamp", e.tenant, e.actor_id, e.actor_email, e.actor_session_id, e.request_id, e.resource_type, e.resource_id
            INTO pivot FROM auditlog.events AS e WHERE e.log_index = around;
        IF NOT found THEN
            RAISE EXCEPTION 'there is no event % in the log', around USING ERRCODE = '22023',
                HINT = 'around is a log_index, such as search() and alert_firings tell it; you may not see the event, or retention has removed it.';
        END IF;
        pivot_tenant := pivot.tenant;
        since := coalesce(since, pivot."timestamp" - interval '1 hour');
        until := coalesce(until, pivot."timestamp" + interval '1 hour');
        IF num_nonnulls(actor, session, request, resource) = 0 THEN
            conditions := ARRAY['actor.id:=%s', 'actor.email:=%s', 'actor.session_id:=%s', 'metadata.request_id:=%s', 'resource.id:=%s'];
            given := ARRAY[pivot.actor_id, CASE WHEN pivot.actor_id IS NULL THEN pivot.actor_email END, pivot.actor_session_id,
                pivot.request_id, pivot.resource_id];
            joined := ' OR ';
        END IF;
    END IF;
    -- Quoted values have no wildcards; := compares them byte for byte, which indexes serve.
    SELECT string_agg(format(c.condition, '"' || replace(replace(c.value, '\', '\\'), '"', '\"') || '"'), joined) INTO wanted
        FROM unnest(conditions, given) AS c (condition, value) WHERE c.value IS NOT NULL;
    source := ' FROM auditlog.events AS e WHERE auditlog.matches(e, $1) AND auditlog.matches(e, $2)'
        || CASE WHEN since IS NULL THEN '' ELSE ' AND e."timestamp" >= $3' END
        || CASE WHEN until IS NULL THEN '' ELSE ' AND e."timestamp" < $4' END
        || CASE WHEN own IS NULL THEN '' ELSE ' AND e.actor_id = $7' END
        || CASE WHEN pivot_tenant IS NULL THEN '' ELSE ' AND e.tenant = $8' END
        || ' ORDER BY e."timestamp" DESC, e.log_index DESC, e.event_id COLLATE "C" DESC';
    RETURN QUERY EXECUTE 'WITH found AS MATERIALIZED (SELECT e.log_index, e."timestamp", e.tenant, e.actor_id, e.actor_email, e.actor_ip,'
        ' e.actor_session_id, e.request_id, e.event_type, e.operation, e.status, e.severity, e.resource_type, e.resource_id, e.before,'
        ' e.after, e.extra -> ''metadata'' AS metadata, e.event_id, coalesce(e.actor_id, e.actor_email) AS who' || source || ' LIMIT $5'
        || $q$), placed AS (
            SELECT f.*, row_number() OVER (ORDER BY f."timestamp", f.log_index, f.event_id COLLATE "C") AS n,
                lag(f."timestamp") OVER (PARTITION BY f.tenant, f.who ORDER BY f."timestamp", f.log_index, f.event_id COLLATE "C") AS last,
                lag(f."timestamp") OVER (PARTITION BY f.tenant, f.who, f.actor_ip ORDER BY f."timestamp", f.log_index, f.event_id COLLATE "C") AS last_here
            FROM found AS f
        ), linked AS (
            SELECT p.*, p."timestamp" - lag(p."timestamp") OVER (ORDER BY p.n) AS pause,
                -- Nobody is not one actor.
                (sum(CASE WHEN p.who IS NOT NULL AND p."timestamp" - p.last < $6 THEN 0 ELSE 1 END) OVER (ORDER BY p.tenant, p.who, p.n))::integer AS burst,
                CASE WHEN p.actor_session_id IS NOT NULL THEN (dense_rank() OVER (ORDER BY p.tenant, p.actor_session_id))::integer END AS in_session,
                CASE WHEN p.request_id IS NOT NULL THEN (dense_rank() OVER (ORDER BY p.tenant, p.request_id))::integer END AS in_request
            FROM placed AS p
        ), stitched AS (
            SELECT s.number, s.n FROM (SELECT auditlog.stitch(array_agg(l.burst ORDER BY l.n), array_agg(l.in_session ORDER BY l.n),
                array_agg(l.in_request ORDER BY l.n)) AS numbers FROM linked AS l) AS a
            CROSS JOIN LATERAL unnest(a.numbers) WITH ORDINALITY AS s (number, n)
        )
        SELECT l.log_index, l."timestamp", s.number, CASE WHEN l.pause >= $6 THEN l.pause END, l.actor_id, l.actor_ip, l.actor_session_id,
            l.request_id, l.event_type, l.operation, l.status, l.severity, l.resource_type, l.resource_id,
            auditlog.sentence(coalesce(l.actor_email, l.actor_id), l.event_type, l.operation, l.status, l.resource_type, l.resource_id, d.items, l.metadata),
            (SELECT jsonb_object_agg(i.item ->> 'path', i.item - 'path') FROM jsonb_array_elements(d.items) AS i (item)),
            CASE WHEN l.actor_id IS NULL OR l.actor_ip IS NULL THEN NULL
                WHEN l."timestamp" - l.last_here <= interval '90 days' THEN false
                ELSE NOT EXISTS (SELECT FROM auditlog.events AS e WHERE e.actor_id = l.actor_id AND e.actor_ip = l.actor_ip
                    AND e.tenant IS NOT DISTINCT FROM l.tenant
                    AND e."timestamp" >= l."timestamp" - interval '90 days' AND e."timestamp" < l."timestamp") END,
            l.event_id
        FROM linked AS l JOIN stitched AS s ON s.n = l.n
        CROSS JOIN LATERAL (SELECT CASE WHEN l.before IS NOT NULL OR l.after IS NOT NULL THEN auditlog.diff(l.before, l.after) END) AS d (items)
        ORDER BY l.n$q$
        USING coalesce(query, ''), coalesce(wanted, ''), since, until, max_rows, gap, own, pivot_tenant;
    GET DIAGNOSTICS returned = ROW_COUNT;
    IF returned = max_rows THEN
        EXECUTE 'SELECT e."timestamp"' || source || ' OFFSET $5 LIMIT 1' INTO left_out
            USING coalesce(query, ''), coalesce(wanted, ''), since, until, max_rows, gap, own, pivot_tenant;
        IF left_out IS NOT NULL THEN
            RAISE NOTICE 'the timeline has the newest % events only', max_rows
                USING DETAIL = format('The newest of the older ones is of %s.', left_out),
                    HINT = 'For those give until, or a larger max_rows.';
        END IF;
    END IF;
END
$body$;
COMMENT ON FUNCTION auditlog.timeline_rows(text, timestamptz, timestamptz, bigint, text, text, text, text, interval, integer) IS
    'The body of auditlog.timeline()';

-- A function of its own because plpgsql has one namespace for arguments and results.
CREATE FUNCTION auditlog.timeline(
    query text DEFAULT '',
    since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL,
    around bigint DEFAULT NULL,
    actor text DEFAULT NULL,
    session text DEFAULT NULL,
    request text DEFAULT NULL,
    resource text DEFAULT NULL,
    gap interval DEFAULT '30 minutes',
    max_rows integer DEFAULT 10000
) RETURNS TABLE (log_index bigint, "timestamp" timestamptz, session integer, gap_before interval, actor_id text, actor_ip inet,
        actor_session_id text, request_id text, event_type text, operation text, status text, severity auditlog.severity,
        resource_type text, resource_id text, what text, changes jsonb, new_address boolean, event_id text)
    LANGUAGE sql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS
$body$
    SELECT t.log_index, t."timestamp", t.session_number, t.gap_before, t.actor_id, t.actor_ip, t.actor_session_id, t.request_id,
        t.event_type, t.operation, t.status, t.severity, t.resource_type, t.resource_id, t.what, t.changes, t.new_address, t.event_id
    FROM auditlog.timeline_rows($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) AS t
$body$;
COMMENT ON FUNCTION auditlog.timeline(text, timestamptz, timestamptz, bigint, text, text, text, text, interval, integer) IS
    'What happened around an event, actor, session, request or resource, in the order of time: sessions that belong together by number, pauses, changes, addresses that are new for their actor';

-- Moments are told in UTC, so that the same events give the same document everywhere.
CREATE FUNCTION auditlog.incident_summary(query text, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL) RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET jit = off AS
$body$
DECLARE
    summary jsonb;
BEGIN
    PERFORM auditlog.note_search('incident_summary', jsonb_strip_nulls(jsonb_build_object('query', query, 'since', since, 'until', until)));
    IF since >= until THEN
        RAISE EXCEPTION 'the time of an incident ends before it begins' USING ERRCODE = '22023',
            DETAIL = format('since is %s, until is %s.', since, until),
            HINT = 'since belongs to the time, until is the first moment after it.';
    END IF;
    EXECUTE 'WITH found AS MATERIALIZED (SELECT e.log_index, e."timestamp", e.event_id, e.actor_id, e.actor_email, coalesce(e.actor_id, e.actor_email) AS who,'
        ' host(e.actor_ip) AS address, e.event_type, e.category, e.operation, coalesce(lower(e.status), ''unknown'') AS status, e.severity,'
        ' e.resource_type, e.resource_id, coalesce(lower(e.status) IN (''failed'', ''failure'', ''denied'', ''error''), false) AS failed'
        ' FROM auditlog.events AS e WHERE auditlog.matches(e, $1)'
        || CASE WHEN since IS NULL THEN '' ELSE ' AND e."timestamp" >= $2' END
        || CASE WHEN until IS NULL THEN '' ELSE ' AND e."timestamp" < $3' END
        || $q$), total AS (
            SELECT count(*) AS events, count(*) FILTER (WHERE f.failed) AS failed, min(f."timestamp") AS first, max(f."timestamp") AS last,
                min(f.log_index) AS first_index, max(f.log_index) AS last_index FROM found AS f
        ), person AS (
            SELECT f.who, max(f.actor_id) AS actor_id, max(f.actor_email) AS actor_email, count(*) AS events, count(*) FILTER (WHERE f.failed) AS failed,
                min(f."timestamp") AS first, max(f."timestamp") AS last FROM found AS f WHERE f.who IS NOT NULL GROUP BY f.who
        ), effect AS MATERIALIZED (
            SELECT y.event_type, y.event_type ~ '\.(create|modify|alter|update|insert|merge|rename|tag_change|state_change|.*_change|role|privilege)$' AS changes,
                y.event_type ~ '\.(delete|drop|truncate|purge|.*_delete)$' AS deletes
            FROM (SELECT DISTINCT f.event_type FROM found AS f) AS y
        ), thing AS (
            SELECT f.resource_type, f.resource_id, count(*) AS events, count(*) FILTER (WHERE f.failed) AS failed,
                count(*) FILTER (WHERE NOT f.failed AND x.changes) AS changed, count(*) FILTER (WHERE NOT f.failed AND x.deletes) AS deleted,
                min(f."timestamp") AS first, max(f."timestamp") AS last
            FROM found AS f JOIN effect AS x ON x.event_type = f.event_type WHERE f.resource_id IS NOT NULL GROUP BY f.resource_type, f.resource_id
        ), place AS (
            SELECT f.address, count(*) AS events, count(*) FILTER (WHERE f.failed) AS failed, min(f."timestamp") AS first, max(f."timestamp") AS last
            FROM found AS f WHERE f.address IS NOT NULL GROUP BY f.address
        ), top_person AS MATERIALIZED (
            SELECT * FROM person ORDER BY events DESC, who COLLATE "C" LIMIT 200
        ), top_thing AS MATERIALIZED (
            SELECT * FROM thing ORDER BY deleted > 0 DESC, changed > 0 DESC, events DESC, resource_type COLLATE "C", resource_id COLLATE "C" LIMIT 200
        ), top_place AS MATERIALIZED (
            SELECT * FROM place ORDER BY events DESC, address COLLATE "C" LIMIT 200
        -- Who with what: of those that are listed, the most frequent ones first.
        ), person_place AS (
            SELECT r.who, jsonb_agg(r.address ORDER BY r.place) AS addresses FROM (
                SELECT f.who, f.address, row_number() OVER (PARTITION BY f.who ORDER BY count(*) DESC, f.address COLLATE "C") AS place
                FROM found AS f WHERE f.address IS NOT NULL AND f.who IN (SELECT t.who FROM top_person AS t) GROUP BY 1, 2) AS r WHERE r.place <= 20 GROUP BY r.who
        ), person_thing AS (
            SELECT r.who, count(*) AS resources FROM (SELECT DISTINCT f.who, f.resource_type, f.resource_id FROM found AS f
                WHERE f.resource_id IS NOT NULL AND f.who IN (SELECT t.who FROM top_person AS t)) AS r GROUP BY r.who
        ), thing_person AS (
            SELECT r.resource_type, r.resource_id, jsonb_agg(r.who ORDER BY r.place) AS users FROM (
                SELECT f.resource_type, f.resource_id, f.who, row_number() OVER (PARTITION BY f.resource_type, f.resource_id ORDER BY count(*) DESC, f.who COLLATE "C") AS place
                FROM found AS f WHERE f.who IS NOT NULL AND f.resource_id IN (SELECT t.resource_id FROM top_thing AS t) GROUP BY 1, 2, 3) AS r WHERE r.place <= 20 GROUP BY 1, 2
        ), place_person AS (
            SELECT r.address, jsonb_agg(r.who ORDER BY r.place) AS users FROM (
                SELECT f.address, f.who, row_number() OVER (PARTITION BY f.address ORDER BY count(*) DESC, f.who COLLATE "C") AS place
                FROM found AS f WHERE f.who IS NOT NULL AND f.address IN (SELECT t.address FROM top_place AS t) GROUP BY 1, 2) AS r WHERE r.place <= 20 GROUP BY r.address
        ), counted AS (
            SELECT f.event_type, f.status, f.severity, f.category, count(*) AS events FROM found AS f GROUP BY 1, 2, 3, 4
        ), paused AS (
            SELECT f.*, coalesce(f."timestamp" - lag(f."timestamp") OVER w >= interval '30 minutes', true) AS begins FROM found AS f
            WINDOW w AS (ORDER BY f."timestamp", f.log_index, f.event_id COLLATE "C")
        ), numbered AS (
            SELECT p.*, count(*) FILTER (WHERE p.begins) OVER (ORDER BY p."timestamp", p.log_index, p.event_id COLLATE "C") AS phase FROM paused AS p
        ), phase AS (
            SELECT n.phase, count(*) AS events, count(*) FILTER (WHERE n.failed) AS failed, min(n."timestamp") AS first, max(n."timestamp") AS last,
                min(n.log_index) AS first_index, max(n.log_index) AS last_index, max(n.severity) AS severity
            FROM numbered AS n GROUP BY n.phase
        ), phase_person AS (
            SELECT r.phase, jsonb_agg(r.who ORDER BY r.place) AS users FROM (
                SELECT n.phase, n.who, row_number() OVER (PARTITION BY n.phase ORDER BY count(*) DESC, n.who COLLATE "C") AS place
                FROM numbered AS n WHERE n.who IS NOT NULL AND n.phase <= 200 GROUP BY 1, 2) AS r WHERE r.place <= 20 GROUP BY r.phase
        ), phase_place AS (
            SELECT r.phase, jsonb_agg(r.address ORDER BY r.place) AS addresses FROM (
                SELECT n.phase, n.address, row_number() OVER (PARTITION BY n.phase ORDER BY count(*) DESC, n.address COLLATE "C") AS place
                FROM numbered AS n WHERE n.address IS NOT NULL AND n.phase <= 200 GROUP BY 1, 2) AS r WHERE r.place <= 20 GROUP BY r.phase
        ), kind AS (
            SELECT k.phase, jsonb_object_agg(k.event_type, k.events) AS types
            FROM (SELECT n.phase, n.event_type, count(*) AS events FROM numbered AS n WHERE n.phase <= 200 GROUP BY 1, 2) AS k GROUP BY k.phase
        ), notable AS (
            SELECT g.phase, jsonb_agg(jsonb_build_object('log_index', g.log_index, 'timestamp', g."timestamp", 'severity', g.severity,
                    'what', auditlog.sentence(coalesce(g.actor_email, g.actor_id), g.event_type, g.operation, g.status, g.resource_type, g.resource_id))
                ORDER BY g."timestamp", g.log_index) AS events
            FROM (SELECT n.*, row_number() OVER (PARTITION BY n.phase ORDER BY n.severity DESC, n."timestamp", n.log_index) AS place FROM numbered AS n WHERE n.phase <= 200) AS g
            WHERE g.place <= 5 GROUP BY g.phase
        ), alert AS (
            -- Those that these events made fire, and those of the same time that name somebody or something of them.
            SELECT a.*, CASE WHEN EXISTS (SELECT FROM found AS f WHERE f.event_id = ANY (a.samples))
                    OR EXISTS (SELECT FROM found AS f WHERE f.log_index = a.completed_index) THEN 'event' ELSE 'group' END AS relation
            FROM auditlog.alert_firings AS a, total AS t
            WHERE EXISTS (SELECT FROM found AS f WHERE f.event_id = ANY (a.samples))
                OR EXISTS (SELECT FROM found AS f WHERE f.log_index = a.completed_index)
                OR a.first_at <= coalesce($3, t.last) AND a.last_at >= coalesce($2, t.first) AND EXISTS (SELECT FROM jsonb_each_text(a."group") AS g
                    WHERE EXISTS (SELECT FROM person AS p WHERE g.value IN (p.actor_id, p.actor_email))
                        OR EXISTS (SELECT FROM thing AS h WHERE g.value = h.resource_id) OR EXISTS (SELECT FROM place AS l WHERE g.value = l.address))
        )
        SELECT jsonb_build_object(
            'query', $1, 'since', $2, 'until', $3,
            'first_seen', t.first, 'last_seen', t.last, 'first_log_index', t.first_index, 'last_log_index', t.last_index,
            'totals', jsonb_build_object('events', t.events, 'failed', t.failed, 'users', (SELECT count(*) FROM person), 'resources', (SELECT count(*) FROM thing),
                'addresses', (SELECT count(*) FROM place), 'event_types', (SELECT count(DISTINCT event_type) FROM counted),
                'phases', (SELECT count(*) FROM phase), 'alerts', (SELECT count(*) FROM alert)),
            'users', (SELECT coalesce(jsonb_agg(jsonb_build_object('actor_id', p.actor_id, 'actor_email', p.actor_email, 'events', p.events, 'failed', p.failed,
                    'first_seen', p.first, 'last_seen', p.last, 'resources', coalesce(h.resources, 0), 'addresses', coalesce(l.addresses, '[]'))
                ORDER BY p.events DESC, p.who COLLATE "C"), '[]')
                FROM top_person AS p LEFT JOIN person_place AS l ON l.who = p.who LEFT JOIN person_thing AS h ON h.who = p.who),
            'resources', (SELECT coalesce(jsonb_agg(jsonb_build_object('resource_type', h.resource_type, 'resource_id', h.resource_id, 'events', h.events,
                    'failed', h.failed, 'changed', h.changed, 'deleted', h.deleted, 'first_seen', h.first, 'last_seen', h.last, 'users', coalesce(p.users, '[]'))
                ORDER BY h.deleted > 0 DESC, h.changed > 0 DESC, h.events DESC, h.resource_type COLLATE "C", h.resource_id COLLATE "C"), '[]')
                FROM top_thing AS h LEFT JOIN thing_person AS p ON p.resource_id = h.resource_id AND p.resource_type IS NOT DISTINCT FROM h.resource_type),
            'addresses', (SELECT coalesce(jsonb_agg(jsonb_build_object('address', l.address, 'events', l.events, 'failed', l.failed,
                    'first_seen', l.first, 'last_seen', l.last, 'users', coalesce(p.users, '[]')) ORDER BY l.events DESC, l.address COLLATE "C"), '[]')
                FROM top_place AS l LEFT JOIN place_person AS p ON p.address = l.address),
            'types', (SELECT coalesce(jsonb_agg(jsonb_build_object('event_type', y.event_type, 'events', y.events, 'outcomes', y.outcomes)
                ORDER BY y.events DESC, y.event_type COLLATE "C"), '[]') FROM (SELECT o.event_type, sum(o.events) AS events, jsonb_object_agg(o.status, o.events) AS outcomes
                FROM (SELECT c.event_type, c.status, sum(c.events) AS events FROM counted AS c GROUP BY 1, 2) AS o GROUP BY 1) AS y),
            'outcomes', (SELECT coalesce(jsonb_object_agg(o.status, o.events), '{}') FROM (SELECT c.status, sum(c.events) AS events FROM counted AS c GROUP BY 1) AS o),
            'severities', (SELECT coalesce(jsonb_object_agg(o.severity, o.events), '{}') FROM (SELECT c.severity, sum(c.events) AS events FROM counted AS c GROUP BY 1) AS o),
            'categories', (SELECT coalesce(jsonb_object_agg(o.category, o.events), '{}') FROM (SELECT c.category, sum(c.events) AS events FROM counted AS c GROUP BY 1) AS o),
            'phases', (SELECT coalesce(jsonb_agg(jsonb_build_object('phase', p.phase, 'first_seen', p.first, 'last_seen', p.last, 'events', p.events, 'failed', p.failed,
                    'first_log_index', p.first_index, 'last_log_index', p.last_index, 'severity', p.severity, 'users', coalesce(u.users, '[]'),
                    'addresses', coalesce(l.addresses, '[]'), 'types', k.types, 'notable', n.events) ORDER BY p.phase), '[]')
                FROM (SELECT * FROM phase ORDER BY phase LIMIT 200) AS p JOIN kind AS k ON k.phase = p.phase JOIN notable AS n ON n.phase = p.phase
                LEFT JOIN phase_person AS u ON u.phase = p.phase LEFT JOIN phase_place AS l ON l.phase = p.phase),
            'alerts', (SELECT coalesce(jsonb_agg(jsonb_build_object('id', a.id, 'alert', a.alert, 'severity', a.severity, 'group', a."group", 'count', a.count, 'events', a.events,
                    'first_at', a.first_at, 'last_at', a.last_at, 'fired_at', a.fired_at, 'state', a.state, 'acknowledged_by', a.acknowledged_by, 'reason', a.reason,
                    'relation', a.relation) ORDER BY a.first_at, a.id), '[]') FROM (SELECT * FROM alert ORDER BY first_at, id LIMIT 200) AS a))
        FROM total AS t$q$
        INTO summary USING coalesce(query, ''), since, until;
    RETURN summary;
END
$body$;
COMMENT ON FUNCTION auditlog.incident_summary(text, timestamptz, timestamptz) IS
    'What an incident touched: users, resources, addresses, phases of activity between pauses of 30 minutes, counts by type and outcome, related alerts; lists hold 200 items, totals count all';

-- sql/schema/42_changes.sql
-- Change control and the segregation of duties (docs/investigations.md). For those who see the whole log: whoever sees only a
-- part of it would take changes for unapproved whose approval he can't see. Without JIT, as 42_investigation.sql.

-- What the log notices about its own protection is no change but a consequence of one.
CREATE FUNCTION auditlog.change_query() RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS
$body$
    SELECT 'event_type:(resource.create OR resource.modify OR resource.delete OR resource.truncate OR resource.tag_change OR resource.state_change'
        ' OR ddl.* OR extension.* OR function.create OR function.replace OR trigger.*'
        ' OR config.alter_database OR config.alter_role OR config.alter_system OR config.hba_change OR configuration.* OR automation.workflow_change'
        ' OR grant.* OR revoke.* OR role.* OR owner.change OR default_privileges.alter'
        ' OR policy.create OR policy.alter OR policy.modify OR policy.drop OR policy.exception'
        ' OR auditlog.alert_change OR auditlog.job_change OR auditlog.policy_change OR auditlog.principal_change OR auditlog.retention_change'
        ' OR auditlog.role_grant OR auditlog.role_revoke OR auditlog.setting_change OR auditlog.sink_change OR auditlog.track_change OR auditlog.type_change)'
        ' AND NOT status:(failed OR denied OR error) AND NOT action.operation:protection_change'
$body$;
COMMENT ON FUNCTION auditlog.change_query() IS 'The query that says which events are changes to auditlog.changes(): of resources, definitions, settings, roles, rights and policies';

CREATE FUNCTION auditlog.changes(
    query text DEFAULT '',
    since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL,
    resource text DEFAULT NULL,
    max_rows integer DEFAULT 10000
) RETURNS TABLE (log_index bigint, "timestamp" timestamptz, actor_id text, actor_email text, event_type text, resource_type text,
        resource_id text, operation text, diff jsonb, change_ref text, approved_by text, approval text, approval_log_index bigint,
        statement text)
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp SET jit = off AS
$body$
DECLARE
    about text := coalesce('resource.id:="' || replace(replace(resource, '\', '\\'), '"', '\"') || '"', '');
    returned bigint := 0;
BEGIN
    PERFORM auditlog.note_search('changes', jsonb_strip_nulls(jsonb_build_object('query', query, 'since', since, 'until', until,
        'resource', resource, 'max_rows', max_rows)));
    IF max_rows IS NULL OR max_rows NOT BETWEEN 1 AND 100000 THEN
        RAISE EXCEPTION 'max_rows of changes is out of range' USING ERRCODE = '22023',
            DETAIL = format('max_rows is %s; it may be 1 to 100000.', coalesce(max_rows::text, 'NULL')),
            HINT = 'Give since and until, and go on from there.';
    END IF;
    IF since >= until THEN
        RAISE EXCEPTION 'the time of changes ends before it begins' USING ERRCODE = '22023',
            DETAIL = format('since is %s, until is %s.', since, until),
            HINT = 'since belongs to the time, until is the first moment after it.';
    END IF;
    FOR log_index, "timestamp", actor_id, actor_email, event_type, resource_type, resource_id, operation, diff, change_ref, approved_by,
        approval, approval_log_index, statement IN EXECUTE
        'WITH picked AS MATERIALIZED (SELECT row_number() OVER () AS n, e.log_index, e."timestamp", e.tenant, e.actor_id, e.actor_email, e.event_type,'
        ' e.resource_type, e.resource_id, e.operation, e.before, e.after, e.extra -> ''metadata'' AS metadata,'
        ' nullif(e.extra #>> ''{metadata,change_ref}'', '''') AS change_ref'
        ' FROM auditlog.events AS e WHERE auditlog.matches(e, $1) AND auditlog.matches(e, $2) AND auditlog.matches(e, $3)'
        || CASE WHEN since IS NULL THEN '' ELSE ' AND e."timestamp" >= $4' END
        || CASE WHEN until IS NULL THEN '' ELSE ' AND e."timestamp" < $5' END
        -- A decision counts from when it was made: what came before it was not approved by it.
        || $q$), decision AS MATERIALIZED (
            SELECT row_number() OVER (ORDER BY e."timestamp", e.log_index) AS k, e.log_index, e."timestamp", e.tenant,
                e.extra #>> '{metadata,change_ref}' AS change_ref, e.actor_id, e.actor_email,
                e.event_type = 'change.reject' OR coalesce(lower(e.status) IN ('denied', 'rejected', 'refused'), false) AS refuses
            FROM auditlog.events AS e
            WHERE auditlog.matches(e, 'event_type:(change.approve OR change.reject) AND NOT status:(failed OR error)')
                AND e.extra #>> '{metadata,change_ref}' IN (SELECT p.change_ref FROM picked AS p)
        ), weighed AS (
            SELECT p.n, max(d.k) FILTER (WHERE d.refuses AND d."timestamp" <= p."timestamp") AS refusal,
                max(d.k) FILTER (WHERE NOT d.refuses AND d."timestamp" <= p."timestamp" AND NOT s.same) AS by_other,
                max(d.k) FILTER (WHERE NOT d.refuses AND d."timestamp" <= p."timestamp" AND s.same) AS by_self,
                min(d.k) FILTER (WHERE NOT d.refuses AND d."timestamp" > p."timestamp") AS later
            FROM picked AS p JOIN decision AS d ON d.change_ref = p.change_ref AND d.tenant IS NOT DISTINCT FROM p.tenant
            CROSS JOIN LATERAL (SELECT coalesce(auditlog.fold(d.actor_id) = auditlog.fold(p.actor_id), false)
                OR coalesce(auditlog.fold(d.actor_email) = auditlog.fold(p.actor_email), false)
                -- Who stands behind an application's login to the database.
                OR coalesce(auditlog.fold(d.actor_id) = auditlog.fold(p.metadata ->> 'end_user'), false)) AS s (same)
            GROUP BY p.n
        ), judged AS (
            SELECT p.*, c.claim, CASE
                    WHEN w.refusal > coalesce(greatest(w.by_other, w.by_self), 0) THEN 'refused'
                    WHEN w.by_other > coalesce(w.refusal, 0) THEN 'approved'
                    WHEN w.by_self > coalesce(w.refusal, 0) OR c.by_self THEN 'self_approved'
                    -- The event's own word counts where the log has no other.
                    WHEN c.claim IS NOT NULL AND w.later IS NULL THEN 'approved'
                    ELSE 'unapproved' END AS approval,
                CASE WHEN w.refusal > coalesce(greatest(w.by_other, w.by_self), 0) THEN w.refusal
                    WHEN w.by_other > coalesce(w.refusal, 0) THEN w.by_other
                    WHEN w.by_self > coalesce(w.refusal, 0) THEN w.by_self
                    WHEN NOT c.by_self THEN w.later END AS k
            FROM picked AS p LEFT JOIN weighed AS w ON w.n = p.n
            CROSS JOIN LATERAL (SELECT nullif(p.metadata ->> 'approved_by', '') AS claim, coalesce(p.metadata @> '{"self_approved": true}', false)
                OR coalesce(auditlog.fold(p.metadata ->> 'approved_by') IN (auditlog.fold(p.actor_id), auditlog.fold(p.actor_email),
                    auditlog.fold(p.metadata ->> 'end_user')), false) AS by_self) AS c
        ), first AS (
            SELECT j.*, array_position(ARRAY['refused', 'unapproved', 'self_approved', 'approved'], j.approval) AS rank
            FROM judged AS j ORDER BY rank, j."timestamp" DESC, j.log_index DESC, j.n LIMIT $6 + 1
        )
        SELECT f.log_index, f."timestamp", f.actor_id, f.actor_email, f.event_type, f.resource_type, f.resource_id, f.operation,
            auditlog.diff(f.before, f.after), f.change_ref,
            CASE WHEN f.k IS NULL THEN f.claim ELSE coalesce(d.actor_id, d.actor_email) END, f.approval, d.log_index, f.metadata ->> 'statement'
        FROM first AS f LEFT JOIN decision AS d ON d.k = f.k
        ORDER BY f.rank, f."timestamp" DESC, f.log_index DESC, f.n$q$
        USING coalesce(query, ''), auditlog.change_query(), about, since, until, max_rows
    LOOP
        returned := returned + 1;
        IF returned > max_rows THEN
            RAISE NOTICE 'there are more changes than max_rows (%)', max_rows
                USING HINT = 'Those that nobody approved come first; give since and until, or a larger max_rows.';
            EXIT;
        END IF;
        RETURN NEXT;
    END LOOP;
END
$body$;
COMMENT ON FUNCTION auditlog.changes(text, timestamptz, timestamptz, text, integer) IS
    'Who changed what, and who had approved it: refused, unapproved and self-approved changes first; a change and its approval share metadata.change_ref';

CREATE FUNCTION auditlog.segregation_rules() RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS
$body$
    SELECT jsonb_build_array(
        jsonb_build_object('name', 'requested_and_approved', 'severity', 'error', 'description', 'asked for a change and approved it',
            'a', 'event_type:change.request', 'b', 'event_type:change.approve AND NOT status:(failed OR denied OR error)',
            'same', '["user", "metadata.change_ref"]'::jsonb),
        jsonb_build_object('name', 'approved_and_made', 'severity', 'error', 'description', 'approved a change and made it',
            'a', 'event_type:change.approve AND NOT status:(failed OR denied OR error)', 'b', 'metadata.change_ref:* AND ' || auditlog.change_query(),
            'same', '["user", "metadata.change_ref"]'::jsonb),
        jsonb_build_object('name', 'granted_to_self', 'severity', 'critical', 'description', 'granted rights to an account of their own',
            'a', g.grants || ' AND NOT metadata.self_grant:true', 'b', g.grants, 'same', '["event_id", "user=metadata.grantee"]'::jsonb),
        -- What the database itself has recorded: there the session's roles were compared.
        jsonb_build_object('name', 'granted_to_self_in_database', 'severity', 'critical', 'description', 'granted rights to a role of their own session',
            'a', g.grants || ' AND metadata.self_grant:true', 'b', g.grants || ' AND metadata.self_grant:true', 'same', '["event_id"]'::jsonb),
        jsonb_build_object('name', 'created_granted_and_used', 'severity', 'critical',
            'description', 'created an account, gave it rights, and it came in from their address',
            'a', 'event_type:(role.create OR configuration.user_create) AND NOT status:(failed OR denied OR error)',
            'b', 'event_type:(authentication.login OR authentication.assume_role OR integration.sso_authentication) AND NOT status:(failed OR denied OR error)',
            'same', '["resource.id=user", "actor.ip_address"]'::jsonb,
            'via', jsonb_build_object('query', g.grants, 'same', '["user", "resource.id=metadata.grantee"]'::jsonb)),
        jsonb_build_object('name', 'created_granted_and_assumed', 'severity', 'critical',
            'description', 'created an account, gave it rights, and took it on',
            'a', 'event_type:(role.create OR configuration.user_create) AND NOT status:(failed OR denied OR error)',
            'b', 'event_type:(session.set_role OR session.set_authorization OR authentication.assume_role) AND NOT status:(failed OR denied OR error)',
            'same', '["user", "resource.id"]'::jsonb,
            'via', jsonb_build_object('query', g.grants, 'same', '["user", "resource.id=metadata.grantee"]'::jsonb)),
        jsonb_build_object('name', 'audit_policy_and_data', 'severity', 'error', 'description', 'changed what is audited, and changed data',
            'a', 'event_type:(auditlog.policy_change OR auditlog.setting_change OR auditlog.track_change OR auditlog.retention_change'
                ' OR auditlog.pause OR auditlog.stop OR auditlog.purge OR configuration.logging_change) AND NOT status:(failed OR denied OR error)',
            'b', 'event_type:(data.insert OR data.update OR data.delete OR data.merge OR data.truncate OR data.copy_from'
                ' OR resource.create OR resource.modify OR resource.delete OR resource.truncate) AND NOT status:(failed OR denied OR error)',
            'same', '["user"]'::jsonb),
        jsonb_build_object('name', 'exported_and_deleted', 'severity', 'warning', 'description', 'took data out, and deleted data',
            'a', 'event_type:(data.copy_to OR file.write OR auditlog.export OR cost.export) AND NOT status:(failed OR denied OR error)',
            'b', 'event_type:(data.delete OR data.truncate OR resource.delete OR resource.truncate OR ddl.drop) AND NOT status:(failed OR denied OR error)',
            'same', '["user"]'::jsonb))
    FROM (SELECT 'event_type:(grant.role OR grant.privilege OR auditlog.role_grant) AND NOT status:(failed OR denied OR error)') AS g (grants)
$body$;
COMMENT ON FUNCTION auditlog.segregation_rules() IS
    'The rules of auditlog.segregation_of_duties() when it is given none: duties a and b as queries, and fields whose values must be the same in both';

CREATE FUNCTION auditlog.segregation_of_duties(
    since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL,
    rules jsonb DEFAULT NULL
) RETURNS TABLE (rule text, severity auditlog.severity, actor_id text, duty_a_events bigint, duty_b_events bigint, example_a bigint,
        example_b bigint, explanation text)
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED ROWS 100 SET search_path = pg_catalog, pg_temp SET jit = off AS
$body$
DECLARE
    r record;
    wrong text;
    side record;
    sides text;
    pair text[];
    field text;
    joins text;
    keys text;
    label text;
    possible boolean;
BEGIN
    PERFORM auditlog.note_search('segregation_of_duties', jsonb_strip_nulls(jsonb_build_object('since', since, 'until', until, 'rules', rules)));
    IF since >= until THEN
        RAISE EXCEPTION 'the time of the segregation of duties ends before it begins' USING ERRCODE = '22023',
            DETAIL = format('since is %s, until is %s.', since, until),
            HINT = 'since belongs to the time, until is the first moment after it.';
    END IF;
    rules := coalesce(nullif(rules, 'null'), auditlog.segregation_rules());
    IF jsonb_typeof(rules) <> 'array' THEN
        RAISE EXCEPTION 'rules must be a list' USING ERRCODE = '22023',
            DETAIL = format('rules is of type %s.', jsonb_typeof(rules)),
            HINT = 'Write rules such as auditlog.segregation_rules() has, in a JSON list.';
    END IF;
    FOR r IN SELECT i.number, i.rule, i.rule ->> 'name' AS name, i.rule ->> 'severity' AS severity, i.rule ->> 'description' AS description,
            i.rule ->> 'a' AS a, i.rule ->> 'b' AS b, i.rule -> 'same' AS same, i.rule -> 'via' AS via
        FROM jsonb_array_elements(rules) WITH ORDINALITY AS i (rule, number) ORDER BY i.number
    LOOP
        -- Each in its turn, as a later condition takes the earlier ones for granted.
        wrong := CASE
            WHEN jsonb_typeof(r.rule) <> 'object' THEN 'it is no object'
            WHEN r.rule - '{name,severity,description,a,b,same,via}'::text[] <> '{}' THEN format('it has an unknown key «%s»',
                (SELECT min(k) FROM jsonb_object_keys(r.rule - '{name,severity,description,a,b,same,via}'::text[]) AS k))
            WHEN jsonb_typeof(r.rule -> 'name') IS DISTINCT FROM 'string' OR r.name = '' THEN 'it has no name'
            WHEN jsonb_typeof(r.rule -> 'a') IS DISTINCT FROM 'string' THEN 'duty a is no query'
            WHEN jsonb_typeof(r.rule -> 'b') IS DISTINCT FROM 'string' THEN 'duty b is no query'
            WHEN r.rule ? 'severity' AND array_position(enum_range(NULL::auditlog.severity)::text[], r.severity) IS NULL THEN 'its severity is unknown'
            WHEN jsonb_typeof(r.same) IS DISTINCT FROM 'array' OR r.same = '[]' OR r.same @? '$[*] ? (@.type() != "string")' THEN 'same is no list of fields'
            WHEN r.via IS NOT NULL AND (jsonb_typeof(r.via) <> 'object' OR r.via - '{query,same}'::text[] <> '{}'
                OR jsonb_typeof(r.via -> 'query') IS DISTINCT FROM 'string' OR jsonb_typeof(r.via -> 'same') IS DISTINCT FROM 'array'
                OR r.via -> 'same' = '[]' OR r.via -> 'same' @? '$[*] ? (@.type() != "string")') THEN 'via is not {"query": …, "same": [fields]}'
        END;
        IF wrong IS NOT NULL THEN
            RAISE EXCEPTION 'rule % of the segregation of duties is not valid', r.number USING ERRCODE = '22023',
                DETAIL = format('Of %s: %s.', coalesce(quote_literal(left(r.name, 60)), 'the rule'), wrong),
                HINT = 'A rule is {"name": …, "severity": …, "description": …, "a": query, "b": query, "same": ["user", "field of a=field of b"]}; auditlog.segregation_rules() shows some.';
        END IF;
        -- For each side: its events, and for each of them the values that must be the other side's, too.
        sides := NULL;
        FOR side IN SELECT * FROM (VALUES ('a', 1, r.same, 1), ('b', 2, r.same, 2), ('a_via', 1, r.via -> 'same', 1), ('via', 3, r.via -> 'same', 2))
            AS v (name, parameter, same, half) WHERE v.same IS NOT NULL
        LOOP
            joins := '';
            keys := $k$coalesce(e.tenant, '')$k$;
            label := '';
            FOR i IN 0 .. jsonb_array_length(side.same) - 1 LOOP
                pair := string_to_array(side.same ->> i, '=');
                field := trim(pair[least(side.half, cardinality(pair))]);
                joins := joins || format(' CROSS JOIN %s AS v%s', replace(auditlog.field_source(field), '$5', quote_literal(field)), i);
                keys := keys || format(', auditlog.fold(v%s.value)', i);
                IF field NOT IN ('user', 'actor.id', 'actor.email', 'event_id') THEN
                    label := label || format(', v%s.value', i);
                END IF;
            END LOOP;
            sides := concat(sides || ', ', format('%I AS MATERIALIZED (SELECT e.event_id, e.log_index, e."timestamp",'
                ' coalesce(e.actor_id, e.actor_email) AS who, ARRAY[%s]::text AS key, nullif(concat_ws('' '', NULL%s), '''') AS label FROM auditlog.events AS e%s'
                ' WHERE auditlog.matches(e, $%s)', side.name, keys, label, joins, side.parameter),
                CASE WHEN since IS NOT NULL THEN ' AND e."timestamp" >= $4' END,
                CASE WHEN until IS NOT NULL THEN ' AND e."timestamp" < $5' END,
                (SELECT string_agg(format(' AND v%s.value IS NOT NULL', i), '') FROM generate_series(0, jsonb_array_length(side.same) - 1) AS i), ')');
        END LOOP;
        -- Most rules find one of their duties nowhere: then the other one, often of many events, need not be read.
        EXECUTE (SELECT 'SELECT ' || string_agg(format('EXISTS (SELECT FROM auditlog.events AS e WHERE auditlog.matches(e, $%s)', i)
                || CASE WHEN since IS NULL THEN '' ELSE ' AND e."timestamp" >= $4' END
                || CASE WHEN until IS NULL THEN '' ELSE ' AND e."timestamp" < $5' END || ')', ' AND ')
            FROM generate_series(1, CASE WHEN r.via IS NULL THEN 2 ELSE 3 END) AS i)
            INTO possible USING r.a, r.b, r.via ->> 'query', since, until;
        CONTINUE WHEN NOT possible;
        RETURN QUERY EXECUTE 'WITH ' || sides || ', duty_a AS (SELECT a.* FROM a'
            || CASE WHEN r.via IS NULL THEN '' ELSE ' WHERE a.event_id IN (SELECT x.event_id FROM a_via AS x WHERE x.key IN (SELECT v.key FROM via AS v))' END
            -- One event alone, in which both queries find themselves, is no two duties, unless the rule is about one event.
            || $q$), shared AS (
                SELECT x.key FROM (SELECT key, min(event_id COLLATE "C") AS first, max(event_id COLLATE "C") AS last FROM duty_a GROUP BY key) AS x
                JOIN (SELECT key, min(event_id COLLATE "C") AS first, max(event_id COLLATE "C") AS last FROM b GROUP BY key) AS y ON y.key = x.key
                WHERE $6 OR x.first <> x.last OR y.first <> y.last OR x.first <> y.first
            ), person AS (
                SELECT a.who, count(DISTINCT a.event_id) AS events, array_agg(DISTINCT a.label) FILTER (WHERE a.label IS NOT NULL) AS labels,
                    (array_agg(a.log_index ORDER BY a."timestamp", a.log_index))[1] AS example,
                    (array_agg(a.event_id ORDER BY a."timestamp", a.log_index))[1] AS event_id,
                    (array_agg(a.key ORDER BY a."timestamp", a.log_index))[1] AS key
                FROM duty_a AS a JOIN shared AS s ON s.key = a.key WHERE a.who IS NOT NULL GROUP BY a.who
            ), other AS (
                SELECT w.who, count(DISTINCT b.event_id) AS events
                FROM (SELECT DISTINCT a.who, a.key FROM duty_a AS a JOIN shared AS s ON s.key = a.key) AS w
                JOIN b ON b.key = w.key GROUP BY w.who
            ), example AS (
                SELECT p.who, (array_agg(b.log_index ORDER BY b.event_id = p.event_id, b."timestamp", b.log_index))[1] AS log_index
                FROM person AS p JOIN b ON b.key = p.key GROUP BY p.who
            )
            SELECT $7, $8::auditlog.severity, p.who, p.events, o.events, p.example, x.log_index,
                concat(p.who, ' ', $9, ': ' || array_to_string(p.labels[:3], ', '),
                    CASE WHEN cardinality(p.labels) > 3 THEN format(' and %s more', cardinality(p.labels) - 3) END)
            FROM person AS p JOIN other AS o ON o.who = p.who JOIN example AS x ON x.who = p.who
            ORDER BY p.events + o.events DESC, p.who COLLATE "C"$q$
            USING r.a, r.b, r.via ->> 'query', since, until, r.same ? 'event_id', r.name, coalesce(r.severity, 'warning'),
                coalesce(nullif(r.description, ''), format('did both «%s» and «%s»', r.a, r.b));
    END LOOP;
END
$body$;
COMMENT ON FUNCTION auditlog.segregation_of_duties(timestamptz, timestamptz, jsonb) IS
    'Who did what should have been done by two: for each rule and person how many events, and the first example of each duty';

-- sql/schema/43_retention.sql
-- How long events stay, in which tier, what must not go, and what went (docs/retention.md).

-- Each policy that was ever in force: the newest counts.
CREATE TABLE auditlog_data.retention_policy (
    version bigint PRIMARY KEY,
    definition text NOT NULL,
    canonical jsonb NOT NULL,
    fingerprint text NOT NULL,
    made_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    made_by text NOT NULL
);
COMMENT ON TABLE auditlog_data.retention_policy IS 'Retention policies, the newest in force; read auditlog.retention';

CREATE TABLE auditlog_data.legal_hold (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    query text NOT NULL,
    until timestamptz,
    reason text NOT NULL,
    made_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    made_by text NOT NULL,
    -- Who asked for its release, when a second person must agree.
    wanted_by text,
    wanted_at timestamptz,
    released_at timestamptz,
    released_by text,
    release_reason text
);
COMMENT ON TABLE auditlog_data.legal_hold IS 'What must not be removed, whatever the policy says; read auditlog.holds';
CREATE UNIQUE INDEX legal_hold_name ON auditlog_data.legal_hold (name) WHERE released_at IS NULL;

-- What retention did and does.
CREATE TABLE auditlog_data.retention_move (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    relation text NOT NULL,
    retention_class text NOT NULL,
    kind text NOT NULL CHECK (kind OPERATOR(pg_catalog.=) ANY (ARRAY['to_warm', 'to_hot', 'reclassify', 'archive', 'remove', 'expire', 'erase'])),
    state text NOT NULL DEFAULT 'running' CHECK (state OPERATOR(pg_catalog.=) ANY (ARRAY['running', 'certified', 'done', 'failed', 'withdrawn'])),
    events bigint NOT NULL DEFAULT 0,
    kept bigint NOT NULL DEFAULT 0,
    -- Events of the partition whose personal values were erased when it was archived.
    erased bigint NOT NULL DEFAULT 0,
    bytes_before bigint,
    bytes_after bigint,
    detail text,
    begun_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    ended_at timestamptz
);
COMMENT ON TABLE auditlog_data.retention_move IS 'What retention moved and removed; read auditlog.retention_moves';
CREATE INDEX retention_move_open ON auditlog_data.retention_move (id)
    WHERE state OPERATOR(pg_catalog.=) 'running' OR state OPERATOR(pg_catalog.=) 'certified';

-- Why events are not there any more (docs/format.md §15).
CREATE TABLE auditlog_data.certificate (
    event_id text PRIMARY KEY,
    move_id bigint NOT NULL,
    log_index bigint,
    text text NOT NULL,
    note text,
    state text NOT NULL DEFAULT 'told' CHECK (state OPERATOR(pg_catalog.=) ANY (ARRAY['told', 'signed', 'done', 'withdrawn'])),
    made_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    done_at timestamptz
);
COMMENT ON TABLE auditlog_data.certificate IS 'Certificates of what retention removed; auditlog.certificates() gives those that count';
CREATE INDEX certificate_open ON auditlog_data.certificate (move_id) WHERE state OPERATOR(pg_catalog.<>) 'done';

-- Somebody asked for a round, or one is due.
CREATE TABLE auditlog_data.retention_run (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    at timestamptz,
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    begun_at timestamptz,
    ended_at timestamptz,
    moves bigint NOT NULL DEFAULT 0,
    error text
);
COMMENT ON TABLE auditlog_data.retention_run IS 'Rounds of retention; read auditlog.retention_runs';

-- What is in the archive: an object of Parquet for each class and day, and its manifest.
CREATE TABLE auditlog_data.archive_object (
    name text PRIMARY KEY,
    move_id bigint NOT NULL,
    url text NOT NULL,
    retention_class text NOT NULL,
    day date NOT NULL,
    first_index bigint NOT NULL,
    last_index bigint NOT NULL,
    events bigint NOT NULL,
    bytes bigint NOT NULL,
    manifest text NOT NULL,
    state text NOT NULL DEFAULT 'written' CHECK (state OPERATOR(pg_catalog.=) ANY (ARRAY['written', 'live', 'replaced', 'gone'])),
    written_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    ended_at timestamptz
);
COMMENT ON TABLE auditlog_data.archive_object IS 'Objects of the archive; read auditlog.archive';
CREATE INDEX archive_object_day ON auditlog_data.archive_object (day) WHERE state OPERATOR(pg_catalog.=) 'live';

-- Events that were brought back from the archive, to be searched for a while.
CREATE TABLE auditlog_data.restored (LIKE auditlog_data.log INCLUDING DEFAULTS INCLUDING STORAGE INCLUDING COMMENTS, restore_id bigint NOT NULL);
COMMENT ON TABLE auditlog_data.restored IS 'Events that were brought back from the archive; read auditlog.restored_events';
CREATE INDEX restored_place ON auditlog_data.restored (restore_id, log_index);

CREATE TABLE auditlog_data.restore (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    since timestamptz,
    until timestamptz,
    query text NOT NULL,
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    ended_at timestamptz,
    objects bigint NOT NULL DEFAULT 0,
    events bigint NOT NULL DEFAULT 0,
    error text
);
COMMENT ON TABLE auditlog_data.restore IS 'What was asked back from the archive; read auditlog.restores';

-- Erasures that have to reach the archive. The query is forgotten once they have.
CREATE TABLE auditlog_data.archive_erasure (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    query text,
    reason text NOT NULL,
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    ended_at timestamptz,
    events bigint NOT NULL DEFAULT 0,
    error text
);
COMMENT ON TABLE auditlog_data.archive_erasure IS 'Erasures that have to reach the archive; read auditlog.archive_erasures';
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.archive_erasure', '');
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.archive_erasure_id_seq', '');

SELECT pg_catalog.pg_extension_config_dump('auditlog_data.archive_object', '');
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.restore', '');
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.restore_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.retention_policy', '');
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.legal_hold', '');
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.legal_hold_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.partition_tier', '');
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.retention_move', '');
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.retention_move_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.certificate', '');
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.retention_run', '');
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.retention_run_id_seq', '');

DO $triggers$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['retention_policy', 'legal_hold', 'partition_tier', 'retention_move', 'certificate', 'retention_run', 'archive_object',
        'restored', 'restore', 'archive_erasure'] LOOP
        EXECUTE pg_catalog.format('CREATE TRIGGER auditlog_no_change BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON auditlog_data.%I'
            ' FOR EACH STATEMENT EXECUTE FUNCTION auditlog_data.refuse()', t);
        EXECUTE pg_catalog.format('ALTER TABLE auditlog_data.%I ENABLE ALWAYS TRIGGER auditlog_no_change', t);
    END LOOP;
END
$triggers$;

-- Rows of the warm tier, compressed in groups (src/compressed).
CREATE FUNCTION auditlog_data.compressed_handler(internal) RETURNS table_am_handler
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'auditlog_compressed_handler';
COMMENT ON FUNCTION auditlog_data.compressed_handler(internal) IS 'Handler of the table access method auditlog_compressed';
CREATE ACCESS METHOD auditlog_compressed TYPE TABLE HANDLER auditlog_data.compressed_handler;
COMMENT ON ACCESS METHOD auditlog_compressed IS 'Tables whose rows are compressed in groups: the warm tier of the log';

-- A partition is rewritten beside itself: its successor is filled, and takes its place in one short step.
CREATE FUNCTION auditlog_data.begin_successor(class text, year integer, month integer, tier text, tablespace text, compressed boolean) RETURNS regclass
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS
$body$
DECLARE
    child text := auditlog_data.partition_name(class, year, month);
    next text := child || '_next';
    b record;
BEGIN
    IF NOT auditlog_data.is_worker() THEN
        RAISE EXCEPTION 'only the workers rewrite partitions of the log' USING ERRCODE = '42501';
    END IF;
    PERFORM auditlog_data.ensure_class(class);
    EXECUTE format('CREATE TABLE auditlog_data.%I (LIKE auditlog_data.log INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE INCLUDING COMMENTS)%s%s',
        next, CASE WHEN compressed THEN ' USING auditlog_compressed' END, CASE WHEN tablespace <> '' THEN format(' TABLESPACE %I', tablespace) END);
    SELECT * INTO b FROM auditlog_data.partition_bounds(year, month);
    -- So that nobody has to read it all when it takes its place.
    EXECUTE format('ALTER TABLE auditlog_data.%I ADD CONSTRAINT auditlog_bounds CHECK (retention_class = %L AND %s "timestamp" < %L)',
        next, class, CASE WHEN month > 0 THEN format('"timestamp" >= %L AND', b.first) END, b.after);
    IF tier = 'warm' AND NOT compressed THEN
        EXECUTE format('ALTER TABLE auditlog_data.%I SET (toast_tuple_target = 256)', next);
    END IF;
    INSERT INTO auditlog_data.partition_tier (relation, tier) VALUES (next, tier)
        ON CONFLICT (relation) DO UPDATE SET tier = EXCLUDED.tier;
    RETURN format('auditlog_data.%I', next)::regclass;
END
$body$;
COMMENT ON FUNCTION auditlog_data.begin_successor(text, integer, integer, text, text, boolean) IS 'Makes the table that is to take a partition''s place; called by the worker of retention';

-- Indexes, statistics, policies: whatever takes long, before the log is locked.
CREATE FUNCTION auditlog_data.prepare_successor(class text, year integer, month integer) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS
$body$
DECLARE
    next text := auditlog_data.partition_name(class, year, month) || '_next';
BEGIN
    PERFORM auditlog_data.secure_partition(format('auditlog_data.%I', next)::regclass);
    EXECUTE format('ANALYZE auditlog_data.%I', next);
END
$body$;
COMMENT ON FUNCTION auditlog_data.prepare_successor(text, integer, integer) IS 'Indexes of a partition''s successor; called by the worker of retention';

-- The old partition goes, and its successor, where there is one, takes its place. The log must be locked.
CREATE FUNCTION auditlog_data.replace_partition(class text, year integer, month integer, policy bigint) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS
$body$
DECLARE
    parent text := format('log_%s', class);
    child text := auditlog_data.partition_name(class, year, month);
    next text := child || '_next';
    b record;
    o record;
BEGIN
    IF NOT auditlog_data.is_worker() THEN
        RAISE EXCEPTION 'only the workers replace partitions of the log' USING ERRCODE = '42501';
    END IF;
    IF to_regclass(format('auditlog_data.%I', child)) IS NOT NULL THEN
        EXECUTE format('ALTER TABLE auditlog_data.%I DETACH PARTITION auditlog_data.%I', parent, child);
        EXECUTE format('DROP TABLE auditlog_data.%I', child);
        DELETE FROM auditlog_data.partition_tier AS t WHERE t.relation = child;
    END IF;
    IF to_regclass(format('auditlog_data.%I', next)) IS NULL THEN
        RETURN;
    END IF;
    EXECUTE format('ALTER TABLE auditlog_data.%I RENAME TO %I', next, child);
    FOR o IN SELECT c.relname FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
        WHERE i.indrelid = format('auditlog_data.%I', child)::regclass
    LOOP
        EXECUTE format('ALTER INDEX auditlog_data.%I RENAME TO %I', o.relname, child || substr(o.relname, length(next) + 1));
    END LOOP;
    FOR o IN SELECT x.stxname FROM pg_statistic_ext AS x WHERE x.stxrelid = format('auditlog_data.%I', child)::regclass LOOP
        EXECUTE format('ALTER STATISTICS auditlog_data.%I RENAME TO %I', o.stxname, child || substr(o.stxname, length(next) + 1));
    END LOOP;
    SELECT * INTO b FROM auditlog_data.partition_bounds(year, month);
    EXECUTE format('ALTER TABLE auditlog_data.%I ATTACH PARTITION auditlog_data.%I FOR VALUES FROM (%s) TO (%L)', parent, child,
        CASE WHEN month > 0 THEN quote_literal(b.first) ELSE 'MINVALUE' END, b.after);
    EXECUTE format('ALTER TABLE auditlog_data.%I DROP CONSTRAINT auditlog_bounds', child);
    UPDATE auditlog_data.partition_tier AS t SET relation = child, policy = replace_partition.policy, since = clock_timestamp() WHERE t.relation = next;
    PERFORM auditlog_data.secure_partition(format('auditlog_data.%I', child)::regclass);
END
$body$;
COMMENT ON FUNCTION auditlog_data.replace_partition(text, integer, integer, bigint) IS 'Puts its successor in a partition''s place; called by the worker of retention';

CREATE FUNCTION auditlog.set_retention(definition text) RETURNS TABLE (kind text, retention_class text, message text, hint text)
    LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 5 AS 'MODULE_PATHNAME', 'auditlog_set_retention';
COMMENT ON FUNCTION auditlog.set_retention(text) IS
    'Puts a retention policy (YAML or JSON) in force, also for events that are there already; returns conflicts with requirements, and what was probably not meant';

CREATE FUNCTION auditlog.retention_requirements() RETURNS TABLE (id text, title text, nature text, minimum text, at_hand text, maximum text, basis text)
    LANGUAGE c IMMUTABLE PARALLEL SAFE ROWS 15 AS 'MODULE_PATHNAME', 'auditlog_retention_requirements';
COMMENT ON FUNCTION auditlog.retention_requirements() IS 'What laws and standards ask of retention, with their basis: the names that "classification" of a policy takes';

CREATE FUNCTION auditlog.retention_conflicts() RETURNS TABLE (retention_class text, kind text, message text, basis text)
    LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 5 AS 'MODULE_PATHNAME', 'auditlog_retention_conflicts';
COMMENT ON FUNCTION auditlog.retention_conflicts() IS 'Where the policy in force keeps less or more than its classifications ask for';

CREATE FUNCTION auditlog.retention() RETURNS TABLE (retention_class text, event_types text[], hot text, warm text, cold text, classification text[],
        description text, explanation text)
    LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 5 AS 'MODULE_PATHNAME', 'auditlog_retention';
COMMENT ON FUNCTION auditlog.retention() IS 'The retention policy in force, a row for each class in the order in which they are tried';

CREATE FUNCTION auditlog.plan_retention(at timestamptz DEFAULT NULL)
    RETURNS TABLE (relation text, retention_class text, tier text, move text, to_class text, due_at timestamptz, events bigint, bytes bigint,
        held bigint, detail text)
    LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 20 AS 'MODULE_PATHNAME', 'auditlog_plan_retention';
COMMENT ON FUNCTION auditlog.plan_retention(timestamptz) IS
    'What a round of retention would move or remove at that time (now when NULL), and what it would leave because of a hold; nothing is done';

CREATE FUNCTION auditlog.run_retention(at timestamptz DEFAULT NULL) RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_run_retention';
COMMENT ON FUNCTION auditlog.run_retention(timestamptz) IS
    'Asks for a round of retention as of a time that is not in the future; returns its number in auditlog.retention_runs';

CREATE FUNCTION auditlog.hold(name text, query text, until timestamptz, reason text) RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_hold';
COMMENT ON FUNCTION auditlog.hold(text, text, timestamptz, text) IS
    'A legal hold: events that match are not removed, whatever the policy, until the time (never when NULL) or until it is released. Returns how many match now';

CREATE FUNCTION auditlog.release_hold(name text, reason text) RETURNS boolean
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_release_hold';
COMMENT ON FUNCTION auditlog.release_hold(text, text) IS
    'Releases a hold; with auditlog.hold_four_eyes the first call asks for it and a second person''s call releases it. Returns whether it is released';

CREATE FUNCTION auditlog.certificates() RETURNS TABLE (log_index bigint, note text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on ROWS 10 AS
$body$
    SELECT c.log_index, c.note FROM auditlog_data.certificate AS c WHERE c.state = 'done' ORDER BY c.log_index
$body$;
COMMENT ON FUNCTION auditlog.certificates() IS 'Signed certificates of what retention removed, by the place of the event that tells of each: a bundle has them';

CREATE VIEW auditlog.retention_policies AS
SELECT p.version, p.made_at, p.made_by, p.canonical AS definition, p.definition AS written, p.fingerprint
FROM auditlog_data.retention_policy AS p;
COMMENT ON VIEW auditlog.retention_policies IS 'All retention policies that were ever in force; the greatest version is';

CREATE VIEW auditlog.holds AS
SELECT h.name, h.query, h.until, h.reason, h.made_at, h.made_by,
    CASE WHEN h.released_at IS NOT NULL THEN 'released' WHEN h.until OPERATOR(pg_catalog.<=) pg_catalog.now() THEN 'expired'
        WHEN h.wanted_by IS NOT NULL THEN 'release asked for' ELSE 'active' END AS state,
    h.wanted_by, h.wanted_at, h.released_at, h.released_by, h.release_reason
FROM auditlog_data.legal_hold AS h;
COMMENT ON VIEW auditlog.holds IS 'Legal holds, also those that were released';

CREATE VIEW auditlog.retention_moves AS
SELECT m.id, m.relation, m.retention_class, m.kind, m.state, m.events, m.kept, m.bytes_before, m.bytes_after, m.detail, m.begun_at, m.ended_at,
    (SELECT pg_catalog.array_agg(c.event_id ORDER BY c.event_id) FROM auditlog_data.certificate AS c
        WHERE c.move_id OPERATOR(pg_catalog.=) m.id) AS certificates
FROM auditlog_data.retention_move AS m;
COMMENT ON VIEW auditlog.retention_moves IS 'The ledger of retention: what it moved and removed, and the events that certify it';

CREATE VIEW auditlog.retention_runs AS
SELECT r.id, r.at, r.asked_by, r.asked_at, r.begun_at, r.ended_at,
    CASE WHEN r.begun_at IS NULL THEN 'waiting' WHEN r.ended_at IS NULL THEN 'running' WHEN r.error IS NULL THEN 'done' ELSE 'failed' END AS state,
    r.moves, r.error
FROM auditlog_data.retention_run AS r;
COMMENT ON VIEW auditlog.retention_runs IS 'Rounds of retention, and what came of them';

CREATE FUNCTION auditlog.restore(since timestamptz, until timestamptz, query text DEFAULT '') RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_restore';
COMMENT ON FUNCTION auditlog.restore(timestamptz, timestamptz, text) IS
    'Asks for archived events of a time that match a query; once auditlog.restores says so, auditlog.restored_events has them, verified';

CREATE FUNCTION auditlog.drop_restored(id bigint) RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_drop_restored';
COMMENT ON FUNCTION auditlog.drop_restored(bigint) IS 'Forgets events that were brought back from the archive, where they stay; returns how many';

CREATE VIEW auditlog.archive AS
SELECT o.name, o.url, o.retention_class, o.day, o.first_index, o.last_index, o.events, o.bytes, o.state, o.written_at, o.ended_at, o.manifest
FROM auditlog_data.archive_object AS o;
COMMENT ON VIEW auditlog.archive IS 'Objects of the archive and their manifests; live ones are instead of rows of the log';

CREATE VIEW auditlog.archive_erasures AS
SELECT e.id, e.reason, e.asked_by, e.asked_at, e.ended_at,
    CASE WHEN e.ended_at IS NOT NULL THEN 'done' WHEN e.error IS NOT NULL THEN 'retrying' ELSE 'waiting' END AS state, e.events, e.error
FROM auditlog_data.archive_erasure AS e;
COMMENT ON VIEW auditlog.archive_erasures IS 'Erasures on their way into the archive';

CREATE VIEW auditlog.restores AS
SELECT r.id, r.since, r.until, r.query, r.asked_by, r.asked_at, r.ended_at,
    CASE WHEN r.ended_at IS NULL THEN 'waiting' WHEN r.error IS NULL THEN 'done' ELSE 'failed' END AS state, r.objects, r.events, r.error
FROM auditlog_data.restore AS r;
COMMENT ON VIEW auditlog.restores IS 'What was asked back from the archive, and what came of it';

CREATE VIEW auditlog.restored_events WITH (security_invoker = true) AS
SELECT r.restore_id, r.log_index, r.event_id, r."timestamp", r.event_type, r.category, r.severity, r.operation, r.status, r.method, r.tenant,
    r.actor_type, r.actor_id, r.actor_email, r.actor_ip, r.actor_user_agent, r.actor_session_id, r.resource_type, r.resource_id,
    r.cloud_provider, r.account_id, r.region, r.resource_tags, r.before, r.after, r.request_id, r.tags, r.extra, r.recorded_at, r.sealed_at,
    r.retention_class, r.redacted, r.entry_hash, r.prev_hash, r.hash
FROM auditlog_data.restored AS r;
COMMENT ON VIEW auditlog.restored_events IS 'Events that were brought back from the archive by auditlog.restore()';

CREATE VIEW auditlog.tiers AS
SELECT c.relname::text AS relation, pg_catalog.substr(p.relname, 5) AS retention_class,
    COALESCE(t.tier, 'hot') AS tier, GREATEST(c.reltuples, 0)::bigint AS estimated_events,
    pg_catalog.pg_total_relation_size(c.oid) AS bytes, pg_catalog.pg_indexes_size(c.oid) AS index_bytes, t.since
FROM pg_catalog.pg_inherits AS i
JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) i.inhrelid AND c.relkind OPERATOR(pg_catalog.=) 'r'
JOIN pg_catalog.pg_class AS p ON p.oid OPERATOR(pg_catalog.=) i.inhparent
JOIN pg_catalog.pg_inherits AS g ON g.inhrelid OPERATOR(pg_catalog.=) p.oid
    AND g.inhparent OPERATOR(pg_catalog.=) 'auditlog_data.log'::pg_catalog.regclass
LEFT JOIN auditlog_data.partition_tier AS t ON t.relation OPERATOR(pg_catalog.=) c.relname;
COMMENT ON VIEW auditlog.tiers IS 'The partitions of the log, their classes, tiers and sizes';

CREATE FUNCTION auditlog_data.keeper_state(OUT pid integer, OUT errors bigint, OUT last_error_at timestamptz, OUT last_error text)
    RETURNS SETOF record
    LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 1 AS 'MODULE_PATHNAME', 'auditlog_keeper_state';
COMMENT ON FUNCTION auditlog_data.keeper_state() IS 'The worker of retention, by shared memory';

-- sql/schema/44_sinks.sql
-- Sinks: to whom the log's events are streamed (docs/siem/). The streamer (src/worker/streamer.rs) reads the
-- sealed log by log_index: the log is the outbox. Configuration is written by functions alone, so that every change is an
-- event; the views are in 50_stats.sql.

CREATE TABLE auditlog_data.sink (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    kind text NOT NULL,
    config jsonb NOT NULL,
    query text NOT NULL,
    format text NOT NULL,
    enabled boolean NOT NULL DEFAULT true,
    pause_reason text,
    best_effort boolean NOT NULL,
    -- Another one whenever something has changed: what kept the sink from working is forgotten then.
    revision bigint NOT NULL DEFAULT 1,
    -- Where it begins, or began again; another number whenever somebody has said so.
    start_index bigint NOT NULL,
    start_number bigint NOT NULL DEFAULT 1,
    changed_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    changed_by text NOT NULL
);
COMMENT ON TABLE auditlog_data.sink IS 'To whom events are streamed; read auditlog.sinks. Secrets are named, never here';
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.sink', '');
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.sink_id_seq', '');

-- The streamer's own: no lock of somebody who changes a sink keeps it from the others.
CREATE TABLE auditlog_data.sink_state (
    sink_id bigint PRIMARY KEY,
    revision bigint NOT NULL,
    start_number bigint NOT NULL,
    position bigint NOT NULL,
    -- The chain's hash of the event before the position; NULL where the sink began.
    hash bytea,
    -- Failures since the last success, and until when (microseconds since 1970) nothing is tried.
    failures bigint NOT NULL DEFAULT 0,
    open_until bigint NOT NULL DEFAULT 0,
    -- Does it wait for somebody, and is it not even tried?
    waits boolean NOT NULL DEFAULT false,
    stopped boolean NOT NULL DEFAULT false,
    delivered bigint NOT NULL DEFAULT 0,
    bytes bigint NOT NULL DEFAULT 0,
    batches bigint NOT NULL DEFAULT 0,
    retried bigint NOT NULL DEFAULT 0,
    rejected bigint NOT NULL DEFAULT 0,
    rate bigint NOT NULL DEFAULT 0,
    delivered_at timestamptz,
    last_answer text,
    last_error text,
    last_error_at timestamptz
);
COMMENT ON TABLE auditlog_data.sink_state IS 'The next log_index for each sink, and what became of it; read auditlog.sinks';
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.sink_state', '');

CREATE TABLE auditlog_data.sink_letter (
    sink_id bigint NOT NULL,
    log_index bigint NOT NULL,
    event_id text NOT NULL,
    error text NOT NULL,
    at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    redrive boolean NOT NULL DEFAULT false,
    PRIMARY KEY (sink_id, log_index)
);
COMMENT ON TABLE auditlog_data.sink_letter IS 'Events that a receiver refused for good; read auditlog.sink_dead_letters';
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.sink_letter', '');

DO $triggers$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['sink', 'sink_state', 'sink_letter'] LOOP
        EXECUTE pg_catalog.format('CREATE TRIGGER auditlog_no_change BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON auditlog_data.%I'
            ' FOR EACH STATEMENT EXECUTE FUNCTION auditlog_data.refuse()', t);
        EXECUTE pg_catalog.format('ALTER TABLE auditlog_data.%I ENABLE ALWAYS TRIGGER auditlog_no_change', t);
    END LOOP;
END
$triggers$;

CREATE FUNCTION auditlog.create_sink(name text, kind text, config jsonb, query text DEFAULT '', format text DEFAULT NULL, from_index bigint DEFAULT NULL)
    RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_create_sink';
COMMENT ON FUNCTION auditlog.create_sink(text, text, jsonb, text, text, bigint) IS
    'Streams the events that match a query to splunk_hec, azure_event_hub, aws_security_lake, syslog, http, file or object_store, from the end of the log on unless from_index says otherwise; secrets are given as secret:NAME';

CREATE FUNCTION auditlog.alter_sink(name text, config jsonb DEFAULT NULL, query text DEFAULT NULL, format text DEFAULT NULL) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_alter_sink';
COMMENT ON FUNCTION auditlog.alter_sink(text, jsonb, text, text) IS
    'Changes what is given of a sink, which goes on where it is; config replaces all of its options. One that waits for somebody is tried again at once';

CREATE FUNCTION auditlog.drop_sink(name text) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_drop_sink';
COMMENT ON FUNCTION auditlog.drop_sink(text) IS 'Removes a sink with its position and its dead letters';

CREATE FUNCTION auditlog.pause_sink(name text, reason text DEFAULT NULL) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_pause_sink';
COMMENT ON FUNCTION auditlog.pause_sink(text, text) IS 'Has nothing sent to a sink until it is resumed; it keeps its position';

CREATE FUNCTION auditlog.resume_sink(name text) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_resume_sink';
COMMENT ON FUNCTION auditlog.resume_sink(text) IS 'Has a sink go on where it is, at once: one that was paused, and one that waits for somebody or for a time';

CREATE FUNCTION auditlog.replay_sink(name text, from_index bigint) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_replay_sink';
COMMENT ON FUNCTION auditlog.replay_sink(text, bigint) IS 'Has a sink begin again at this log_index, or leave out what comes before it; what arrives again has the same keys';

CREATE FUNCTION auditlog.redrive_sink(name text, log_index bigint DEFAULT NULL) RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_redrive_sink';
COMMENT ON FUNCTION auditlog.redrive_sink(text, bigint) IS 'Has dead letters of a sink sent again, one of them or all; returns how many';

CREATE FUNCTION auditlog.test_sink(name text) RETURNS TABLE (step text, result text)
    LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 8 AS 'MODULE_PATHNAME', 'auditlog_test_sink';
COMMENT ON FUNCTION auditlog.test_sink(text) IS
    'Sends one event that is marked as a test, under an origin of its own, waits for what comes of it, and says so step by step';

CREATE FUNCTION auditlog_data.streamer_state(OUT pid integer, OUT errors bigint, OUT last_error_at timestamptz, OUT last_error text)
    RETURNS SETOF record
    LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 1 AS 'MODULE_PATHNAME', 'auditlog_streamer_state';
COMMENT ON FUNCTION auditlog_data.streamer_state() IS 'The worker of sinks, by shared memory';

CREATE FUNCTION auditlog_data.sealed_at(log_index bigint) RETURNS timestamptz
    LANGUAGE c STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_sealed_at';
COMMENT ON FUNCTION auditlog_data.sealed_at(bigint) IS 'When the event at this place, or the first one after it, was sealed';

-- sql/schema/45_principals.sql
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

-- Tokens of programs. They are not dumped: what was restored elsewhere is no place that anybody gave them a token for.
CREATE TABLE auditlog_data.api_token (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    actor_id text NOT NULL,
    tenant text,
    token_sha256 bytea NOT NULL UNIQUE,
    -- What of it may be shown.
    prefix text NOT NULL,
    scopes text[],
    created_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    created_by text NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    revoked_by text
);
COMMENT ON TABLE auditlog_data.api_token IS 'Hashes of tokens with which programs speak for principals; read auditlog.tokens';

CREATE FUNCTION auditlog_data.principals_changed() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'auditlog_principals_changed';
COMMENT ON FUNCTION auditlog_data.principals_changed() IS
    'Trigger: has principals read again';

CREATE TRIGGER auditlog_no_change BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON auditlog_data.principal
    FOR EACH STATEMENT EXECUTE FUNCTION auditlog_data.refuse();
CREATE TRIGGER auditlog_no_change BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON auditlog_data.token_keys
    FOR EACH STATEMENT EXECUTE FUNCTION auditlog_data.refuse();
CREATE TRIGGER auditlog_no_change BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON auditlog_data.api_token
    FOR EACH STATEMENT EXECUTE FUNCTION auditlog_data.refuse();
CREATE TRIGGER auditlog_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON auditlog_data.principal
    FOR EACH STATEMENT EXECUTE FUNCTION auditlog_data.principals_changed();
ALTER TABLE auditlog_data.principal ENABLE ALWAYS TRIGGER auditlog_no_change;
ALTER TABLE auditlog_data.token_keys ENABLE ALWAYS TRIGGER auditlog_no_change;
ALTER TABLE auditlog_data.api_token ENABLE ALWAYS TRIGGER auditlog_no_change;
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
    'Has the session speak for the subject of a signed JSON Web Token, or the owner of a token of create_token(), until the transaction ends; returns its actor id';

CREATE FUNCTION auditlog.create_token(name text, scopes text[] DEFAULT NULL, expires_in interval DEFAULT '90 days') RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_create_token';
COMMENT ON FUNCTION auditlog.create_token(text, text[], interval) IS
    'Makes a token with which a program speaks for the caller, as far as its scopes reach; returns it, this once';

CREATE FUNCTION auditlog.revoke_token(id bigint) RETURNS boolean
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_revoke_token';
COMMENT ON FUNCTION auditlog.revoke_token(bigint) IS 'Takes a token back, at once; false when it was not good any more';

CREATE FUNCTION auditlog.token_scopes() RETURNS text[]
    LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'auditlog_token_scopes';
COMMENT ON FUNCTION auditlog.token_scopes() IS 'What the token by which the caller speaks is good for; NULL without one, and for one without limits';

CREATE FUNCTION auditlog.set_token_keys(jwks text, issuer text DEFAULT NULL, audience text DEFAULT NULL) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_set_token_keys';
COMMENT ON FUNCTION auditlog.set_token_keys(text, text, text) IS
    'Sets the keys (a JWK Set), issuer and audience that auditlog.authenticate() checks tokens with; NULL takes them away';

CREATE FUNCTION auditlog.whoami()
    RETURNS TABLE (role text, actor_id text, email text, teams text[], tenant text, manages text[], sees text, identified_by text)
    LANGUAGE c STABLE PARALLEL RESTRICTED ROWS 1 AS 'MODULE_PATHNAME', 'auditlog_whoami';
COMMENT ON FUNCTION auditlog.whoami() IS
    'Who the caller is to the log, by which means that is known, and which events it sees: all, team, own or nothing';

CREATE FUNCTION auditlog.acting_role(manager text DEFAULT NULL) RETURNS text
    LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'auditlog_acting_role';
COMMENT ON FUNCTION auditlog.acting_role(text) IS
    'In which role a login that speaks for many acts for the one whom authenticate() has named: its own, if the login is a member of it; manager, if it manages teams by name; NULL: no other than it has';

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

CREATE FUNCTION auditlog_data.token_used_at(id bigint, owner text) RETURNS timestamptz
    LANGUAGE c STABLE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_token_used_at';
COMMENT ON FUNCTION auditlog_data.token_used_at(bigint, text) IS 'When a token was used last, as the journal has it';

CREATE VIEW auditlog.tokens WITH (security_barrier = true) AS
SELECT t.id, t.name, t.actor_id AS owner, t.tenant, t.prefix, t.scopes, t.created_at, t.created_by, t.expires_at, t.revoked_at, t.revoked_by,
    CASE WHEN t.revoked_at IS NOT NULL THEN 'revoked' WHEN t.expires_at OPERATOR(pg_catalog.<=) pg_catalog.clock_timestamp() THEN 'expired' ELSE 'good' END AS state,
    auditlog_data.token_used_at(t.id, t.actor_id) AS last_used_at
FROM auditlog_data.api_token AS t
WHERE pg_catalog.pg_has_role(current_user, 'auditlog_administrator', 'USAGE')
    OR t.actor_id OPERATOR(pg_catalog.=) auditlog_data.my_actor_id() AND t.tenant IS NOT DISTINCT FROM auditlog_data.my_tenant();
COMMENT ON VIEW auditlog.tokens IS 'Tokens of programs, never the tokens themselves: to administrators all, to others their own';

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

-- sql/schema/46_database_events.sql
-- Events that the database records by itself (auditlog.capture). Roles, settings, logins and refusals come from hooks
-- (src/hooks); definitions of objects from these event triggers.

CREATE FUNCTION auditlog_data.capture_ddl() RETURNS event_trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'auditlog_capture_ddl';
COMMENT ON FUNCTION auditlog_data.capture_ddl() IS 'Event trigger: records definitions of objects when auditlog.capture has ddl';
CREATE FUNCTION auditlog_data.capture_drop() RETURNS event_trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'auditlog_capture_drop';
COMMENT ON FUNCTION auditlog_data.capture_drop() IS 'Event trigger: records dropped objects when auditlog.capture has ddl';

CREATE EVENT TRIGGER auditlog_capture_ddl ON ddl_command_end EXECUTE FUNCTION auditlog_data.capture_ddl();
CREATE EVENT TRIGGER auditlog_capture_drop ON sql_drop EXECUTE FUNCTION auditlog_data.capture_drop();
ALTER EVENT TRIGGER auditlog_capture_ddl ENABLE ALWAYS;
ALTER EVENT TRIGGER auditlog_capture_drop ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER auditlog_capture_ddl IS 'pg_auditlog: records definitions of objects';
COMMENT ON EVENT TRIGGER auditlog_capture_drop IS 'pg_auditlog: records dropped objects';

CREATE FUNCTION auditlog.import_pgaudit(line text) RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_import_pgaudit';
COMMENT ON FUNCTION auditlog.import_pgaudit(text) IS
    'Records a line that the extension pgaudit wrote into a server log (stderr, csvlog or jsonlog) and returns its event_id; NULL for other lines';

-- sql/schema/47_capture.sql
-- Row capture: which application tables are tracked, and how. The triggers on them call auditlog_data.capture().

CREATE TABLE auditlog_data.tracked_table (
    relation regclass PRIMARY KEY,
    rules jsonb NOT NULL,
    rules_of text NOT NULL,
    only_if text,
    event_prefix text,
    state text NOT NULL DEFAULT 'enabled',
    tracked_by text NOT NULL,
    tracked_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
COMMENT ON TABLE auditlog_data.tracked_table IS 'Tables whose rows are captured; read auditlog.tracked_tables';
COMMENT ON COLUMN auditlog_data.tracked_table.rules IS 'columns that are ignored or masked, by number and name';
COMMENT ON COLUMN auditlog_data.tracked_table.rules_of IS 'system, database and table whose column numbers the rules have; elsewhere the names hold';
COMMENT ON COLUMN auditlog_data.tracked_table.state IS 'state of its triggers that the log knows of';
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.tracked_table', '');

CREATE TRIGGER auditlog_no_change BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON auditlog_data.tracked_table
    FOR EACH STATEMENT EXECUTE FUNCTION auditlog_data.refuse();
ALTER TABLE auditlog_data.tracked_table ENABLE ALWAYS TRIGGER auditlog_no_change;

CREATE FUNCTION auditlog_data.capture() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'auditlog_capture';
COMMENT ON FUNCTION auditlog_data.capture() IS 'Trigger: records what happens to the rows of a tracked table';

-- With the caller's rights, as for CREATE TRIGGER; the list of tracked tables is written with the owner's.
CREATE FUNCTION auditlog.track(
    target regclass,
    ignore_columns text[] DEFAULT '{}',
    mask jsonb DEFAULT '{}',
    only_if text DEFAULT NULL,
    event_prefix text DEFAULT NULL
) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_track';
COMMENT ON FUNCTION auditlog.track(regclass, text[], jsonb, text, text) IS
    'Records every INSERT, UPDATE, DELETE and TRUNCATE of a table from now on; again for other columns, masks or conditions';

CREATE FUNCTION auditlog.untrack(target regclass) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_untrack';
COMMENT ON FUNCTION auditlog.untrack(regclass) IS 'Ends the recording of a table''s rows';

-- Every table that belongs to a tracked one: itself and its partitions.
CREATE FUNCTION auditlog_data.captured_relations() RETURNS TABLE (root oid, relation oid, is_foreign boolean)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on AS
$body$
    WITH RECURSIVE tree AS (
        SELECT t.relation::oid AS root, t.relation::oid AS relation FROM auditlog_data.tracked_table AS t
        UNION ALL
        SELECT tree.root, i.inhrelid FROM tree JOIN pg_inherits AS i ON i.inhparent = tree.relation
            JOIN pg_class AS c ON c.oid = i.inhrelid AND c.relispartition
        WHERE NOT i.inhdetachpending
    )
    SELECT tree.root, tree.relation, COALESCE(c.relkind = 'f', false)
    FROM tree LEFT JOIN pg_class AS c ON c.oid = tree.relation
$body$;
COMMENT ON FUNCTION auditlog_data.captured_relations() IS 'Tracked tables and their partitions';

-- The worst of a table and its partitions: a trigger is missing, disabled, or silent under
-- session_replication_role = replica.
CREATE FUNCTION auditlog_data.capture_states() RETURNS TABLE (relation regclass, state text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on AS
$body$
    SELECT r.root::regclass, CASE max(CASE
            WHEN g.tgenabled IS NULL THEN 3
            WHEN g.tgenabled IN ('D', 'R') THEN 2
            WHEN g.tgenabled = 'O' THEN 1
            ELSE 0 END)
        WHEN 3 THEN 'missing' WHEN 2 THEN 'disabled' WHEN 1 THEN 'weakened' ELSE 'enabled' END
    FROM auditlog_data.captured_relations() AS r
    -- pg_trigger.tgtype: AFTER INSERT, DELETE, UPDATE FOR EACH ROW; BEFORE TRUNCATE FOR EACH STATEMENT.
    CROSS JOIN (VALUES (5), (9), (17), (34)) AS w (kind)
    LEFT JOIN pg_trigger AS g ON g.tgrelid = r.relation AND g.tgtype = w.kind
        AND g.tgfoid = 'auditlog_data.capture()'::regprocedure
    -- Foreign tables have no trigger for TRUNCATE before PostgreSQL 16.
    WHERE NOT (r.is_foreign AND w.kind = 34)
    GROUP BY r.root
$body$;
COMMENT ON FUNCTION auditlog_data.capture_states() IS 'State of the triggers of each tracked table';

CREATE VIEW auditlog.tracked_tables AS
SELECT
    t.relation,
    s.state,
    ARRAY(
        SELECT COALESCE(a.attname, r.name) FROM ROWS FROM (
            pg_catalog.jsonb_to_recordset(t.rules) AS (number smallint, name text, treatment text)) AS r
        LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid OPERATOR(pg_catalog.=) t.relation
            AND a.attnum OPERATOR(pg_catalog.=) r.number AND NOT a.attisdropped
        WHERE r.treatment OPERATOR(pg_catalog.=) 'ignore' ORDER BY r.number
    ) AS ignore_columns,
    (
        SELECT COALESCE(pg_catalog.jsonb_object_agg(COALESCE(a.attname, r.name), r.treatment), '{}') FROM ROWS FROM (
            pg_catalog.jsonb_to_recordset(t.rules) AS (number smallint, name text, treatment text)) AS r
        LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid OPERATOR(pg_catalog.=) t.relation
            AND a.attnum OPERATOR(pg_catalog.=) r.number AND NOT a.attisdropped
        WHERE r.treatment OPERATOR(pg_catalog.<>) 'ignore'
    ) AS mask,
    t.only_if,
    t.event_prefix,
    t.tracked_by,
    t.tracked_at
FROM auditlog_data.tracked_table AS t
JOIN auditlog_data.capture_states() AS s ON s.relation OPERATOR(pg_catalog.=) t.relation;
COMMENT ON VIEW auditlog.tracked_tables IS
    'Tables whose rows are captured; state: enabled, weakened (silent for session_replication_role = replica), disabled, missing';

-- sql/schema/48_alerts.sql
-- Alerts: what they are, what they found, whom they told (docs/alerts.md). The evaluator (src/worker/evaluator.rs) reads
-- the sealed log by log_index, the deliverer (src/worker/deliverer.rs) the outbox. Configuration is written by functions
-- alone, so that every change is an event.

CREATE TABLE auditlog_data.alert (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    definition text NOT NULL,
    canonical jsonb NOT NULL,
    severity auditlog.severity NOT NULL,
    enabled boolean NOT NULL,
    muted_until timestamptz,
    mute_reason text,
    -- Another one whenever what it says has changed.
    revision bigint NOT NULL DEFAULT 1,
    -- Events that the log had when this revision was made: what came before it is not about.
    from_index bigint NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    changed_by text NOT NULL
);
COMMENT ON TABLE auditlog_data.alert IS 'Alerts as they were defined; read auditlog.alerts';
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.alert', '');
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.alert_id_seq', '');

-- The evaluator's own: no lock of somebody who changes an alert keeps it from the others.
CREATE TABLE auditlog_data.alert_state (
    alert_id bigint PRIMARY KEY,
    revision bigint NOT NULL,
    since bigint NOT NULL,
    last_fired_at timestamptz,
    fired bigint NOT NULL DEFAULT 0,
    error text
);
COMMENT ON TABLE auditlog_data.alert_state IS 'How far each alert is; read auditlog.alerts';
COMMENT ON COLUMN auditlog_data.alert_state.since IS 'log_index of the first event that the alert is about';
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.alert_state', '');

CREATE TABLE auditlog_data.evaluator (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    position bigint NOT NULL,
    horizon_index bigint,
    horizon_clock bigint,
    -- What alerts remember of a time that the log is not read again for.
    state jsonb,
    updated_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
COMMENT ON TABLE auditlog_data.evaluator IS 'The next log_index to be evaluated, and from where the log must be read again after a restart';
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.evaluator', '');

CREATE TABLE auditlog_data.firing (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    alert_id bigint NOT NULL,
    alert text NOT NULL,
    severity auditlog.severity NOT NULL,
    group_key text NOT NULL,
    group_values jsonb NOT NULL,
    count bigint NOT NULL,
    needed bigint NOT NULL,
    time_window text,
    events bigint NOT NULL,
    first_index bigint NOT NULL,
    first_at timestamptz NOT NULL,
    last_index bigint NOT NULL,
    last_at timestamptz NOT NULL,
    -- The event that made it fire, and when that was sealed.
    completed_index bigint NOT NULL,
    completed_at timestamptz NOT NULL,
    arrived_at timestamptz NOT NULL,
    last_match_at timestamptz NOT NULL,
    samples text[] NOT NULL,
    reason text NOT NULL,
    fired_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    resolved_at timestamptz,
    muted boolean NOT NULL,
    acknowledged_at timestamptz,
    acknowledged_by text,
    -- What came of it; crates/report/frameworks ask for it.
    disposition text CHECK (disposition OPERATOR(pg_catalog.=) ANY (ARRAY['true_positive', 'false_positive', 'benign', 'duplicate', 'test'])),
    note text,
    -- What makes «once» true, whatever crashes.
    UNIQUE (alert_id, group_key, completed_index)
);
COMMENT ON TABLE auditlog_data.firing IS 'What alerts have found; read auditlog.alert_firings';
CREATE INDEX firing_open ON auditlog_data.firing (alert_id, arrived_at);
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.firing', '');
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.firing_id_seq', '');

CREATE TABLE auditlog_data.channel (
    name text PRIMARY KEY CHECK (name OPERATOR(pg_catalog.<>) ''),
    kind text NOT NULL,
    config jsonb NOT NULL,
    min_severity auditlog.severity NOT NULL DEFAULT 'debug',
    enabled boolean NOT NULL DEFAULT true,
    changed_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    changed_by text NOT NULL
);
COMMENT ON TABLE auditlog_data.channel IS 'Who is told; read auditlog.channels. Secrets are named, never here';
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.channel', '');

CREATE TABLE auditlog_data.channel_state (
    channel text PRIMARY KEY,
    failures integer NOT NULL DEFAULT 0,
    open_until bigint NOT NULL DEFAULT 0,
    idle_at bigint NOT NULL DEFAULT 0,
    paused boolean NOT NULL DEFAULT false,
    delivered bigint NOT NULL DEFAULT 0,
    retried bigint NOT NULL DEFAULT 0,
    rejected bigint NOT NULL DEFAULT 0,
    last_success_at timestamptz,
    last_error text,
    last_error_at timestamptz
);
COMMENT ON TABLE auditlog_data.channel_state IS 'The deliverer''s own: what became of each channel; read auditlog.stat_channels';

-- The outbox. Written with the firing in one transaction, so that neither is there without the other.
CREATE TABLE auditlog_data.notification (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    firing_id bigint,
    channel text NOT NULL,
    kind text NOT NULL CHECK (kind OPERATOR(pg_catalog.=) ANY (ARRAY['fired', 'resolved', 'digest', 'report', 'test'])),
    key text NOT NULL UNIQUE,
    body jsonb NOT NULL,
    state text NOT NULL DEFAULT 'waiting'
        CHECK (state OPERATOR(pg_catalog.=) ANY (ARRAY['waiting', 'delivered', 'dead', 'digested'])),
    attempts integer NOT NULL DEFAULT 0,
    next_attempt timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    made_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    ended_at timestamptz,
    detail text,
    -- The digest that it is told of in.
    digest_id bigint
);
COMMENT ON TABLE auditlog_data.notification IS 'What is to be told and what was; read auditlog.notifications';
CREATE INDEX notification_waiting ON auditlog_data.notification (channel, id) WHERE state OPERATOR(pg_catalog.=) 'waiting';
CREATE INDEX notification_firing ON auditlog_data.notification (firing_id);
-- How many came in the last minutes: whether they are told of together.
CREATE INDEX notification_made ON auditlog_data.notification (channel, made_at);
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.notification', '');
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.notification_id_seq', '');

DO $triggers$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['alert', 'alert_state', 'evaluator', 'firing', 'channel', 'channel_state', 'notification'] LOOP
        EXECUTE pg_catalog.format('CREATE TRIGGER auditlog_no_change BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON auditlog_data.%I'
            ' FOR EACH STATEMENT EXECUTE FUNCTION auditlog_data.refuse()', t);
        EXECUTE pg_catalog.format('ALTER TABLE auditlog_data.%I ENABLE ALWAYS TRIGGER auditlog_no_change', t);
    END LOOP;
END
$triggers$;

CREATE FUNCTION auditlog.create_alert(definition text) RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_create_alert';
COMMENT ON FUNCTION auditlog.create_alert(text) IS 'Adds an alert, given as YAML or JSON, and returns its id; it is about events that are sealed from now on';

CREATE FUNCTION auditlog.builtin_alerts() RETURNS TABLE (key text, name text, description text, definition text, installed boolean)
    LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 25 AS 'MODULE_PATHNAME', 'auditlog_builtin_alerts';
COMMENT ON FUNCTION auditlog.builtin_alerts() IS 'Alerts that come with the extension, to be installed and tuned; installed: is there an alert of this name?';

CREATE FUNCTION auditlog.install_alerts(keys text[] DEFAULT NULL, channels text[] DEFAULT '{}', recipients text[] DEFAULT '{}') RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_install_alerts';
COMMENT ON FUNCTION auditlog.install_alerts(text[], text[], text[]) IS
    'Adds built-in alerts, all of them unless keys are given, which tell these channels; those that are there already stay as they are. Returns how many were added';

CREATE FUNCTION auditlog.import_sigma(rule text, field_map jsonb DEFAULT NULL) RETURNS TABLE (id bigint, name text, notes text[])
    LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 1 AS 'MODULE_PATHNAME', 'auditlog_import_sigma';
COMMENT ON FUNCTION auditlog.import_sigma(text, jsonb) IS
    'Adds alerts from Sigma rules (YAML), or puts them in the place of those of the same name; field_map maps fields of Sigma to fields of events';

CREATE FUNCTION auditlog.alter_alert(name text, definition text) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_alter_alert';
COMMENT ON FUNCTION auditlog.alter_alert(text, text) IS 'Puts another definition in the place of an alert''s; what was counted under the old one counts no more';

CREATE FUNCTION auditlog.drop_alert(name text) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_drop_alert';
COMMENT ON FUNCTION auditlog.drop_alert(text) IS 'Removes an alert; what it has found stays in auditlog.alert_firings';

CREATE FUNCTION auditlog.enable_alert(name text) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_enable_alert';
COMMENT ON FUNCTION auditlog.enable_alert(text) IS 'Has an alert evaluated, from now on';

CREATE FUNCTION auditlog.disable_alert(name text) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_disable_alert';
COMMENT ON FUNCTION auditlog.disable_alert(text) IS 'Has an alert not evaluated any more';

CREATE FUNCTION auditlog.mute(name text, until timestamptz, reason text) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_mute_alert';
COMMENT ON FUNCTION auditlog.mute(text, timestamptz, text) IS
    'Has nobody told of what an alert finds until that time; it is found and listed all the same. NULL ends it';

CREATE FUNCTION auditlog.acknowledge(firing_id bigint, note text DEFAULT NULL, disposition text DEFAULT NULL) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_acknowledge';
COMMENT ON FUNCTION auditlog.acknowledge(bigint, text, text) IS
    'Says that somebody has seen to a firing, and what was found: a note, and true_positive, false_positive, benign, duplicate or test';

CREATE FUNCTION auditlog.explain_alert(name text, days integer DEFAULT 7) RETURNS TABLE (number integer, line text)
    LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 10 AS 'MODULE_PATHNAME', 'auditlog_explain_alert';
COMMENT ON FUNCTION auditlog.explain_alert(text, integer) IS
    'What an alert does, in words, and when it would have fired over the events that were sealed in the last days';

CREATE FUNCTION auditlog.test_alert(name text, sample jsonb DEFAULT NULL, notify boolean DEFAULT false)
    RETURNS TABLE (step text, result text)
    LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 10 AS 'MODULE_PATHNAME', 'auditlog_test_alert';
COMMENT ON FUNCTION auditlog.test_alert(text, jsonb, boolean) IS
    'Runs an alert on sample events, or else on the newest that match, and says step by step what comes of it; with notify its channels get a notification marked as a test';

CREATE FUNCTION auditlog.create_channel(name text, kind text, config jsonb, min_severity auditlog.severity DEFAULT 'debug') RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_create_channel';
COMMENT ON FUNCTION auditlog.create_channel(text, text, jsonb, auditlog.severity) IS
    'Adds a channel that alerts can name: email, slack, teams, pagerduty, webhook, syslog or file; secrets are given as secret:NAME';

CREATE FUNCTION auditlog.alter_channel(name text, config jsonb DEFAULT NULL, min_severity auditlog.severity DEFAULT NULL, enabled boolean DEFAULT NULL) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_alter_channel';
COMMENT ON FUNCTION auditlog.alter_channel(text, jsonb, auditlog.severity, boolean) IS 'Changes what is given of a channel; one that waits for somebody is tried again at once';

CREATE FUNCTION auditlog.drop_channel(name text) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_drop_channel';
COMMENT ON FUNCTION auditlog.drop_channel(text) IS 'Removes a channel; what waits for it becomes a dead letter';

CREATE FUNCTION auditlog.redrive(id bigint) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_redrive';
COMMENT ON FUNCTION auditlog.redrive(bigint) IS 'Has a dead letter delivered after all';

CREATE FUNCTION auditlog_data.watch_state(
        OUT evaluator_pid integer, OUT deliverer_pid integer, OUT evaluated bigint, OUT groups bigint, OUT lost_groups bigint,
        OUT dropped_entries bigint, OUT errors bigint, OUT last_error_at timestamptz, OUT last_error text,
        OUT delivery_errors bigint, OUT last_delivery_error_at timestamptz, OUT last_delivery_error text)
    RETURNS SETOF record
    LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 1 AS 'MODULE_PATHNAME', 'auditlog_watch_state';
COMMENT ON FUNCTION auditlog_data.watch_state() IS 'The evaluator and the deliverer, by shared memory';

CREATE VIEW auditlog.alerts AS
SELECT a.id, a.name,
    CASE WHEN NOT a.enabled THEN 'disabled' WHEN s.error IS NOT NULL THEN 'failing'
        WHEN a.muted_until OPERATOR(pg_catalog.>) pg_catalog.now() THEN 'muted'
        WHEN s.revision IS DISTINCT FROM a.revision THEN 'starting' ELSE 'active' END AS state,
    a.severity, a.canonical AS definition,
    CASE WHEN s.since IS NOT NULL THEN e.position OPERATOR(pg_catalog.-) 1 END AS last_evaluated,
    s.since, s.fired, s.last_fired_at, s.error,
    a.muted_until, a.mute_reason, a.changed_at, a.changed_by
FROM auditlog_data.alert AS a
LEFT JOIN auditlog_data.alert_state AS s ON s.alert_id OPERATOR(pg_catalog.=) a.id
LEFT JOIN auditlog_data.evaluator AS e ON true;
COMMENT ON VIEW auditlog.alerts IS 'Alerts, how far they are, and when they fired last';

CREATE VIEW auditlog.alert_firings AS
SELECT f.id, f.alert, f.severity, f.group_values AS "group", f.count, f.events, f.first_at, f.last_at, f.fired_at,
    CASE WHEN f.resolved_at IS NULL THEN 'open' ELSE 'resolved' END AS state, f.resolved_at, f.muted,
    f.samples, f.first_index, f.last_index, f.completed_index, f.reason, f.acknowledged_at, f.acknowledged_by, f.disposition, f.note,
    COALESCE(n.deliveries, '{}'::jsonb) AS deliveries
FROM auditlog_data.firing AS f
LEFT JOIN LATERAL (
    SELECT pg_catalog.jsonb_object_agg(n.channel OPERATOR(pg_catalog.||) ' ' OPERATOR(pg_catalog.||) n.kind, n.state) AS deliveries
    FROM auditlog_data.notification AS n WHERE n.firing_id OPERATOR(pg_catalog.=) f.id) AS n ON true;
COMMENT ON VIEW auditlog.alert_firings IS 'What alerts have found, and who was told';

CREATE VIEW auditlog.channels AS
SELECT c.name, c.kind, c.config, c.min_severity,
    CASE WHEN NOT c.enabled THEN 'disabled' WHEN s.paused THEN 'paused' WHEN s.failures OPERATOR(pg_catalog.>) 0 THEN 'retrying' ELSE 'ok' END AS state,
    c.changed_at, c.changed_by
FROM auditlog_data.channel AS c LEFT JOIN auditlog_data.channel_state AS s ON s.channel OPERATOR(pg_catalog.=) c.name;
COMMENT ON VIEW auditlog.channels IS 'Who can be told, and how that goes';

CREATE VIEW auditlog.notifications AS
SELECT n.id, n.firing_id, n.channel, n.kind, n.state, n.attempts, n.made_at, n.ended_at,
    CASE WHEN n.state OPERATOR(pg_catalog.=) 'waiting' THEN n.next_attempt END AS next_attempt, n.detail, n.key, n.digest_id, n.body
FROM auditlog_data.notification AS n;
COMMENT ON VIEW auditlog.notifications IS 'What is to be told through channels, and what became of it';

CREATE VIEW auditlog.dead_letters AS
SELECT n.id, n.firing_id, n.channel, n.kind, n.attempts, n.made_at, n.ended_at, n.detail, n.body
FROM auditlog_data.notification AS n WHERE n.state OPERATOR(pg_catalog.=) 'dead';
COMMENT ON VIEW auditlog.dead_letters IS 'Notifications that a channel refused for good; auditlog.redrive(id) sends one again';

CREATE VIEW auditlog.stat_channels AS
SELECT c.name, c.kind, s.paused, s.failures, s.delivered, s.retried, s.rejected,
    (SELECT pg_catalog.count(*) FROM auditlog_data.notification AS n WHERE n.channel OPERATOR(pg_catalog.=) c.name AND n.state OPERATOR(pg_catalog.=) 'waiting') AS waiting,
    (SELECT pg_catalog.count(*) FROM auditlog_data.notification AS n WHERE n.channel OPERATOR(pg_catalog.=) c.name AND n.state OPERATOR(pg_catalog.=) 'dead') AS dead,
    s.last_success_at, s.last_error_at, s.last_error
FROM auditlog_data.channel AS c LEFT JOIN auditlog_data.channel_state AS s ON s.channel OPERATOR(pg_catalog.=) c.name;
COMMENT ON VIEW auditlog.stat_channels IS 'Channels: what was delivered, what waits, and the last error';

-- sql/schema/49_jobs.sql
-- The scheduler: jobs as the extension pg_cron has them (docs/scheduler.md). A worker starts each run in a process of its own, which
-- is connected as the job's owner (src/worker/scheduler.rs, job_run.rs).

CREATE TABLE auditlog_data.job (
    jobid bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    schedule text NOT NULL,
    command text NOT NULL,
    nodename text NOT NULL DEFAULT 'localhost',
    nodeport integer DEFAULT pg_catalog.inet_server_port(),
    database text NOT NULL DEFAULT pg_catalog.current_database(),
    username text NOT NULL,
    active boolean NOT NULL DEFAULT true,
    jobname text,
    -- Another one whenever the job has changed.
    revision bigint NOT NULL DEFAULT 1,
    -- Until when it has been decided what was due.
    looked_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    UNIQUE (jobname, username)
);
COMMENT ON TABLE auditlog_data.job IS 'Jobs and their schedules; read auditlog.job';
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.job', '');
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.job_jobid_seq', '');

CREATE TABLE auditlog_data.job_run (
    runid bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    jobid bigint NOT NULL,
    job_pid integer,
    database text NOT NULL,
    username text NOT NULL,
    command text NOT NULL,
    status text NOT NULL,
    return_message text,
    start_time timestamptz,
    end_time timestamptz
);
COMMENT ON TABLE auditlog_data.job_run IS 'What became of jobs; read auditlog.job_run_details';
CREATE INDEX job_run_job ON auditlog_data.job_run (jobid, runid);
CREATE INDEX job_run_end ON auditlog_data.job_run (end_time);

DO $triggers$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['job', 'job_run'] LOOP
        EXECUTE pg_catalog.format('CREATE TRIGGER auditlog_no_change BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON auditlog_data.%I'
            ' FOR EACH STATEMENT EXECUTE FUNCTION auditlog_data.refuse()', t);
        EXECUTE pg_catalog.format('ALTER TABLE auditlog_data.%I ENABLE ALWAYS TRIGGER auditlog_no_change', t);
    END LOOP;
END
$triggers$;

CREATE FUNCTION auditlog.schedule(job_name text, schedule text, command text) RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_schedule';
COMMENT ON FUNCTION auditlog.schedule(text, text, text) IS 'Runs a command by a schedule, as the caller, in this database; the caller''s job of the same name is replaced. Returns the job''s id';

CREATE FUNCTION auditlog.schedule(schedule text, command text) RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_schedule_unnamed';
COMMENT ON FUNCTION auditlog.schedule(text, text) IS 'The same for a job without a name';

CREATE FUNCTION auditlog.schedule_in_database(job_name text, schedule text, command text, database text, username text DEFAULT NULL, active boolean DEFAULT true) RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_schedule_in_database';
COMMENT ON FUNCTION auditlog.schedule_in_database(text, text, text, text, text, boolean) IS 'The same in another database; for another role, if the caller is a superuser';

CREATE FUNCTION auditlog.alter_job(job_id bigint, schedule text DEFAULT NULL, command text DEFAULT NULL, database text DEFAULT NULL,
        username text DEFAULT NULL, active boolean DEFAULT NULL) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_alter_job';
COMMENT ON FUNCTION auditlog.alter_job(bigint, text, text, text, text, boolean) IS 'Changes what is given of a job';

CREATE FUNCTION auditlog.unschedule(job_id bigint) RETURNS boolean
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_unschedule';
COMMENT ON FUNCTION auditlog.unschedule(bigint) IS 'Removes a job; a run that is under way goes on';

CREATE FUNCTION auditlog.unschedule(job_name text) RETURNS boolean
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_unschedule_named';
COMMENT ON FUNCTION auditlog.unschedule(text) IS 'The same by the name of a job of the caller''s';

CREATE FUNCTION auditlog_data.sees_job(username text) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS
$body$
    SELECT username = current_user OR pg_has_role(current_user, 'auditlog_administrator', 'USAGE')
$body$;
COMMENT ON FUNCTION auditlog_data.sees_job(text) IS 'May the caller see the jobs of a role?';

CREATE VIEW auditlog.job WITH (security_barrier) AS
SELECT j.jobid, j.schedule, j.command, j.nodename, j.nodeport, j.database, j.username, j.active, j.jobname
FROM auditlog_data.job AS j WHERE auditlog_data.sees_job(j.username);
COMMENT ON VIEW auditlog.job IS 'Jobs and their schedules, with the columns of cron.job: the own ones, all of them for administrators';

CREATE VIEW auditlog.job_run_details WITH (security_barrier) AS
SELECT r.jobid, r.runid, r.job_pid, r.database, r.username, r.command, r.status, r.return_message, r.start_time, r.end_time
FROM auditlog_data.job_run AS r WHERE auditlog_data.sees_job(r.username);
COMMENT ON VIEW auditlog.job_run_details IS 'What became of jobs, with the columns of cron.job_run_details';

CREATE FUNCTION auditlog_data.scheduler_state(OUT scheduler_pid integer, OUT running bigint, OUT started bigint, OUT skipped bigint, OUT errors bigint, OUT last_error_at timestamptz, OUT last_error text)
    RETURNS SETOF record
    LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 1 AS 'MODULE_PATHNAME', 'auditlog_scheduler_state';
COMMENT ON FUNCTION auditlog_data.scheduler_state() IS 'The scheduler, by shared memory';

-- sql/schema/49_exports.sql
-- Exports: events as lines of other formats (docs/export.md).

CREATE FUNCTION auditlog_data.export_header(format text, query text, since timestamptz, until timestamptz, options jsonb) RETURNS text
    LANGUAGE c VOLATILE PARALLEL RESTRICTED COST 10 AS 'MODULE_PATHNAME', 'auditlog_export_header';
COMMENT ON FUNCTION auditlog_data.export_header(text, text, timestamptz, timestamptz, jsonb) IS
    'What comes before the first event of an export, or NULL; tells the access journal of the export';

-- The columns one by one, in the order of the log's: a whole row would be put together for each event, to be taken apart again.
CREATE FUNCTION auditlog_data.export_line(format text, options jsonb,
    "timestamp" timestamptz, recorded_at timestamptz, db_xid bigint, severity auditlog.severity, event_id text, event_type text, category text,
    operation text, status text, method text, tenant text, idempotency_key text, actor_type text, actor_id text, actor_email text, actor_ip inet,
    actor_user_agent text, actor_session_id text, resource_type text, resource_id text, cloud_provider text, account_id text, region text,
    resource_tags jsonb, before jsonb, after jsonb, request_id text, tags text[], extra jsonb, db_session_user text, db_current_user text,
    db_client_addr inet, db_application text, personal text[], salt bytea, redacted jsonb, entry_hash bytea, sealed_at timestamptz,
    retention_class text, log_index bigint, prev_hash bytea, hash bytea) RETURNS text
    LANGUAGE c STABLE PARALLEL RESTRICTED COST 1 AS 'MODULE_PATHNAME', 'auditlog_export_line';
COMMENT ON FUNCTION auditlog_data.export_line(text, jsonb,
    timestamptz, timestamptz, bigint, auditlog.severity, text, text, text, text, text, text, text, text, text, text, text, inet, text, text, text,
    text, text, text, text, jsonb, jsonb, jsonb, text, text[], jsonb, text, text, inet, text, text[], bytea, jsonb, bytea, timestamptz, text, bigint,
    bytea, bytea) IS 'A sealed event in a format of exports';

-- PostgreSQL puts the body in the place of the call, so that rows pass one by one, the planner sees the query, and
-- policies are the caller's. Its names are found now, not when it is called.
CREATE FUNCTION auditlog.export_rows(
    format text,
    query text DEFAULT '',
    since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL,
    options jsonb DEFAULT NULL
) RETURNS SETOF text
    LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 100000
BEGIN ATOMIC
    SELECT h.line FROM auditlog_data.export_header(format, query, since, until, options) AS h (line) WHERE h.line IS NOT NULL
    UNION ALL
    (SELECT auditlog_data.export_line(format, options,
        e."timestamp", e.recorded_at, e.db_xid, e.severity, e.event_id, e.event_type, e.category, e.operation, e.status, e.method, e.tenant,
        e.idempotency_key, e.actor_type, e.actor_id, e.actor_email, e.actor_ip, e.actor_user_agent, e.actor_session_id, e.resource_type,
        e.resource_id, e.cloud_provider, e.account_id, e.region, e.resource_tags, e.before, e.after, e.request_id, e.tags, e.extra,
        e.db_session_user, e.db_current_user, e.db_client_addr, e.db_application, e.personal, e.salt, e.redacted, e.entry_hash, e.sealed_at,
        e.retention_class, e.log_index, e.prev_hash, e.hash)
    FROM auditlog.events AS e
    WHERE e.log_index IS NOT NULL AND auditlog.matches(e, COALESCE(query, ''))
        AND e."timestamp" OPERATOR(pg_catalog.>=) COALESCE(since, '-infinity')
        AND (until IS NULL OR e."timestamp" OPERATOR(pg_catalog.<) until)
    ORDER BY e.log_index);
END;
COMMENT ON FUNCTION auditlog.export_rows(text, text, timestamptz, timestamptz, jsonb) IS
    'Sealed events as lines of a format, in the order of the log: json, csv, csv-raw, syslog, cef, leef, ecs, ocsf, cloudevents';

-- What the exporter is to write into files (src/worker/exporter.rs). No dump brings it along: a copy must not write
-- files because the original was about to.
CREATE TABLE auditlog_data.export (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    format text NOT NULL,
    query text NOT NULL,
    since timestamptz,
    until timestamptz,
    destination text NOT NULL,
    options jsonb NOT NULL,
    asked_by text NOT NULL,
    -- Events are read with this role's rights.
    role_oid oid NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    -- Later events are not part of it.
    log_size bigint NOT NULL,
    state text NOT NULL DEFAULT 'waiting'
        CHECK (state OPERATOR(pg_catalog.=) ANY (ARRAY['waiting', 'running', 'done', 'failed', 'cancelled'])),
    begun_at timestamptz,
    ended_at timestamptz,
    progress jsonb NOT NULL DEFAULT '{}',
    -- Are there files that are not complete?
    has_temporary boolean NOT NULL DEFAULT false,
    manifest_sha256 text,
    error text
);
COMMENT ON TABLE auditlog_data.export IS 'Exports to files; read auditlog.exports';
CREATE INDEX export_open ON auditlog_data.export (id)
    WHERE has_temporary OR state OPERATOR(pg_catalog.=) 'waiting' OR state OPERATOR(pg_catalog.=) 'running';
CREATE TRIGGER auditlog_no_change BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON auditlog_data.export
    FOR EACH STATEMENT EXECUTE FUNCTION auditlog_data.refuse();
ALTER TABLE auditlog_data.export ENABLE ALWAYS TRIGGER auditlog_no_change;

CREATE FUNCTION auditlog.export(
    format text,
    query text,
    since timestamptz,
    until timestamptz,
    destination text DEFAULT NULL,
    options jsonb DEFAULT NULL
) RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_export';
COMMENT ON FUNCTION auditlog.export(text, text, timestamptz, timestamptz, text, jsonb) IS
    'Has sealed events written into a file of the server, with a manifest that proves them; returns the number of the export in auditlog.exports';

CREATE FUNCTION auditlog.cancel_export(id bigint) RETURNS boolean
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_cancel_export';
COMMENT ON FUNCTION auditlog.cancel_export(bigint) IS 'Ends an export; false when it has ended already. Files that are complete stay';

CREATE FUNCTION auditlog.resume_export(id bigint) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_resume_export';
COMMENT ON FUNCTION auditlog.resume_export(bigint) IS 'Has an export that failed go on where it was';

CREATE VIEW auditlog.exports AS
SELECT x.id, x.state, x.format, x.query, x.since, x.until, x.destination, x.options, x.asked_by, x.asked_at, x.begun_at, x.ended_at,
    COALESCE((x.progress OPERATOR(pg_catalog.->>) 'events')::bigint, 0) AS events,
    COALESCE((x.progress OPERATOR(pg_catalog.->>) 'part_bytes')::bigint, 0) OPERATOR(pg_catalog.+)
        COALESCE(f.bytes, 0) AS bytes,
    COALESCE((x.progress OPERATOR(pg_catalog.->>) 'position')::bigint, 0) AS "position", x.log_size,
    (x.progress OPERATOR(pg_catalog.->>) 'first')::bigint AS first_log_index,
    (x.progress OPERATOR(pg_catalog.->>) 'last')::bigint AS last_log_index,
    f.names AS files, f.sha256, x.manifest_sha256, x.error
FROM auditlog_data.export AS x
LEFT JOIN LATERAL (
    SELECT pg_catalog.sum((i.file OPERATOR(pg_catalog.->>) 'bytes')::bigint)::bigint AS bytes,
        pg_catalog.array_agg(i.file OPERATOR(pg_catalog.->>) 'name') AS names,
        pg_catalog.array_agg(i.file OPERATOR(pg_catalog.->>) 'sha256') AS sha256
    FROM pg_catalog.jsonb_array_elements(x.progress OPERATOR(pg_catalog.->) 'files') AS i (file)) AS f ON true;
COMMENT ON VIEW auditlog.exports IS 'Exports to files: how far they are, what they have, and why they failed';

CREATE FUNCTION auditlog_data.exporter_state(OUT pid integer, OUT errors bigint, OUT last_error_at timestamptz, OUT last_error text)
    RETURNS SETOF record
    LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 1 AS 'MODULE_PATHNAME', 'auditlog_exporter_state';
COMMENT ON FUNCTION auditlog_data.exporter_state() IS 'The worker of exports, by shared memory';

-- sql/schema/50_stats.sql
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

CREATE VIEW auditlog.sinks AS
SELECT k.name, k.kind, k.config, k.query, k.format,
    -- What is wrong with another revision is not known of this one.
    CASE WHEN NOT k.enabled THEN 'paused' WHEN s.revision IS DISTINCT FROM k.revision THEN 'active' WHEN s.stopped OR s.waits THEN 'error'
        WHEN s.failures OPERATOR(pg_catalog.>) 0 THEN 'retrying' ELSE 'active' END AS state,
    CASE WHEN NOT k.enabled THEN k.pause_reason
        WHEN s.revision OPERATOR(pg_catalog.=) k.revision AND (s.failures OPERATOR(pg_catalog.>) 0 OR s.stopped) THEN s.last_error END AS reason,
    COALESCE(s.position, k.start_index) OPERATOR(pg_catalog.-) 1 AS position,
    s.delivered_at,
    GREATEST(h.size OPERATOR(pg_catalog.-) COALESCE(s.position, k.start_index), 0) AS lag_events,
    CASE WHEN h.size OPERATOR(pg_catalog.<=) COALESCE(s.position, k.start_index) THEN 0
        ELSE GREATEST(EXTRACT(epoch FROM pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) auditlog_data.sealed_at(COALESCE(s.position, k.start_index)))::double precision, 0)
        END AS lag_seconds,
    s.last_answer, s.last_error, s.last_error_at,
    CASE WHEN s.open_until OPERATOR(pg_catalog.>) 0 AND k.enabled AND NOT s.stopped AND s.revision OPERATOR(pg_catalog.=) k.revision THEN pg_catalog.to_timestamp(s.open_until OPERATOR(pg_catalog./) 1e6) END AS next_attempt,
    k.best_effort, k.changed_at, k.changed_by
FROM auditlog_data.sink AS k
LEFT JOIN auditlog_data.sink_state AS s ON s.sink_id OPERATOR(pg_catalog.=) k.id
    AND s.start_number OPERATOR(pg_catalog.=) k.start_number
LEFT JOIN auditlog_data.head_state() AS h ON true;
COMMENT ON VIEW auditlog.sinks IS 'Sinks of the log: how far each is, and what is wrong with it; position is the log_index of the last event that it is done with';

CREATE VIEW auditlog.sink_dead_letters AS
SELECT k.name AS sink, l.log_index, l.event_id, l.error, l.at, l.redrive
FROM auditlog_data.sink_letter AS l JOIN auditlog_data.sink AS k ON k.id OPERATOR(pg_catalog.=) l.sink_id;
COMMENT ON VIEW auditlog.sink_dead_letters IS 'Events that a sink''s receiver refused for good; auditlog.redrive_sink(name, log_index) sends them again';

CREATE VIEW auditlog.stat_sinks AS
SELECT k.name, k.kind, s.delivered, s.bytes, s.batches, s.retried, s.rejected,
    (SELECT pg_catalog.count(*) FROM auditlog_data.sink_letter AS l WHERE l.sink_id OPERATOR(pg_catalog.=) k.id) AS dead,
    CASE WHEN s.delivered_at OPERATOR(pg_catalog.>) (pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) interval '10 seconds') THEN s.rate ELSE 0 END AS rate,
    s.failures, s.delivered_at, s.last_error_at
FROM auditlog_data.sink AS k LEFT JOIN auditlog_data.sink_state AS s ON s.sink_id OPERATOR(pg_catalog.=) k.id;
COMMENT ON VIEW auditlog.stat_sinks IS 'Sinks of the log: events, bytes and batches that were delivered, and events per second while something is';

CREATE FUNCTION auditlog_data.reporter_state(OUT pid integer, OUT errors bigint, OUT last_error_at timestamptz, OUT last_error text)
    RETURNS SETOF record
    LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 1 AS 'MODULE_PATHNAME', 'auditlog_reporter_state';
COMMENT ON FUNCTION auditlog_data.reporter_state() IS 'The worker of reports, by shared memory';

CREATE VIEW auditlog.stat_workers AS
SELECT w.worker, w.pid, a.backend_start AS started_at, w.errors, w.last_error_at, w.last_error
FROM (SELECT 'sealer' AS worker, s.sealer_pid AS pid, s.errors, s.last_error_at, s.last_error FROM auditlog_data.stats() AS s
    UNION ALL SELECT 'publisher', p.publisher_pid, NULL, NULL, NULL FROM auditlog_data.stats() AS p
    UNION ALL SELECT 'recorder', x.recorder_pid, x.errors, x.last_error_at, x.last_error FROM auditlog_data.access_state() AS x
    UNION ALL SELECT 'evaluator', y.evaluator_pid, y.errors, y.last_error_at, y.last_error FROM auditlog_data.watch_state() AS y
    UNION ALL SELECT 'deliverer', y.deliverer_pid, y.delivery_errors, y.last_delivery_error_at, y.last_delivery_error FROM auditlog_data.watch_state() AS y
    UNION ALL SELECT 'scheduler', z.scheduler_pid, z.errors, z.last_error_at, z.last_error FROM auditlog_data.scheduler_state() AS z
    UNION ALL SELECT 'keeper', k.pid, k.errors, k.last_error_at, k.last_error FROM auditlog_data.keeper_state() AS k
    UNION ALL SELECT 'exporter', q.pid, q.errors, q.last_error_at, q.last_error FROM auditlog_data.exporter_state() AS q
    UNION ALL SELECT 'reporter', v.pid, v.errors, v.last_error_at, v.last_error FROM auditlog_data.reporter_state() AS v
    UNION ALL SELECT 'streamer', t.pid, t.errors, t.last_error_at, t.last_error FROM auditlog_data.streamer_state() AS t) AS w
LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid OPERATOR(pg_catalog.=) w.pid;
COMMENT ON VIEW auditlog.stat_workers IS 'The background workers of this database: evaluator, deliverer and scheduler run where there are alerts, channels, jobs, the keeper while retention has work, the streamer where there are sinks, the exporter while something is exported, the reporter while a report is made';

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


-- sql/schema/51_protection.sql
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


-- sql/schema/52_health.sql
-- One line for each thing that may be wrong, with what to do.

CREATE FUNCTION auditlog.health() RETURNS TABLE ("check" text, status text, detail text, hint text)
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on SET intervalstyle = postgres AS
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

    "check" := 'retention';
    SELECT * INTO w FROM auditlog_data.keeper_state();
    faults := ARRAY(SELECT format('%s: %s', f.retention_class, f.message) FROM auditlog.retention_conflicts() AS f);
    IF NOT EXISTS (SELECT FROM auditlog_data.retention_policy) THEN
        status := 'ok'; detail := 'No retention policy is set: everything is kept.'; hint := NULL;
    ELSIF EXISTS (SELECT FROM (SELECT r.error FROM auditlog_data.retention_run AS r WHERE r.ended_at IS NOT NULL ORDER BY r.id DESC LIMIT 1) AS l
            WHERE l.error IS NOT NULL) THEN
        status := 'warning';
        detail := format('The last round of retention failed: %s.', (SELECT r.error FROM auditlog_data.retention_run AS r WHERE r.ended_at IS NOT NULL ORDER BY r.id DESC LIMIT 1));
        hint := 'auditlog.retention_moves says what it was about; it is tried again in the next round.';
    ELSIF cardinality(faults) > 0 THEN
        status := 'warning'; detail := format('The retention policy conflicts with requirements: %s.', array_to_string(faults[1:5], '; '));
        hint := 'auditlog.retention_conflicts() says which, and why.';
    ELSE
        status := 'ok'; detail := format('Retention policy %s is in force, %s legal holds.', (SELECT max(r.version) FROM auditlog_data.retention_policy AS r),
            (SELECT count(*) FROM auditlog_data.legal_hold AS l WHERE l.released_at IS NULL AND (l.until IS NULL OR l.until > clock_timestamp())));
        hint := NULL;
    END IF;
    RETURN NEXT;

    "check" := 'sinks';
    SELECT * INTO w FROM auditlog_data.streamer_state();
    faults := ARRAY(SELECT format('%s: %s', k.name, k.reason) FROM auditlog.sinks AS k WHERE k.state = 'error' ORDER BY k.name);
    IF cardinality(faults) > 0 THEN
        status := 'error'; detail := format('Sinks that wait for somebody: %s', array_to_string(faults[1:5], '; '));
        hint := 'Mend what is said; auditlog.resume_sink() has a sink tried again at once, auditlog.test_sink() says step by step what happens.';
    ELSIF w.pid IS NULL AND NOT pg_is_in_recovery() AND EXISTS (SELECT FROM auditlog.sinks AS k WHERE k.state <> 'paused' AND k.lag_seconds > 60) THEN
        status := 'error'; detail := format('The streamer of sinks does not run%s.', COALESCE(': ' || w.last_error, ''));
        hint := 'Look at the server log; is max_worker_processes large enough?';
    ELSIF EXISTS (SELECT FROM auditlog_data.sink_letter) THEN
        status := 'warning'; detail := format('%s events were refused for good.', (SELECT count(*) FROM auditlog_data.sink_letter));
        hint := 'auditlog.sink_dead_letters lists them; auditlog.redrive_sink(name) sends them again.';
    ELSIF EXISTS (SELECT FROM auditlog.sinks AS k WHERE k.lag_seconds > 900) THEN
        status := 'warning'; detail := format('Sinks that are more than 15 minutes behind: %s.',
            (SELECT string_agg(format('%s (%s, %s events)', k.name, k.state, k.lag_events), ', ' ORDER BY k.name) FROM auditlog.sinks AS k WHERE k.lag_seconds > 900));
        hint := 'auditlog.sinks has the last error of each. Retention keeps what a sink has not passed; one that is not needed any more is to be dropped.';
    ELSE
        status := 'ok'; detail := format('%s sinks.', (SELECT count(*) FROM auditlog_data.sink)); hint := NULL;
    END IF;
    RETURN NEXT;

    "check" := 'reports';
    SELECT * INTO w FROM auditlog_data.reporter_state();
    faults := ARRAY(SELECT format('%s (%s): %s', r.id, r.name, left(r.error, 100)) FROM auditlog_data.report AS r
        WHERE r.state = 'failed' AND r.ended_at > clock_timestamp() - interval '7 days' ORDER BY r.id);
    IF cardinality(faults) > 0 THEN
        status := 'warning'; detail := format('Reports that failed: %s.', array_to_string(faults[1:5], '; '));
        hint := 'auditlog.retry_report() has one made once more, auditlog.cancel_report() puts it aside.';
    ELSIF EXISTS (SELECT FROM auditlog_data.report_delivery AS d WHERE d.state = 'failed' AND d.ended_at > clock_timestamp() - interval '7 days' OR d.state = 'waiting' AND d.attempts > 2) THEN
        SELECT format('Files of reports did not reach their sinks: %s.', string_agg(format('%s to %s (%s)', d.report_id, d.sink, left(d.error, 100)), '; ')) INTO detail
        FROM (SELECT * FROM auditlog_data.report_delivery AS d WHERE d.state = 'failed' AND d.ended_at > clock_timestamp() - interval '7 days' OR d.state = 'waiting' AND d.attempts > 2 ORDER BY d.report_id DESC LIMIT 5) AS d;
        status := 'warning'; hint := 'auditlog.report_deliveries says why; auditlog.retry_report() sends them again.';
    ELSIF w.pid IS NULL AND EXISTS (SELECT FROM auditlog_data.report AS r WHERE r.state IN ('waiting', 'running') AND r.asked_at < clock_timestamp() - interval '2 minutes') THEN
        status := 'error'; detail := format('Reports wait, and the reporter does not run%s.', COALESCE(': ' || w.last_error, ''));
        hint := 'Look at the server log; is max_worker_processes large enough?';
    ELSE
        status := 'ok'; detail := format('%s reports were made.', (SELECT count(*) FROM auditlog_data.report AS r WHERE r.state = 'done')); hint := NULL;
    END IF;
    RETURN NEXT;

    "check" := 'compliance';
    SELECT COALESCE(array_agg(concat(c.metric, ' ' || c.subject) ORDER BY c.metric, c.subject) FILTER (WHERE c.status <> 'ok'), '{}') AS faults,
        bool_or(c.status = 'error') AS broken INTO w FROM auditlog_data.compliance_metrics() AS c;
    faults := w.faults;
    IF w.broken THEN
        status := 'warning'; hint := 'auditlog.compliance_metrics says what is wrong with each.';
    ELSE
        -- What nobody has begun with is no fault: that a review is due is one of who has to review.
        status := 'ok'; hint := NULL;
    END IF;
    detail := CASE WHEN cardinality(faults) = 0 THEN 'All figures of auditlog.compliance_metrics are as they should be.'
        ELSE format('Figures of auditlog.compliance_metrics to look at: %s.', array_to_string(faults, ', ')) END;
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

-- sql/schema/53_evidence.sql
-- Evidence beyond events (docs/reports.md): what the checks of frameworks read that no single event says. A sample of the system's health
-- each hour, what verification found, who signed which review, and who held which rights.

CREATE TABLE auditlog_data.health_sample (
    at timestamptz PRIMARY KEY DEFAULT pg_catalog.clock_timestamp(),
    -- Nothing is missing of what records and protects.
    audit_enabled boolean NOT NULL,
    faults text[] NOT NULL,
    log_size bigint NOT NULL,
    waiting bigint NOT NULL,
    seal_lag_seconds double precision NOT NULL,
    clock_synchronised boolean,
    clock_offset_ms double precision,
    clock_error_ms double precision,
    clock_source text,
    -- Times that the clock was behind the sample before.
    regressions integer NOT NULL,
    used_bytes bigint NOT NULL,
    free_bytes bigint,
    config_sha256 text NOT NULL,
    library_sha256 text,
    sinks jsonb NOT NULL,
    alerts jsonb NOT NULL
);
COMMENT ON TABLE auditlog_data.health_sample IS 'State of the audit log, hour by hour; read auditlog.health_samples';

CREATE TABLE auditlog_data.verification_run (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    begun_at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    from_index bigint NOT NULL,
    to_index bigint NOT NULL,
    findings bigint NOT NULL,
    first_finding text,
    head_hash bytea NOT NULL
);
COMMENT ON TABLE auditlog_data.verification_run IS 'What verification in the background found; read auditlog.verification_runs';
COMMENT ON COLUMN auditlog_data.verification_run.to_index IS 'the first place that was not verified';

CREATE TABLE auditlog_data.review (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    period tstzrange NOT NULL,
    query text NOT NULL,
    note text NOT NULL,
    reviewer text NOT NULL,
    events_in_scope bigint NOT NULL,
    exceptions bigint NOT NULL,
    signed_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    -- The event that says the same: sealed with the log, it is the signature.
    event_id text NOT NULL
);
COMMENT ON TABLE auditlog_data.review IS 'Reviews that somebody has signed; read auditlog.reviews';

-- Who holds which rights: kept when it differs from the one before.
CREATE TABLE auditlog_data.access_snapshot (
    at timestamptz PRIMARY KEY DEFAULT pg_catalog.clock_timestamp(),
    sha256 text NOT NULL,
    roles jsonb NOT NULL,
    grants jsonb NOT NULL,
    policies jsonb NOT NULL
);
COMMENT ON TABLE auditlog_data.access_snapshot IS 'Roles, grants and row policies as they were; read auditlog.access_snapshots';

DO $triggers$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['health_sample', 'verification_run', 'review', 'access_snapshot'] LOOP
        EXECUTE pg_catalog.format('CREATE TRIGGER auditlog_no_change BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON auditlog_data.%I'
            ' FOR EACH STATEMENT EXECUTE FUNCTION auditlog_data.refuse()', t);
        EXECUTE pg_catalog.format('ALTER TABLE auditlog_data.%I ENABLE ALWAYS TRIGGER auditlog_no_change', t);
        PERFORM pg_catalog.pg_extension_config_dump(pg_catalog.format('auditlog_data.%I', t), '');
    END LOOP;
END
$triggers$;
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.verification_run_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.review_id_seq', '');

CREATE FUNCTION auditlog_data.machine_state(OUT clock_synchronised boolean, OUT clock_offset_ms double precision, OUT clock_error_ms double precision,
        OUT clock_source text, OUT free_bytes bigint, OUT library_sha256 text)
    RETURNS SETOF record
    LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 1 AS 'MODULE_PATHNAME', 'auditlog_machine_state';
COMMENT ON FUNCTION auditlog_data.machine_state() IS 'What the kernel says of the clock and of the disk, and which library this is';

-- Called by the publisher, once an hour.
CREATE FUNCTION auditlog_data.take_health_sample() RETURNS void
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on AS
$body$
DECLARE
    m record;
    i record;
    h record;
    faults text[];
    before timestamptz;
BEGIN
    SELECT * INTO m FROM auditlog_data.machine_state();
    SELECT * INTO i FROM auditlog_data.inbox_state();
    SELECT * INTO h FROM auditlog_data.head_state();
    SELECT max(s.at) INTO before FROM auditlog_data.health_sample AS s;
    faults := ARRAY(SELECT format('%s: %s', c."check", c.detail) FROM auditlog.health() AS c WHERE c.status = 'error'
        OR c.status = 'warning' AND c."check" IN ('capture', 'access journal') ORDER BY 1);
    INSERT INTO auditlog_data.health_sample (audit_enabled, faults, log_size, waiting, seal_lag_seconds, clock_synchronised, clock_offset_ms,
        clock_error_ms, clock_source, regressions, used_bytes, free_bytes, config_sha256, library_sha256, sinks, alerts)
    SELECT NOT EXISTS (SELECT FROM unnest(faults) AS f WHERE f ~ '^(preload|sealer|access journal|capture|protection|tampering):'),
        faults, COALESCE(h.size, 0), i.events, COALESCE(GREATEST(extract(epoch FROM clock_timestamp() - i.oldest), 0), 0),
        m.clock_synchronised, m.clock_offset_ms, m.clock_error_ms, m.clock_source,
        CASE WHEN before > clock_timestamp() THEN 1 ELSE 0 END,
        COALESCE((SELECT sum(pg_total_relation_size(c.oid))::bigint FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
            WHERE n.nspname = 'auditlog_data' AND c.relkind = 'r'), 0),
        m.free_bytes,
        (SELECT encode(sha256(convert_to(string_agg(concat(g.name, '=', g.setting), E'\n' ORDER BY g.name COLLATE "C"), 'UTF8')), 'hex')
            FROM pg_settings AS g WHERE g.name LIKE 'auditlog.%' AND g.source NOT IN ('session', 'client')
                OR g.name IN ('shared_preload_libraries', 'session_preload_libraries', 'log_statement', 'fsync', 'full_page_writes', 'wal_level')),
        m.library_sha256,
        COALESCE((SELECT jsonb_agg(jsonb_build_object('sink', k.name, 'last_log_index', k.position, 'lag_seconds', k.lag_seconds,
            'state', k.state, 'reason', k.reason) ORDER BY k.name) FROM auditlog.sinks AS k), '[]'),
        COALESCE((SELECT jsonb_agg(jsonb_build_object('rule', a.name, 'severity', a.severity, 'enabled', a.enabled AND COALESCE(a.muted_until <= clock_timestamp(), true),
            'tags', COALESCE(a.canonical -> 'tags', '[]'), 'error', st.error) ORDER BY a.name) FROM auditlog_data.alert AS a
            LEFT JOIN auditlog_data.alert_state AS st ON st.alert_id = a.id), '[]')
    ON CONFLICT (at) DO NOTHING;
END
$body$;
COMMENT ON FUNCTION auditlog_data.take_health_sample() IS 'Writes down how the audit log is; called by the publisher';

-- Called by the publisher, with each sample.
CREATE FUNCTION auditlog_data.take_access_snapshot() RETURNS text
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on AS
$body$
DECLARE
    roles jsonb;
    grants jsonb;
    policies jsonb;
    digest text;
    before boolean := EXISTS (SELECT FROM auditlog_data.access_snapshot);
BEGIN
    SELECT COALESCE(jsonb_agg(jsonb_build_object('role', r.rolname, 'can_login', r.rolcanlogin, 'superuser', r.rolsuper, 'createrole', r.rolcreaterole,
            'createdb', r.rolcreatedb, 'replication', r.rolreplication, 'bypassrls', r.rolbypassrls, 'valid_until', r.rolvaliduntil,
            'member_of', COALESCE((SELECT jsonb_agg(jsonb_build_object('role', g.rolname, 'admin_option', m.admin_option, 'granted_by', b.rolname)
                ORDER BY g.rolname, b.rolname) FROM pg_auth_members AS m JOIN pg_roles AS g ON g.oid = m.roleid LEFT JOIN pg_roles AS b ON b.oid = m.grantor
                WHERE m.member = r.oid), '[]')) ORDER BY r.rolname), '[]') INTO roles
        FROM pg_roles AS r WHERE r.rolname !~ '^pg_';
    -- Rights on tables of users, and on our own.
    SELECT COALESCE(jsonb_agg(jsonb_build_object('object', format('%I.%I', n.nspname, c.relname), 'grantee', COALESCE(g.rolname, 'PUBLIC'),
            'privileges', x.privileges, 'rls', c.relrowsecurity, 'owner', pg_get_userbyid(c.relowner)) ORDER BY n.nspname, c.relname, g.rolname), '[]') INTO grants
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        CROSS JOIN LATERAL (SELECT a.grantee, jsonb_agg(a.privilege_type ORDER BY a.privilege_type) AS privileges
            FROM aclexplode(COALESCE(c.relacl, acldefault('r', c.relowner))) AS a GROUP BY a.grantee) AS x
        LEFT JOIN pg_roles AS g ON g.oid = x.grantee
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^(pg_|information_schema$|auditlog_data$)';
    SELECT COALESCE(jsonb_agg(jsonb_build_object('object', format('%I.%I', p.schemaname, p.tablename), 'policy', p.policyname, 'roles', to_jsonb(p.roles),
            'command', p.cmd, 'using', p.qual, 'check', p.with_check) ORDER BY p.schemaname, p.tablename, p.policyname), '[]') INTO policies
        FROM pg_policies AS p WHERE p.schemaname <> 'auditlog_data';
    digest := encode(sha256(convert_to(concat(roles, grants, policies), 'UTF8')), 'hex');
    IF digest IS DISTINCT FROM (SELECT s.sha256 FROM auditlog_data.access_snapshot AS s ORDER BY s.at DESC LIMIT 1) THEN
        INSERT INTO auditlog_data.access_snapshot (sha256, roles, grants, policies) VALUES (digest, roles, grants, policies);
        -- The first is what changes are told from.
        RETURN CASE WHEN before THEN digest END;
    END IF;
    RETURN NULL;
END
$body$;
COMMENT ON FUNCTION auditlog_data.take_access_snapshot() IS 'Writes down who holds which rights, when that has changed; called by the publisher';

CREATE FUNCTION auditlog_data.sign_review(since timestamptz, until timestamptz, note text, query text, exceptions bigint) RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_sign_review';
COMMENT ON FUNCTION auditlog_data.sign_review(timestamptz, timestamptz, text, text, bigint) IS 'What auditlog.sign_review() does, with the ends of the period';

CREATE FUNCTION auditlog.sign_review(period tstzrange, note text, query text DEFAULT '', exceptions integer DEFAULT 0) RETURNS bigint
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT auditlog_data.sign_review(pg_catalog.lower(period), pg_catalog.upper(period), note, query, exceptions::bigint);
END;
COMMENT ON FUNCTION auditlog.sign_review(tstzrange, text, text, integer) IS
    'Writes down that the caller has reviewed the events of a period that a query finds, and how many exceptions there were; an event says the same';

CREATE VIEW auditlog.reviews AS
SELECT r.id, r.period, r.query, r.note, r.reviewer, r.events_in_scope, r.exceptions, r.signed_at, r.event_id FROM auditlog_data.review AS r;
COMMENT ON VIEW auditlog.reviews IS 'Reviews that somebody has signed';

CREATE VIEW auditlog.health_samples AS
SELECT s.at, s.audit_enabled, s.faults, s.log_size, s.waiting, s.seal_lag_seconds, s.clock_synchronised, s.clock_offset_ms, s.clock_error_ms, s.clock_source,
    s.regressions, s.used_bytes, s.free_bytes, s.config_sha256, s.library_sha256, s.sinks, s.alerts FROM auditlog_data.health_sample AS s;
COMMENT ON VIEW auditlog.health_samples IS 'State of the audit log, hour by hour';

CREATE VIEW auditlog.verification_runs AS
SELECT v.id, v.begun_at, v.ended_at, v.from_index, v.to_index, v.findings, v.first_finding, v.head_hash FROM auditlog_data.verification_run AS v;
COMMENT ON VIEW auditlog.verification_runs IS 'What verification in the background found';

CREATE VIEW auditlog.access_snapshots AS
SELECT s.at, s.sha256, s.roles, s.grants, s.policies FROM auditlog_data.access_snapshot AS s;
COMMENT ON VIEW auditlog.access_snapshots IS 'Roles, grants and row policies, whenever they had changed';

-- Tables and what their rows are to somebody who asks.
CREATE TABLE auditlog_data.classified_table (
    relation regclass PRIMARY KEY,
    classification text[] NOT NULL,
    classified_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    classified_by text NOT NULL
);
COMMENT ON TABLE auditlog_data.classified_table IS 'Tables with personal or otherwise protected data; read auditlog.classified_tables';
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.classified_table', '');
CREATE TRIGGER auditlog_no_change BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON auditlog_data.classified_table
    FOR EACH STATEMENT EXECUTE FUNCTION auditlog_data.refuse();
ALTER TABLE auditlog_data.classified_table ENABLE ALWAYS TRIGGER auditlog_no_change;

CREATE FUNCTION auditlog.classify(target regclass, classification text[]) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_classify';
COMMENT ON FUNCTION auditlog.classify(regclass, text[]) IS
    'Says what the rows of a table are: pii, special, phi, chd, sad, confidential or restricted; reports ask for it. An empty list takes it back';

CREATE VIEW auditlog.classified_tables AS
SELECT c.relation, c.classification, t.relation IS NOT NULL AS tracked, c.classified_at, c.classified_by
FROM auditlog_data.classified_table AS c LEFT JOIN auditlog_data.tracked_table AS t ON t.relation OPERATOR(pg_catalog.=) c.relation;
COMMENT ON VIEW auditlog.classified_tables IS 'Tables with protected data, and whether changes of their rows are recorded';

CREATE FUNCTION auditlog_data.classified_objects() RETURNS TABLE (object text, classification text[])
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS
$body$
    SELECT format('%I.%I', n.nspname, c.relname), o.classification FROM auditlog_data.classified_table AS o
    JOIN pg_class AS c ON c.oid = o.relation JOIN pg_namespace AS n ON n.oid = c.relnamespace
$body$;
COMMENT ON FUNCTION auditlog_data.classified_objects() IS 'Tables with protected data, by their names';

CREATE FUNCTION auditlog_data.tracked_objects() RETURNS TABLE (object text, masks boolean, policy text, since timestamptz)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS
$body$
    SELECT format('%I.%I', n.nspname, c.relname), EXISTS (SELECT FROM jsonb_array_elements(o.rules) AS r (rule) WHERE r.rule ->> 'treatment' <> 'ignore'),
        concat('changes of rows', ' where ' || o.only_if), o.tracked_at
    FROM auditlog_data.tracked_table AS o JOIN auditlog_data.capture_states() AS s ON s.relation = o.relation AND s.state = 'enabled'
    JOIN pg_class AS c ON c.oid = o.relation JOIN pg_namespace AS n ON n.oid = c.relnamespace
$body$;
COMMENT ON FUNCTION auditlog_data.tracked_objects() IS 'Tracked tables, by their names';

-- sql/schema/53_report_contents.sql
-- What reports read of the log and of its state (docs/reports.md); src/store/report_reads.rs calls it, with the owner's rights.

CREATE FUNCTION auditlog_data.field_expression(field text) RETURNS text
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'auditlog_field_expression';
COMMENT ON FUNCTION auditlog_data.field_expression(text) IS 'SQL over auditlog.events AS e: one text for each event, by which reports group';

-- The population of a section: counted, grouped, laid out in time, and drawn from, in one pass over the log. groups: up to four fields;
-- seed: what the sample depends on beside the places of events.
CREATE FUNCTION auditlog_data.report_section(query text, scope text, since timestamptz, until timestamptz, size bigint, groups text[], metrics text[],
        seed text, group_limit integer, sample_size integer) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET jit = off SET work_mem = '16MB' AS
$body$
DECLARE
    names text[] := ARRAY(SELECT 'g' || i FROM generate_subscripts(groups, 1) AS i ORDER BY i);
    columns text := (SELECT string_agg(format(', %s AS g%s', auditlog_data.field_expression(f.name), f.i), '' ORDER BY f.i)
        FROM unnest(groups) WITH ORDINALITY AS f (name, i));
    -- At most some 60 bars, of whole hours, days or weeks.
    width bigint := CASE WHEN until - since <= interval '2 days' THEN 3600 WHEN until - since <= interval '62 days' THEN 86400 ELSE 604800 END;
    more text := '';
    sums text := '';
    group_sums text := '';
    group_totals text := '';
    group_members text := '';
    found jsonb;
BEGIN
    IF 'rows' = ANY (metrics) THEN
        more := more || ', CASE WHEN e.extra #>> ''{metadata,row_count}'' ~ ''^[0-9]{1,15}$'' THEN (e.extra #>> ''{metadata,row_count}'')::bigint END AS n_rows';
        sums := sums || ', ''rows'', COALESCE(sum(n_rows), 0)';
        group_sums := ', COALESCE(sum(p.n_rows), 0) AS rows';
        group_totals := ', COALESCE(sum(d.rows), 0) AS rows';
        group_members := ', ''rows'', g.rows';
    END IF;
    IF 'columns' = ANY (metrics) THEN
        more := more || ', CASE WHEN jsonb_typeof(e.extra #> ''{metadata,columns}'') = ''array'' THEN jsonb_array_length(e.extra #> ''{metadata,columns}'') END AS n_columns';
        sums := sums || ', ''columns'', COALESCE(max(n_columns), 0)';
    END IF;
    IF 'distinct_subjects' = ANY (metrics) THEN
        more := more || ', e.extra #>> ''{metadata,data_subject_id}'' AS subject';
        sums := sums || ', ''distinct_subjects'', count(DISTINCT subject)';
    END IF;
    IF 'pct_attributed' = ANY (metrics) THEN
        more := more || ', (e.actor_type = ''user'' AND e.actor_id IS NOT NULL OR e.extra #> ''{metadata,end_user}'' IS NOT NULL) IS TRUE AS attributed';
        sums := sums || ', ''pct_attributed'', round(100.0 * count(*) FILTER (WHERE attributed) / NULLIF(count(*), 0), 2)';
    END IF;
    IF 'pct_with_request_id' = ANY (metrics) THEN
        more := more || ', e.request_id IS NOT NULL AS requested';
        sums := sums || ', ''pct_with_request_id'', round(100.0 * count(*) FILTER (WHERE requested) / NULLIF(count(*), 0), 2)';
    END IF;
    -- What is counted as distinct is grouped by it first: hashing is cheaper than the sort that DISTINCT takes.
    EXECUTE format($sql$
        WITH p AS MATERIALIZED (
            SELECT e.log_index, e."timestamp" AS at, e.actor_id, e.resource_id %s %s
            FROM auditlog.events AS e
            WHERE auditlog.matches(e, $1) AND auditlog.matches(e, $2) AND e.log_index < $5 AND e."timestamp" >= $3 AND e."timestamp" < $4) %s
        SELECT jsonb_build_object('metrics', (SELECT jsonb_build_object('count', count(*), 'distinct_actors', (SELECT count(*) FROM (SELECT DISTINCT p.actor_id FROM p WHERE p.actor_id IS NOT NULL) AS d),
                    'distinct_resources', (SELECT count(*) FROM (SELECT DISTINCT p.resource_id FROM p WHERE p.resource_id IS NOT NULL) AS d), 'first', min(at), 'last', max(at), 'first_log_index', min(log_index),
                    'last_log_index', max(log_index) %s) FROM p),
            'sample', COALESCE((SELECT jsonb_agg(s.log_index ORDER BY s.log_index) FROM (SELECT p.log_index FROM p
                ORDER BY sha256(convert_to($6 || ':' || p.log_index, 'UTF8')), p.log_index LIMIT $8) AS s), '[]'),
            'series', COALESCE((SELECT jsonb_agg(jsonb_build_array((extract(epoch FROM b.at - $3) / %s)::integer, b.n) ORDER BY b.at) FROM (
                SELECT date_bin(make_interval(secs => %s), p.at, $3) AS at, count(*) AS n FROM p GROUP BY 1) AS b), '[]'),
            'width', %s %s)
        $sql$, columns, more,
        CASE WHEN cardinality(names) > 0 THEN format($sql$,
        d AS (
            SELECT %1$s, p.actor_id AS actor, NULL AS resource, count(*) AS n, min(p.at) AS first, max(p.at) AS last %2$s FROM p GROUP BY %1$s, p.actor_id
            UNION ALL SELECT DISTINCT %1$s, NULL, p.resource_id, 0, NULL::timestamptz, NULL::timestamptz %3$s FROM p WHERE p.resource_id IS NOT NULL),
        g AS MATERIALIZED (
            SELECT %1$s, sum(d.n)::bigint AS n, count(d.actor) AS actors, count(d.resource) AS resources, min(d.first) AS first, max(d.last) AS last %4$s
            FROM d GROUP BY %1$s)
            $sql$, array_to_string(names, ', '), group_sums, CASE WHEN group_sums <> '' THEN ', 0' ELSE '' END, group_totals) ELSE '' END,
        sums, width, width, width,
        CASE WHEN cardinality(names) > 0 THEN format($sql$
            , 'groups', COALESCE((SELECT jsonb_agg(jsonb_build_object('keys', jsonb_build_array(%1$s), 'count', g.n, 'distinct_actors', g.actors,
                'distinct_resources', g.resources, 'first', g.first, 'last', g.last %2$s) ORDER BY g.n DESC, %1$s) FROM (
                SELECT * FROM g ORDER BY n DESC, %1$s LIMIT $7) AS g), '[]'),
            'group_count', (SELECT count(*) FROM g)
            $sql$, array_to_string(names, ', '), group_members) ELSE '' END)
    INTO found USING COALESCE(query, ''), COALESCE(scope, ''), since, until, size, seed, group_limit, sample_size;
    RETURN found;
END
$body$;
COMMENT ON FUNCTION auditlog_data.report_section(text, text, timestamptz, timestamptz, bigint, text[], text[], text, integer, integer) IS
    'The population of a section of a report: counts, groups, course, and sample';

-- A time that somebody wrote into an event; NULL when it is none.
CREATE FUNCTION auditlog_data.time_or_null(given text) RETURNS timestamptz
    LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET jit = off AS
$body$
BEGIN
    IF given !~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}' THEN
        RETURN NULL;
    END IF;
    RETURN given::timestamptz;
EXCEPTION WHEN data_exception THEN
    RETURN NULL;
END
$body$;
COMMENT ON FUNCTION auditlog_data.time_or_null(text) IS 'A text as a time, or NULL when it is none';

-- Events of a section that a reviewer must look at: all that the query finds, or those for which more holds. what: each; burst (at_least
-- events with the same values of per within a time, named by the event that completes it), same (the two fields of per have one value),
-- late (more than within after the time that the field per names), unanswered (no event of the query other with the same values of per
-- followed within the time, which is over).
CREATE FUNCTION auditlog_data.report_exception(query text, scope text, since timestamptz, until timestamptz, size bigint,
        what text, per text[], other text, at_least bigint, within interval, most integer) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET jit = off SET work_mem = '16MB' AS
$body$
DECLARE
    fields text[] := ARRAY(SELECT auditlog_data.field_expression(f.name) FROM unnest(per) WITH ORDINALITY AS f (name, i) ORDER BY f.i);
    key text := CASE WHEN what IN ('burst', 'unanswered') AND cardinality(fields) > 0
        THEN format('concat_ws('', '', %s) COLLATE "C"', array_to_string(fields, ', ')) ELSE '''''' END;
    more text := '';
    condition text := 'true';
    answers text := '';
    source text := 'q';
    found jsonb;
BEGIN
    IF what = 'burst' THEN
        more := format(', count(*) OVER (PARTITION BY %s ORDER BY e."timestamp" RANGE BETWEEN $6 PRECEDING AND CURRENT ROW) AS burst', key);
        condition := 'p.burst >= $7';
    ELSIF what = 'same' THEN
        more := format(', %s = %s AS same', fields[1], fields[2]);
        condition := 'p.same';
    ELSIF what = 'late' THEN
        more := format(', e."timestamp" > auditlog_data.time_or_null(%s) + $6 AS late', fields[1]);
        condition := 'p.late';
    ELSIF what = 'unanswered' THEN
        -- Backwards in time, so that the nearest answer so far is known at each event: one sort, however many there are.
        condition := 'p.at + $6 <= $4 AND COALESCE(p.answered > p.at + $6, true)';
        answers := format($sql$,
        o AS MATERIALIZED (
            SELECT e."timestamp" AS at, %s AS key FROM auditlog.events AS e
            WHERE auditlog.matches(e, $9) AND e.log_index < $5 AND e."timestamp" >= $3 AND e."timestamp" <= $4),
        u AS (
            SELECT u.log_index, u.at, u.key, min(u.answer) OVER (PARTITION BY u.key ORDER BY u.at DESC RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS answered
            FROM (SELECT q.log_index, q.at, q.key, NULL::timestamptz AS answer FROM q UNION ALL SELECT NULL, o.at, o.key, o.at FROM o) AS u)
            $sql$, key);
        source := '(SELECT * FROM u WHERE u.log_index IS NOT NULL)';
    END IF;
    EXECUTE format($sql$
        WITH q AS MATERIALIZED (
            SELECT e.log_index, e."timestamp" AS at, %s AS key %s
            FROM auditlog.events AS e
            WHERE auditlog.matches(e, $1) AND auditlog.matches(e, $2) AND e.log_index < $5 AND e."timestamp" >= $3 AND e."timestamp" < $4) %s,
        p AS MATERIALIZED (SELECT p.* FROM %s AS p WHERE %s)
        SELECT jsonb_build_object('count', (SELECT count(*) FROM p), 'log_indexes',
            COALESCE((SELECT jsonb_agg(f.log_index ORDER BY f.log_index) FROM (SELECT p.log_index FROM p ORDER BY p.log_index LIMIT $8) AS f), '[]'),
            'keys', COALESCE((SELECT jsonb_agg(jsonb_build_array(k.key, k.n) ORDER BY k.n DESC, k.key) FROM (
                SELECT p.key, %s AS n FROM p WHERE p.key <> '' GROUP BY p.key ORDER BY n DESC, p.key LIMIT 5) AS k), '[]'),
            'key_count', (SELECT count(DISTINCT p.key) FROM p WHERE p.key <> ''))
        $sql$, key, more, answers, source, condition, CASE what WHEN 'burst' THEN 'max(p.burst)' ELSE 'count(*)' END)
    INTO found USING COALESCE(query, ''), COALESCE(scope, ''), since, until, size, within, at_least, most, COALESCE(other, '');
    RETURN found;
END
$body$;
COMMENT ON FUNCTION auditlog_data.report_exception(text, text, timestamptz, timestamptz, bigint, text, text[], text, bigint, interval, integer) IS
    'Events of a section of a report that must be looked at first';

-- Rows of a section: those given first, then the others in the order of the log.
CREATE FUNCTION auditlog_data.report_rows(query text, scope text, since timestamptz, until timestamptz, size bigint, exceptions bigint[], most integer)
    RETURNS TABLE (log_index bigint, is_exception boolean, document text)
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET jit = off AS
$body$
BEGIN
    RETURN QUERY SELECT e.log_index, true, auditlog.to_json(e)::text FROM auditlog.events AS e WHERE e.log_index = ANY (exceptions)
        ORDER BY e.log_index LIMIT most;
    -- As text, so that the planner sees the queries. Which rows it is is known before any document is made.
    RETURN QUERY EXECUTE $sql$
        SELECT e.log_index, false, auditlog.to_json(e)::text FROM auditlog.events AS e WHERE e.log_index = ANY (ARRAY(
            SELECT e.log_index FROM auditlog.events AS e
            WHERE auditlog.matches(e, $1) AND auditlog.matches(e, $2) AND e.log_index < $5 AND e."timestamp" >= $3 AND e."timestamp" < $4
                AND e.log_index <> ALL ($6)
            ORDER BY e.log_index LIMIT $7)) ORDER BY e.log_index
        $sql$ USING COALESCE(query, ''), COALESCE(scope, ''), since, until, size, exceptions, GREATEST(most - cardinality(exceptions), 0);
END
$body$;
COMMENT ON FUNCTION auditlog_data.report_rows(text, text, timestamptz, timestamptz, bigint, bigint[], integer) IS 'Rows of a section of a report, exceptions first';

CREATE FUNCTION auditlog_data.report_sample(places bigint[]) RETURNS TABLE (log_index bigint, entry_hash bytea, record bytea, document text)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET jit = off AS
$body$
    SELECT e.log_index, e.entry_hash, auditlog.bundle_record(e), auditlog.to_json(e)::text FROM auditlog.events AS e
    WHERE e.log_index = ANY (places) ORDER BY e.log_index
$body$;
COMMENT ON FUNCTION auditlog_data.report_sample(bigint[]) IS 'Events of a sample, with what proves them';

-- The whole period: what happened, who did it, when; in one pass over the log that processes share (src/reporting/tally.rs).
CREATE FUNCTION auditlog_data.report_tally_add(state internal, event_type text, category text, status text, grave boolean, at timestamptz, actor text, resource text,
        log_index bigint, since timestamptz, width bigint) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'auditlog_report_tally_add';
COMMENT ON FUNCTION auditlog_data.report_tally_add(internal, text, text, text, boolean, timestamptz, text, text, bigint, timestamptz, bigint) IS
    'Part of auditlog_data.report_tally: counts an event';
CREATE FUNCTION auditlog_data.report_tally_merge(state internal, other internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'auditlog_report_tally_merge';
COMMENT ON FUNCTION auditlog_data.report_tally_merge(internal, internal) IS 'Part of auditlog_data.report_tally: adds what another process has counted';
CREATE FUNCTION auditlog_data.report_tally_bytes(state internal) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'auditlog_report_tally_bytes';
COMMENT ON FUNCTION auditlog_data.report_tally_bytes(internal) IS 'Part of auditlog_data.report_tally: hands counts over';
CREATE FUNCTION auditlog_data.report_tally_read(state bytea, other internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'auditlog_report_tally_read';
COMMENT ON FUNCTION auditlog_data.report_tally_read(bytea, internal) IS 'Part of auditlog_data.report_tally: takes counts over';
CREATE FUNCTION auditlog_data.report_tally_json(state internal) RETURNS jsonb
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'auditlog_report_tally_json';
COMMENT ON FUNCTION auditlog_data.report_tally_json(internal) IS 'Part of auditlog_data.report_tally: says what was counted';
CREATE AGGREGATE auditlog_data.report_tally(event_type text, category text, status text, grave boolean, at timestamptz, actor text, resource text,
        log_index bigint, since timestamptz, width bigint) (
    SFUNC = auditlog_data.report_tally_add, STYPE = internal, FINALFUNC = auditlog_data.report_tally_json, FINALFUNC_MODIFY = READ_ONLY,
    COMBINEFUNC = auditlog_data.report_tally_merge, SERIALFUNC = auditlog_data.report_tally_bytes, DESERIALFUNC = auditlog_data.report_tally_read, PARALLEL = SAFE);
COMMENT ON AGGREGATE auditlog_data.report_tally(text, text, text, boolean, timestamptz, text, text, bigint, timestamptz, bigint) IS
    'Figures and courses of the events of a report';

CREATE FUNCTION auditlog_data.report_counts(scope text, since timestamptz, until timestamptz, size bigint) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET jit = off SET work_mem = '16MB' AS
$body$
DECLARE
    -- At most some 60 pieces, of whole hours, days or weeks.
    width bigint := CASE WHEN until - since <= interval '2 days' THEN 3600 WHEN until - since <= interval '62 days' THEN 86400 ELSE 604800 END;
    found jsonb;
    more jsonb;
BEGIN
    -- As text, so that the planner sees the query.
    EXECUTE $sql$
    SELECT auditlog_data.report_tally(e.event_type, e.category, e.status, e.severity >= 'warning', e."timestamp", e.actor_id, e.resource_id, e.log_index, $2, $5)
    FROM auditlog.events AS e WHERE auditlog.matches(e, $1) AND e.log_index < $4 AND e."timestamp" >= $2 AND e."timestamp" < $3
    $sql$ INTO found USING COALESCE(scope, ''), since, until, size, width;
    -- Names that memory has no place for are counted on disk.
    IF found #> '{metrics,actors}' = 'null' THEN
        EXECUTE $sql$
        WITH a AS MATERIALIZED (
            SELECT e.actor_id COLLATE "C" AS actor_id, count(*) AS n
            FROM auditlog.events AS e WHERE auditlog.matches(e, $1) AND e.log_index < $4 AND e."timestamp" >= $2 AND e."timestamp" < $3 AND e.actor_id IS NOT NULL
            GROUP BY 1)
        SELECT jsonb_build_object('n', (SELECT count(*) FROM a), 'top', (SELECT jsonb_agg(jsonb_build_array(x.actor_id, x.n) ORDER BY x.n DESC, x.actor_id)
            FROM (SELECT a.actor_id, a.n FROM a ORDER BY a.n DESC, a.actor_id LIMIT 10) AS x))
        $sql$ INTO more USING COALESCE(scope, ''), since, until, size;
        found := jsonb_set(jsonb_set(found, '{metrics,actors}', more -> 'n'), '{actors}', more -> 'top');
    END IF;
    IF found #> '{metrics,resources}' = 'null' THEN
        EXECUTE $sql$
        SELECT to_jsonb(count(*)) FROM (SELECT e.resource_id COLLATE "C"
            FROM auditlog.events AS e WHERE auditlog.matches(e, $1) AND e.log_index < $4 AND e."timestamp" >= $2 AND e."timestamp" < $3 AND e.resource_id IS NOT NULL
            GROUP BY 1) AS r
        $sql$ INTO more USING COALESCE(scope, ''), since, until, size;
        found := jsonb_set(found, '{metrics,resources}', more);
    END IF;
    RETURN found || jsonb_build_object('width', width);
END
$body$;
COMMENT ON FUNCTION auditlog_data.report_counts(text, timestamptz, timestamptz, bigint) IS 'Figures and courses of a whole report';

-- Places between two of the log that hold no row, as ranges.
CREATE FUNCTION auditlog_data.report_holes(first bigint, last bigint) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on SET jit = off AS
$body$
BEGIN
    -- As many rows as places: then there is none to be looked for.
    IF (SELECT count(*) FROM auditlog_data.log AS l WHERE l.log_index BETWEEN first AND last) = last - first + 1 THEN
        RETURN '[]';
    END IF;
    RETURN (SELECT COALESCE(jsonb_agg(jsonb_build_array(h.before + 1, h.log_index - 1) ORDER BY h.log_index), '[]') FROM (
        SELECT l.log_index, lag(l.log_index, 1, report_holes.first - 1) OVER (ORDER BY l.log_index) AS before
        FROM auditlog_data.log AS l WHERE l.log_index BETWEEN report_holes.first AND report_holes.last) AS h WHERE h.before + 1 < h.log_index);
END
$body$;
COMMENT ON FUNCTION auditlog_data.report_holes(bigint, bigint) IS 'Which places of a part of the log hold no row';

-- How many events have which fields: of all events, or of those of a query; places of some that lack it.
CREATE FUNCTION auditlog_data.report_field(field text, query text, scope text, since timestamptz, until timestamptz, size bigint) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET jit = off AS
$body$
DECLARE
    found jsonb;
BEGIN
    EXECUTE format($sql$
        WITH p AS MATERIALIZED (
            SELECT e.log_index, %s IS NOT NULL AS present FROM auditlog.events AS e
            WHERE auditlog.matches(e, $1) AND auditlog.matches(e, $2) AND e.log_index < $5 AND e."timestamp" >= $3 AND e."timestamp" < $4)
        SELECT jsonb_build_object('present', count(*) FILTER (WHERE p.present), 'total', count(*), 'missing_examples',
            COALESCE((SELECT jsonb_agg(m.log_index ORDER BY m.log_index) FROM (SELECT p.log_index FROM p WHERE NOT p.present ORDER BY 1 LIMIT 5) AS m), '[]'))
        FROM p$sql$, auditlog_data.field_expression(field))
    INTO found USING COALESCE(query, ''), COALESCE(scope, ''), since, until, size;
    RETURN found;
END
$body$;
COMMENT ON FUNCTION auditlog_data.report_field(text, text, text, timestamptz, timestamptz, bigint) IS 'How many events of a period have a field';

-- Of each retention class, when its events begin and end: here, at once to be found, and anywhere.
CREATE FUNCTION auditlog_data.report_retention(since timestamptz, until timestamptz) RETURNS TABLE (class text, oldest timestamptz, newest timestamptz,
        online_oldest timestamptz, removed bigint, removed_after integer, archived_after integer)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on AS
$body$
    WITH here AS (
        SELECT c.relname AS parent, substr(c.relname, 5) AS class FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'auditlog_data.log'::regclass),
    times AS (
        SELECT h.class, t.oldest, t.newest FROM here AS h CROSS JOIN LATERAL (SELECT min(l."timestamp") AS oldest, max(l."timestamp") AS newest
            FROM auditlog_data.log AS l WHERE l.retention_class = h.class AND l."timestamp" < until) AS t),
    cold AS (SELECT a.retention_class AS class, min(a.day)::timestamp AT TIME ZONE 'UTC' AS oldest FROM auditlog_data.archive_object AS a WHERE a.state = 'live' GROUP BY 1),
    -- A partition of a month goes as a whole: its youngest event is as old as the month's end, at least.
    moved AS (SELECT m.retention_class AS class, m.kind, m.events, m.ended_at, floor(extract(epoch FROM m.ended_at - (make_timestamptz(
            substring(m.relation, '_([0-9]{4})_[0-9]{2}$')::integer, substring(m.relation, '_[0-9]{4}_([0-9]{2})$')::integer, 1, 0, 0, 0, 'UTC')
            + interval '1 month')) / 86400)::integer AS days
        FROM auditlog_data.retention_move AS m WHERE m.state = 'done' AND m.ended_at >= since AND m.ended_at < until),
    gone AS (SELECT m.class, COALESCE(sum(m.events) FILTER (WHERE m.kind IN ('remove', 'expire')), 0)::bigint AS removed,
            GREATEST(min(m.days) FILTER (WHERE m.kind IN ('remove', 'expire')), 0) AS removed_after, GREATEST(min(m.days) FILTER (WHERE m.kind = 'archive'), 0) AS archived_after
        FROM moved AS m GROUP BY 1)
    SELECT t.class, LEAST(t.oldest, c.oldest), t.newest, t.oldest, COALESCE(g.removed, 0), g.removed_after, g.archived_after
    FROM times AS t LEFT JOIN cold AS c USING (class) LEFT JOIN gone AS g USING (class)
$body$;
COMMENT ON FUNCTION auditlog_data.report_retention(timestamptz, timestamptz) IS 'From when to when each retention class has events';

-- What the checks of frameworks read beside the chain (src/reporting/chain.rs) and the fields: rows by the names of
-- crates/report/src/framework/evidence. counts: events of the period by type.
CREATE FUNCTION auditlog_data.report_evidence(since timestamptz, until timestamptz, size bigint, counts jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on SET timezone = 'UTC' SET jit = off AS
$body$
DECLARE
    host text := COALESCE(NULLIF(current_setting('cluster_name'), ''), current_database());
    snapshot record;
    growth double precision;
BEGIN
    SELECT * INTO snapshot FROM auditlog_data.access_snapshot AS s WHERE s.at < until ORDER BY s.at DESC LIMIT 1;
    IF NOT FOUND THEN
        SELECT * INTO snapshot FROM auditlog_data.access_snapshot AS s ORDER BY s.at LIMIT 1;
    END IF;
    SELECT regr_slope(s.used_bytes, extract(epoch FROM s.at)) * 86400 INTO growth FROM auditlog_data.health_sample AS s
        WHERE s.at < until AND s.at >= until - interval '30 days';
    RETURN jsonb_build_object(
        'samples', COALESCE((SELECT jsonb_agg(jsonb_build_object('checked_at', s.at, 'host', host, 'audit_enabled', s.audit_enabled,
            'source', s.clock_source, 'offset_ms', s.clock_offset_ms, 'ntp_synchronised', s.clock_synchronised, 'regressions', s.regressions,
            'utc', true, 'granularity_us', 1, 'sealer_lag_seconds', s.seal_lag_seconds, 'queue', s.waiting, 'used_bytes', s.used_bytes,
            'limit_bytes', s.used_bytes + s.free_bytes, 'growth_per_day', growth, 'config_hash', s.config_sha256, 'library_hash', s.library_sha256)
            ORDER BY s.at) FROM auditlog_data.health_sample AS s WHERE s.at >= since AND s.at < until), '[]'),
        'sinks', COALESCE((SELECT jsonb_agg(jsonb_build_object('checked_at', s.at, 'sink', k.sink ->> 'sink',
            'last_log_index', CASE WHEN (k.sink ->> 'last_log_index')::bigint >= 0 THEN k.sink -> 'last_log_index' END, 'lag_seconds', k.sink -> 'lag_seconds',
            'failures', CASE WHEN k.sink ->> 'state' IN ('error', 'retrying') THEN 1 ELSE 0 END) ORDER BY s.at, k.sink ->> 'sink')
            FROM auditlog_data.health_sample AS s CROSS JOIN LATERAL jsonb_array_elements(s.sinks) AS k (sink) WHERE s.at >= since AND s.at < until), '[]'),
        'alerts', COALESCE((SELECT jsonb_agg(jsonb_build_object('fired_at', f.fired_at, 'rule', f.alert, 'severity', f.severity,
            'tags', COALESCE(a.canonical -> 'tags', '[]'), 'actor.id', f.group_values ->> 'actor.id', 'resource.id', f.group_values ->> 'resource.id',
            'acknowledged_at', f.acknowledged_at, 'acknowledged_by', f.acknowledged_by, 'closed_at', CASE WHEN f.acknowledged_at IS NOT NULL THEN f.resolved_at END,
            'disposition', f.disposition) ORDER BY f.fired_at, f.id) FROM auditlog_data.firing AS f LEFT JOIN auditlog_data.alert AS a ON a.id = f.alert_id
            WHERE f.fired_at >= since AND f.fired_at < until), '[]'),
        -- As the samples saw it: a rule is taken to be on from one sample that says so to the next.
        'rules', COALESCE((SELECT jsonb_agg(jsonb_build_object('rule', u.rule, 'severity', u.severity, 'tags', u.tags, 'enabled_from', u.first,
            'enabled_until', CASE WHEN u.next IS NOT NULL AND u.next < until THEN u.next END, 'missed_runs', u.faults) ORDER BY u.rule, u.first) FROM (
            SELECT g.rule, max(g.severity) AS severity, (max(g.tags::text))::jsonb AS tags, min(g.at) AS first, max(g.next_at) AS next, count(*) FILTER (WHERE g.failing) AS faults
            FROM (SELECT r.*, sum(CASE WHEN r.was THEN 0 ELSE 1 END) OVER (PARTITION BY r.rule ORDER BY r.at) AS run FROM (
                SELECT s.at, s.next_at, x.rule ->> 'rule' AS rule, x.rule ->> 'severity' AS severity, x.rule -> 'tags' AS tags,
                    (x.rule ->> 'enabled')::boolean AS enabled, x.rule ->> 'error' IS NOT NULL AS failing,
                    COALESCE(lag((x.rule ->> 'enabled')::boolean) OVER (PARTITION BY x.rule ->> 'rule' ORDER BY s.at), false) AS was
                FROM (SELECT h.at, h.alerts, lead(h.at) OVER (ORDER BY h.at) AS next_at FROM auditlog_data.health_sample AS h
                    WHERE h.at >= since - interval '1 day' AND h.at < until) AS s
                CROSS JOIN LATERAL jsonb_array_elements(s.alerts) AS x (rule)) AS r WHERE r.enabled) AS g GROUP BY g.rule, g.run) AS u), '[]'),
        'reviews', COALESCE((SELECT jsonb_agg(jsonb_build_object('period_start', lower(r.period), 'period_end', upper(r.period), 'reviewer', r.reviewer,
            'events_in_scope', r.events_in_scope, 'exceptions', r.exceptions, 'signed_off_at', r.signed_at, 'signature', r.event_id)
            ORDER BY lower(r.period), r.id) FROM auditlog_data.review AS r WHERE r.period && tstzrange(since, until)), '[]'),
        'roles', COALESCE((SELECT jsonb_agg(jsonb_build_object('role', r.role ->> 'role', 'can_login', (r.role ->> 'can_login')::boolean,
            'last_login', l.last_login, 'days_idle', CASE WHEN (r.role ->> 'can_login')::boolean THEN
                GREATEST(floor(extract(epoch FROM until - COALESCE(l.last_login, snapshot_first.at)) / 86400), 0)::integer END,
            'reads_log', CASE WHEN (r.role ->> 'superuser')::boolean THEN 'superuser' WHEN m.roles <> '[]' THEN 'role'
                WHEN EXISTS (SELECT FROM jsonb_array_elements(snapshot.grants) AS g (item) WHERE g.item ->> 'object' LIKE 'auditlog.%' AND g.item ->> 'grantee' = r.role ->> 'role'
                    AND g.item -> 'privileges' ? 'SELECT' AND r.role ->> 'role' !~ '^auditlog_') THEN 'grant' END,
            'member_of', m.roles, 'granted_by', m.granted_by, 'last_used', u.last_used) ORDER BY r.role ->> 'role')
            FROM jsonb_array_elements(snapshot.roles) AS r (role)
            CROSS JOIN LATERAL (SELECT COALESCE(jsonb_agg(g.item ->> 'role' ORDER BY g.item ->> 'role'), '[]') AS roles, min(g.item ->> 'granted_by') AS granted_by
                FROM jsonb_array_elements(r.role -> 'member_of') AS g (item) WHERE g.item ->> 'role' ~ '^auditlog_') AS m
            CROSS JOIN LATERAL (SELECT max(e."timestamp") AS last_login FROM auditlog_data.log AS e WHERE e.actor_id = r.role ->> 'role'
                AND e.event_type = 'authentication.login' AND e.status = 'success' AND e."timestamp" < until AND e.log_index < size) AS l
            CROSS JOIN LATERAL (SELECT max(e."timestamp") AS last_used FROM auditlog_data.log AS e WHERE e.actor_id = r.role ->> 'role'
                AND e.event_type IN ('auditlog.view', 'auditlog.search', 'auditlog.export') AND e."timestamp" < until AND e.log_index < size) AS u
            CROSS JOIN (SELECT min(o.at) AS at FROM auditlog_data.access_snapshot AS o) AS snapshot_first
            WHERE r.role ->> 'role' !~ '^(auditlog_|pg_)'), '[]'),
        'objects', COALESCE((SELECT jsonb_agg(jsonb_build_object('object', c.object, 'classification', c.classification, 'rls', COALESCE(g.rls, false),
            'masking', COALESCE(t.masks, false), 'audit_policy', t.policy) ORDER BY c.object)
            FROM auditlog_data.classified_objects() AS c
            LEFT JOIN (SELECT o.item ->> 'object' AS object, bool_or((o.item ->> 'rls')::boolean) AS rls FROM jsonb_array_elements(snapshot.grants) AS o (item) GROUP BY 1) AS g
                ON g.object = c.object
            LEFT JOIN auditlog_data.tracked_objects() AS t ON t.object = c.object), '[]'),
        'event_types', COALESCE((SELECT jsonb_agg(jsonb_build_object('event_type', t.event_type, 'capable', true,
            -- A type is chosen when the catalogue has it; who has changed the catalogue, events say.
            'selected', true, 'rationale', t.description, 'reviewed_at', v.reviewed_at, 'count', COALESCE((counts ->> t.event_type)::bigint, 0)) ORDER BY t.event_type)
            FROM auditlog.event_types AS t
            CROSS JOIN (SELECT max(r.signed_at) AS reviewed_at FROM auditlog_data.review AS r WHERE r.signed_at < until + interval '1 day') AS v), '[]'),
        'coverage', COALESCE((SELECT jsonb_agg(jsonb_build_object('component', current_database(), 'object', c.object, 'classification', c.classification,
            'audited', t.policy IS NOT NULL, 'policy', t.policy, 'enabled_since', t.since, 'last_event_at', (SELECT max(e."timestamp") FROM auditlog_data.log AS e
                WHERE e.resource_type = c.object AND e."timestamp" < until)) ORDER BY c.object)
            FROM auditlog_data.classified_objects() AS c LEFT JOIN auditlog_data.tracked_objects() AS t ON t.object = c.object), '[]')
            || jsonb_build_array(jsonb_build_object('component', current_database(), 'audited', true, 'policy', 'pg_auditlog',
                'last_event_at', (SELECT max(e."timestamp") FROM auditlog_data.log AS e WHERE e."timestamp" < until))),
        'verifications', COALESCE((SELECT jsonb_agg(jsonb_build_object('verified_at', v.ended_at, 'from_log_index', v.from_index, 'to_log_index', GREATEST(v.to_index - 1, 0),
            'records', v.to_index - v.from_index, 'result', CASE WHEN v.findings = 0 THEN 'clean' ELSE format('%s findings, the first: %s', v.findings, v.first_finding) END)
            ORDER BY v.id) FROM auditlog_data.verification_run AS v WHERE v.ended_at >= since - interval '1 day' AND v.ended_at < until + interval '1 day'), '[]'));
END
$body$;
COMMENT ON FUNCTION auditlog_data.report_evidence(timestamptz, timestamptz, bigint, jsonb) IS 'What checks of frameworks read';

-- sql/schema/54_reports.sql
-- Reports (docs/reports.md): frameworks and definitions, what was asked for, and what came of it. The reporter (src/worker/reporter.rs)
-- makes them, a section in a transaction, as long as who asked may make reports.

-- Frameworks that users have added; those that come with the extension are in its library.
CREATE TABLE auditlog_data.framework (
    id text PRIMARY KEY,
    definition text NOT NULL,
    canonical jsonb NOT NULL,
    sha256 text NOT NULL,
    added_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    added_by text NOT NULL
);
COMMENT ON TABLE auditlog_data.framework IS 'Frameworks that users have added; read auditlog.frameworks';

CREATE TABLE auditlog_data.report_definition (
    name text PRIMARY KEY,
    definition text NOT NULL,
    canonical jsonb NOT NULL,
    sha256 text NOT NULL,
    made_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    made_by text NOT NULL,
    job_id bigint
);
COMMENT ON TABLE auditlog_data.report_definition IS 'Custom reports as they were defined; read auditlog.report_definitions';

CREATE TABLE auditlog_data.report (
    id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    kind text NOT NULL CHECK (kind OPERATOR(pg_catalog.=) ANY (ARRAY['compliance', 'custom', 'incident'])),
    -- Framework, name of the definition, or title; and its text when the report was asked for.
    name text NOT NULL,
    definition text NOT NULL,
    since timestamptz NOT NULL,
    until timestamptz NOT NULL,
    filters jsonb NOT NULL,
    formats text[] NOT NULL,
    asked_by text NOT NULL,
    -- The role that must be allowed to make reports as long as it is made.
    role_oid oid NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    -- Later events are not part of it.
    log_size bigint NOT NULL,
    max_rows integer NOT NULL,
    organisation text,
    state text NOT NULL DEFAULT 'waiting'
        CHECK (state OPERATOR(pg_catalog.=) ANY (ARRAY['waiting', 'running', 'done', 'failed', 'cancelled'])),
    begun_at timestamptz,
    ended_at timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    sections integer NOT NULL DEFAULT 0,
    sections_done integer NOT NULL DEFAULT 0,
    working_on text,
    findings integer,
    manifest_sha256 text,
    event_id text,
    error text
);
COMMENT ON TABLE auditlog_data.report IS 'Reports that were asked for; read auditlog.reports';
CREATE INDEX report_open ON auditlog_data.report (id)
    WHERE state OPERATOR(pg_catalog.=) 'waiting' OR state OPERATOR(pg_catalog.=) 'running';

CREATE TABLE auditlog_data.report_file (
    report_id bigint NOT NULL REFERENCES auditlog_data.report (id),
    format text NOT NULL,
    content bytea NOT NULL,
    sha256 text NOT NULL,
    PRIMARY KEY (report_id, format)
);
COMMENT ON TABLE auditlog_data.report_file IS 'Files of reports; auditlog.report_file() hands them out';
-- PDF is compressed, and the rest is read as a whole.
ALTER TABLE auditlog_data.report_file ALTER COLUMN content SET STORAGE EXTENDED;

-- Files of custom reports on their way to sinks that take files. A sink is named, not referred to: one of the same name may take its place.
CREATE TABLE auditlog_data.report_delivery (
    report_id bigint NOT NULL REFERENCES auditlog_data.report (id),
    sink text NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CHECK (state OPERATOR(pg_catalog.=) ANY (ARRAY['waiting', 'delivered', 'failed'])),
    attempts integer NOT NULL DEFAULT 0,
    -- Not before this time.
    due_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    ended_at timestamptz,
    -- The folder at the sink, and whether the proof of the report's seal is in it.
    folder text,
    proven boolean,
    error text,
    PRIMARY KEY (report_id, sink)
);
COMMENT ON TABLE auditlog_data.report_delivery IS 'Files of reports on their way to sinks; read auditlog.report_deliveries';
CREATE INDEX report_delivery_due ON auditlog_data.report_delivery (due_at) WHERE state OPERATOR(pg_catalog.=) 'waiting';

DO $triggers$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['framework', 'report_definition', 'report', 'report_file', 'report_delivery'] LOOP
        EXECUTE pg_catalog.format('CREATE TRIGGER auditlog_no_change BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON auditlog_data.%I'
            ' FOR EACH STATEMENT EXECUTE FUNCTION auditlog_data.refuse()', t);
        EXECUTE pg_catalog.format('ALTER TABLE auditlog_data.%I ENABLE ALWAYS TRIGGER auditlog_no_change', t);
        PERFORM pg_catalog.pg_extension_config_dump(pg_catalog.format('auditlog_data.%I', t), '');
    END LOOP;
END
$triggers$;
SELECT pg_catalog.pg_extension_config_dump('auditlog_data.report_id_seq', '');

CREATE FUNCTION auditlog_data.builtin_frameworks() RETURNS TABLE (id text, definition text, canonical jsonb, sha256 text)
    LANGUAGE c IMMUTABLE PARALLEL SAFE ROWS 6 AS 'MODULE_PATHNAME', 'auditlog_builtin_frameworks';
COMMENT ON FUNCTION auditlog_data.builtin_frameworks() IS 'The frameworks that come with the extension';

CREATE VIEW auditlog.frameworks AS
SELECT f.id, f.canonical OPERATOR(pg_catalog.->>) 'name' AS name, f.canonical OPERATOR(pg_catalog.->>) 'version' AS version,
    pg_catalog.jsonb_array_length(f.canonical OPERATOR(pg_catalog.->) 'controls') AS controls,
    COALESCE(f.canonical OPERATOR(pg_catalog.->) 'parameters', '[]') AS parameters, f.built_in, f.sha256, f.added_at, f.added_by, f.definition
FROM (
    SELECT b.id, b.definition, b.canonical, b.sha256, true AS built_in, NULL::timestamptz AS added_at, NULL::text AS added_by
    FROM auditlog_data.builtin_frameworks() AS b
    UNION ALL SELECT a.id, a.definition, a.canonical, a.sha256, false, a.added_at, a.added_by FROM auditlog_data.framework AS a) AS f;
COMMENT ON VIEW auditlog.frameworks IS 'Frameworks that reports can be made of: built-in ones, and those that were added';

CREATE VIEW auditlog.controls AS
SELECT f.id AS framework, f.canonical OPERATOR(pg_catalog.->>) 'version' AS version, c.control OPERATOR(pg_catalog.->>) 'control' AS control,
    c.control OPERATOR(pg_catalog.->>) 'title' AS title, c.control OPERATOR(pg_catalog.->>) 'asks' AS asks,
    c.control OPERATOR(pg_catalog.->>) 'query' AS query, c.control OPERATOR(pg_catalog.->) 'checks' AS checks,
    c.control OPERATOR(pg_catalog.->>) 'directness' AS directness, c.control AS definition
FROM (SELECT b.id, b.canonical FROM auditlog_data.builtin_frameworks() AS b UNION ALL SELECT a.id, a.canonical FROM auditlog_data.framework AS a) AS f
CROSS JOIN LATERAL pg_catalog.jsonb_array_elements(f.canonical OPERATOR(pg_catalog.->) 'controls') AS c (control);
COMMENT ON VIEW auditlog.controls IS 'What frameworks ask for, and what answers it: a query, or checks of a state';

CREATE FUNCTION auditlog.add_framework(definition text) RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_add_framework';
COMMENT ON FUNCTION auditlog.add_framework(text) IS 'Adds a framework (YAML or JSON), or puts it in the place of the one of the same id that was added before; returns its id';

CREATE FUNCTION auditlog.drop_framework(id text) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_drop_framework';
COMMENT ON FUNCTION auditlog.drop_framework(text) IS 'Removes a framework that was added; reports that were made of it stay';

CREATE FUNCTION auditlog.generate_report(framework text, since timestamptz, until timestamptz, filters jsonb DEFAULT NULL,
        formats text[] DEFAULT '{pdf,json,csv}') RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_generate_report';
COMMENT ON FUNCTION auditlog.generate_report(text, timestamptz, timestamptz, jsonb, text[]) IS
    'Has a report on a framework made by a worker; returns its number in auditlog.reports';

CREATE FUNCTION auditlog.report_json(framework text, since timestamptz, until timestamptz, filters jsonb DEFAULT NULL) RETURNS jsonb
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_report_json';
COMMENT ON FUNCTION auditlog.report_json(text, timestamptz, timestamptz, jsonb) IS
    'A report on a framework at once, for periods with few events (auditlog.report_direct_events)';

CREATE FUNCTION auditlog.incident_report(query text, since timestamptz, until timestamptz, title text, formats text[] DEFAULT '{pdf,json,csv}') RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_incident_report';
COMMENT ON FUNCTION auditlog.incident_report(text, timestamptz, timestamptz, text, text[]) IS
    'Has a report on an incident made by a worker: who and what was affected, in which sequence, and which alerts fired; returns its number';

CREATE FUNCTION auditlog.create_report(definition text) RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_create_report';
COMMENT ON FUNCTION auditlog.create_report(text) IS
    'Defines a report of one''s own (YAML or JSON), or defines it anew, with its schedule where it has one; returns its name';

CREATE FUNCTION auditlog.drop_report(name text) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_drop_report';
COMMENT ON FUNCTION auditlog.drop_report(text) IS 'Removes the definition of a report and its schedule; reports that were made of it stay';

CREATE FUNCTION auditlog.run_report(name text, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL) RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_run_report';
COMMENT ON FUNCTION auditlog.run_report(text, timestamptz, timestamptz) IS
    'Has a report made as it was defined, for its period or another one; returns its number in auditlog.reports';

CREATE FUNCTION auditlog.cancel_report(id bigint) RETURNS boolean
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_cancel_report';
COMMENT ON FUNCTION auditlog.cancel_report(bigint) IS 'Ends a report that is not done; false when it has ended already';

CREATE FUNCTION auditlog.retry_report(id bigint) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_retry_report';
COMMENT ON FUNCTION auditlog.retry_report(bigint) IS 'Has a report that failed or was cancelled made once more';

CREATE FUNCTION auditlog.report_file(id bigint, format text) RETURNS bytea
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_report_file';
COMMENT ON FUNCTION auditlog.report_file(bigint, text) IS 'A file of a report: pdf, json, csv, or manifest';

CREATE FUNCTION auditlog.report_proof(id bigint) RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_report_proof';
COMMENT ON FUNCTION auditlog.report_proof(bigint) IS
    'What shows that the log has sealed a report: the event that names its files, and its place in a signed checkpoint; auditlog verify --proof takes it';

CREATE VIEW auditlog.reports AS
SELECT r.id, r.kind, r.name, r.state, r.since, r.until, r.filters, r.formats, r.asked_by, r.asked_at, r.begun_at, r.ended_at, r.log_size,
    r.sections_done, r.sections, CASE WHEN r.state OPERATOR(pg_catalog.=) 'running' THEN r.working_on END AS working_on, r.findings,
    (SELECT pg_catalog.jsonb_object_agg(f.format, pg_catalog.jsonb_build_object('bytes', pg_catalog.octet_length(f.content), 'sha256', f.sha256))
        FROM auditlog_data.report_file AS f WHERE f.report_id OPERATOR(pg_catalog.=) r.id) AS files,
    r.manifest_sha256, r.event_id, r.attempts, r.error
FROM auditlog_data.report AS r;
COMMENT ON VIEW auditlog.reports IS 'Reports: how far they are, what was found, and what their files are';

CREATE VIEW auditlog.report_deliveries AS
SELECT d.report_id, r.name, d.sink, d.state, d.attempts, CASE WHEN d.state OPERATOR(pg_catalog.=) 'waiting' THEN d.due_at END AS due_at, d.ended_at,
    d.folder, d.proven, d.error
FROM auditlog_data.report_delivery AS d JOIN auditlog_data.report AS r ON r.id OPERATOR(pg_catalog.=) d.report_id;
COMMENT ON VIEW auditlog.report_deliveries IS 'Files of custom reports: to which sinks they went, in which folder, and what they wait for';

CREATE VIEW auditlog.report_definitions AS
SELECT d.name, d.canonical OPERATOR(pg_catalog.->>) 'title' AS title, d.canonical OPERATOR(pg_catalog.->>) 'schedule' AS schedule, d.definition, d.sha256,
    d.made_at, d.made_by, d.job_id,
    (SELECT pg_catalog.max(r.id) FROM auditlog_data.report AS r WHERE r.kind OPERATOR(pg_catalog.=) 'custom' AND r.name OPERATOR(pg_catalog.=) d.name) AS last_report
FROM auditlog_data.report_definition AS d;
COMMENT ON VIEW auditlog.report_definitions IS 'Reports of one''s own: their definitions and schedules';

-- How things stand, for a dashboard: each figure with what is expected of it.
CREATE FUNCTION auditlog_data.compliance_metrics() RETURNS TABLE (metric text, subject text, value double precision, unit text, status text, detail text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on SET jit = off AS
$body$
DECLARE
    h record;
    i record;
    p record;
    v record;
    r record;
BEGIN
    SELECT * INTO h FROM auditlog_data.head_state();
    SELECT * INTO i FROM auditlog_data.inbox_state();
    SELECT * INTO p FROM auditlog_data.publisher_state();
    SELECT * INTO v FROM auditlog_data.verification_run AS o ORDER BY o.id DESC LIMIT 1;

    metric := 'completeness'; subject := NULL; unit := '% of sealed events verified';
    value := round(100.0 * COALESCE(p.verified_size, 0) / GREATEST(h.size, 1), 2);
    status := CASE WHEN COALESCE(p.verify_findings, 0) > 0 THEN 'error' WHEN h.size - COALESCE(p.verified_size, 0) > 10000 AND value < 99 THEN 'warning' ELSE 'ok' END;
    detail := CASE WHEN COALESCE(p.verify_findings, 0) > 0 THEN format('%s findings, the first: %s', p.verify_findings, p.verify_first)
        ELSE format('%s of %s events', COALESCE(p.verified_size, 0), COALESCE(h.size, 0)) END;
    RETURN NEXT;

    metric := 'seal_lag'; unit := 'seconds'; value := COALESCE(GREATEST(extract(epoch FROM clock_timestamp() - i.oldest), 0), 0);
    status := CASE WHEN value > 300 THEN 'error' WHEN value > 10 THEN 'warning' ELSE 'ok' END;
    detail := format('%s events wait to be sealed', i.events);
    RETURN NEXT;

    metric := 'verification_age'; unit := 'hours'; value := extract(epoch FROM clock_timestamp() - v.ended_at) / 3600;
    status := CASE WHEN v.ended_at IS NULL OR value > 24 THEN 'warning' ELSE 'ok' END;
    detail := COALESCE(format('the log was last verified to its end at %s', date_trunc('second', v.ended_at)), 'the log was not verified to its end yet');
    RETURN NEXT;

    FOR r IN SELECT c.retention_class, count(*) AS n, min(c.message) AS first FROM auditlog.retention_conflicts() AS c GROUP BY 1 ORDER BY 1 LOOP
        metric := 'retention_conflicts'; subject := r.retention_class; unit := 'conflicts'; value := r.n; status := 'warning'; detail := r.first;
        RETURN NEXT;
    END LOOP;
    FOR r IN SELECT c.retention_class, min(c.hot) AS hot, min(c.warm) AS warm, min(c.cold) AS cold FROM auditlog.retention() AS c GROUP BY 1 ORDER BY 1 LOOP
        metric := 'retention'; subject := r.retention_class; unit := 'days kept';
        value := (SELECT extract(epoch FROM clock_timestamp() - min(l."timestamp")) / 86400 FROM auditlog_data.log AS l WHERE l.retention_class = r.retention_class);
        status := 'ok'; detail := format('hot %s, warm %s, cold %s', r.hot, r.warm, r.cold);
        RETURN NEXT;
    END LOOP;

    metric := 'review'; subject := NULL; unit := 'days since the end of the last reviewed period';
    value := (SELECT extract(epoch FROM clock_timestamp() - max(upper(o.period))) / 86400 FROM auditlog_data.review AS o);
    status := CASE WHEN value IS NULL OR value > 7 THEN 'warning' ELSE 'ok' END;
    detail := COALESCE((SELECT format('the last review was signed by %s at %s', o.reviewer, date_trunc('second', o.signed_at)) FROM auditlog_data.review AS o
        ORDER BY upper(o.period) DESC, o.id DESC LIMIT 1), 'no review was signed yet: auditlog.sign_review()');
    RETURN NEXT;

    metric := 'alert_coverage'; unit := '% of alerts enabled';
    SELECT count(*) AS n, count(*) FILTER (WHERE a.enabled AND st.error IS NULL) AS works INTO r FROM auditlog_data.alert AS a
        LEFT JOIN auditlog_data.alert_state AS st ON st.alert_id = a.id;
    value := round(100.0 * r.works / NULLIF(r.n, 0), 2);
    status := CASE WHEN r.n = 0 OR r.works < r.n THEN 'warning' ELSE 'ok' END; detail := format('%s of %s alerts are evaluated', r.works, r.n);
    RETURN NEXT;

    metric := 'open_firings'; unit := 'firings that nobody has acknowledged';
    value := (SELECT count(*) FROM auditlog_data.firing AS f WHERE f.acknowledged_at IS NULL);
    status := CASE WHEN value > 0 THEN 'warning' ELSE 'ok' END;
    detail := COALESCE((SELECT format('the oldest since %s', date_trunc('second', min(f.fired_at))) FROM auditlog_data.firing AS f
        WHERE f.acknowledged_at IS NULL HAVING count(*) > 0), 'all firings were acknowledged');
    RETURN NEXT;

    metric := 'health_samples'; unit := 'hours since the last sample';
    value := (SELECT extract(epoch FROM clock_timestamp() - max(s.at)) / 3600 FROM auditlog_data.health_sample AS s);
    status := CASE WHEN value IS NULL OR value > 2 THEN 'warning' ELSE 'ok' END;
    detail := 'reports read a sample of health for each hour (auditlog.sample_interval)';
    RETURN NEXT;
END
$body$;
COMMENT ON FUNCTION auditlog_data.compliance_metrics() IS 'What auditlog.compliance_metrics shows';

CREATE VIEW auditlog.compliance_metrics AS SELECT m.metric, m.subject, m.value, m.unit, m.status, m.detail FROM auditlog_data.compliance_metrics() AS m;
COMMENT ON VIEW auditlog.compliance_metrics IS 'Completeness, seal lag, verification, retention, reviews and alerts: how they stand, and what is wrong';

-- sql/schema/60_event_types.sql
-- The built-in catalogue of event types: every kind of event the product names, the evidence that
-- the compliance controls ask for, and what the extension says about itself. Users add their own
-- rows beside these (built_in = false).
--
-- One statement per category, sorted by event type. A JSON Schema says only what an event of that
-- type cannot do without: it must never refuse an honest event for lack of a detail.

-- access: who may do what, and use of that right
INSERT INTO auditlog.event_types (event_type, category, default_severity, description, json_schema, built_in) VALUES
('access.attach', 'access', 'notice', 'Somebody attached to a process that runs in a container or on a machine.', NULL, true),
('access.check', 'access', 'debug', 'A system asked whether somebody may do something, without doing it.', NULL, true),
('access.denied', 'access', 'warning', 'A request was refused because the actor lacks the right.', NULL, true),
('access.exec', 'access', 'notice', 'A command was run, or a shell opened, inside a container or on a machine.', NULL, true),
('access.port_forward', 'access', 'notice', 'A network port of a workload was forwarded to the caller.', NULL, true),
('access.proxy', 'access', 'notice', 'A request was passed through to a workload or machine by a proxy.', NULL, true),
('breakglass.begin', 'access', 'critical', 'Emergency access with more rights than usual was opened.', NULL, true),
('breakglass.end', 'access', 'warning', 'Emergency access was closed again.', NULL, true),
('default_privileges.alter', 'access', 'notice', 'The rights that future objects get by default were changed.', NULL, true),
('grant.privilege', 'access', 'notice', 'A right on an object was granted.', NULL, true),
('grant.role', 'access', 'notice', 'Somebody was made a member of a role or group.', '{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "required": ["resource"],
  "properties": {
    "resource": {
      "type": "object",
      "required": ["type"],
      "properties": {"type": {"type": "string", "minLength": 1}}
    }
  }
}', true),
('owner.change', 'access', 'notice', 'An object got another owner.', NULL, true),
('review.access_completed', 'access', 'info', 'A periodic review of access rights was finished.', NULL, true),
('revoke.privilege', 'access', 'notice', 'A right on an object was taken away.', NULL, true),
('revoke.role', 'access', 'notice', 'Somebody''s membership in a role or group was ended.', NULL, true),
('rls.denied', 'access', 'warning', 'Row-level security refused a row to the actor.', NULL, true),
('role.alter', 'access', 'notice', 'A role, account or group was changed.', NULL, true),
('role.create', 'access', 'notice', 'A role, account or group was created.', NULL, true),
('role.drop', 'access', 'notice', 'A role, account or group was removed.', NULL, true),
('role.rename', 'access', 'notice', 'A role, account or group got another name.', NULL, true),
('session.set_authorization', 'access', 'notice', 'A session took the identity of another account.', NULL, true),
('session.set_role', 'access', 'info', 'A session went on under another role.', NULL, true);

-- auditlog: what this extension says about itself
INSERT INTO auditlog.event_types (event_type, category, default_severity, description, json_schema, built_in) VALUES
('auditlog.access_denied', 'auditlog', 'warning', 'Somebody tried to use the audit log without the right to do so.', NULL, true),
('auditlog.access_snapshot', 'auditlog', 'info', 'Who holds which rights was written down, because it had changed.', NULL, true),
('auditlog.alert', 'auditlog', 'warning', 'An alert rule fired.', NULL, true),
('auditlog.alert_change', 'auditlog', 'notice', 'An alert rule was created, changed, switched on or off, or removed.', NULL, true),
('auditlog.archive', 'auditlog', 'info', 'Part of the log was moved to another storage tier.', NULL, true),
('auditlog.checkpoint', 'auditlog', 'debug', 'A checkpoint over the whole log was signed.', NULL, true),
('auditlog.job_change', 'auditlog', 'notice', 'A scheduled job was created, changed or removed.', NULL, true),
('auditlog.delivery_failed', 'auditlog', 'error', 'Events or alerts could not be delivered to a receiver.', NULL, true),
('auditlog.erasure', 'auditlog', 'warning', 'Personal values in the log were replaced by their commitments.', NULL, true),
('auditlog.export', 'auditlog', 'notice', 'Part of the audit log was exported.', NULL, true),
('auditlog.extension_create', 'auditlog', 'notice', 'The extension was installed in a database.', NULL, true),
('auditlog.extension_drop', 'auditlog', 'critical', 'The extension was removed from a database.', NULL, true),
('auditlog.extension_update', 'auditlog', 'notice', 'The extension was updated to another version.', NULL, true),
('auditlog.gap_detected', 'auditlog', 'critical', 'Positions of the log that should hold events hold none.', NULL, true),
('auditlog.incarnation', 'auditlog', 'critical', 'A restored or copied log went on under a new origin.', NULL, true),
('auditlog.key_create', 'auditlog', 'notice', 'A signing key was made.', NULL, true),
('auditlog.key_rotate', 'auditlog', 'notice', 'The signing key was replaced by a new one.', NULL, true),
('auditlog.legal_hold', 'auditlog', 'notice', 'A legal hold was placed on part of the log, or lifted.', NULL, true),
('auditlog.live_view', 'auditlog', 'info', 'Somebody followed the log as events came in.', NULL, true),
('auditlog.pause', 'auditlog', 'critical', 'Auditing was paused.', NULL, true),
('auditlog.policy_change', 'auditlog', 'warning', 'What is audited, or how, was changed.', NULL, true),
('auditlog.principal_change', 'auditlog', 'warning', 'Who somebody is to the audit log, or how tokens are checked, was changed.', NULL, true),
('auditlog.purge', 'auditlog', 'warning', 'Events past their retention period were removed.', NULL, true),
('auditlog.query_change', 'auditlog', 'info', 'A saved query was created, changed or removed.', NULL, true),
('auditlog.report', 'auditlog', 'info', 'A report on the audit log was generated.', NULL, true),
('auditlog.report_change', 'auditlog', 'info', 'The definition or schedule of a report was changed.', NULL, true),
('auditlog.restore', 'auditlog', 'warning', 'The log was found to be a restored copy, or archived events were loaded again.', NULL, true),
('auditlog.resume', 'auditlog', 'notice', 'Auditing went on after a pause.', NULL, true),
('auditlog.retention', 'auditlog', 'notice', 'Retention removes events; its certificate says which.', NULL, true),
('auditlog.retention_change', 'auditlog', 'warning', 'A retention period or rule was changed.', NULL, true),
('auditlog.review', 'auditlog', 'info', 'Somebody signed a review of events.', NULL, true),
('auditlog.role_grant', 'auditlog', 'warning', 'Somebody got a role on the audit log.', NULL, true),
('auditlog.role_revoke', 'auditlog', 'warning', 'Somebody lost a role on the audit log.', NULL, true),
('auditlog.schedule_change', 'auditlog', 'info', 'A scheduled job of the audit log was created, changed or removed.', NULL, true),
('auditlog.search', 'auditlog', 'info', 'Somebody searched the audit log.', NULL, true),
('auditlog.setting_change', 'auditlog', 'warning', 'A setting of the audit log was changed.', NULL, true),
('auditlog.sink_change', 'auditlog', 'warning', 'A receiver of the log''s events was created, changed or removed.', NULL, true),
('auditlog.start', 'auditlog', 'notice', 'Auditing was started.', NULL, true),
('auditlog.stop', 'auditlog', 'critical', 'Auditing was stopped.', NULL, true),
('auditlog.storage_warning', 'auditlog', 'warning', 'Storage for the audit log is running short.', NULL, true),
('auditlog.tamper_attempt', 'auditlog', 'critical', 'Somebody tried to change or remove recorded events.', NULL, true),
('auditlog.track_change', 'auditlog', 'notice', 'The recording of changes to a table was switched on, changed or switched off.', NULL, true),
('auditlog.type_change', 'auditlog', 'notice', 'The catalogue of event types was changed.', NULL, true),
('auditlog.verify_failed', 'auditlog', 'critical', 'A verification of the log found something wrong.', NULL, true),
('auditlog.verify_ok', 'auditlog', 'info', 'A verification of the log found it intact.', NULL, true),
('auditlog.view', 'auditlog', 'info', 'Somebody looked at events of the audit log.', NULL, true),
('auditlog.write_failed', 'auditlog', 'critical', 'Events could not be written to the audit log.', NULL, true);

-- authentication: who comes in, how, and with what credentials
INSERT INTO auditlog.event_types (event_type, category, default_severity, description, json_schema, built_in) VALUES
('authentication.account_locked', 'authentication', 'warning', 'An account was locked, usually after too many failed attempts.', NULL, true),
('authentication.account_unlocked', 'authentication', 'notice', 'A locked account was opened again.', NULL, true),
('authentication.assume_role', 'authentication', 'info', 'Somebody took on a role and got temporary credentials for it.', NULL, true),
('authentication.credential_change', 'authentication', 'notice', 'An access key, certificate or MFA device was added, changed or removed.', NULL, true),
('authentication.hba_rejected', 'authentication', 'warning', 'The database refused a connection by its host-based rules.', NULL, true),
('authentication.login', 'authentication', 'info', 'Somebody tried to log in; the status says with what success.', '{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "required": ["actor", "action"],
  "properties": {
    "actor": {"type": "object", "minProperties": 1},
    "action": {
      "type": "object",
      "required": ["status"],
      "properties": {"status": {"type": "string", "minLength": 1}}
    }
  }
}', true),
('authentication.logout', 'authentication', 'info', 'Somebody logged out.', '{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "required": ["actor"],
  "properties": {"actor": {"type": "object", "minProperties": 1}}
}', true),
('authentication.method_weak', 'authentication', 'warning', 'A login used a method that is considered weak.', NULL, true),
('authentication.mfa_verify', 'authentication', 'info', 'A second factor was checked; the status says with what success.', '{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "required": ["actor", "action"],
  "properties": {
    "actor": {"type": "object", "minProperties": 1},
    "action": {
      "type": "object",
      "required": ["status"],
      "properties": {"status": {"type": "string", "minLength": 1}}
    }
  }
}', true),
('authentication.password_change', 'authentication', 'notice', 'A password was set, changed, reset or removed.', '{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "required": ["actor"],
  "properties": {"actor": {"type": "object", "minProperties": 1}}
}', true),
('authentication.session_expire', 'authentication', 'info', 'A user''s session came to its end by time.', NULL, true),
('authentication.session_expired', 'authentication', 'info', 'The database ended a session that was idle or open for too long.', NULL, true),
('authentication.token_issue', 'authentication', 'info', 'A token was issued for an account.', NULL, true);

-- automation: what runs without a person
INSERT INTO auditlog.event_types (event_type, category, default_severity, description, json_schema, built_in) VALUES
('automation.policy_run', 'automation', 'info', 'A policy was evaluated by the automation.', NULL, true),
('automation.remediation', 'automation', 'notice', 'The automation repaired something that broke a rule.', NULL, true),
('automation.scheduled_task', 'automation', 'info', 'A scheduled task was run.', NULL, true),
('automation.workflow_change', 'automation', 'notice', 'A workflow was created, changed or removed.', NULL, true),
('automation.workflow_execute', 'automation', 'info', 'A workflow was executed.', NULL, true);

-- change: requests for changes and what was decided on them; metadata.change_ref names the change, here and in the events that carry it out
INSERT INTO auditlog.event_types (event_type, category, default_severity, description, json_schema, built_in) VALUES
('change.approve', 'change', 'info', 'A change was approved.', NULL, true),
('change.reject', 'change', 'notice', 'A change was refused.', NULL, true),
('change.request', 'change', 'info', 'A change was asked for.', NULL, true);

-- configuration: the product, the database and the platforms around them
INSERT INTO auditlog.event_types (event_type, category, default_severity, description, json_schema, built_in) VALUES
('config.alter_database', 'configuration', 'notice', 'Settings of one database were changed.', NULL, true),
('config.alter_role', 'configuration', 'notice', 'Settings of one database role were changed.', NULL, true),
('config.alter_system', 'configuration', 'warning', 'Settings of the whole database server were changed.', NULL, true),
('config.hba_change', 'configuration', 'warning', 'The host-based access rules of the database server were changed.', NULL, true),
('config.reload', 'configuration', 'info', 'The database server read its configuration again.', NULL, true),
('configuration.integration_change', 'configuration', 'notice', 'The configuration of an integration was created, changed or removed.', NULL, true),
('configuration.logging_change', 'configuration', 'warning', 'Audit or flow logging of a cloud account or platform was created, changed or stopped.', NULL, true),
('configuration.policy_update', 'configuration', 'notice', 'A policy was changed in the settings.', NULL, true),
('configuration.rbac_change', 'configuration', 'warning', 'A role definition or role assignment was changed.', NULL, true),
('configuration.user_create', 'configuration', 'notice', 'A user was added or invited.', NULL, true),
('configuration.user_delete', 'configuration', 'notice', 'A user was removed or deactivated.', NULL, true),
('configuration.user_modify', 'configuration', 'notice', 'A user''s profile, team or rights were changed.', NULL, true),
('configuration.workspace_change', 'configuration', 'notice', 'Settings of a workspace were changed.', NULL, true);

-- cost: budgets, alerts on them, reports
INSERT INTO auditlog.event_types (event_type, category, default_severity, description, json_schema, built_in) VALUES
('cost.alert_change', 'cost', 'info', 'An alert on costs was created, changed or removed.', NULL, true),
('cost.anomaly', 'cost', 'warning', 'Spending departed from its usual course.', NULL, true),
('cost.budget_create', 'cost', 'info', 'A budget was created.', '{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "required": ["resource"],
  "properties": {"resource": {"type": "object", "minProperties": 1}}
}', true),
('cost.budget_delete', 'cost', 'notice', 'A budget was removed.', NULL, true),
('cost.budget_exceeded', 'cost', 'warning', 'Spending went over a budget or one of its thresholds.', NULL, true),
('cost.budget_modify', 'cost', 'notice', 'A budget was changed.', '{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "required": ["resource"],
  "properties": {
    "resource": {"type": "object", "minProperties": 1},
    "changes": {
      "type": "object",
      "properties": {"before": {"type": ["object", "null"]}, "after": {"type": ["object", "null"]}}
    }
  }
}', true),
('cost.export', 'cost', 'info', 'Cost data was exported.', NULL, true),
('cost.report_generate', 'cost', 'info', 'A cost report was generated.', NULL, true),
('cost.view', 'cost', 'info', 'Cost data was looked at.', NULL, true);

-- data: rows and files
INSERT INTO auditlog.event_types (event_type, category, default_severity, description, json_schema, built_in) VALUES
('data.copy_from', 'data', 'info', 'Rows were loaded into a table in bulk.', NULL, true),
('data.copy_to', 'data', 'notice', 'Rows were copied out of a table in bulk.', NULL, true),
('data.delete', 'data', 'info', 'Rows were deleted.', NULL, true),
('data.insert', 'data', 'info', 'Rows were inserted.', NULL, true),
('data.merge', 'data', 'info', 'Rows were merged into a table.', NULL, true),
('data.select', 'data', 'info', 'Rows were read.', NULL, true),
('data.truncate', 'data', 'warning', 'All rows of a table were removed at once.', NULL, true),
('data.update', 'data', 'info', 'Rows were changed.', NULL, true),
('database.statement', 'data', 'info', 'A statement was run that belongs to no other type.', NULL, true),
('file.read', 'data', 'warning', 'A file of the database server was read from SQL.', NULL, true),
('file.write', 'data', 'warning', 'A file of the database server was written from SQL.', NULL, true);

-- incident: security incidents and breaches of personal data
INSERT INTO auditlog.event_types (event_type, category, default_severity, description, json_schema, built_in) VALUES
('breach.closed', 'incident', 'notice', 'The handling of a personal data breach was finished.', NULL, true),
('breach.detected', 'incident', 'critical', 'A breach of personal data was found.', NULL, true),
('breach.notified', 'incident', 'warning', 'The authority was told about a breach of personal data.', NULL, true),
('breach.subject_notified', 'incident', 'warning', 'The persons concerned were told about a breach of their data.', NULL, true),
('incident.close', 'incident', 'notice', 'A security incident was closed.', NULL, true),
('incident.open', 'incident', 'error', 'A security incident was opened.', NULL, true),
('incident.update', 'incident', 'notice', 'Something was added to a security incident.', NULL, true);

-- integration: other systems talking to this one
INSERT INTO auditlog.event_types (event_type, category, default_severity, description, json_schema, built_in) VALUES
('integration.api_call', 'integration', 'info', 'Another system called the API.', NULL, true),
('integration.cloud_sync', 'integration', 'info', 'Data was synchronised with a cloud provider.', NULL, true),
('integration.sso_authentication', 'integration', 'info', 'An identity provider vouched for a user.', NULL, true),
('integration.unrecognized', 'integration', 'notice', 'A record of another system came in that its mapping does not know.', NULL, true),
('integration.webhook', 'integration', 'info', 'A webhook was sent or received.', NULL, true);

-- policy: rules on resources and on access, and breaches of them
INSERT INTO auditlog.event_types (event_type, category, default_severity, description, json_schema, built_in) VALUES
('policy.alter', 'policy', 'notice', 'A row-level security policy was altered.', NULL, true),
('policy.create', 'policy', 'notice', 'A policy was created.', NULL, true),
('policy.drop', 'policy', 'warning', 'A policy was removed.', NULL, true),
('policy.exception', 'policy', 'warning', 'An exception from a policy was granted.', NULL, true),
('policy.modify', 'policy', 'notice', 'A policy was changed, attached or detached.', '{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "required": ["resource"],
  "properties": {
    "resource": {
      "type": "object",
      "required": ["type"],
      "properties": {"type": {"type": "string", "minLength": 1}}
    }
  }
}', true),
('policy.violation', 'policy', 'warning', 'Something was done, or found, that a policy forbids.', NULL, true);

-- privacy: rights of the persons that data is about
INSERT INTO auditlog.event_types (event_type, category, default_severity, description, json_schema, built_in) VALUES
('privacy.access_completed', 'privacy', 'info', 'A person was given the data held about them.', NULL, true),
('privacy.access_request', 'privacy', 'info', 'A person asked for the data held about them.', NULL, true),
('privacy.disclosure', 'privacy', 'notice', 'Personal data was disclosed to somebody outside.', NULL, true),
('privacy.erasure', 'privacy', 'notice', 'Data about a person was erased.', NULL, true),
('privacy.erasure_request', 'privacy', 'info', 'A person asked for data about them to be erased.', NULL, true),
('privacy.objection', 'privacy', 'info', 'A person objected to the processing of their data.', NULL, true),
('privacy.rectification', 'privacy', 'info', 'Wrong data about a person was corrected.', NULL, true),
('privacy.restriction', 'privacy', 'info', 'The processing of a person''s data was restricted.', NULL, true);

-- resource: cloud resources and other things under management. A failed or refused attempt may
-- not know its resource's id, so the id is demanded only where something really happened.
INSERT INTO auditlog.event_types (event_type, category, default_severity, description, json_schema, built_in) VALUES
('resource.create', 'resource', 'info', 'A resource was created.', '{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "required": ["resource"],
  "properties": {
    "resource": {
      "type": "object",
      "required": ["type"],
      "properties": {"type": {"type": "string", "minLength": 1}}
    }
  }
}', true),
('resource.delete', 'resource', 'notice', 'A resource was deleted.', '{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "required": ["resource"],
  "properties": {
    "resource": {
      "type": "object",
      "required": ["type"],
      "properties": {"type": {"type": "string", "minLength": 1}}
    }
  },
  "if": {
    "properties": {"action": {"properties": {"status": {"enum": ["failed", "denied", "error"]}}, "required": ["status"]}},
    "required": ["action"]
  },
  "else": {
    "properties": {
      "resource": {"required": ["id"], "properties": {"id": {"type": "string", "minLength": 1}}}
    }
  }
}', true),
('resource.modify', 'resource', 'info', 'A resource was changed.', '{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "required": ["resource"],
  "properties": {
    "resource": {
      "type": "object",
      "required": ["type"],
      "properties": {"type": {"type": "string", "minLength": 1}}
    }
  },
  "if": {
    "properties": {"action": {"properties": {"status": {"enum": ["failed", "denied", "error"]}}, "required": ["status"]}},
    "required": ["action"]
  },
  "else": {
    "properties": {
      "resource": {"required": ["id"], "properties": {"id": {"type": "string", "minLength": 1}}}
    }
  }
}', true),
('resource.state_change', 'resource', 'info', 'A resource went into another state, such as started or stopped.', NULL, true),
('resource.tag_change', 'resource', 'info', 'Tags or labels of a resource were changed.', NULL, true),
('resource.truncate', 'resource', 'warning', 'All resources of a kind were removed at once.', NULL, true),
('resource.view', 'resource', 'info', 'A resource was looked at or listed.', NULL, true);

-- schema: definitions of database objects
INSERT INTO auditlog.event_types (event_type, category, default_severity, description, json_schema, built_in) VALUES
('ddl.alter', 'schema', 'notice', 'A database object''s definition was changed.', NULL, true),
('ddl.create', 'schema', 'notice', 'A database object was created.', NULL, true),
('ddl.drop', 'schema', 'warning', 'A database object was dropped.', NULL, true),
('extension.create', 'schema', 'notice', 'A database extension was installed.', NULL, true),
('extension.drop', 'schema', 'warning', 'A database extension was removed.', NULL, true),
('extension.update', 'schema', 'notice', 'A database extension was updated.', NULL, true),
('function.create', 'schema', 'notice', 'A database function was created.', NULL, true),
('function.execute', 'schema', 'info', 'A database function was called.', NULL, true),
('function.replace', 'schema', 'notice', 'A database function''s body was replaced.', NULL, true),
('function.security_definer', 'schema', 'warning', 'A database function that runs with its owner''s rights was created or used.', NULL, true),
('function.untrusted', 'schema', 'warning', 'A database function in an untrusted language was created or used.', NULL, true),
('trigger.create', 'schema', 'notice', 'A trigger was created.', NULL, true),
('trigger.disable', 'schema', 'warning', 'A trigger was switched off.', NULL, true);

-- system: running the product and the database server
INSERT INTO auditlog.event_types (event_type, category, default_severity, description, json_schema, built_in) VALUES
('backup.restore', 'system', 'warning', 'A backup was restored.', NULL, true),
('backup.start', 'system', 'info', 'A backup of the database was started.', NULL, true),
('library.load', 'system', 'warning', 'A shared library was loaded into the database server.', NULL, true),
('program.execute', 'system', 'warning', 'A program was run on the database server from SQL.', NULL, true),
('replication.start', 'system', 'notice', 'A replication stream was opened.', NULL, true),
('system.backup', 'system', 'info', 'A backup job was run.', NULL, true),
('system.data_ingestion', 'system', 'info', 'Data was taken in from a source.', NULL, true),
('system.error', 'system', 'error', 'Something went wrong in the system itself.', NULL, true),
('system.maintenance', 'system', 'info', 'Maintenance work was done.', NULL, true),
('system.recovery', 'system', 'warning', 'The system recovered from a crash or failure.', NULL, true),
('system.start', 'system', 'notice', 'The system was started.', NULL, true),
('system.stop', 'system', 'warning', 'The system was stopped.', NULL, true);

-- sql/schema/65_policies.sql
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

-- sql/schema/70_grants.sql
-- Who owns and who may. Everything is closed first; then each role gets what its work needs.

DO $owner$
DECLARE
    o record;
BEGIN
    FOR o IN SELECT c.oid::pg_catalog.regclass AS name, c.relkind FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
        WHERE n.nspname IN ('auditlog', 'auditlog_data') AND c.relkind IN ('r', 'p', 'v')
    LOOP
        EXECUTE pg_catalog.format('ALTER %s %s OWNER TO auditlog_owner', CASE o.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, o.name);
        EXECUTE pg_catalog.format('REVOKE ALL ON %s FROM PUBLIC', o.name);
    END LOOP;
    FOR o IN SELECT p.oid::pg_catalog.regprocedure AS name, p.prosecdef FROM pg_catalog.pg_proc p
        JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) p.pronamespace
        WHERE n.nspname IN ('auditlog', 'auditlog_data')
    LOOP
        -- The owner first: pg_dump takes rights of another owner for a change, and writes them down.
        EXECUTE pg_catalog.format('ALTER FUNCTION %s OWNER TO auditlog_owner', o.name);
        EXECUTE pg_catalog.format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', o.name);
    END LOOP;
    ALTER TYPE auditlog.severity OWNER TO auditlog_owner;
END
$owner$;

REVOKE ALL ON SCHEMA auditlog, auditlog_data FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA auditlog, auditlog_data TO auditlog_owner;
GRANT USAGE ON SCHEMA auditlog TO auditlog_writer, auditlog_administrator, auditlog_analyst, auditlog_compliance,
    auditlog_manager, auditlog_user, pg_monitor;
-- pg_control_system() tells installations apart; only the owner's definer functions call it.
GRANT EXECUTE ON FUNCTION pg_catalog.pg_control_system() TO auditlog_owner;

-- Record.
GRANT EXECUTE ON FUNCTION auditlog.record(jsonb, text), auditlog.record(text, text),
    auditlog.record(text, jsonb, jsonb, jsonb, jsonb, jsonb, text, timestamptz, text, text),
    auditlog.record_batch(jsonb), auditlog.record_ndjson(text), auditlog.set_context(jsonb),
    auditlog.await_sealed(text, interval) TO auditlog_writer, auditlog_administrator;
GRANT INSERT ON auditlog.events TO auditlog_writer, auditlog_administrator;
GRANT SELECT ON auditlog.event_types TO auditlog_writer, auditlog_administrator, auditlog_analyst, auditlog_compliance,
    auditlog_manager, auditlog_user;
GRANT INSERT, UPDATE, DELETE ON auditlog.event_types TO auditlog_administrator;

-- Read: the view runs with the reader's rights on the tables below it, which cannot be named
-- directly because the schema is closed. Which rows, the policies say (65_policies.sql).
GRANT SELECT ON auditlog.events, auditlog_data.log, auditlog_data.inbox_0, auditlog_data.inbox_1, auditlog_data.inbox_2,
    auditlog_data.inbox_3 TO auditlog_administrator, auditlog_analyst, auditlog_compliance, auditlog_manager, auditlog_user;
GRANT EXECUTE ON FUNCTION auditlog.to_json(auditlog.events) TO auditlog_administrator, auditlog_analyst, auditlog_compliance,
    auditlog_manager, auditlog_user;
GRANT EXECUTE ON FUNCTION auditlog.verify(bigint, bigint) TO auditlog_administrator, auditlog_analyst, auditlog_compliance;

GRANT EXECUTE ON FUNCTION auditlog.matches(jsonb, text), auditlog.matches(text, text), auditlog.matches(auditlog.events, text),
    auditlog.fold(text), auditlog.moment(text, text), auditlog.match_text(text, text, integer),
    auditlog.match_list(text[], text, integer), auditlog.match_json(jsonb, text, integer, integer, integer),
    auditlog.match_event(auditlog.events, text, integer), auditlog.parse_query(text), auditlog.format_query(text),
    auditlog.explain_query(text), auditlog.fields()
    TO auditlog_writer, auditlog_administrator, auditlog_analyst, auditlog_compliance, auditlog_manager, auditlog_user;
-- Named in conditions that the planner makes. The candidates' schema is closed, so nobody calls them by hand.
GRANT EXECUTE ON FUNCTION auditlog_data.word_candidates(text), auditlog.word_filter(bigint, text)
    TO auditlog_administrator, auditlog_analyst, auditlog_compliance, auditlog_manager, auditlog_user;
GRANT EXECUTE ON FUNCTION auditlog.rebuild_word_index() TO auditlog_administrator;

-- Search: with the reader's rights on the events.
GRANT EXECUTE ON FUNCTION auditlog.filter_query(jsonb), auditlog.cursor(auditlog.events), auditlog.cursor_position(text),
    auditlog.search(text, timestamptz, timestamptz, jsonb, integer, text, text),
    auditlog.estimate(text, timestamptz, timestamptz, jsonb), auditlog.count(text, timestamptz, timestamptz, jsonb, boolean),
    auditlog.field_values(auditlog.events, text), auditlog.field_source(text),
    auditlog.facets(text, text, timestamptz, timestamptz, jsonb, integer),
    auditlog.histogram_buckets(text, interval, timestamptz, timestamptz, jsonb, text),
    auditlog.histogram(text, interval, timestamptz, timestamptz, jsonb, text), auditlog.suggest(text, integer, integer)
    TO auditlog_administrator, auditlog_analyst, auditlog_compliance, auditlog_manager, auditlog_user;
GRANT SELECT ON auditlog.saved_queries TO auditlog_administrator, auditlog_analyst, auditlog_compliance, auditlog_manager,
    auditlog_user;
-- They check who saved it: a role changes its own, an administrator all.
GRANT EXECUTE ON FUNCTION auditlog.save_query(text, text, text), auditlog.delete_query(text)
    TO auditlog_administrator, auditlog_analyst, auditlog_compliance;

-- Investigations: with the reader's rights on the events. What judges by what is not there, such as an approval, is for those who
-- see the whole log.
GRANT EXECUTE ON FUNCTION auditlog.diff(jsonb, jsonb, text), auditlog.stitch(integer[], integer[], integer[]),
    auditlog.sentence(text, text, text, text, text, text, jsonb, jsonb),
    auditlog.timeline_rows(text, timestamptz, timestamptz, bigint, text, text, text, text, interval, integer),
    auditlog.timeline(text, timestamptz, timestamptz, bigint, text, text, text, text, interval, integer)
    TO auditlog_administrator, auditlog_analyst, auditlog_compliance, auditlog_manager, auditlog_user;
GRANT EXECUTE ON FUNCTION auditlog.change_query(), auditlog.changes(text, timestamptz, timestamptz, text, integer), auditlog.segregation_rules(),
    auditlog.segregation_of_duties(timestamptz, timestamptz, jsonb), auditlog.incident_summary(text, timestamptz, timestamptz)
    TO auditlog_administrator, auditlog_analyst, auditlog_compliance;

-- The live tail: with the reader's rights on the events.
GRANT EXECUTE ON FUNCTION auditlog.tail(bigint, text, integer, interval), auditlog.tail_wait(bigint, timestamptz), auditlog.tail_position()
    TO auditlog_administrator, auditlog_analyst, auditlog_compliance, auditlog_manager, auditlog_user;

-- Proofs: what an auditor is given.
GRANT EXECUTE ON FUNCTION auditlog.checkpoint(), auditlog.inclusion_proof(text), auditlog.consistency_proof(bigint, bigint),
    auditlog.tiles(integer, bigint, bigint), auditlog.bundle_record(auditlog.events), auditlog.public_key(), auditlog.status()
    TO auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT SELECT ON auditlog.checkpoints, auditlog.signing_keys, auditlog.incarnations, auditlog.checkpoint_sinks
    TO auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT EXECUTE ON FUNCTION auditlog.declare_incarnation(text), auditlog.rotate_key(), auditlog.erase(text, text),
    auditlog.add_checkpoint_sink(text, text, text, jsonb), auditlog.drop_checkpoint_sink(text), auditlog.set_witness_policy(text)
    TO auditlog_administrator;

-- Row capture. PUBLIC may execute the trigger function because PostgreSQL asks for that when a partition is made or
-- attached, which is its owner's business; nobody can name it, as its schema is closed.
GRANT EXECUTE ON FUNCTION auditlog_data.capture() TO PUBLIC;
GRANT EXECUTE ON FUNCTION auditlog.track(regclass, text[], jsonb, text, text) TO auditlog_writer, auditlog_administrator;
GRANT EXECUTE ON FUNCTION auditlog.untrack(regclass) TO auditlog_administrator;
GRANT EXECUTE ON FUNCTION auditlog_data.capture_states() TO auditlog_administrator, auditlog_analyst, auditlog_compliance, pg_monitor;
GRANT SELECT ON auditlog.tracked_tables TO auditlog_administrator, auditlog_analyst, auditlog_compliance, pg_monitor;

-- Watch.
GRANT EXECUTE ON FUNCTION auditlog.health(), auditlog_data.stats(), auditlog_data.inbox_state(), auditlog_data.head_state(),
    auditlog_data.word_state(), auditlog_data.publisher_state()
    TO pg_monitor, auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT SELECT ON auditlog.stat_ingest, auditlog.stat_seal, auditlog.stat_verify, auditlog.stat_word_index
    TO pg_monitor, auditlog_administrator, auditlog_analyst, auditlog_compliance;

-- Principals, and the views that they make possible.
GRANT SELECT ON auditlog.principals, auditlog_data.principal, auditlog.my_events, auditlog.team_events, auditlog.access_log
    TO auditlog_administrator, auditlog_analyst, auditlog_compliance, auditlog_manager, auditlog_user;
GRANT SELECT ON auditlog.token_keys, auditlog_data.token_keys TO auditlog_administrator;
GRANT EXECUTE ON FUNCTION auditlog.whoami(), auditlog.authenticate(text), auditlog.acting_role(text)
    TO auditlog_writer, auditlog_administrator, auditlog_analyst, auditlog_compliance, auditlog_manager, auditlog_user;
GRANT SELECT ON auditlog.tokens TO auditlog_administrator, auditlog_analyst, auditlog_compliance, auditlog_manager, auditlog_user;
GRANT EXECUTE ON FUNCTION auditlog.create_token(text, text[], interval), auditlog.revoke_token(bigint), auditlog.token_scopes(),
    auditlog_data.token_used_at(bigint, text)
    TO auditlog_administrator, auditlog_analyst, auditlog_compliance, auditlog_manager, auditlog_user;
GRANT EXECUTE ON FUNCTION auditlog.add_principal(name, text, text, text[], text, text[]), auditlog.alter_principal(text, jsonb, text),
    auditlog.drop_principal(text, text), auditlog.set_token_keys(text, text, text) TO auditlog_administrator;
-- Named in policies and views; the schema is closed, so nobody calls them by hand.
GRANT EXECUTE ON FUNCTION auditlog_data.my_actor_id(), auditlog_data.my_tenant(), auditlog_data.my_team(), auditlog_data.my_reader_id(),
    auditlog_data.has_no_tenants(), auditlog_data.is_actor(text, text), auditlog_data.access_types()
    TO auditlog_administrator, auditlog_analyst, auditlog_compliance, auditlog_manager, auditlog_user;

-- Database events.
GRANT EXECUTE ON FUNCTION auditlog.import_pgaudit(text) TO auditlog_writer, auditlog_administrator;

-- The access journal.
GRANT EXECUTE ON FUNCTION auditlog.note_search(text, jsonb)
    TO auditlog_administrator, auditlog_analyst, auditlog_compliance, auditlog_manager, auditlog_user;
GRANT EXECUTE ON FUNCTION auditlog_data.access_state() TO pg_monitor, auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT SELECT ON auditlog.stat_access TO pg_monitor, auditlog_administrator, auditlog_analyst, auditlog_compliance;

-- Alerts and their delivery.
GRANT EXECUTE ON FUNCTION auditlog.builtin_alerts(), auditlog.install_alerts(text[], text[], text[]), auditlog.import_sigma(text, jsonb),
    auditlog.create_alert(text), auditlog.alter_alert(text, text), auditlog.drop_alert(text), auditlog.enable_alert(text),
    auditlog.disable_alert(text), auditlog.mute(text, timestamptz, text), auditlog.create_channel(text, text, jsonb, auditlog.severity),
    auditlog.alter_channel(text, jsonb, auditlog.severity, boolean), auditlog.drop_channel(text), auditlog.redrive(bigint),
    auditlog.explain_alert(text, integer), auditlog.test_alert(text, jsonb, boolean) TO auditlog_administrator;
GRANT EXECUTE ON FUNCTION auditlog.acknowledge(bigint, text, text) TO auditlog_administrator, auditlog_analyst;
GRANT SELECT ON auditlog.alerts, auditlog.alert_firings, auditlog.channels, auditlog.notifications, auditlog.dead_letters
    TO auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT EXECUTE ON FUNCTION auditlog_data.watch_state() TO pg_monitor, auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT SELECT ON auditlog.stat_alerts, auditlog.stat_channels TO pg_monitor, auditlog_administrator, auditlog_analyst, auditlog_compliance;

-- Retention: what goes is decided by administrators, and shown to whoever must answer for it.
GRANT EXECUTE ON FUNCTION auditlog.set_retention(text), auditlog.run_retention(timestamptz), auditlog.hold(text, text, timestamptz, text),
    auditlog.release_hold(text, text) TO auditlog_administrator;
GRANT EXECUTE ON FUNCTION auditlog.plan_retention(timestamptz), auditlog.retention(), auditlog.retention_requirements(),
    auditlog.retention_conflicts(), auditlog.certificates() TO auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT EXECUTE ON FUNCTION auditlog.restore(timestamptz, timestamptz, text), auditlog.drop_restored(bigint) TO auditlog_administrator, auditlog_analyst;
GRANT SELECT ON auditlog.restored_events, auditlog_data.restored TO auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT SELECT ON auditlog.archive, auditlog.archive_erasures, auditlog.restores, auditlog.retention_policies, auditlog.holds, auditlog.retention_moves, auditlog.retention_runs
    TO auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT SELECT ON auditlog.tiers TO pg_monitor, auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT EXECUTE ON FUNCTION auditlog_data.keeper_state() TO pg_monitor, auditlog_administrator, auditlog_analyst, auditlog_compliance;

-- Exports: with the reader's rights on the events.
GRANT EXECUTE ON FUNCTION auditlog.export_rows(text, text, timestamptz, timestamptz, jsonb),
    auditlog_data.export_header(text, text, timestamptz, timestamptz, jsonb), auditlog_data.export_line(text, jsonb,
        timestamptz, timestamptz, bigint, auditlog.severity, text, text, text, text, text, text, text, text, text, text, text, inet, text, text, text,
        text, text, text, text, jsonb, jsonb, jsonb, text, text[], jsonb, text, text, inet, text, text[], bytea, jsonb, bytea, timestamptz, text, bigint,
        bytea, bytea)
    TO auditlog_administrator, auditlog_analyst;
GRANT EXECUTE ON FUNCTION auditlog.export(text, text, timestamptz, timestamptz, text, jsonb), auditlog.cancel_export(bigint),
    auditlog.resume_export(bigint) TO auditlog_administrator, auditlog_analyst;
GRANT SELECT ON auditlog.exports TO auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT EXECUTE ON FUNCTION auditlog_data.exporter_state() TO pg_monitor, auditlog_administrator, auditlog_analyst, auditlog_compliance;
-- Sinks: who gets the log's events is decided by administrators.
GRANT EXECUTE ON FUNCTION auditlog.create_sink(text, text, jsonb, text, text, bigint), auditlog.alter_sink(text, jsonb, text, text), auditlog.drop_sink(text),
    auditlog.pause_sink(text, text), auditlog.resume_sink(text), auditlog.replay_sink(text, bigint), auditlog.redrive_sink(text, bigint),
    auditlog.test_sink(text) TO auditlog_administrator;
GRANT SELECT ON auditlog.sinks, auditlog.sink_dead_letters TO auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT SELECT ON auditlog.stat_sinks TO pg_monitor, auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT EXECUTE ON FUNCTION auditlog_data.streamer_state() TO pg_monitor, auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT EXECUTE ON FUNCTION auditlog_data.sealed_at(bigint) TO auditlog_administrator, auditlog_analyst, auditlog_compliance;

-- Jobs: they run as who schedules them.
GRANT EXECUTE ON FUNCTION auditlog.schedule(text, text, text), auditlog.schedule(text, text), auditlog.schedule_in_database(text, text, text, text, text, boolean),
    auditlog.alter_job(bigint, text, text, text, text, boolean), auditlog.unschedule(bigint), auditlog.unschedule(text) TO auditlog_administrator;
GRANT EXECUTE ON FUNCTION auditlog_data.sees_job(text) TO auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT SELECT ON auditlog.job, auditlog.job_run_details TO auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT EXECUTE ON FUNCTION auditlog_data.scheduler_state() TO pg_monitor, auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT SELECT ON auditlog.stat_workers TO pg_monitor, auditlog_administrator, auditlog_analyst, auditlog_compliance;

-- Evidence and reports: made and handed out by administrators and compliance officers alone.
GRANT SELECT ON auditlog.reviews, auditlog.health_samples, auditlog.verification_runs, auditlog.access_snapshots
    TO auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT SELECT ON auditlog.compliance_metrics TO pg_monitor, auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT EXECUTE ON FUNCTION auditlog.sign_review(tstzrange, text, text, integer), auditlog_data.sign_review(timestamptz, timestamptz, text, text, bigint)
    TO auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT EXECUTE ON FUNCTION auditlog_data.compliance_metrics() TO pg_monitor, auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT EXECUTE ON FUNCTION auditlog_data.builtin_frameworks() TO auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT SELECT ON auditlog.frameworks, auditlog.controls TO auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT SELECT ON auditlog.reports, auditlog.report_deliveries, auditlog.report_definitions TO auditlog_administrator, auditlog_compliance;
GRANT EXECUTE ON FUNCTION auditlog.generate_report(text, timestamptz, timestamptz, jsonb, text[]), auditlog.report_json(text, timestamptz, timestamptz, jsonb),
    auditlog.incident_report(text, timestamptz, timestamptz, text, text[]), auditlog.create_report(text), auditlog.drop_report(text),
    auditlog.run_report(text, timestamptz, timestamptz), auditlog.cancel_report(bigint), auditlog.retry_report(bigint),
    auditlog.report_file(bigint, text), auditlog.report_proof(bigint) TO auditlog_administrator, auditlog_compliance;
GRANT EXECUTE ON FUNCTION auditlog.add_framework(text), auditlog.drop_framework(text) TO auditlog_administrator;
GRANT EXECUTE ON FUNCTION auditlog.classify(regclass, text[]) TO auditlog_administrator;
GRANT SELECT ON auditlog.classified_tables TO auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT EXECUTE ON FUNCTION auditlog_data.reporter_state() TO pg_monitor, auditlog_administrator, auditlog_analyst, auditlog_compliance;

-- The first partitions, so that the first events meet no reader with an older plan (store/partitions.rs
-- in the sources). Not while a dump is loaded, which brings its own: pg_dump's scripts, and hardly
-- anybody else, begin with row_security = off. Partitions are no members of the extension.
DO $partitions$
DECLARE
    t timestamp;
BEGIN
    IF pg_catalog.current_setting('row_security')::boolean THEN
        FOR i IN 0..2 LOOP
            t := pg_catalog.date_trunc('month', pg_catalog.timezone('UTC', pg_catalog.now()))
                OPERATOR(pg_catalog.+) pg_catalog.make_interval(months => i);
            EXECUTE pg_catalog.format('ALTER EXTENSION pg_auditlog DROP TABLE %s',
                (SELECT partition FROM auditlog_data.ensure_partition('standard',
                    pg_catalog.date_part('year', t)::integer, pg_catalog.date_part('month', t)::integer)));
        END LOOP;
    END IF;
END
$partitions$;

SELECT auditlog_data.announce_database();
