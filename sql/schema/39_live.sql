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
