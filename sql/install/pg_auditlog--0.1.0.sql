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

-- A partition is rewritten beside itself: its successor is filled, and takes its place in one short step.
CREATE FUNCTION auditlog_data.begin_successor(class text, year integer, month integer, tier text, tablespace text) RETURNS regclass
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
    EXECUTE format('CREATE TABLE auditlog_data.%I (LIKE auditlog_data.log INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE INCLUDING COMMENTS)%s',
        next, CASE WHEN tablespace <> '' THEN format(' TABLESPACE %I', tablespace) END);
    SELECT * INTO b FROM auditlog_data.partition_bounds(year, month);
    -- So that nobody has to read it all when it takes its place.
    EXECUTE format('ALTER TABLE auditlog_data.%I ADD CONSTRAINT auditlog_bounds CHECK (retention_class = %L AND %s "timestamp" < %L)',
        next, class, CASE WHEN month > 0 THEN format('"timestamp" >= %L AND', b.first) END, b.after);
    IF tier = 'warm' THEN
        EXECUTE format('ALTER TABLE auditlog_data.%I SET (toast_tuple_target = 256)', next);
    END IF;
    INSERT INTO auditlog_data.partition_tier (relation, tier) VALUES (next, tier)
        ON CONFLICT (relation) DO UPDATE SET tier = EXCLUDED.tier;
    RETURN format('auditlog_data.%I', next)::regclass;
END
$body$;
COMMENT ON FUNCTION auditlog_data.begin_successor(text, integer, integer, text, text) IS 'Makes the table that is to take a partition''s place; called by the worker of retention';

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
    kind text NOT NULL CHECK (kind OPERATOR(pg_catalog.=) ANY (ARRAY['fired', 'resolved', 'digest', 'test'])),
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

CREATE FUNCTION auditlog.acknowledge(firing_id bigint, note text DEFAULT NULL) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_acknowledge';
COMMENT ON FUNCTION auditlog.acknowledge(bigint, text) IS 'Says that somebody has seen to a firing, and what was found';

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
    f.samples, f.first_index, f.last_index, f.completed_index, f.reason, f.acknowledged_at, f.acknowledged_by, f.note,
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

CREATE FUNCTION auditlog_data.export_line(event auditlog.events, format text, options jsonb) RETURNS text
    LANGUAGE c STABLE PARALLEL RESTRICTED COST 1 AS 'MODULE_PATHNAME', 'auditlog_export_line';
COMMENT ON FUNCTION auditlog_data.export_line(auditlog.events, text, jsonb) IS 'A sealed event in a format of exports';

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
    (SELECT auditlog_data.export_line(e, format, options)
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
    UNION ALL SELECT 'streamer', t.pid, t.errors, t.last_error_at, t.last_error FROM auditlog_data.streamer_state() AS t) AS w
LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid OPERATOR(pg_catalog.=) w.pid;
COMMENT ON VIEW auditlog.stat_workers IS 'The background workers of this database: evaluator, deliverer and scheduler run where there are alerts, channels, jobs, the keeper while retention has work, the streamer where there are sinks, the exporter while something is exported';

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
        EXECUTE pg_catalog.format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', o.name);
        EXECUTE pg_catalog.format('ALTER FUNCTION %s OWNER TO auditlog_owner', o.name);
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
GRANT EXECUTE ON FUNCTION auditlog.whoami(), auditlog.authenticate(text)
    TO auditlog_writer, auditlog_administrator, auditlog_analyst, auditlog_compliance, auditlog_manager, auditlog_user;
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
GRANT EXECUTE ON FUNCTION auditlog.acknowledge(bigint, text) TO auditlog_administrator, auditlog_analyst;
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
    auditlog_data.export_header(text, text, timestamptz, timestamptz, jsonb), auditlog_data.export_line(auditlog.events, text, jsonb)
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
