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
