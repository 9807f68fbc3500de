-- What the extension offers in the schema auditlog: everything named, everything commented.
\pset format unaligned
SELECT p.proname AS function, pg_get_function_arguments(p.oid) AS arguments, pg_get_function_result(p.oid) AS result
FROM pg_proc p WHERE pronamespace = 'auditlog'::regnamespace AND prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
ORDER BY 1, 2;
\pset format aligned

SELECT p.oid::regprocedure AS function_without_comment
FROM pg_proc p WHERE pronamespace IN ('auditlog'::regnamespace, 'auditlog_data'::regnamespace) AND obj_description(oid, 'pg_proc') IS NULL;

SELECT p.proname AS function_with_nameless_argument
FROM pg_proc p WHERE pronamespace = 'auditlog'::regnamespace AND pronargs > 0 AND (proargnames IS NULL OR '' = ANY (proargnames));

SELECT relname, relkind, obj_description(oid, 'pg_class') IS NOT NULL AS commented
FROM pg_class WHERE relnamespace = 'auditlog'::regnamespace AND relkind IN ('r', 'v', 'p', 'm') ORDER BY 1;

SELECT typname, obj_description(oid, 'pg_type') IS NOT NULL AS commented
FROM pg_type WHERE typnamespace = 'auditlog'::regnamespace AND typtype IN ('e', 'd') ORDER BY 1;

SELECT enumlabel FROM pg_enum WHERE enumtypid = 'auditlog.severity'::regtype ORDER BY enumsortorder;

SELECT attname AS column, format_type(atttypid, atttypmod) AS type, col_description(attrelid, attnum) IS NOT NULL AS commented
FROM pg_attribute WHERE attrelid = 'auditlog.events'::regclass AND attnum > 0 ORDER BY attnum;

-- Functions that run with their owner's rights have a fixed search_path.
SELECT p.oid::regprocedure AS definer_without_search_path
FROM pg_proc p WHERE pronamespace IN ('auditlog'::regnamespace, 'auditlog_data'::regnamespace) AND prosecdef
  AND NOT EXISTS (SELECT FROM unnest(proconfig) c WHERE c LIKE 'search_path=%');

SELECT reloptions FROM pg_class WHERE oid = 'auditlog.events'::regclass;
