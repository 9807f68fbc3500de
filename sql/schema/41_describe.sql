-- Events as people read them: what a change changed, and a sentence for what happened (docs/investigations.md).

CREATE FUNCTION auditlog.diff(before jsonb, after jsonb, path text DEFAULT '') RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 1000 SET search_path = pg_catalog, pg_temp AS
$body$
DECLARE
    found jsonb := '[]';
    key text;
    gone jsonb;
    came jsonb;
BEGIN
    -- Of something that was created or deleted each key is told, but below it what is on one side only is not taken apart.
    IF path = '' AND before IS NULL AND jsonb_typeof(after) = 'object' THEN
        before := '{}';
    ELSIF path = '' AND after IS NULL AND jsonb_typeof(before) = 'object' THEN
        after := '{}';
    END IF;
    IF before IS NOT DISTINCT FROM after THEN
        RETURN NULL;
    ELSIF jsonb_typeof(before) = 'object' AND jsonb_typeof(after) = 'object' THEN
        FOR key IN SELECT k FROM jsonb_object_keys(before || after) AS k ORDER BY k COLLATE "C" LOOP
            IF before -> key IS DISTINCT FROM after -> key THEN
                found := found || auditlog.diff(before -> key, after -> key, concat(nullif(path, '') || '.',
                    CASE WHEN key ~ '^[A-Za-z_][A-Za-z0-9_-]*$' THEN key ELSE to_json(key)::text END));
            END IF;
        END LOOP;
        RETURN found;
    ELSIF jsonb_typeof(before) = 'array' AND jsonb_typeof(after) = 'array' THEN
        IF jsonb_array_length(before) = jsonb_array_length(after) THEN
            FOR i IN 0 .. jsonb_array_length(before) - 1 LOOP
                IF before -> i IS DISTINCT FROM after -> i THEN
                    found := found || auditlog.diff(before -> i, after -> i, format('%s[%s]', path, i));
                END IF;
            END LOOP;
            RETURN found;
        END IF;
        -- Lists of different lengths: what went and what came, as positions say nothing there.
        path := path || '[]';
        SELECT nullif(coalesce(jsonb_agg(x.item ORDER BY x.item), '[]'), '[]') INTO gone
            FROM (SELECT jsonb_array_elements(before) EXCEPT ALL SELECT jsonb_array_elements(after)) AS x (item);
        SELECT nullif(coalesce(jsonb_agg(x.item ORDER BY x.item), '[]'), '[]') INTO came
            FROM (SELECT jsonb_array_elements(after) EXCEPT ALL SELECT jsonb_array_elements(before)) AS x (item);
        before := gone;
        after := came;
    END IF;
    RETURN jsonb_build_array(jsonb_build_object('path', path)
        || CASE WHEN before IS NULL THEN '{}' ELSE jsonb_build_object('before', before) END
        || CASE WHEN after IS NULL THEN '{}' ELSE jsonb_build_object('after', after) END);
END
$body$;
COMMENT ON FUNCTION auditlog.diff(jsonb, jsonb, text) IS
    'What differs, as a list of {path, before, after}; a side that had nothing is left out, path[] is what a list has lost and gained, and NULL means that nothing differs';

CREATE FUNCTION auditlog.sentence(
    actor text,
    event_type text,
    operation text,
    status text,
    resource_type text,
    resource_id text,
    diff jsonb DEFAULT NULL,
    metadata jsonb DEFAULT NULL
) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 200 SET search_path = pg_catalog, pg_temp AS
$body$
DECLARE
    last text := substring(event_type, '[^.]*$');
    thing text := nullif(concat_ws(' ', resource_type, resource_id), '');
    grantee text := metadata ->> 'grantee';
    -- what somebody tries to do, and what somebody did
    verb text[] := (CASE event_type
        WHEN 'authentication.login' THEN '{log in,logged in}'
        WHEN 'authentication.logout' THEN '{log out,logged out}'
        WHEN 'authentication.mfa_verify' THEN '{pass the second factor,passed the second factor}'
        WHEN 'authentication.password_change' THEN '{change a password,changed a password}'
        WHEN 'authentication.assume_role' THEN '{take on,took on}'
        WHEN 'session.set_role' THEN '{take on,took on}'
        WHEN 'session.set_authorization' THEN '{act as,acted as}'
        WHEN 'data.select' THEN '{read rows of,read rows of}'
        WHEN 'data.insert' THEN '{insert rows into,inserted rows into}'
        WHEN 'data.update' THEN '{update rows of,updated rows of}'
        WHEN 'data.delete' THEN '{delete rows of,deleted rows of}'
        WHEN 'data.merge' THEN '{merge rows into,merged rows into}'
        WHEN 'data.copy_from' THEN '{load rows into,loaded rows into}'
        WHEN 'data.copy_to' THEN '{copy rows out of,copied rows out of}'
        WHEN 'resource.tag_change' THEN '{change the tags of,changed the tags of}'
        WHEN 'resource.state_change' THEN '{change the state of,changed the state of}'
        WHEN 'owner.change' THEN '{change the owner of,changed the owner of}'
        WHEN 'grant.privilege' THEN '{"grant ","granted "}' -- the privilege follows
        WHEN 'revoke.privilege' THEN '{"revoke ","revoked "}'
        WHEN 'auditlog.search' THEN '{search the audit log,searched the audit log}'
        WHEN 'auditlog.view' THEN '{read the audit log,read the audit log}'
        WHEN 'auditlog.export' THEN '{export the audit log,exported the audit log}'
        ELSE CASE last
            WHEN 'create' THEN '{create,created}' WHEN 'user_create' THEN '{create,created}' WHEN 'budget_create' THEN '{create,created}'
            WHEN 'modify' THEN '{change,changed}' WHEN 'alter' THEN '{change,changed}' WHEN 'update' THEN '{change,changed}'
            WHEN 'user_modify' THEN '{change,changed}' WHEN 'budget_modify' THEN '{change,changed}'
            WHEN 'delete' THEN '{delete,deleted}' WHEN 'drop' THEN '{delete,deleted}'
            WHEN 'user_delete' THEN '{delete,deleted}' WHEN 'budget_delete' THEN '{delete,deleted}'
            WHEN 'rename' THEN '{rename,renamed}' WHEN 'truncate' THEN '{empty,emptied}' WHEN 'replace' THEN '{replace,replaced}'
            WHEN 'view' THEN '{look at,looked at}' WHEN 'read' THEN '{read,read}' WHEN 'write' THEN '{write,wrote}'
            WHEN 'execute' THEN '{run,ran}' WHEN 'exec' THEN '{run a command in,ran a command in}'
            WHEN 'export' THEN '{export,exported}' WHEN 'restore' THEN '{restore,restored}'
            WHEN 'request' THEN '{ask for,asked for}' WHEN 'approve' THEN '{approve,approved}' WHEN 'reject' THEN '{reject,rejected}'
            WHEN 'role' THEN CASE event_type WHEN 'grant.role' THEN '{grant,granted}' WHEN 'revoke.role' THEN '{revoke,revoked}' END
            ELSE CASE WHEN last LIKE '%\_change' OR last LIKE 'alter\_%' OR last LIKE '%\_update' THEN '{change,changed}' END
        END
    END)::text[];
    parts text[];
    done text;
BEGIN
    IF event_type = 'access.denied' OR event_type = 'auditlog.access_denied' THEN
        RETURN concat(coalesce(actor, 'somebody'), ' was refused', ' ' || operation, ' on ' || thing);
    END IF;
    IF verb IS NULL THEN
        done := concat_ws(' ', event_type || CASE WHEN lower(operation) = last THEN '' ELSE coalesce(' (' || operation || ')', '') END, thing);
        done := concat(coalesce(actor, 'somebody'), ': ', done,
            CASE WHEN lower(status) IN ('success', 'succeeded', 'ok') THEN NULL ELSE ', ' || status END);
    ELSE
        IF verb[1] LIKE '% ' THEN
            verb := ARRAY[verb[1] || coalesce(metadata ->> 'privilege', 'a right') || ' on', verb[2] || coalesce(metadata ->> 'privilege', 'a right') || ' on'];
        END IF;
        IF event_type LIKE 'authentication.log%' OR verb[1] LIKE '% the audit log' THEN
            thing := NULL;
        ELSIF event_type LIKE 'change.%' THEN
            thing := concat_ws(' ', 'the change', metadata ->> 'change_ref');
        END IF;
        -- An operation that says no more than the type is left out.
        IF split_part(lower(operation), ' ', 1) NOT IN (last, split_part(last, '_', 1), split_part(verb[1], ' ', 1), 'modify', 'update', 'select', 'insert',
            'login', 'logout') THEN
            thing := concat_ws(' ', thing, '(' || operation || ')');
        END IF;
        IF grantee IS NOT NULL AND event_type ~ '^(grant|revoke)\.' THEN
            thing := concat_ws(' ', thing, CASE WHEN event_type LIKE 'grant%' THEN 'to' ELSE 'from' END, grantee);
        END IF;
        done := CASE
            WHEN lower(status) = 'denied' THEN concat_ws(' ', coalesce(actor, 'somebody'), 'tried to', verb[1], thing) || ' and was refused'
            WHEN lower(status) IN ('failed', 'failure', 'error') THEN concat_ws(' ', coalesce(actor, 'somebody'), 'tried to', verb[1], thing) || ' and failed'
            ELSE concat_ws(' ', coalesce(actor, 'somebody'), verb[2], thing)
                || CASE WHEN lower(status) IN ('success', 'succeeded', 'ok') THEN '' ELSE coalesce(', ' || status, '') END
        END;
    END IF;
    -- What had been there is of no interest where all of it has gone.
    IF jsonb_array_length(diff) > 0 AND (verb[1] IS DISTINCT FROM 'delete' OR diff @? '$[*].after') THEN
        SELECT array_agg(CASE WHEN c.path LIKE '%[]' THEN concat_ws(' and ', left(c.path, -2) || ' lost ' || c.before,
                    CASE WHEN c.before IS NULL THEN left(c.path, -2) || ' ' ELSE '' END || 'gained ' || c.after)
                WHEN c.before IS NULL THEN format('%s set to %s', c.path, c.after)
                WHEN c.after IS NULL THEN format('%s removed (was %s)', c.path, c.before)
                ELSE format('%s %s → %s', c.path, c.before, c.after) END ORDER BY c.number) INTO parts
            FROM (SELECT d.number, d.item, coalesce(nullif(d.item ->> 'path', ''), 'value') AS path,
                    CASE WHEN d.item ? 'before' THEN CASE WHEN length(d.item ->> 'before') > 40 THEN left(d.item ->> 'before', 39) || '…'
                        ELSE coalesce(nullif(d.item ->> 'before', ''), CASE d.item ->> 'before' WHEN '' THEN '«»' ELSE 'null' END) END END AS before,
                    CASE WHEN d.item ? 'after' THEN CASE WHEN length(d.item ->> 'after') > 40 THEN left(d.item ->> 'after', 39) || '…'
                        ELSE coalesce(nullif(d.item ->> 'after', ''), CASE d.item ->> 'after' WHEN '' THEN '«»' ELSE 'null' END) END END AS after
                FROM jsonb_array_elements(diff) WITH ORDINALITY AS d (item, number) WHERE d.number <= 3) AS c;
        done := done || ': ' || array_to_string(parts, ', ')
            || CASE WHEN jsonb_array_length(diff) > 3 THEN format(' and %s more', jsonb_array_length(diff) - 3) ELSE '' END;
    END IF;
    RETURN done;
END
$body$;
COMMENT ON FUNCTION auditlog.sentence(text, text, text, text, text, text, jsonb, jsonb) IS
    'What an event tells, as a sentence: who did what to what, with what success, and what it changed';
