-- A key makes a retry return the first id.
CREATE TEMP TABLE ids (call text, id text);
INSERT INTO ids SELECT 'first', auditlog.record('{"event_type": "a.b"}'::jsonb, 'once');
INSERT INTO ids SELECT 'retry', auditlog.record('{"event_type": "a.b"}'::jsonb, 'once');
CALL settle();
INSERT INTO ids SELECT 'retry after sealing', auditlog.record('{"event_type": "a.b"}'::jsonb, 'once');
INSERT INTO ids SELECT 'named arguments', auditlog.record(event_type => 'a.b', idempotency_key => 'once');
INSERT INTO ids SELECT 'other tenant', auditlog.record(event_type => 'a.b', idempotency_key => 'once', tenant => 'acme');
INSERT INTO ids SELECT 'other key', auditlog.record(event_type => 'a.b', idempotency_key => 'twice');
SELECT call, id = first_value(id) OVER () AS first_id FROM ids;
SELECT idempotency_key, tenant, count(*) FROM auditlog.events WHERE idempotency_key IN ('once', 'twice') GROUP BY 1, 2 ORDER BY 1, 2;
INSERT INTO auditlog.events (event_type, idempotency_key) VALUES ('a.b', 'once'), ('a.b', 'thrice'), ('a.b', 'thrice');
SELECT count(*) FROM auditlog.events WHERE idempotency_key IN ('once', 'thrice');
