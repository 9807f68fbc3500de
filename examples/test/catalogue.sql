-- The catalogue of event types: complete, and fit for use. Read from the extension when it is
-- there, otherwise from the file that the install script is made of.

SELECT to_regclass('auditlog.event_types') IS NULL AS standin \gset
\if :standin
CREATE SCHEMA auditlog;
CREATE TYPE auditlog.severity AS ENUM ('debug', 'info', 'notice', 'warning', 'error', 'critical');
CREATE TABLE auditlog.event_types (event_type text PRIMARY KEY, category text NOT NULL,
  default_severity auditlog.severity NOT NULL DEFAULT 'info', description text NOT NULL, json_schema jsonb,
  built_in boolean NOT NULL DEFAULT false);
\ir ../../sql/schema/60_event_types.sql
\endif

SELECT auditlog_examples_test.expect(
  (SELECT string_agg(event_type, ', ') FROM auditlog.event_types WHERE built_in
   AND (event_type !~ '^[a-z][a-z_]*(\.[a-z][a-z_]*)+$' OR category !~ '^[a-z]+$' OR description !~ '^[A-Z].*\.$'
     OR jsonb_typeof(json_schema) <> 'object' OR json_schema ->> '$schema' NOT LIKE 'https://json-schema.org/%')),
  NULL, format('catalogue: %s built-in types in %s categories are well formed, %s have a schema',
    count(*), count(DISTINCT category), count(json_schema)))
FROM auditlog.event_types WHERE built_in;

-- Every item of the product description's section «Logged Events», and what its queries,
-- retention rules and «Audit Log of Audit Logs» speak of.
SELECT auditlog_examples_test.expect(string_agg(item, ', '), NULL, 'catalogue: every event of the product description is there')
FROM (VALUES
  ('login attempts', 'authentication.login'), ('logout events', 'authentication.logout'),
  ('MFA verification', 'authentication.mfa_verify'), ('session expiration', 'authentication.session_expire'),
  ('password changes', 'authentication.password_change'), ('resource creation', 'resource.create'),
  ('resource modification', 'resource.modify'), ('resource deletion', 'resource.delete'), ('resource view', 'resource.view'),
  ('tag changes', 'resource.tag_change'), ('state changes', 'resource.state_change'),
  ('workspace settings', 'configuration.workspace_change'), ('user management', 'configuration.user_%'),
  ('RBAC modifications', 'configuration.rbac_change'), ('policy updates', 'configuration.policy_update'),
  ('integration configurations', 'configuration.integration_change'), ('budget creation', 'cost.budget_create'),
  ('budget modification', 'cost.budget_modify'), ('alert configuration', 'cost.alert_change'),
  ('report generation', 'cost.report_generate'), ('export activities', 'cost.export'), ('policy runs', 'automation.policy_run'),
  ('workflow executions', 'automation.workflow_execute'), ('scheduled tasks', 'automation.scheduled_task'),
  ('remediation actions', 'automation.remediation'), ('API calls', 'integration.api_call'), ('webhook triggers', 'integration.webhook'),
  ('cloud provider sync', 'integration.cloud_sync'), ('SSO authentication', 'integration.sso_authentication'),
  ('data ingestion', 'system.data_ingestion'), ('backup operations', 'system.backup'),
  ('maintenance activities', 'system.maintenance'), ('error conditions', 'system.error'),
  ('policy changes', 'policy.modify'), ('policy violations', 'policy.violation'), ('who viewed logs', 'auditlog.view'),
  ('what queries were run', 'auditlog.search'), ('exports performed', 'auditlog.export'),
  ('report generation on the log', 'auditlog.report'), ('alert modifications', 'auditlog.alert_change')) AS seed (item, pattern)
WHERE NOT EXISTS (SELECT FROM auditlog.event_types WHERE event_type LIKE replace(pattern, '_', '\_') AND built_in);

SELECT auditlog_examples_test.expect(count(*) > 0, true, 'catalogue: category cost has types') FROM auditlog.event_types WHERE category = 'cost';

-- Every type that a compliance control's query asks for.
\if :{?controls}
\set file :controls
\else
\set file ''
\endif
SELECT :'file' <> '' AS have_file \gset
\if :have_file
\ir ../shared/read_lines.sql
SELECT auditlog_examples_test.expect(
  string_agg(wanted, ', ') FILTER (WHERE NOT EXISTS (
    SELECT FROM auditlog.event_types WHERE built_in AND event_type LIKE replace(replace(wanted, '_', '\_'), '*', '%'))),
  NULL, format('catalogue: every type in the queries of the controls is there (%s types)', count(*)))
FROM (
  SELECT DISTINCT wanted
  FROM (SELECT string_agg(text, E'\n' ORDER BY n)::jsonb AS controls FROM pg_temp.line) AS whole,
       jsonb_array_elements(controls) AS control,
       regexp_matches(control ->> 'event_query', 'event_type:(?:\(([^)]*)\)|([^\s()]+))', 'g') AS hit,
       regexp_split_to_table(coalesce(hit[1], hit[2]), '\s+OR\s+') AS wanted
) AS types
HAVING auditlog_examples_test.expect(count(*) > 0, true, 'the controls name event types') IS NOT NULL;
\else
\echo skipped: catalogue against compliance controls, no file given
\endif
