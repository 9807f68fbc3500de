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
