-- Events that fire the alerts of things.sql, one with all parts that the page of an event can show, and one whose texts attack the page.
\set ON_ERROR_STOP on
SET client_min_messages = warning;

SELECT count(auditlog.record(jsonb_build_object(
    'event_type', 'authentication.login', 'actor', jsonb_build_object('type', 'user', 'id', 'user_10000', 'email', 'ada.adler@example.com', 'ip_address', '203.0.113.45'),
    'resource', '{"type": "application", "id": "console"}'::jsonb, 'action', '{"operation": "login", "status": "failed", "error_code": "invalid_password"}'::jsonb)))
FROM generate_series(1, 6);

SELECT auditlog.record($$
{"event_id": "evt_browser_rich", "event_type": "resource.modify", "severity": "warning", "tenant_id": "acme",
 "actor": {"type": "user", "id": "user_10021", "email": "dana.dufour@example.com", "ip_address": "203.0.113.61", "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0"},
 "resource": {"type": "s3_bucket", "id": "assets-eu-production-0123456789abcdef", "name": "assets-eu-production", "cloud_provider": "aws", "region": "eu-central-1"},
 "action": {"operation": "put_bucket_acl", "status": "success", "method": "api"},
 "changes": {"before": {"public": false, "tags": {"owner": "platform"}, "versions": 3}, "after": {"public": true, "tags": {"owner": "platform", "reviewed": "no"}, "versions": 3}},
 "metadata": {"ticket": "SEC-1482", "labels": ["production", "pci"], "trace": {"id": "4bf92f3577b34da6a3ce929d0e0e4736", "sampled": true}}}
$$::jsonb);

SELECT auditlog.record(jsonb_build_object(
    'event_id', 'evt_browser_hostile', 'event_type', 'data.export', 'severity', 'error',
    'actor', jsonb_build_object('type', 'user', 'id', 'user_10021', 'email', hostile, 'user_agent', hostile),
    'resource', jsonb_build_object('type', 'dataset', 'id', repeat('x', 180) || hostile, 'name', hostile),
    'action', jsonb_build_object('operation', hostile, 'status', 'denied'),
    'changes', jsonb_build_object('before', jsonb_build_object(hostile, hostile), 'after', jsonb_build_object(hostile, 'other')),
    'metadata', jsonb_build_object(hostile, hostile)))
FROM (VALUES ('<script>alert(1)</script>"''><img src=x onerror=alert(2)> javascript:alert(3) ' || U&'\202E' || 'gnp.exe')) AS h (hostile);
