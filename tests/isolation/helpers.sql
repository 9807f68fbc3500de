-- What the specs share. Events can't be deleted, so each permutation looks only at what it recorded
-- itself: mark() begins it, mine shows its events.
CREATE TABLE since (t timestamptz NOT NULL);
INSERT INTO since VALUES (clock_timestamp());

CREATE FUNCTION mark() RETURNS void LANGUAGE sql AS 'UPDATE since SET t = clock_timestamp()';

CREATE VIEW mine AS SELECT * FROM auditlog.events WHERE recorded_at >= (SELECT t FROM since);

-- An idempotency key that no other permutation has.
CREATE FUNCTION key(text) RETURNS text LANGUAGE sql STABLE AS $$SELECT $1 || ' ' || t FROM since$$;

-- Waits until everything committed is sealed; says whether the indexes have a gap and what verify() finds.
CREATE PROCEDURE settle(INOUT result text DEFAULT NULL) LANGUAGE plpgsql AS $$
BEGIN
  FOR i IN 1..1000 LOOP
    EXIT WHEN NOT EXISTS (SELECT FROM auditlog.events WHERE log_index IS NULL);
    COMMIT;
    PERFORM pg_sleep(0.02);
  END LOOP;
  SELECT concat_ws(', ',
    count(*) FILTER (WHERE log_index IS NULL) || ' unsealed',
    CASE WHEN count(*) = count(DISTINCT log_index) AND max(log_index) + 1 = count(*) THEN 'no gap' ELSE 'GAP' END,
    (SELECT count(*) FROM auditlog.verify()) || ' findings')
  INTO result FROM auditlog.events;
END $$;
