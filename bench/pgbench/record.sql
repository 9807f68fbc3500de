-- The same event as one JSON document, the way an application calls the extension.
\set u random(1, 5000)
\set r random(1, 200000)
\set a random(1, 40)
\set i random(0, 249)
\set j random(1, 250)
\set s random(0, 999999999)
\set q random(0, 999999999)
\set t random(1, 3)
SELECT auditlog.record(format('{"event_type": "resource.%s", "severity": "info", "actor": {"type": "user", "id": "user_%s", "email": "user%s@company.com", "ip_address": "203.0.%s.%s", "user_agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36", "session_id": "sess_%s"}, "resource": {"type": "ec2_instance", "id": "i-%s", "cloud_provider": "aws", "account_id": "%s", "region": "us-east-1", "tags": {"Environment": "production"}}, "action": {"operation": "stop_instance", "status": "success", "method": "api"}, "changes": {"before": {"state": "running"}, "after": {"state": "stopped"}}, "metadata": {"request_id": "req_%s", "api_version": "v2", "tags": ["automation", "cost-optimization"]}}',
    (ARRAY['create', 'modify', 'delete'])[:t], :u::text, :u::text, :i::text, :j::text, :s::text,
    lpad(to_hex(:r::int), 17, '0'), (123456789000 + :a)::text, :q::text)::jsonb);
