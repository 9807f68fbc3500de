-- demo_events(n, seed): n varied, realistic audit events over all categories of the product,
-- spread over the last 30 days. The same seed gives the same events; only their times follow the
-- clock. Schema: public, or the one given with psql -v schema=NAME.
--
-- Events come in episodes, as in life: somebody logs in, works, and leaves; a password is guessed;
-- a nightly run repairs what it finds. Addresses and names are from ranges reserved for examples.

\if :{?schema}
\else
\set schema public
\endif

CREATE OR REPLACE FUNCTION :"schema".demo_events(n int, seed float8 DEFAULT 0.42) RETURNS SETOF jsonb
LANGUAGE plpgsql VOLATILE STRICT
SET search_path = pg_catalog, pg_temp
AS $demo$
DECLARE
  firsts text[] := '{Ada,Bela,Chen,Dana,Emeka,Fatima,Goran,Hana,Ivo,Jana,Kofi,Lena,Mateo,Nadia,Omar,Priya,Quinn,Rosa,Sven,Tomas}';
  lasts text[] := '{Adler,Brandt,Costa,Dufour,Eriksen,Farkas,Gupta,Haddad,Ito,Jansen}';
  tenants text[] := '{acme,globex,initech}';
  teams text[] := '{platform,finops,security,data,web}';
  robots text[] := '{svc-terraform,svc-ci-deploy,svc-backup,svc-cost-collector,svc-etl}';
  partners text[] := '{jira,slack,servicenow,datadog}';
  places text[] := '{production,production,staging,development}';
  labels text[] := '{public,internal,internal,confidential,restricted,pii,phi,chd}';
  ranges text[] := '{203.0.113,198.51.100,192.0.2}';
  agents text[] := ARRAY[
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36',
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 14_4) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15',
    'Mozilla/5.0 (X11; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0',
    'cloudpi-cli/2.3.1 (linux; amd64)', 'python-requests/2.31.0'];
  -- provider, type, prefix of the id, region
  homes text[] := ARRAY[
    ['aws', 'ec2_instance', 'i-', 'us-east-1'], ['aws', 's3_bucket', 'assets-', 'eu-central-1'],
    ['aws', 'rds_instance', 'db-', 'us-east-1'], ['aws', 'lambda_function', 'fn-', 'us-west-2'],
    ['azure', 'virtual_machine', 'vm-', 'westeurope'], ['azure', 'storage_account', 'st', 'westeurope'],
    ['azure', 'sql_database', 'sqldb-', 'northeurope'], ['azure', 'key_vault', 'kv-', 'westeurope'],
    ['gcp', 'compute_instance', 'gce-', 'europe-west1'], ['gcp', 'gcs_bucket', 'bucket-', 'us-central1'],
    ['gcp', 'bigquery_dataset', 'ds_', 'US']];
  -- table and classification
  tables text[] := ARRAY[['sales.orders', 'confidential'], ['crm.customers', 'pii'], ['hr.employees', 'restricted'],
                         ['clinic.patients', 'phi'], ['billing.cards', 'chd']];
  start timestamptz := date_trunc('second', now()) - interval '30 days';
  moment timestamptz;
  emitted int := 0;
  episode int := 0;
  kind int;
  steps text[];    -- rows of: event type, operation, status, resource, changes, metadata
  step text[];
  actor jsonb;
  method text;
  person int;
  tenant text;
  team text;
  thing jsonb;     -- the resource at hand
  home text[];     -- its row of homes
  provider text;
  number int;      -- decides the small things of an episode
  amount int;
  somebody text;   -- another user
  policy text;
  role text;
  what text;
  i int;
BEGIN
  PERFORM setseed(seed);
  WHILE emitted < n LOOP
    episode := episode + 1;
    -- The first ten show each kind once, the rest is weighted.
    kind := CASE WHEN episode <= 10 THEN episode
                 ELSE (ARRAY[1,1,1,1,1,1,2,3,3,4,4,5,5,6,6,7,7,8,9,10])[1 + floor(random() * 20)::int] END;
    steps := '{}';
    moment := start + interval '30 days' * (emitted::float8 / n) + interval '1 hour' * random();

    number := floor(random() * 200)::int;

    -- Who: a person, always with the same team, tenant and address; machines take over below.
    person := floor(random() * 40)::int;
    tenant := tenants[1 + person % 3];
    team := teams[1 + person % 5];
    what := agents[1 + (person + floor(random() * 1.3)::int) % 5];
    method := CASE WHEN what ~ '^Mozilla' THEN 'console' WHEN what ~ 'cli' THEN 'cli' ELSE 'api' END;
    actor := jsonb_build_object(
      'type', 'user', 'id', format('user_%s', 10000 + person * 7),
      'email', lower(format('%s.%s@%s.example', firsts[1 + person % 20], lasts[1 + person % 10], tenant)),
      'name', format('%s %s', firsts[1 + person % 20], lasts[1 + person % 10]), 'team', team,
      'ip_address', CASE WHEN person % 5 = 0 THEN format('2001:db8:%s::%s', to_hex(person + 16), to_hex(1 + number % 60))
                         ELSE format('%s.%s', ranges[1 + person % 3], 10 + person) END,
      'user_agent', what, 'session_id', 'sess_' || substr(md5(random()::text), 1, 12));

    -- What: one of 200 resources, always with the same properties.
    amount := 100 * (1 + floor(random() * 200)::int);
    home := homes[1 + number % 11 : 1 + number % 11][:];
    provider := home[1][1];
    thing := jsonb_build_object(
      'type', home[1][2], 'id', home[1][3] || substr(md5('resource' || number), 1, 12),
      'cloud_provider', provider, 'region', home[1][4],
      'account_id', CASE provider
        WHEN 'aws' THEN lpad((112233 * (1 + number % 6))::text, 12, '4')
        WHEN 'azure' THEN md5('subscription' || number % 4)::uuid::text
        ELSE format('cloudpi-project-%s', number % 5) END,
      'tags', jsonb_build_object('Environment', places[1 + number % 4], 'Team', teams[1 + number % 5],
        'CostCenter', format('cc-%s', 100 + number % 7), 'classification', labels[1 + number % 8]));
    somebody := format('user_%s', 10000 + ((person + 1 + number) % 40) * 7);
    policy := format('{"type": "policy", "id": "pol-%s", "tags": %s}', number % 9, thing -> 'tags');
    role := format('{"type": "role", "id": "role-%s"}', team);

    CASE kind
    WHEN 1 THEN  -- a person at work
      steps := ARRAY[[CASE WHEN person % 4 = 0 THEN 'integration.sso_authentication' ELSE 'authentication.login' END,
                      'login', 'success', NULL, NULL, '{"auth_method": "password"}']];
      IF person % 3 <> 0 THEN
        steps := steps || ARRAY[['authentication.mfa_verify', 'verify_totp', 'success', NULL, NULL, NULL]];
      END IF;
      FOR i IN 1 .. 2 + floor(random() * 6)::int LOOP
        what := CASE WHEN random() < 0.94 THEN 'success' WHEN random() < 0.6 THEN 'denied' ELSE 'failed' END;
        steps := steps || CASE floor(random() * 12)::int
          WHEN 0 THEN ARRAY[['resource.create', 'create_' || home[1][2], what, thing::text,
            format('{"after": {"size": "small", "encrypted": %s}}', (random() < 0.9)::text), NULL]]
          WHEN 1 THEN ARRAY[['resource.modify', 'resize', what, thing::text,
            '{"before": {"size": "medium"}, "after": {"size": "large"}}', NULL]]
          WHEN 2 THEN ARRAY[['resource.state_change', 'stop_instance', what, thing::text,
            '{"before": {"state": "running"}, "after": {"state": "stopped"}}', '{"tags": ["cost-optimization"]}']]
          WHEN 3 THEN ARRAY[['resource.tag_change', 'set_tags', what, thing::text,
            format('{"before": {"tags": %s}, "after": {"tags": %s}}', (thing -> 'tags') - 'CostCenter', thing -> 'tags'), NULL]]
          WHEN 4 THEN ARRAY[['resource.delete', 'delete_' || home[1][2], what, thing::text, NULL, NULL]]
          ELSE ARRAY[['resource.view', 'describe_' || home[1][2], what, thing::text, NULL, NULL]]
        END;
      END LOOP;
      steps := steps || CASE floor(random() * 10)::int
        WHEN 0 THEN ARRAY[['authentication.session_expire', 'expire', 'success', NULL, NULL, NULL]]
        WHEN 1 THEN ARRAY[['authentication.password_change', 'change_password', 'success', NULL, NULL, NULL]]
        ELSE ARRAY[['authentication.logout', 'logout', 'success', NULL, NULL, NULL]]
      END;

    WHEN 2 THEN  -- a password is guessed from afar
      actor := (actor - 'session_id') || jsonb_build_object(
        'ip_address', format('203.0.113.%s', 200 + number % 50), 'user_agent', 'python-requests/2.31.0');
      method := 'api';
      FOR i IN 1 .. 5 + floor(random() * 8)::int LOOP
        steps := steps || ARRAY[['authentication.login', 'login', 'failed', NULL, NULL,
                                 '{"reason": "bad password", "auth_method": "password"}']];
      END LOOP;
      steps := steps || CASE WHEN random() < 0.8
        THEN ARRAY[['authentication.account_locked', 'lock_account', 'success', NULL, NULL, NULL]]
        ELSE ARRAY[['authentication.login', 'login', 'success', NULL, NULL, '{"tags": ["suspicious"]}']] END;

    WHEN 3 THEN  -- work with data
      method := 'sql';
      thing := jsonb_build_object('type', 'table', 'id', tables[1 + number % 5][1], 'tags', jsonb_build_object(
        'Environment', places[1 + number % 4], 'classification', tables[1 + number % 5][2]));
      FOR i IN 1 .. 2 + floor(random() * 4)::int LOOP
        what := ('{select,select,select,update,insert,delete,copy_to}'::text[])[1 + floor(random() * 7)::int];
        steps := steps || ARRAY[['data.' || what, what, CASE WHEN random() < 0.95 THEN 'success' ELSE 'denied' END, thing::text,
          NULL, format('{"row_count": %s, "application": "psql", "interactive": %s, "purpose": "support"}',
                       floor(power(10, random() * 5)), (person % 2 = 0)::text)]];
      END LOOP;

    WHEN 4 THEN  -- the automation finds something and repairs it
      method := 'api';
      actor := jsonb_build_object('type', 'service', 'id', robots[1 + number % 5], 'ip_address', format('10.20.0.%s', 5 + number % 9));
      steps := ARRAY[
        ['automation.scheduled_task', 'run', 'success', '{"type": "schedule", "id": "sched-nightly"}', NULL, NULL],
        ['automation.policy_run', 'evaluate', 'success', policy, NULL, format('{"checked": %s, "tags": ["automation"]}', amount)],
        ['policy.violation', 'evaluate', 'failed', thing::text, NULL, format('{"policy": "pol-%s"}', number % 9)],
        ['automation.remediation', 'stop_instance', CASE WHEN random() < 0.9 THEN 'success' ELSE 'failed' END, thing::text,
          '{"before": {"state": "running"}, "after": {"state": "stopped"}}', '{"tags": ["automation", "cost-optimization"]}'],
        ['automation.workflow_execute', 'run_workflow', 'success', format('{"type": "workflow", "id": "wf-%s"}', number % 12),
          NULL, NULL]];

    WHEN 5 THEN  -- somebody looks after the costs
      what := format('{"type": "budget", "id": "budget-%s-%s", "tags": {"Environment": "%s"}}', team, number % 6, places[1 + number % 4]);
      steps := CASE WHEN number % 3 = 0
        THEN ARRAY[['cost.budget_create', 'create_budget', 'success', what,
          format('{"before": null, "after": {"monthly_limit": %s.50, "currency": "EUR"}}', amount), '{"tags": ["budget"]}']]
        ELSE ARRAY[['cost.budget_modify', 'modify_budget', 'success', what,
          format('{"before": {"monthly_limit": %s, "currency": "EUR"}, "after": {"monthly_limit": %s, "currency": "EUR"}}',
                 amount, amount + 500), '{"tags": ["budget"]}']] END;
      steps := steps || ARRAY[
        ['cost.alert_change', 'set_alert', 'success', what, '{"after": {"threshold_percent": 80}}', NULL],
        ['cost.budget_exceeded', 'check_budget', 'success', what, NULL, format('{"spent": %s.25, "tags": ["budget"]}', amount + 612)],
        ['cost.report_generate', 'generate_report', 'success', '{"type": "report", "id": "rep-monthly-cost"}', NULL, NULL],
        ['cost.export', 'export', 'success', '{"type": "report", "id": "rep-monthly-cost"}', NULL,
          format('{"format": "csv", "row_count": %s}', amount)]];

    WHEN 6 THEN  -- other systems
      method := 'api';
      what := partners[1 + number % 4];
      actor := jsonb_build_object('type', 'integration', 'id', 'int-' || what, 'name', what,
        'ip_address', format('198.51.100.%s', 100 + number % 50), 'user_agent', what || '-webhook/1.0');
      steps := ARRAY[
        ['integration.api_call', 'get', CASE WHEN random() < 0.93 THEN 'success' ELSE 'failed' END,
          '{"type": "endpoint", "id": "/api/v1/resources"}', NULL, format('{"duration_ms": %s}', round((random() * 900)::numeric, 2))],
        ['integration.webhook', 'deliver', 'success', format('{"type": "webhook", "id": "hook-%s"}', what), NULL, NULL],
        ['integration.cloud_sync', 'sync', 'success', (thing - 'tags' - 'region'
          || jsonb_build_object('type', 'cloud_account', 'id', thing -> 'account_id'))::text, NULL, format('{"resources_seen": %s}', amount)]];

    WHEN 7 THEN  -- the system itself
      method := 'internal';
      actor := '{"type": "system", "id": "scheduler", "ip_address": "::1"}';
      what := format('{"type": "pipeline", "id": "ingest-%s"}', provider);
      steps := ARRAY[
        ['system.data_ingestion', 'ingest', 'success', what, NULL, format('{"row_count": %s}', amount * 17)],
        ['system.backup', 'backup', 'success', '{"type": "database", "id": "main"}', NULL, format('{"bytes": %s000000}', amount)],
        ['system.maintenance', 'vacuum', 'success', '{"type": "database", "id": "main"}', NULL, NULL]];
      IF random() < 0.25 THEN
        steps := steps || ARRAY[['system.error', 'ingest', 'failed', what, NULL,
          '{"error_code": "E_TIMEOUT", "error_message": "upstream did not answer"}']];
      END IF;

    WHEN 8 THEN  -- an administrator changes settings
      steps := ARRAY[
        ['configuration.workspace_change', 'update_settings', 'success', format('{"type": "workspace", "id": "ws-%s"}', tenant),
          '{"before": {"session_timeout": "8h"}, "after": {"session_timeout": "1h"}}', NULL],
        ['configuration.user_' || (ARRAY['create', 'modify', 'delete'])[1 + number % 3], 'manage_user', 'success',
          format('{"type": "user", "id": "%s"}', somebody), NULL, NULL],
        ['configuration.rbac_change', 'update_role', 'success', role,
          '{"before": {"permissions": ["read"]}, "after": {"permissions": ["read", "write"]}}', NULL],
        ['configuration.integration_change', 'configure', 'success', '{"type": "integration", "id": "int-slack"}', NULL, NULL],
        ['configuration.policy_update', 'update_policy', 'success', policy, NULL, NULL]];

    WHEN 9 THEN  -- policies and rights
      steps := ARRAY[
        ['policy.' || (ARRAY['create', 'modify', 'modify', 'drop'])[1 + number % 4], 'change_policy', 'success', policy, NULL,
          format('{"change_ref": "CHG-%s", "approved_by": "%s", "self_approved": %s}', 4000 + number, somebody, (number % 17 = 0)::text)],
        [(ARRAY['grant.role', 'revoke.role', 'role.create', 'role.alter'])[1 + number % 4], 'change_role', 'success', role, NULL,
          format('{"grantee": "%s", "privileged_grant": %s}', somebody, (number % 6 = 0)::text)],
        ['access.denied', 'read_secret', 'denied', thing::text, NULL, '{"reason": "missing permission"}']];

    ELSE  -- privacy, incidents and emergencies, reviews, changes to the database
      what := format('{"type": "incident", "id": "INC-%s"}', 700 + number);
      steps := CASE number % 4
        WHEN 0 THEN ARRAY[
          ['privacy.access_request', 'request', 'success', format('{"type": "data_subject", "id": "ds-%s"}', number), NULL, NULL],
          ['privacy.erasure', 'erase', 'success', format('{"type": "data_subject", "id": "ds-%s"}', number), NULL,
            '{"tables": ["crm.customers"], "erasure_method": "delete"}']]
        WHEN 1 THEN ARRAY[
          ['incident.open', 'open', 'success', what, NULL, '{"summary": "unusual downloads", "tags": ["suspicious"]}'],
          ['breakglass.begin', 'elevate', 'success', thing::text, NULL, format('{"incident_id": "INC-%s", "privileged": true}', 700 + number)],
          ['breakglass.end', 'release', 'success', thing::text, NULL, format('{"incident_id": "INC-%s", "privileged": true}', 700 + number)],
          ['incident.close', 'close', 'success', what, NULL, NULL]]
        WHEN 2 THEN ARRAY[
          ['review.access_completed', 'complete', 'success', format('{"type": "review", "id": "review-%s"}', number), NULL,
            format('{"exceptions": %s}', number % 3)]]
        ELSE ARRAY[
          ['backup.restore', 'restore', 'success', '{"type": "database", "id": "staging"}', NULL, NULL],
          ['ddl.alter', 'alter_table', 'success', '{"type": "table", "id": "sales.orders"}', NULL,
            format('{"change_ref": "CHG-%s"}', 4000 + number)]]
      END;
    END CASE;

    FOREACH step SLICE 1 IN ARRAY steps LOOP
      moment := least(moment + interval '1 second' * (1 + random() * CASE kind WHEN 2 THEN 4 ELSE 90 END), now());
      -- The severity is left to the catalogue, but for failures.
      RETURN NEXT jsonb_strip_nulls(jsonb_build_object(
          'timestamp', to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
          'event_type', step[1],
          'severity', CASE WHEN step[1] ~ '^system\.' THEN CASE WHEN step[3] = 'failed' AND number % 5 = 0 THEN 'critical' END
                           WHEN step[3] <> 'success' THEN 'warning' END,
          'tenant', tenant, 'actor', actor, 'resource', step[4]::jsonb))
        || CASE WHEN step[5] IS NULL THEN '{}' ELSE jsonb_build_object('changes', step[5]::jsonb) END
        || jsonb_build_object(
          'action', jsonb_build_object('operation', step[2], 'status', step[3], 'method', method),
          'metadata', jsonb_build_object('request_id', 'req_' || substr(md5(random()::text), 1, 12), 'api_version', 'v2')
            || coalesce(step[6]::jsonb, '{}'));
      emitted := emitted + 1;
      EXIT WHEN emitted >= n;
    END LOOP;
  END LOOP;
  -- Nobody should be able to guess what random() says next in this session.
  PERFORM setseed(1 - 2 * (extract(microseconds FROM clock_timestamp())::int % 1000003) / 1000003.0);
END
$demo$;

COMMENT ON FUNCTION :"schema".demo_events(int, float8) IS
  'Invented audit events of all categories over the last 30 days, the same for the same seed.';
