-- Context is the transaction's and fills gaps only.
SET ROLE regress_app;
BEGIN;
SELECT auditlog.set_context('{"actor": {"id": "alice", "email": "alice@example.org"}, "tenant": "acme", "metadata": {"request_id": "req-1"}}');
SELECT auditlog.record('{"event_type": "a.b", "event_id": "ctx1"}'::jsonb);
SELECT auditlog.record('{"event_type": "a.b", "event_id": "ctx2", "actor": {"id": "bob"}, "tenant": "other"}'::jsonb);
SAVEPOINT s;
SELECT auditlog.set_context('{"actor": {"id": "carol"}}');
SELECT auditlog.record('{"event_type": "a.b", "event_id": "ctx3"}'::jsonb);
ROLLBACK TO s;
INSERT INTO auditlog.events (event_id, event_type) VALUES ('ctx4', 'a.b');
COMMIT;
SELECT auditlog.record('{"event_type": "a.b", "event_id": "ctx5"}'::jsonb);
-- PostgREST's settings
BEGIN;
SELECT set_config('request.jwt.claims', '{"sub": "dave", "email": "dave@example.org", "session_id": "s9"}', true) <> '' AS claims,
       set_config('request.headers', '{"x-forwarded-for": "198.51.100.1", "user-agent": "curl/8", "x-request-id": "req-9"}', true) <> '' AS headers;
SELECT auditlog.record('{"event_type": "a.b", "event_id": "ctx6"}'::jsonb);
COMMIT;
SELECT auditlog.record('{"event_type": "a.b", "event_id": "ctx7"}'::jsonb);
RESET ROLE;
SELECT event_id, actor_id, actor_email, actor_ip, actor_user_agent, actor_session_id, tenant, request_id, db_session_user, db_current_user
FROM auditlog.events WHERE event_id LIKE 'ctx%' ORDER BY 1;
