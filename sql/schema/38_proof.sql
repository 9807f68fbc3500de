-- Proofs for outsiders: checkpoints, inclusion and consistency proofs, what a bundle is made of
-- (docs/verify.md). Formats are those of c2sp.org.

CREATE FUNCTION auditlog.checkpoint() RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_checkpoint';
COMMENT ON FUNCTION auditlog.checkpoint() IS 'A signed checkpoint over all that is sealed now; made when there is none yet';

CREATE FUNCTION auditlog.public_key() RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
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
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$body$
    SELECT t.tile_index, t.hashes FROM auditlog_data.tile AS t
    WHERE t.level = tiles.level AND t.tile_index BETWEEN first AND last ORDER BY t.tile_index
$body$;
COMMENT ON FUNCTION auditlog.tiles(integer, bigint, bigint) IS 'Tiles of the Merkle tree: 32 bytes a hash';

CREATE FUNCTION auditlog.bundle_record(event auditlog.events) RETURNS bytea
    LANGUAGE c STABLE STRICT PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'auditlog_bundle_record';
COMMENT ON FUNCTION auditlog.bundle_record(auditlog.events) IS 'The event as a bundle holds it, for the offline verifier; NULL until it is sealed';

CREATE VIEW auditlog.checkpoints AS
SELECT c.origin, c.size, c.root, c.made_at, c.note FROM auditlog_data.checkpoint AS c;
COMMENT ON VIEW auditlog.checkpoints IS 'Signed checkpoints of the log';

CREATE VIEW auditlog.signing_keys AS
SELECT k.vkey, k.origin, k.from_size, k.since, k.retired_at FROM auditlog_data.signing_key AS k;
COMMENT ON VIEW auditlog.signing_keys IS 'Public keys that have signed checkpoints';

CREATE VIEW auditlog.incarnations AS
SELECT i.number, i.origin, i.first_size, i.started_at, i.declared_by, i.reason FROM auditlog_data.incarnation AS i;
COMMENT ON VIEW auditlog.incarnations IS 'Origins of this log: another one begins when a restored or copied database goes on';

CREATE FUNCTION auditlog.rotate_key() RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_rotate_key';
COMMENT ON FUNCTION auditlog.rotate_key() IS
    'Has the signing key replaced by a new one once this transaction commits; an event signed by both tells of it';

CREATE FUNCTION auditlog.declare_incarnation(reason text) RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_declare_incarnation';
COMMENT ON FUNCTION auditlog.declare_incarnation(text) IS 'Lets a restored or copied log go on under a new origin, which it returns; itself an event';

CREATE FUNCTION auditlog.erase(query text, reason text) RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_erase';
COMMENT ON FUNCTION auditlog.erase(text, text) IS
    'Erases the personal values of the events that satisfy the query; they still verify, and an event tells of it. Returns how many events';
