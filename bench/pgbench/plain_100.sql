-- One hundred events in one statement and transaction.
\set k random(0, :rows / 100 - 1)
INSERT INTO bench.plain
   (event_type, severity, actor_type, actor_id, actor_email, actor_ip, actor_user_agent, actor_session_id,
    resource_type, resource_id, cloud_provider, account_id, region, resource_tags, operation, status, method,
    before, after, request_id, tags, extra, category)
SELECT event_type, severity::bench.severity, actor_type, actor_id, actor_email, actor_ip, actor_user_agent, actor_session_id,
    resource_type, resource_id, cloud_provider, account_id, region, resource_tags, operation, status, method,
    before, after, request_id, tags, extra, 'resource'
FROM bench.source WHERE id BETWEEN :k * 100 + 1 AND :k * 100 + 100;
