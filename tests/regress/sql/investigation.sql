-- Investigations: timelines, changes and their approval, segregation of duties, what an incident touched.
SET client_min_messages = error;
SET timezone = 'UTC';
CREATE FUNCTION planted(id text, at text, type text, who text, resource jsonb, request text, session text, more jsonb DEFAULT '{}', address text DEFAULT '203.0.113.7')
RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_strip_nulls(jsonb_build_object('event_id', id, 'timestamp', '2025-08-04T' || at || ':00Z', 'event_type', type,
    'actor', jsonb_build_object('id', who, 'email', who || '@example.com', 'ip_address', address, 'session_id', session),
    'resource', resource, 'action', more -> 'action', 'changes', more -> 'changes', 'metadata', jsonb_build_object('request_id', request) || coalesce(more -> 'metadata', '{}')))
$$;
SELECT auditlog.create_alert('{"name": "failed logins of investigations", "condition": "event_type:authentication.login AND status:failed", "threshold": {"count": 1, "window": "5m", "group_by": "actor.id"}, "notification": {"severity": "high"}}') > 0 AS made;
SELECT auditlog.record_batch(jsonb_build_array(
  -- mallory: two sessions that one request holds together, a pause between them, and a later session of its own
  planted('m-1', '10:00', 'authentication.login', 'mallory', NULL, 'r-1', 's-1', '{"action": {"status": "failed"}}'),
  planted('m-2', '10:01', 'authentication.login', 'mallory', NULL, 'r-2', 's-1', '{"action": {"status": "success"}}'),
  planted('m-3', '10:05', 'resource.view', 'mallory', '{"type": "bucket", "id": "b-1"}', 'r-3', 's-1', '{"action": {"status": "success"}}'),
  planted('m-4', '12:10', 'resource.modify', 'mallory', '{"type": "bucket", "id": "b-1"}', 'r-3', 's-2',
    '{"action": {"status": "success", "operation": "set_policy"}, "changes": {"before": {"public": false, "rules": [{"port": 22}]}, "after": {"public": true, "rules": [{"port": 22}, {"port": 80}]}}}', '198.51.100.9'),
  planted('m-5', '15:00', 'data.copy_to', 'mallory', '{"type": "table", "id": "crm.customers"}', 'r-5', 's-3', '{"action": {"status": "success"}}'),
  planted('m-6', '15:10', 'data.delete', 'mallory', '{"type": "table", "id": "crm.customers"}', 'r-6', 's-3', '{"action": {"status": "denied"}}'),
  planted('m-7', '15:11', 'resource.delete', 'mallory', '{"type": "bucket", "id": "b-1"}', 'r-7', 's-3', '{"action": {"status": "success"}}'),
  -- nobody: two events without an actor, at the same moment
  '{"event_id": "n-1", "timestamp": "2025-08-04T11:00:00Z", "event_type": "system.backup", "resource": {"type": "database", "id": "main"}}'::jsonb,
  '{"event_id": "n-2", "timestamp": "2025-08-04T11:00:00Z", "event_type": "document.open"}'::jsonb,
  -- an id that a query has to quote
  planted('q-1', '13:00', 'document.open', 'o"hara\*', NULL, NULL, NULL),
  -- changes: approved, approved by oneself, refused, approved afterwards, claimed to be approved, and what failed
  planted('c-1', '08:00', 'change.request', 'dave', '{"type": "change", "id": "CHG-1"}', NULL, NULL, '{"metadata": {"change_ref": "CHG-1"}}'),
  planted('c-2', '08:10', 'change.approve', 'erin', '{"type": "change", "id": "CHG-1"}', NULL, NULL, '{"metadata": {"change_ref": "CHG-1"}}'),
  planted('c-3', '09:00', 'resource.modify', 'dave', '{"type": "vm", "id": "vm-1"}', NULL, NULL, '{"metadata": {"change_ref": "CHG-1"}, "changes": {"before": {"size": "m", "tags": {"a.b": 1}}, "after": {"size": "l", "tags": {"a.b": 2}}}}'),
  planted('c-4', '08:00', 'change.request', 'carol', '{"type": "change", "id": "CHG-2"}', NULL, NULL, '{"metadata": {"change_ref": "CHG-2"}}'),
  planted('c-5', '08:20', 'change.approve', 'carol', '{"type": "change", "id": "CHG-2"}', NULL, NULL, '{"metadata": {"change_ref": "CHG-2"}}'),
  planted('c-6', '09:10', 'resource.create', 'carol', '{"type": "vm", "id": "vm-2"}', NULL, NULL, '{"metadata": {"change_ref": "CHG-2"}, "changes": {"after": {"size": "s"}}}'),
  planted('c-7', '08:30', 'change.approve', 'erin', '{"type": "change", "id": "CHG-3"}', NULL, NULL, '{"metadata": {"change_ref": "CHG-3"}}'),
  planted('c-8', '08:40', 'change.reject', 'frank', '{"type": "change", "id": "CHG-3"}', NULL, NULL, '{"metadata": {"change_ref": "CHG-3"}}'),
  planted('c-9', '09:20', 'config.alter_system', 'dave', '{"type": "setting", "id": "fsync"}', NULL, NULL, '{"metadata": {"change_ref": "CHG-3", "statement": "ALTER SYSTEM SET fsync = off"}}'),
  planted('c-10', '09:30', 'policy.modify', 'dave', '{"type": "policy", "id": "p-1"}', NULL, NULL, '{"metadata": {"change_ref": "CHG-4"}}'),
  planted('c-11', '09:40', 'change.approve', 'erin', '{"type": "change", "id": "CHG-4"}', NULL, NULL, '{"metadata": {"change_ref": "CHG-4"}}'),
  planted('c-12', '09:50', 'ddl.alter', 'dave', '{"type": "table", "id": "t"}', NULL, NULL, '{"metadata": {"change_ref": "CHG-5", "approved_by": "erin", "statement": "ALTER TABLE t ADD c int"}}'),
  planted('c-13', '09:51', 'ddl.drop', 'dave', '{"type": "table", "id": "t"}', NULL, NULL, '{"metadata": {"approved_by": "DAVE@example.com"}}'),
  planted('c-14', '09:52', 'resource.modify', 'dave', '{"type": "vm", "id": "vm-1"}', NULL, NULL, '{"action": {"status": "denied"}}'),
  planted('c-15', '09:53', 'ddl.alter', 'app', '{"type": "table", "id": "t"}', NULL, NULL, '{"metadata": {"change_ref": "CHG-1", "end_user": "Erin"}}'),
  -- the same names in two tenants are not the same
  planted('t-1', '18:00', 'ddl.alter', 'admin', '{"type": "table", "id": "t"}', 'r-1', 's-1', '{"metadata": {"change_ref": "CHG-6"}}') || '{"tenant": "acme"}',
  planted('t-2', '17:59', 'change.approve', 'erin', '{"type": "table", "id": "t"}', 'r-1', 's-1', '{"metadata": {"change_ref": "CHG-6"}}') || '{"tenant": "other"}',
  planted('t-3', '17:58', 'resource.view', 'admin', '{"type": "table", "id": "t"}', 'r-1', 's-1') || '{"tenant": "other"}',
  -- duties of two in one hand
  planted('d-1', '16:00', 'role.create', 'gina', '{"type": "role", "id": "ghost"}', NULL, NULL),
  planted('d-2', '16:01', 'grant.role', 'gina', '{"type": "role", "id": "admins"}', NULL, NULL, '{"metadata": {"grantee": "ghost"}}'),
  planted('d-3', '16:02', 'authentication.login', 'ghost', NULL, NULL, NULL, '{"action": {"status": "success"}}'),
  planted('d-4', '16:03', 'grant.role', 'gina', '{"type": "role", "id": "owners"}', NULL, NULL, '{"metadata": {"grantee": "GINA"}}'),
  planted('d-5', '16:04', 'role.create', 'hugo', '{"type": "role", "id": "app"}', NULL, NULL, '{}', '203.0.113.8'),
  planted('d-6', '16:05', 'authentication.login', 'app', NULL, NULL, NULL, '{"action": {"status": "success"}}', '203.0.113.9'),
  planted('d-7', '16:06', 'configuration.logging_change', 'ivan', '{"type": "trail", "id": "t-1"}', NULL, NULL),
  planted('d-8', '16:07', 'data.update', 'ivan', '{"type": "table", "id": "ledger"}', NULL, NULL)));
CALL settle();
ANALYZE auditlog_data.log;
RESET client_min_messages;
\set day 'since => ''2025-08-04Z'', until => ''2025-08-05Z'''

-- What a change changed.
SELECT auditlog.diff('{"a": 1, "b": {"c": [1, 2, 3], "d e": null}, "r": [{"p": 22}, {"p": 80}], "s": 1}', '{"a": 2, "b": {"c": [5, 4, 1, 3], "d e": 1}, "r": [{"p": 22}, {"p": 81}], "n": {"x": 1}}');
SELECT auditlog.diff(NULL, '{"a": 1, "b": {"c": 2}}'), auditlog.diff('{"a": 1}', NULL), auditlog.diff('1', '2'), auditlog.diff('[1]', '{"a": 1}'), auditlog.diff('null', '{}');
SELECT auditlog.diff('{"a": 1}', '{"a": 1}') IS NULL AS same, auditlog.diff(NULL, NULL) IS NULL AS nothing, auditlog.diff('{}', NULL) IS NULL AS empty;

-- A timeline: sessions that hang together, pauses, addresses.
SELECT event_id, to_char("timestamp", 'HH24:MI') AS at, session, gap_before, actor_session_id, request_id, new_address, what FROM auditlog.timeline(:day, actor => 'mallory');
SELECT event_id, changes FROM auditlog.timeline(:day, actor => 'mallory@example.com', resource => 'b-1');
SELECT event_id, session, gap_before FROM auditlog.timeline(:day, actor => 'mallory', gap => '3 hours');
SELECT event_id, session, gap_before FROM auditlog.timeline('status:success', :day, actor => 'mallory', gap => '0');
SELECT event_id, session, actor_id, new_address, what FROM auditlog.timeline(:day, query => 'event_id:n-*');
SELECT event_id FROM auditlog.timeline(:day, request => 'r-3');
SELECT event_id FROM auditlog.timeline(:day, session => 's-3', max_rows => 2);
SELECT event_id FROM auditlog.timeline(NULL, :day, session => 's-2');
-- Around an event: an hour on both sides, and whatever shares actor, session, request or resource with it.
SELECT event_id FROM auditlog.timeline(around => (SELECT log_index FROM auditlog.events WHERE event_id = 'm-4'));
SELECT event_id FROM auditlog.timeline(around => (SELECT log_index FROM auditlog.events WHERE event_id = 'm-4'), since => '2025-08-04Z');
SELECT event_id FROM auditlog.timeline(around => (SELECT log_index FROM auditlog.events WHERE event_id = 'm-4'), resource => 'vm-1', since => '2025-08-04Z');
-- Tenants have their own actors, sessions and requests.
SELECT event_id, session, new_address FROM auditlog.timeline(:day, request => 'r-1', query => '_exists_:tenant');
SELECT event_id FROM auditlog.timeline(around => (SELECT log_index FROM auditlog.events WHERE event_id = 't-1'));
-- Arguments are values, whatever stands in them.
SELECT event_id FROM auditlog.timeline(actor => 'o"hara\*', :day);
SELECT count(*) FROM auditlog.timeline(actor => 'x" OR event_id:"m-1', :day);
SELECT count(*) FROM auditlog.timeline(actor => 'x\', session => 'm*', :day);
SELECT * FROM error_of($$SELECT auditlog.timeline(gap => '-1 minute')$$);
SELECT * FROM error_of($$SELECT auditlog.timeline(gap => NULL)$$);
SELECT * FROM error_of($$SELECT auditlog.timeline(max_rows => 0)$$);
SELECT * FROM error_of($$SELECT auditlog.timeline(max_rows => NULL)$$);
SELECT * FROM error_of($$SELECT auditlog.timeline(since => '2025-08-05Z', until => '2025-08-04Z')$$);
SELECT * FROM error_of($$SELECT auditlog.timeline(around => 99999999)$$);
SELECT * FROM error_of($$SELECT auditlog.timeline('status:failed AND (ip:10.0.0.0/99)')$$);
SELECT * FROM error_of($$SELECT auditlog.timeline('user:x AND', actor => 'y')$$);

-- Who changed what, and who had approved it.
SELECT event_type, resource_id, change_ref, approved_by, approval, (SELECT e.event_id FROM auditlog.events e WHERE e.log_index = approval_log_index) AS approval_event, statement
FROM auditlog.changes('event_id:c-*', :day);
SELECT event_type, tenant, approval FROM auditlog.changes('event_id:t-*', :day) c JOIN auditlog.events e USING (log_index, event_type);
SELECT resource_id, actor_email, approval, diff FROM auditlog.changes(:day, resource => 'vm-1');
SELECT event_type, resource_id FROM auditlog.changes('user:dave', :day, max_rows => 2);
SELECT * FROM error_of($$SELECT auditlog.changes(max_rows => 100001)$$);
SELECT * FROM error_of($$SELECT auditlog.changes('resource.id:')$$);
SELECT * FROM error_of($$SELECT auditlog.changes(since => '2025-08-05Z', until => '2025-08-05Z')$$);
SELECT count(*) FROM auditlog.changes(NULL, :day, resource => 'nothing');

-- What two persons should have done.
SELECT rule, severity, actor_id, duty_a_events AS a, duty_b_events AS b, (SELECT event_id FROM auditlog.events e WHERE e.log_index = example_a) AS example_a,
  (SELECT event_id FROM auditlog.events e WHERE e.log_index = example_b) AS example_b, explanation FROM auditlog.segregation_of_duties(:day);
SELECT rule, severity, actor_id, duty_a_events AS a, duty_b_events AS b, explanation FROM auditlog.segregation_of_duties(:day, rules => '[
  {"name": "viewed and changed", "severity": "notice", "a": "event_type:resource.view", "b": "event_type:resource.modify", "same": ["actor.id", "resource.id"]},
  {"name": "anything twice", "a": "event_id:m-5", "b": "event_id:m-5", "same": ["user"]}]');
SELECT * FROM error_of($$SELECT auditlog.segregation_of_duties(rules => '{}')$$);
SELECT * FROM error_of($$SELECT auditlog.segregation_of_duties(rules => '[1]')$$);
SELECT * FROM error_of($$SELECT auditlog.segregation_of_duties(rules => '[{"name": "x", "a": "", "b": "", "same": ["user"], "c": 1}]')$$);
SELECT * FROM error_of($$SELECT auditlog.segregation_of_duties(rules => '[{"name": "x", "a": "", "b": "", "same": []}]')$$);
SELECT * FROM error_of($$SELECT auditlog.segregation_of_duties(rules => '[{"name": "x", "a": "", "b": "", "same": ["user", 1]}]')$$);
SELECT * FROM error_of($$SELECT auditlog.segregation_of_duties(rules => '[{"name": "x", "severity": "loud", "a": "", "b": "", "same": ["user"]}]')$$);
SELECT * FROM error_of($$SELECT auditlog.segregation_of_duties(rules => '[{"name": "x", "a": "", "b": "", "same": ["user"], "via": {"query": ""}}]')$$);
SELECT * FROM error_of($$SELECT auditlog.segregation_of_duties(rules => '[{"name": "x", "a": "status:(", "b": "", "same": ["user"]}]')$$);
SELECT * FROM error_of($$SELECT auditlog.segregation_of_duties(rules => '[{"name": "x", "a": "", "b": "", "same": ["user; DROP TABLE x"]}]')$$);
SELECT count(*) FROM auditlog.segregation_of_duties(:day, rules => '[]');
SELECT count(*), count(DISTINCT r ->> 'name') FROM jsonb_array_elements(auditlog.segregation_rules()) r;

-- What an incident touched.
SELECT jsonb_pretty(auditlog.incident_summary('user:mallory', '2025-08-04Z', '2025-08-05Z') #- '{first_log_index}' #- '{last_log_index}' #- '{phases}' #- '{alerts}');
SELECT p ->> 'phase' AS phase, p ->> 'first_seen' AS first_seen, p ->> 'events' AS events, p ->> 'severity' AS severity, p -> 'types' AS types, p #>> '{notable,0,what}' AS notable
FROM jsonb_array_elements(auditlog.incident_summary('user:mallory', '2025-08-04Z', '2025-08-05Z') -> 'phases') p;
-- An alert that these events caused, and what it says of the same person at the same time.
DO $$ BEGIN FOR i IN 1..1000 LOOP EXIT WHEN EXISTS (SELECT FROM auditlog.alert_firings); COMMIT; PERFORM pg_sleep(0.02); END LOOP; END $$;
SELECT a - '{id,fired_at,state}'::text[] AS alert FROM jsonb_array_elements(auditlog.incident_summary('user:mallory', '2025-08-04Z', '2025-08-05Z') -> 'alerts') a;
SELECT a ->> 'relation' AS relation FROM jsonb_array_elements(auditlog.incident_summary('user:mallory event_type:authentication.login status:success', '2025-08-04Z', '2025-08-05Z') -> 'alerts') a;
SELECT jsonb_array_length(auditlog.incident_summary('user:dave', '2025-08-04Z', '2025-08-05Z') -> 'alerts') AS none;
SELECT auditlog.drop_alert('failed logins of investigations');
SELECT auditlog.incident_summary('event_id:nothing') - 'totals', auditlog.incident_summary(NULL, '2001-01-01Z', '2001-01-02Z') -> 'totals';
SELECT * FROM error_of($$SELECT auditlog.incident_summary('ip:10.0.0.0/99')$$);
SELECT * FROM error_of($$SELECT auditlog.incident_summary('', '2025-08-04Z', '2025-08-04Z')$$);

-- Each with the caller's rights: a user has a timeline of the own events, and no more.
CREATE ROLE regress_mallory LOGIN IN ROLE auditlog_user;
SELECT auditlog.add_principal('regress_mallory', actor_id => 'mallory');
SET ROLE regress_mallory;
SELECT count(*), count(*) FILTER (WHERE actor_id = 'mallory') AS own FROM auditlog.timeline(:day);
SELECT count(*) FROM auditlog.timeline(:day, actor => 'dave');
SELECT * FROM error_of($$SELECT auditlog.changes()$$);
SELECT * FROM error_of($$SELECT auditlog.segregation_of_duties()$$);
SELECT * FROM error_of($$SELECT auditlog.incident_summary('')$$);
RESET ROLE;
SET ROLE regress_app;
SELECT * FROM error_of($$SELECT auditlog.timeline()$$);
RESET ROLE;
SELECT auditlog.drop_principal('mallory');
DROP ROLE regress_mallory;

-- The access journal tells of them, with their arguments.
SET auditlog.access_log = on;
SET ROLE regress_analyst;
SELECT count(*) > 0 AS some FROM auditlog.timeline('status:failed', :day, actor => 'mallory');
SELECT count(*) > 0 AS some FROM auditlog.changes(:day);
SELECT count(*) > 0 AS some FROM auditlog.segregation_of_duties(:day);
SELECT auditlog.incident_summary('user:mallory', '2025-08-04Z', '2025-08-05Z') IS NOT NULL AS some;
RESET ROLE;
RESET auditlog.access_log;
DO $$
BEGIN
  FOR i IN 1..1000 LOOP
    EXIT WHEN (SELECT count(*) FROM auditlog.access_log WHERE event_type = 'auditlog.search' AND db_current_user = 'regress_analyst' AND operation IN ('timeline', 'changes', 'segregation_of_duties', 'incident_summary')) >= 4;
    COMMIT;
    PERFORM pg_sleep(0.02);
  END LOOP;
END $$;
SELECT operation, extra #> '{metadata,calls,0,arguments}' AS arguments, status FROM auditlog.access_log
WHERE event_type = 'auditlog.search' AND db_current_user = 'regress_analyst' AND operation IN ('timeline', 'changes', 'segregation_of_duties', 'incident_summary') ORDER BY log_index, recorded_at;
DROP FUNCTION planted;
RESET timezone;
