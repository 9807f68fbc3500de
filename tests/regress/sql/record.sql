-- The forms of record() as an application's role.
SET ROLE regress_app;
SELECT auditlog.record('{"event_type": "authentication.login", "event_id": "r1", "timestamp": "2024-03-10T14:30:45.123Z",
  "actor": {"id": "u1", "ip_address": "203.0.113.45"}, "action": {"status": "success"}}'::jsonb);
SELECT auditlog.record('{"event_type": "authentication.login", "event_id": "r2"}'::jsonb, idempotency_key => 'regress-key');
SELECT auditlog.record(event_type => 'resource.modify', actor => '{"id": "u2"}', resource => '{"type": "vm", "id": "i-1"}',
  action => '{"operation": "stop", "status": "failed"}', changes => '{"before": {"state": "running"}, "after": {"state": "stopped"}}',
  metadata => '{"request_id": "req1", "tags": ["a", "b"], "api_version": "v2"}', severity => 'error',
  "timestamp" => '2024-03-10 15:00:00+00', tenant => 'acme') LIKE 'evt\_%' AS recorded;
SELECT auditlog.record_batch('[{"event_type": "cost.budget.create", "event_id": "b1"}, {"event_type": "cost.budget.modify", "event_id": "b2"}]');
SELECT auditlog.record_ndjson(E'{"event_type": "system.backup", "event_id": "n1"}\n\n{"event_type": "system.backup", "event_id": "n2"}\n');
SELECT auditlog.record_batch('[]'), auditlog.record_ndjson('');
RESET ROLE;

CALL settle();
SELECT log_index IS NOT NULL AS sealed, CASE WHEN event_id LIKE 'evt%' THEN 'generated' ELSE event_id END AS event_id, event_type, category, severity, tenant,
       actor_id, actor_ip, resource_type, resource_id, operation, status, before, after, request_id, tags, extra, idempotency_key,
       db_session_user, db_current_user
FROM auditlog.events WHERE db_current_user = 'regress_app' ORDER BY actor_id, event_id COLLATE "C";

-- Generated ids are UUIDv7: sortable by time, never the same.
SELECT bool_and(id ~ '^evt_[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}$') AS uuid_v7, count(DISTINCT id) AS different
FROM (SELECT auditlog.record('{"event_type": "a.b"}'::jsonb) AS id FROM generate_series(1, 100)) s;
