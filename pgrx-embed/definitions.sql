-- Everything that pg_auditlog defines in a database: a row (kind, name, definition) each. Two databases with the same rows
-- have the same extension. Without object ids, versions, and what comes and goes at run time (partitions that the sealer
-- made, events). Roles are shared by the whole cluster, so they can't be compared here.
SET search_path TO pg_catalog;

WITH extension AS (
    SELECT * FROM pg_extension WHERE extname = 'pg_auditlog'
), members AS (
    SELECT d.classid, d.objid FROM pg_depend AS d JOIN extension AS e ON e.oid = d.refobjid
    WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
    -- CREATE EXTENSION makes the control file's schema, but doesn't count it as a member.
    UNION SELECT 'pg_namespace'::regclass, extnamespace FROM extension
), types AS (
    SELECT t.* FROM pg_type AS t JOIN members AS m ON m.classid = 'pg_type'::regclass AND m.objid = t.oid
    WHERE t.typtype IN ('e', 'd', 'c')
), relations AS (
    SELECT c.* FROM pg_class AS c
    WHERE EXISTS (SELECT FROM members AS m WHERE m.classid = 'pg_class'::regclass AND m.objid = c.oid)
        OR c.oid IN (SELECT typrelid FROM types)
), objects (kind, classid, objid, objsubid, owner, acl, definition) AS (
    SELECT 'extension', 'pg_extension'::regclass, e.oid, 0, NULL::oid, NULL::aclitem[],
        concat_ws(E'\n', format('schema: %s', e.extnamespace::regnamespace), format('relocatable: %s', e.extrelocatable),
            (SELECT string_agg(format('dumped: %s %s', t.id::regclass, t.condition), E'\n' ORDER BY t.id::regclass::text COLLATE "C")
                FROM unnest(e.extconfig, e.extcondition) AS t (id, condition)))
    FROM extension AS e

    UNION ALL
    SELECT 'schema', 'pg_namespace'::regclass, n.oid, 0, n.nspowner, coalesce(n.nspacl, acldefault('n', n.nspowner)), NULL
    FROM pg_namespace AS n JOIN members AS m ON m.classid = 'pg_namespace'::regclass AND m.objid = n.oid

    UNION ALL
    SELECT 'type', 'pg_type'::regclass, t.oid, 0, t.typowner, coalesce(t.typacl, acldefault('T', t.typowner)),
        concat_ws(E'\n', format('kind: %s', t.typtype),
            (SELECT 'labels: ' || string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)
                FROM pg_enum AS e WHERE e.enumtypid = t.oid),
            CASE WHEN t.typtype = 'd' THEN format('domain over %s, not null %s, default %s, collation %s',
                format_type(t.typbasetype, t.typtypmod), t.typnotnull, t.typdefault, t.typcollation::regcollation) END)
    FROM types AS t

    UNION ALL
    SELECT CASE WHEN c.relkind IN ('v', 'm') THEN 'view' WHEN c.relkind = 'S' THEN 'sequence' ELSE 'table' END,
        'pg_class'::regclass, c.oid, 0, c.relowner,
        coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner)),
        concat_ws(E'\n', format('kind: %s, persistence: %s, replica identity: %s', c.relkind, c.relpersistence, c.relreplident),
            format('row security: %s, forced: %s', c.relrowsecurity, c.relforcerowsecurity),
            (SELECT 'access method: ' || a.amname FROM pg_am AS a WHERE a.oid = c.relam),
            (SELECT 'tablespace: ' || s.spcname FROM pg_tablespace AS s WHERE s.oid = c.reltablespace),
            (SELECT 'options: ' || string_agg(o, ', ' ORDER BY o COLLATE "C") FROM unnest(c.reloptions) AS o),
            (SELECT 'toast options: ' || string_agg(o, ', ' ORDER BY o COLLATE "C")
                FROM pg_class AS t, unnest(t.reloptions) AS o WHERE t.oid = c.reltoastrelid),
            'partition by ' || pg_get_partkeydef(c.oid),
            (SELECT string_agg(format('child of %s', i.inhparent::regclass), E'\n' ORDER BY i.inhseqno)
                FROM pg_inherits AS i WHERE i.inhrelid = c.oid),
            pg_get_expr(c.relpartbound, c.oid),
            (SELECT format('sequence of %s from %s by %s, %s to %s, cache %s, cycle %s', format_type(s.seqtypid, NULL), s.seqstart,
                s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle) FROM pg_sequence AS s WHERE s.seqrelid = c.oid),
            CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END)
    FROM relations AS c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')

    UNION ALL
    -- The place counts too: COPY without a list of columns and rows made below SQL go by it.
    SELECT 'column', 'pg_class'::regclass, a.attrelid, a.attnum, NULL, a.attacl,
        concat_ws(E'\n', format('place: %s', row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum)),
            format('type: %s%s', format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN ' NOT NULL' END),
            CASE WHEN a.attcollation <> 0 THEN format('collation: %s', a.attcollation::regcollation) END,
            CASE WHEN a.attgenerated = '' THEN 'default: ' ELSE 'generated: ' END || pg_get_expr(d.adbin, d.adrelid),
            CASE WHEN a.attidentity <> '' THEN format('identity: %s', a.attidentity) END,
            format('storage: %s, compression: %s, inherited: %s, local: %s', a.attstorage, a.attcompression, a.attinhcount, a.attislocal),
            -- The 15.20 server (15.20-0+deb12u1) that this was written on stamps each column of each new table, plain ones too,
            -- with pg_attver=<number>, another number each time; pg_dump leaves it out. Not ours, so this name alone is skipped.
            (SELECT 'options: ' || string_agg(o, ', ' ORDER BY o COLLATE "C")
                FROM unnest(a.attoptions) AS o WHERE NOT starts_with(o, 'pg_attver=')),
            CASE WHEN a.attstattarget >= 0 THEN format('statistics: %s', a.attstattarget) END)
    FROM pg_attribute AS a JOIN relations AS c ON c.oid = a.attrelid
    LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')

    UNION ALL
    SELECT 'constraint', 'pg_constraint'::regclass, o.oid, 0, NULL, NULL,
        concat_ws(E'\n', pg_get_constraintdef(o.oid), format('validated: %s, inherited: %s, local: %s', o.convalidated, o.coninhcount, o.conislocal))
    FROM pg_constraint AS o
    WHERE o.conrelid IN (SELECT oid FROM relations) OR o.contypid IN (SELECT oid FROM types)

    UNION ALL
    SELECT 'index', 'pg_class'::regclass, i.indexrelid, 0, NULL, NULL,
        concat_ws(E'\n', pg_get_indexdef(i.indexrelid),
            format('valid: %s, clustered: %s, replica identity: %s', i.indisvalid, i.indisclustered, i.indisreplident))
    FROM pg_index AS i JOIN relations AS c ON c.oid = i.indrelid

    UNION ALL
    SELECT 'trigger', 'pg_trigger'::regclass, t.oid, 0, NULL, NULL, concat_ws(E'\n', pg_get_triggerdef(t.oid), format('enabled: %s', t.tgenabled))
    FROM pg_trigger AS t JOIN relations AS c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal

    UNION ALL
    SELECT 'rule', 'pg_rewrite'::regclass, r.oid, 0, NULL, NULL, concat_ws(E'\n', pg_get_ruledef(r.oid), format('enabled: %s', r.ev_enabled))
    FROM pg_rewrite AS r JOIN relations AS c ON c.oid = r.ev_class WHERE r.rulename <> '_RETURN'

    UNION ALL
    SELECT 'policy', 'pg_policy'::regclass, p.oid, 0, NULL, NULL,
        concat_ws(E'\n', format('permissive: %s, command: %s', p.polpermissive, p.polcmd),
            (SELECT 'roles: ' || string_agg(CASE r WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(r) END, ', '
                ORDER BY pg_get_userbyid(r) COLLATE "C") FROM unnest(p.polroles) AS r),
            'using: ' || pg_get_expr(p.polqual, p.polrelid), 'check: ' || pg_get_expr(p.polwithcheck, p.polrelid))
    FROM pg_policy AS p JOIN relations AS c ON c.oid = p.polrelid

    UNION ALL
    SELECT 'function', 'pg_proc'::regclass, p.oid, 0, p.proowner, coalesce(p.proacl, acldefault('f', p.proowner)), pg_get_functiondef(p.oid)
    FROM pg_proc AS p JOIN members AS m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid WHERE p.prokind <> 'a'

    UNION ALL
    SELECT 'access method', 'pg_am'::regclass, a.oid, 0, NULL, NULL, format('type: %s, handler: %s', a.amtype, a.amhandler)
    FROM pg_am AS a JOIN members AS m ON m.classid = 'pg_am'::regclass AND m.objid = a.oid

    UNION ALL
    SELECT 'event trigger', 'pg_event_trigger'::regclass, t.oid, 0, t.evtowner, NULL,
        concat_ws(E'\n', format('on %s, enabled: %s', t.evtevent, t.evtenabled), format('function: %s', t.evtfoid::regprocedure),
            'tags: ' || array_to_string(t.evttags, ', '))
    FROM pg_event_trigger AS t JOIN members AS m ON m.classid = 'pg_event_trigger'::regclass AND m.objid = t.oid

    UNION ALL
    -- What the roles of the product may do to objects that aren't the product's.
    SELECT 'right elsewhere', s.classid, s.objid, s.objsubid, NULL, coalesce(p.proacl, a.attacl, c.relacl, n.nspacl, t.typacl), NULL
    FROM (SELECT DISTINCT classid, objid, objsubid FROM pg_shdepend
        WHERE refclassid = 'pg_authid'::regclass AND deptype = 'a'
            AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
            AND refobjid IN (SELECT oid FROM pg_roles WHERE starts_with(rolname, 'auditlog_'))) AS s
    LEFT JOIN pg_proc AS p ON s.classid = 'pg_proc'::regclass AND p.oid = s.objid
    LEFT JOIN pg_attribute AS a ON s.classid = 'pg_class'::regclass AND a.attrelid = s.objid AND a.attnum = s.objsubid AND s.objsubid > 0
    LEFT JOIN pg_class AS c ON s.classid = 'pg_class'::regclass AND c.oid = s.objid AND s.objsubid = 0
    LEFT JOIN pg_namespace AS n ON s.classid = 'pg_namespace'::regclass AND n.oid = s.objid
    LEFT JOIN pg_type AS t ON s.classid = 'pg_type'::regclass AND t.oid = s.objid
    WHERE NOT EXISTS (SELECT FROM members AS m WHERE m.classid = s.classid AND m.objid = s.objid)
), described AS (
    SELECT o.kind, (pg_identify_object(o.classid, o.objid, o.objsubid)).identity AS name,
        concat_ws(E'\n', nullif(o.definition, ''), 'owner: ' || pg_get_userbyid(o.owner), rights.list, initial.list,
            (SELECT 'comment: ' || d.description FROM pg_description AS d
                WHERE d.classoid = o.classid AND d.objoid = o.objid AND d.objsubid = o.objsubid)) AS definition
    FROM objects AS o
    CROSS JOIN LATERAL (
        SELECT string_agg(format('right: %s may %s, granted by %s', a.grantee, a.privileges, a.grantor), E'\n'
            ORDER BY a.grantee COLLATE "C", a.grantor COLLATE "C") AS list
        FROM (SELECT CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(x.grantee) END AS grantee, pg_get_userbyid(x.grantor) AS grantor,
            string_agg(x.privilege_type || CASE WHEN x.is_grantable THEN ' (and grant it)' ELSE '' END, ', ' ORDER BY x.privilege_type COLLATE "C") AS privileges
            FROM aclexplode(o.acl) AS x GROUP BY 1, 2) AS a
    ) AS rights
    CROSS JOIN LATERAL (
        -- What pg_dump takes as given: it dumps only rights that differ from these.
        SELECT string_agg(format('initial right: %s may %s', CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(x.grantee) END, x.privilege_type), E'\n'
            ORDER BY pg_get_userbyid(x.grantee) COLLATE "C", x.privilege_type COLLATE "C") AS list
        FROM pg_init_privs AS i, aclexplode(i.initprivs) AS x
        WHERE i.classoid = o.classid AND i.objoid = o.objid AND i.objsubid = o.objsubid
    ) AS initial

    UNION ALL
    SELECT 'event type', event_type, to_jsonb(t)::text FROM auditlog.event_types AS t WHERE built_in

    UNION ALL
    -- Members that nothing above describes: the check fails on them instead of passing them over.
    SELECT 'unknown', pg_describe_object(m.classid, m.objid, 0), '' FROM members AS m
    WHERE NOT EXISTS (SELECT FROM objects AS o WHERE o.classid = m.classid AND o.objid = m.objid)
        -- PostgreSQL 18 also counts the types that come by themselves: rows of a table, arrays of a type.
        AND NOT EXISTS (SELECT FROM pg_type AS t WHERE m.classid = 'pg_type'::regclass AND t.oid = m.objid
            AND (t.typrelid IN (SELECT oid FROM relations WHERE relkind <> 'c') OR EXISTS (SELECT FROM pg_type AS e WHERE e.typarray = t.oid)))
)
SELECT kind, name, definition FROM described ORDER BY kind COLLATE "C", name COLLATE "C";
