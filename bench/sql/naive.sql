-- What people write by hand: the plain table plus a plpgsql trigger that chains each row to the one
-- before, under a lock on the head row. Correct under READ COMMITTED, and serial until commit. No SECURITY
-- DEFINER and no pinned search_path, as it should have: they would only make this baseline slower.
ALTER TABLE bench.plain ADD COLUMN prev_hash bytea, ADD COLUMN hash bytea;

CREATE TABLE bench.naive_head (size bigint NOT NULL, hash bytea NOT NULL) WITH (fillfactor = 10);
INSERT INTO bench.naive_head VALUES (0, decode(repeat('00', 32), 'hex'));

CREATE FUNCTION bench.naive_chain() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    head bench.naive_head;
BEGIN
    SELECT * INTO head FROM bench.naive_head FOR UPDATE;
    NEW.log_index := head.size;
    NEW.prev_hash := head.hash;
    NEW.hash := sha256(head.hash || convert_to(NEW::text, 'UTF8'));
    UPDATE bench.naive_head SET size = size + 1, hash = NEW.hash;
    RETURN NEW;
END
$$;

CREATE TRIGGER naive_chain BEFORE INSERT ON bench.plain FOR EACH ROW EXECUTE FUNCTION bench.naive_chain();

GRANT SELECT, UPDATE ON bench.naive_head TO bench_app;
