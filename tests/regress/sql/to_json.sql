-- The public document: what went in comes out equal, absent stays absent.
CREATE FUNCTION round_trip(document jsonb) RETURNS TABLE (contained boolean, added text) LANGUAGE plpgsql AS $$
DECLARE id text := auditlog.record(document);
BEGIN
  RETURN QUERY SELECT auditlog.to_json(e) @> document,
    (SELECT string_agg(k, ' ' ORDER BY k) FROM jsonb_object_keys(auditlog.to_json(e)) k WHERE NOT document ? k)
  FROM auditlog.events e WHERE event_id = id;
END $$;

SELECT auditlog.record('{"event_id": "seed", "timestamp": "2024-03-10T14:30:45.123Z", "event_type": "resource.modify", "severity": "info",
  "actor": {"type": "user", "id": "user_12345", "email": "admin@company.com", "ip_address": "203.0.113.45", "user_agent": "Mozilla/5.0...", "session_id": "sess_abcdef123456"},
  "resource": {"type": "ec2_instance", "id": "i-0123456789abcdef", "cloud_provider": "aws", "account_id": "123456789012", "region": "us-east-1"},
  "action": {"operation": "stop_instance", "status": "success", "method": "api"},
  "changes": {"before": {"state": "running"}, "after": {"state": "stopped"}},
  "metadata": {"request_id": "req_xyz789", "api_version": "v2", "tags": ["automation", "cost-optimization"]}}'::jsonb);
SELECT jsonb_pretty(auditlog.to_json(e)) FROM auditlog.events e WHERE event_id = 'seed';
CALL settle();
SELECT auditlog.to_json(e) @> '{"event_id": "seed", "timestamp": "2024-03-10T14:30:45.123Z"}' AS same FROM auditlog.events e WHERE event_id = 'seed';

SELECT d.document, r.* FROM (VALUES
  ('{"event_type": "a.b"}'::jsonb),
  ('{"event_type": "a.b", "actor": {"ip_address": "ec2.amazonaws.com"}}'),
  ('{"event_type": "a.b", "actor": {"id": null}}'),
  ('{"event_type": "a.b", "actor": {}}'),
  ('{"event_type": "a.b", "changes": {"before": null}}'),
  ('{"event_type": "a.b", "n": 1234567890123456789012345678901234567890.10}'),
  ('{"event_type": "a.b", "metadata": {"tags": ["x"], "unknown": {"deep": [1, {"k": null}]}}}'),
  ('{"event_type": "a.b", "timestamp": "2024-03-10T16:30:45.000+02:00"}'),
  ('{"event_type": "a.b", "actor_id": "top level", "hash": "x"}')
) AS d (document), round_trip(document) AS r;

-- The document does not depend on the session's settings.
SET TimeZone = 'Asia/Kolkata';
SET DateStyle = 'SQL, DMY';
SELECT auditlog.to_json(e)->>'timestamp' AS timestamp FROM auditlog.events e WHERE event_id = 'seed';
RESET TimeZone;
RESET DateStyle;
