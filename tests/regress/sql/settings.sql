-- Every setting, its default, and who may change it.
SELECT name, setting, unit, context, short_desc <> '' AS described
FROM pg_settings WHERE name LIKE 'auditlog.%' ORDER BY name;

-- What weakens auditing is for superusers.
SET ROLE regress_app;
SET auditlog.validation = 'off';
SET auditlog.max_clock_skew = '1h';
SET auditlog.max_event_size = '64MB';
SET auditlog.max_json_depth = 500;
SET auditlog.personal_fields = '';
SET auditlog.seal_interval = '1min';
SET session_replication_role = replica;
RESET ROLE;

SET auditlog.validation = 'perhaps';
SET auditlog.seal_interval = '1min';
SET auditlog.no_such_setting = 1;
