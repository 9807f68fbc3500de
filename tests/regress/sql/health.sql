-- health(): its checks; all well on this cluster but for what the settings of the tests cause.
SELECT attname FROM (SELECT unnest(proargnames) AS attname, unnest(proargmodes) AS mode FROM pg_proc WHERE oid = 'auditlog.health'::regproc) s WHERE mode = 't';
CALL settle();
SELECT "check", status FROM auditlog.health() ORDER BY 1;
SELECT count(*) FILTER (WHERE status NOT IN ('ok', 'warning', 'error')) AS odd_status,
       count(*) FILTER (WHERE coalesce(detail, '') = '') AS without_detail,
       count(*) FILTER (WHERE status <> 'ok' AND coalesce(hint, '') = '') AS without_hint
FROM auditlog.health();

-- A guard that somebody switched off is seen.
UPDATE pg_trigger SET tgenabled = 'D' WHERE NOT tgisinternal AND tgrelid = 'auditlog_data.log_standard_2024_01'::regclass;
SELECT "check", status FROM auditlog.health() WHERE status = 'error' ORDER BY 1;
UPDATE pg_trigger SET tgenabled = 'A' WHERE NOT tgisinternal AND tgrelid = 'auditlog_data.log_standard_2024_01'::regclass;
SELECT "check", status FROM auditlog.health() WHERE status = 'error' ORDER BY 1;
