-- Change control and the segregation of duties (docs/investigations.md). For those who see the whole log: whoever sees only a
-- part of it would take changes for unapproved whose approval he can't see. Without JIT, as 42_investigation.sql.

-- What the log notices about its own protection is no change but a consequence of one.
CREATE FUNCTION auditlog.change_query() RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS
$body$
    SELECT 'event_type:(resource.create OR resource.modify OR resource.delete OR resource.truncate OR resource.tag_change OR resource.state_change'
        ' OR ddl.* OR extension.* OR function.create OR function.replace OR trigger.*'
        ' OR config.alter_database OR config.alter_role OR config.alter_system OR config.hba_change OR configuration.* OR automation.workflow_change'
        ' OR grant.* OR revoke.* OR role.* OR owner.change OR default_privileges.alter'
        ' OR policy.create OR policy.alter OR policy.modify OR policy.drop OR policy.exception'
        ' OR auditlog.alert_change OR auditlog.job_change OR auditlog.policy_change OR auditlog.principal_change OR auditlog.retention_change'
        ' OR auditlog.role_grant OR auditlog.role_revoke OR auditlog.setting_change OR auditlog.sink_change OR auditlog.track_change OR auditlog.type_change)'
        ' AND NOT status:(failed OR denied OR error) AND NOT action.operation:protection_change'
$body$;
COMMENT ON FUNCTION auditlog.change_query() IS 'The query that says which events are changes to auditlog.changes(): of resources, definitions, settings, roles, rights and policies';

CREATE FUNCTION auditlog.changes(
    query text DEFAULT '',
    since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL,
    resource text DEFAULT NULL,
    max_rows integer DEFAULT 10000
) RETURNS TABLE (log_index bigint, "timestamp" timestamptz, actor_id text, actor_email text, event_type text, resource_type text,
        resource_id text, operation text, diff jsonb, change_ref text, approved_by text, approval text, approval_log_index bigint,
        statement text)
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp SET jit = off AS
$body$
DECLARE
    about text := coalesce('resource.id:="' || replace(replace(resource, '\', '\\'), '"', '\"') || '"', '');
    returned bigint := 0;
BEGIN
    PERFORM auditlog.note_search('changes', jsonb_strip_nulls(jsonb_build_object('query', query, 'since', since, 'until', until,
        'resource', resource, 'max_rows', max_rows)));
    IF max_rows IS NULL OR max_rows NOT BETWEEN 1 AND 100000 THEN
        RAISE EXCEPTION 'max_rows of changes is out of range' USING ERRCODE = '22023',
            DETAIL = format('max_rows is %s; it may be 1 to 100000.', coalesce(max_rows::text, 'NULL')),
            HINT = 'Give since and until, and go on from there.';
    END IF;
    IF since >= until THEN
        RAISE EXCEPTION 'the time of changes ends before it begins' USING ERRCODE = '22023',
            DETAIL = format('since is %s, until is %s.', since, until),
            HINT = 'since belongs to the time, until is the first moment after it.';
    END IF;
    FOR log_index, "timestamp", actor_id, actor_email, event_type, resource_type, resource_id, operation, diff, change_ref, approved_by,
        approval, approval_log_index, statement IN EXECUTE
        'WITH picked AS MATERIALIZED (SELECT row_number() OVER () AS n, e.log_index, e."timestamp", e.tenant, e.actor_id, e.actor_email, e.event_type,'
        ' e.resource_type, e.resource_id, e.operation, e.before, e.after, e.extra -> ''metadata'' AS metadata,'
        ' nullif(e.extra #>> ''{metadata,change_ref}'', '''') AS change_ref'
        ' FROM auditlog.events AS e WHERE auditlog.matches(e, $1) AND auditlog.matches(e, $2) AND auditlog.matches(e, $3)'
        || CASE WHEN since IS NULL THEN '' ELSE ' AND e."timestamp" >= $4' END
        || CASE WHEN until IS NULL THEN '' ELSE ' AND e."timestamp" < $5' END
        -- A decision counts from when it was made: what came before it was not approved by it.
        || $q$), decision AS MATERIALIZED (
            SELECT row_number() OVER (ORDER BY e."timestamp", e.log_index) AS k, e.log_index, e."timestamp", e.tenant,
                e.extra #>> '{metadata,change_ref}' AS change_ref, e.actor_id, e.actor_email,
                e.event_type = 'change.reject' OR coalesce(lower(e.status) IN ('denied', 'rejected', 'refused'), false) AS refuses
            FROM auditlog.events AS e
            WHERE auditlog.matches(e, 'event_type:(change.approve OR change.reject) AND NOT status:(failed OR error)')
                AND e.extra #>> '{metadata,change_ref}' IN (SELECT p.change_ref FROM picked AS p)
        ), weighed AS (
            SELECT p.n, max(d.k) FILTER (WHERE d.refuses AND d."timestamp" <= p."timestamp") AS refusal,
                max(d.k) FILTER (WHERE NOT d.refuses AND d."timestamp" <= p."timestamp" AND NOT s.same) AS by_other,
                max(d.k) FILTER (WHERE NOT d.refuses AND d."timestamp" <= p."timestamp" AND s.same) AS by_self,
                min(d.k) FILTER (WHERE NOT d.refuses AND d."timestamp" > p."timestamp") AS later
            FROM picked AS p JOIN decision AS d ON d.change_ref = p.change_ref AND d.tenant IS NOT DISTINCT FROM p.tenant
            CROSS JOIN LATERAL (SELECT coalesce(auditlog.fold(d.actor_id) = auditlog.fold(p.actor_id), false)
                OR coalesce(auditlog.fold(d.actor_email) = auditlog.fold(p.actor_email), false)
                -- Who stands behind an application's login to the database.
                OR coalesce(auditlog.fold(d.actor_id) = auditlog.fold(p.metadata ->> 'end_user'), false)) AS s (same)
            GROUP BY p.n
        ), judged AS (
            SELECT p.*, c.claim, CASE
                    WHEN w.refusal > coalesce(greatest(w.by_other, w.by_self), 0) THEN 'refused'
                    WHEN w.by_other > coalesce(w.refusal, 0) THEN 'approved'
                    WHEN w.by_self > coalesce(w.refusal, 0) OR c.by_self THEN 'self_approved'
                    -- The event's own word counts where the log has no other.
                    WHEN c.claim IS NOT NULL AND w.later IS NULL THEN 'approved'
                    ELSE 'unapproved' END AS approval,
                CASE WHEN w.refusal > coalesce(greatest(w.by_other, w.by_self), 0) THEN w.refusal
                    WHEN w.by_other > coalesce(w.refusal, 0) THEN w.by_other
                    WHEN w.by_self > coalesce(w.refusal, 0) THEN w.by_self
                    WHEN NOT c.by_self THEN w.later END AS k
            FROM picked AS p LEFT JOIN weighed AS w ON w.n = p.n
            CROSS JOIN LATERAL (SELECT nullif(p.metadata ->> 'approved_by', '') AS claim, coalesce(p.metadata @> '{"self_approved": true}', false)
                OR coalesce(auditlog.fold(p.metadata ->> 'approved_by') IN (auditlog.fold(p.actor_id), auditlog.fold(p.actor_email),
                    auditlog.fold(p.metadata ->> 'end_user')), false) AS by_self) AS c
        ), first AS (
            SELECT j.*, array_position(ARRAY['refused', 'unapproved', 'self_approved', 'approved'], j.approval) AS rank
            FROM judged AS j ORDER BY rank, j."timestamp" DESC, j.log_index DESC, j.n LIMIT $6 + 1
        )
        SELECT f.log_index, f."timestamp", f.actor_id, f.actor_email, f.event_type, f.resource_type, f.resource_id, f.operation,
            auditlog.diff(f.before, f.after), f.change_ref,
            CASE WHEN f.k IS NULL THEN f.claim ELSE coalesce(d.actor_id, d.actor_email) END, f.approval, d.log_index, f.metadata ->> 'statement'
        FROM first AS f LEFT JOIN decision AS d ON d.k = f.k
        ORDER BY f.rank, f."timestamp" DESC, f.log_index DESC, f.n$q$
        USING coalesce(query, ''), auditlog.change_query(), about, since, until, max_rows
    LOOP
        returned := returned + 1;
        IF returned > max_rows THEN
            RAISE NOTICE 'there are more changes than max_rows (%)', max_rows
                USING HINT = 'Those that nobody approved come first; give since and until, or a larger max_rows.';
            EXIT;
        END IF;
        RETURN NEXT;
    END LOOP;
END
$body$;
COMMENT ON FUNCTION auditlog.changes(text, timestamptz, timestamptz, text, integer) IS
    'Who changed what, and who had approved it: refused, unapproved and self-approved changes first; a change and its approval share metadata.change_ref';

CREATE FUNCTION auditlog.segregation_rules() RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS
$body$
    SELECT jsonb_build_array(
        jsonb_build_object('name', 'requested_and_approved', 'severity', 'error', 'description', 'asked for a change and approved it',
            'a', 'event_type:change.request', 'b', 'event_type:change.approve AND NOT status:(failed OR denied OR error)',
            'same', '["user", "metadata.change_ref"]'::jsonb),
        jsonb_build_object('name', 'approved_and_made', 'severity', 'error', 'description', 'approved a change and made it',
            'a', 'event_type:change.approve AND NOT status:(failed OR denied OR error)', 'b', 'metadata.change_ref:* AND ' || auditlog.change_query(),
            'same', '["user", "metadata.change_ref"]'::jsonb),
        jsonb_build_object('name', 'granted_to_self', 'severity', 'critical', 'description', 'granted rights to an account of their own',
            'a', g.grants || ' AND NOT metadata.self_grant:true', 'b', g.grants, 'same', '["event_id", "user=metadata.grantee"]'::jsonb),
        -- What the database itself has recorded: there the session's roles were compared.
        jsonb_build_object('name', 'granted_to_self_in_database', 'severity', 'critical', 'description', 'granted rights to a role of their own session',
            'a', g.grants || ' AND metadata.self_grant:true', 'b', g.grants || ' AND metadata.self_grant:true', 'same', '["event_id"]'::jsonb),
        jsonb_build_object('name', 'created_granted_and_used', 'severity', 'critical',
            'description', 'created an account, gave it rights, and it came in from their address',
            'a', 'event_type:(role.create OR configuration.user_create) AND NOT status:(failed OR denied OR error)',
            'b', 'event_type:(authentication.login OR authentication.assume_role OR integration.sso_authentication) AND NOT status:(failed OR denied OR error)',
            'same', '["resource.id=user", "actor.ip_address"]'::jsonb,
            'via', jsonb_build_object('query', g.grants, 'same', '["user", "resource.id=metadata.grantee"]'::jsonb)),
        jsonb_build_object('name', 'created_granted_and_assumed', 'severity', 'critical',
            'description', 'created an account, gave it rights, and took it on',
            'a', 'event_type:(role.create OR configuration.user_create) AND NOT status:(failed OR denied OR error)',
            'b', 'event_type:(session.set_role OR session.set_authorization OR authentication.assume_role) AND NOT status:(failed OR denied OR error)',
            'same', '["user", "resource.id"]'::jsonb,
            'via', jsonb_build_object('query', g.grants, 'same', '["user", "resource.id=metadata.grantee"]'::jsonb)),
        jsonb_build_object('name', 'audit_policy_and_data', 'severity', 'error', 'description', 'changed what is audited, and changed data',
            'a', 'event_type:(auditlog.policy_change OR auditlog.setting_change OR auditlog.track_change OR auditlog.retention_change'
                ' OR auditlog.pause OR auditlog.stop OR auditlog.purge OR configuration.logging_change) AND NOT status:(failed OR denied OR error)',
            'b', 'event_type:(data.insert OR data.update OR data.delete OR data.merge OR data.truncate OR data.copy_from'
                ' OR resource.create OR resource.modify OR resource.delete OR resource.truncate) AND NOT status:(failed OR denied OR error)',
            'same', '["user"]'::jsonb),
        jsonb_build_object('name', 'exported_and_deleted', 'severity', 'warning', 'description', 'took data out, and deleted data',
            'a', 'event_type:(data.copy_to OR file.write OR auditlog.export OR cost.export) AND NOT status:(failed OR denied OR error)',
            'b', 'event_type:(data.delete OR data.truncate OR resource.delete OR resource.truncate OR ddl.drop) AND NOT status:(failed OR denied OR error)',
            'same', '["user"]'::jsonb))
    FROM (SELECT 'event_type:(grant.role OR grant.privilege OR auditlog.role_grant) AND NOT status:(failed OR denied OR error)') AS g (grants)
$body$;
COMMENT ON FUNCTION auditlog.segregation_rules() IS
    'The rules of auditlog.segregation_of_duties() when it is given none: duties a and b as queries, and fields whose values must be the same in both';

CREATE FUNCTION auditlog.segregation_of_duties(
    since timestamptz DEFAULT NULL,
    until timestamptz DEFAULT NULL,
    rules jsonb DEFAULT NULL
) RETURNS TABLE (rule text, severity auditlog.severity, actor_id text, duty_a_events bigint, duty_b_events bigint, example_a bigint,
        example_b bigint, explanation text)
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED ROWS 100 SET search_path = pg_catalog, pg_temp SET jit = off AS
$body$
DECLARE
    r record;
    wrong text;
    side record;
    sides text;
    pair text[];
    field text;
    joins text;
    keys text;
    label text;
    possible boolean;
BEGIN
    PERFORM auditlog.note_search('segregation_of_duties', jsonb_strip_nulls(jsonb_build_object('since', since, 'until', until, 'rules', rules)));
    IF since >= until THEN
        RAISE EXCEPTION 'the time of the segregation of duties ends before it begins' USING ERRCODE = '22023',
            DETAIL = format('since is %s, until is %s.', since, until),
            HINT = 'since belongs to the time, until is the first moment after it.';
    END IF;
    rules := coalesce(nullif(rules, 'null'), auditlog.segregation_rules());
    IF jsonb_typeof(rules) <> 'array' THEN
        RAISE EXCEPTION 'rules must be a list' USING ERRCODE = '22023',
            DETAIL = format('rules is of type %s.', jsonb_typeof(rules)),
            HINT = 'Write rules such as auditlog.segregation_rules() has, in a JSON list.';
    END IF;
    FOR r IN SELECT i.number, i.rule, i.rule ->> 'name' AS name, i.rule ->> 'severity' AS severity, i.rule ->> 'description' AS description,
            i.rule ->> 'a' AS a, i.rule ->> 'b' AS b, i.rule -> 'same' AS same, i.rule -> 'via' AS via
        FROM jsonb_array_elements(rules) WITH ORDINALITY AS i (rule, number) ORDER BY i.number
    LOOP
        -- Each in its turn, as a later condition takes the earlier ones for granted.
        wrong := CASE
            WHEN jsonb_typeof(r.rule) <> 'object' THEN 'it is no object'
            WHEN r.rule - '{name,severity,description,a,b,same,via}'::text[] <> '{}' THEN format('it has an unknown key «%s»',
                (SELECT min(k) FROM jsonb_object_keys(r.rule - '{name,severity,description,a,b,same,via}'::text[]) AS k))
            WHEN jsonb_typeof(r.rule -> 'name') IS DISTINCT FROM 'string' OR r.name = '' THEN 'it has no name'
            WHEN jsonb_typeof(r.rule -> 'a') IS DISTINCT FROM 'string' THEN 'duty a is no query'
            WHEN jsonb_typeof(r.rule -> 'b') IS DISTINCT FROM 'string' THEN 'duty b is no query'
            WHEN r.rule ? 'severity' AND array_position(enum_range(NULL::auditlog.severity)::text[], r.severity) IS NULL THEN 'its severity is unknown'
            WHEN jsonb_typeof(r.same) IS DISTINCT FROM 'array' OR r.same = '[]' OR r.same @? '$[*] ? (@.type() != "string")' THEN 'same is no list of fields'
            WHEN r.via IS NOT NULL AND (jsonb_typeof(r.via) <> 'object' OR r.via - '{query,same}'::text[] <> '{}'
                OR jsonb_typeof(r.via -> 'query') IS DISTINCT FROM 'string' OR jsonb_typeof(r.via -> 'same') IS DISTINCT FROM 'array'
                OR r.via -> 'same' = '[]' OR r.via -> 'same' @? '$[*] ? (@.type() != "string")') THEN 'via is not {"query": …, "same": [fields]}'
        END;
        IF wrong IS NOT NULL THEN
            RAISE EXCEPTION 'rule % of the segregation of duties is not valid', r.number USING ERRCODE = '22023',
                DETAIL = format('Of %s: %s.', coalesce(quote_literal(left(r.name, 60)), 'the rule'), wrong),
                HINT = 'A rule is {"name": …, "severity": …, "description": …, "a": query, "b": query, "same": ["user", "field of a=field of b"]}; auditlog.segregation_rules() shows some.';
        END IF;
        -- For each side: its events, and for each of them the values that must be the other side's, too.
        sides := NULL;
        FOR side IN SELECT * FROM (VALUES ('a', 1, r.same, 1), ('b', 2, r.same, 2), ('a_via', 1, r.via -> 'same', 1), ('via', 3, r.via -> 'same', 2))
            AS v (name, parameter, same, half) WHERE v.same IS NOT NULL
        LOOP
            joins := '';
            keys := $k$coalesce(e.tenant, '')$k$;
            label := '';
            FOR i IN 0 .. jsonb_array_length(side.same) - 1 LOOP
                pair := string_to_array(side.same ->> i, '=');
                field := trim(pair[least(side.half, cardinality(pair))]);
                joins := joins || format(' CROSS JOIN %s AS v%s', replace(auditlog.field_source(field), '$5', quote_literal(field)), i);
                keys := keys || format(', auditlog.fold(v%s.value)', i);
                IF field NOT IN ('user', 'actor.id', 'actor.email', 'event_id') THEN
                    label := label || format(', v%s.value', i);
                END IF;
            END LOOP;
            sides := concat(sides || ', ', format('%I AS MATERIALIZED (SELECT e.event_id, e.log_index, e."timestamp",'
                ' coalesce(e.actor_id, e.actor_email) AS who, ARRAY[%s]::text AS key, nullif(concat_ws('' '', NULL%s), '''') AS label FROM auditlog.events AS e%s'
                ' WHERE auditlog.matches(e, $%s)', side.name, keys, label, joins, side.parameter),
                CASE WHEN since IS NOT NULL THEN ' AND e."timestamp" >= $4' END,
                CASE WHEN until IS NOT NULL THEN ' AND e."timestamp" < $5' END,
                (SELECT string_agg(format(' AND v%s.value IS NOT NULL', i), '') FROM generate_series(0, jsonb_array_length(side.same) - 1) AS i), ')');
        END LOOP;
        -- Most rules find one of their duties nowhere: then the other one, often of many events, need not be read.
        EXECUTE (SELECT 'SELECT ' || string_agg(format('EXISTS (SELECT FROM auditlog.events AS e WHERE auditlog.matches(e, $%s)', i)
                || CASE WHEN since IS NULL THEN '' ELSE ' AND e."timestamp" >= $4' END
                || CASE WHEN until IS NULL THEN '' ELSE ' AND e."timestamp" < $5' END || ')', ' AND ')
            FROM generate_series(1, CASE WHEN r.via IS NULL THEN 2 ELSE 3 END) AS i)
            INTO possible USING r.a, r.b, r.via ->> 'query', since, until;
        CONTINUE WHEN NOT possible;
        RETURN QUERY EXECUTE 'WITH ' || sides || ', duty_a AS (SELECT a.* FROM a'
            || CASE WHEN r.via IS NULL THEN '' ELSE ' WHERE a.event_id IN (SELECT x.event_id FROM a_via AS x WHERE x.key IN (SELECT v.key FROM via AS v))' END
            -- One event alone, in which both queries find themselves, is no two duties, unless the rule is about one event.
            || $q$), shared AS (
                SELECT x.key FROM (SELECT key, min(event_id COLLATE "C") AS first, max(event_id COLLATE "C") AS last FROM duty_a GROUP BY key) AS x
                JOIN (SELECT key, min(event_id COLLATE "C") AS first, max(event_id COLLATE "C") AS last FROM b GROUP BY key) AS y ON y.key = x.key
                WHERE $6 OR x.first <> x.last OR y.first <> y.last OR x.first <> y.first
            ), person AS (
                SELECT a.who, count(DISTINCT a.event_id) AS events, array_agg(DISTINCT a.label) FILTER (WHERE a.label IS NOT NULL) AS labels,
                    (array_agg(a.log_index ORDER BY a."timestamp", a.log_index))[1] AS example,
                    (array_agg(a.event_id ORDER BY a."timestamp", a.log_index))[1] AS event_id,
                    (array_agg(a.key ORDER BY a."timestamp", a.log_index))[1] AS key
                FROM duty_a AS a JOIN shared AS s ON s.key = a.key WHERE a.who IS NOT NULL GROUP BY a.who
            ), other AS (
                SELECT w.who, count(DISTINCT b.event_id) AS events
                FROM (SELECT DISTINCT a.who, a.key FROM duty_a AS a JOIN shared AS s ON s.key = a.key) AS w
                JOIN b ON b.key = w.key GROUP BY w.who
            ), example AS (
                SELECT p.who, (array_agg(b.log_index ORDER BY b.event_id = p.event_id, b."timestamp", b.log_index))[1] AS log_index
                FROM person AS p JOIN b ON b.key = p.key GROUP BY p.who
            )
            SELECT $7, $8::auditlog.severity, p.who, p.events, o.events, p.example, x.log_index,
                concat(p.who, ' ', $9, ': ' || array_to_string(p.labels[:3], ', '),
                    CASE WHEN cardinality(p.labels) > 3 THEN format(' and %s more', cardinality(p.labels) - 3) END)
            FROM person AS p JOIN other AS o ON o.who = p.who JOIN example AS x ON x.who = p.who
            ORDER BY p.events + o.events DESC, p.who COLLATE "C"$q$
            USING r.a, r.b, r.via ->> 'query', since, until, r.same ? 'event_id', r.name, coalesce(r.severity, 'warning'),
                coalesce(nullif(r.description, ''), format('did both «%s» and «%s»', r.a, r.b));
    END LOOP;
END
$body$;
COMMENT ON FUNCTION auditlog.segregation_of_duties(timestamptz, timestamptz, jsonb) IS
    'Who did what should have been done by two: for each rule and person how many events, and the first example of each duty';
