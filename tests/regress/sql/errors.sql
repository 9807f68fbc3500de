-- Bad input: SQLSTATE, message, DETAIL with the path, HINT. Nothing is recorded.
SELECT count(*) AS before FROM auditlog.events \gset
\x on
SELECT * FROM error_of('SELECT auditlog.record(NULL::jsonb)');
SELECT * FROM error_of('SELECT auditlog.record(''{}''::jsonb)');
SELECT * FROM error_of('SELECT auditlog.record(''[1]''::jsonb)');
SELECT * FROM error_of('SELECT auditlog.record(''{"event_type": 7}''::jsonb)');
SELECT * FROM error_of('SELECT auditlog.record(''{"event_type": ""}''::jsonb)');
SELECT * FROM error_of('SELECT auditlog.record(''{"event_type": "a.b", "severity": "fatal"}''::jsonb)');
SELECT * FROM error_of('SELECT auditlog.record(''{"event_type": "a.b", "timestamp": "tea time"}''::jsonb)');
SELECT * FROM error_of('SELECT auditlog.record(''{"event_type": "a.b", "timestamp": "2999-01-01T00:00:00Z"}''::jsonb)');
SELECT * FROM error_of('SELECT auditlog.record(''{"event_type": "a.b", "actor": "bob"}''::jsonb)');
SELECT * FROM error_of('SELECT auditlog.record_batch(''{"event_type": "a.b"}'')');
SELECT * FROM error_of('SELECT auditlog.record_batch(''[{"event_type": "a.b"}, {"event_type": "a.b", "changes": 1}]'')');
SELECT * FROM error_of('SELECT auditlog.record_ndjson(E''{"event_type": "a.b"}\n{"event_type": '')');
SELECT * FROM error_of('SELECT auditlog.set_context(''[]'')');
SELECT * FROM error_of('SELECT auditlog.set_context(''{"actor": "bob"}'')');
SELECT * FROM error_of('SELECT auditlog.await_sealed(NULL)');
SELECT * FROM error_of('SELECT auditlog.await_sealed(''no such event'', ''50ms'')');
SELECT * FROM error_of('SELECT auditlog.verify(-1)');
SELECT * FROM error_of('SELECT auditlog.verify(5, 4)');
SELECT * FROM error_of('SELECT auditlog.record(jsonb_build_object(''event_type'', ''a.b'', ''x'', repeat(''x'', 2000000)))');
SELECT * FROM error_of(format('SELECT auditlog.record(%L::jsonb)', '{"event_type": "a.b", "x": ' || repeat('[', 70) || repeat(']', 70) || '}'));
SELECT * FROM error_of('INSERT INTO auditlog.events (actor_id) VALUES (''u'')');
SELECT * FROM error_of('INSERT INTO auditlog.events (event_type, tags) VALUES (''a.b'', ARRAY[''x'', NULL])');
\x off
SELECT count(*) - :before AS recorded_by_mistake FROM auditlog.events;
