-- A key makes a retry return the first id.
SELECT auditlog.record('{"event_type": "a.b", "event_id": "first"}'::jsonb, 'once');
SELECT auditlog.record('{"event_type": "a.b", "event_id": "first"}'::jsonb, 'once');
CALL settle();
SELECT auditlog.record('{"event_type": "a.b", "event_id": "first"}'::jsonb, 'once') AS after_sealing;
-- a different event with the same key: still nothing is recorded, but it is told
SELECT auditlog.record(event_type => 'x.y', idempotency_key => 'once');
-- keys belong to a tenant
SELECT auditlog.record('{"event_type": "a.b", "event_id": "of acme", "tenant": "acme"}'::jsonb, 'once');
SELECT auditlog.record('{"event_type": "a.b", "event_id": "of acme", "tenant": "acme"}'::jsonb, 'once');
SELECT auditlog.record('{"event_type": "a.b", "event_id": "second"}'::jsonb, 'twice');
INSERT INTO auditlog.events (event_id, event_type, idempotency_key) VALUES ('third', 'a.b', 'thrice'), ('third', 'a.b', 'thrice');
SELECT auditlog.record_batch('[{"event_type": "a.b", "event_id": "fourth", "idempotency_key": "k4"}, {"event_type": "a.b", "event_id": "fourth", "idempotency_key": "k4"}]') AS new;
SELECT event_id, idempotency_key, tenant, count(*) FROM auditlog.events WHERE idempotency_key IS NOT NULL AND event_type = 'a.b'
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
