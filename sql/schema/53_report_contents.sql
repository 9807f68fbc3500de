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
