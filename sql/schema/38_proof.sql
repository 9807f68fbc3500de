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
