-- One event, one transaction, into the plain table (and, with its trigger, into the naive chain).
\set u random(1, 5000)
\set r random(1, 200000)
\set a random(1, 40)
\set i random(0, 249)
\set j random(1, 250)
\set s random(0, 999999999)
\set q random(0, 999999999)
\set t random(1, 3)
INSERT INTO bench.plain
   (event_type, severity, actor_type, actor_id, actor_email, actor_ip, actor_user_agent, actor_session_id,
    resource_type, resource_id, cloud_provider, account_id, region, resource_tags, operation, status, method,
    before, after, request_id, tags, extra, category)
VALUES
   ('resource.' || (ARRAY['create', 'modify', 'delete'])[:t], 'info', 'user', 'user_' || :u, 'user' || :u || '@company.com',
    ('203.0.' || :i || '.' || :j)::inet, 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36', 'sess_' || :s,
    'ec2_instance', 'i-' || lpad(to_hex(:r::int), 17, '0'), 'aws', (123456789000 + :a)::text, 'us-east-1',
    '{"Environment": "production"}', 'stop_instance', 'success', 'api',
    '{"state": "running"}', '{"state": "stopped"}', 'req_' || :q, '{automation,cost-optimization}',
    '{"metadata": {"api_version": "v2"}}', 'resource');
