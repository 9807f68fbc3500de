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
