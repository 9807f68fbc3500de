-- Varied events for searches: months, types, people, addresses, tags, words; a few words that are rare.
-- They come in the order in which they happened, at most ten minutes late, one in fifty up to a day late (a device that was
-- offline, an import): over sixty days when all `total` of them are there.
-- psql variables: first, rows (multiples of 10,000), chunk, total; marked: the events that may have what stays rare.
SELECT setseed(0.42 + :first / 1e9) \g /dev/null
SELECT sum(auditlog.record_batch(events)) FROM (
    SELECT jsonb_agg(jsonb_build_object(
        'event_type', (ARRAY['authentication.login', 'authentication.logout', 'resource.create', 'resource.modify', 'resource.delete',
            'cost.budget', 'automation.run', 'configuration.change', 'integration.sync', 'system.backup'])[1 + floor(d * d * 10)::int],
        'timestamp', to_char(now() AT TIME ZONE 'UTC' - interval '60 days' * (1 - n::float8 / :total)
            - random() * CASE WHEN random() < 0.02 THEN interval '1 day' ELSE interval '10 minutes' END, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'severity', (ARRAY['debug', 'info', 'info', 'info', 'info', 'notice', 'notice', 'warning', 'error', 'critical'])[1 + floor(random() * 10)::int],
        'actor', jsonb_build_object('type', 'user', 'id', CASE WHEN n <= :marked AND n % 20000 = 17 THEN 'guest_7' ELSE 'user_' || u END, 'email', 'User' || u || '@Company.com',
            'ip_address', '10.' || floor(random() * 250)::int || '.' || u % 250 || '.' || 1 + n % 250, 'session_id', 'sess_' || floor(random() * 1e9)::bigint),
        'resource', jsonb_build_object('type', 'ec2_instance', 'id', 'i-' || lpad(to_hex(floor(random() * 200000)::int), 17, '0'),
            'cloud_provider', 'aws', 'account_id', (123456789000 + u % 40)::text,
            'region', (ARRAY['us-east-1', 'us-west-2', 'eu-west-1', 'eu-central-1', 'ap-south-1'])[1 + u % 5],
            'tags', jsonb_build_object('Environment', (ARRAY['production', 'staging', 'development'])[1 + n % 3], 'team', 'team-' || u % 60)),
        'action', jsonb_build_object('operation', 'stop_instance', 'method', 'api',
            'status', (ARRAY['success', 'success', 'success', 'success', 'failed', 'denied'])[1 + floor(random() * 6)::int]),
        'changes', jsonb_build_object('before', jsonb_build_object('state', 'running', 'count', n % 100), 'after', jsonb_build_object('state', 'stopped')),
        'metadata', jsonb_build_object('request_id', 'req_' || floor(random() * 1e9)::bigint, 'api_version', 'v2',
            'tags', jsonb_build_array('tag' || n % 20, 'tag' || (n / 20) % 30),
            'reason', (ARRAY['scheduled maintenance window', 'cost saving', 'requested by owner', 'policy violation found'])[1 + n % 4]
                || ' ticket ' || n % 100000 || CASE WHEN n % 100000 = 4711 THEN ' zanzibar' ELSE '' END
                -- as many in a long log as in a short one
                || CASE WHEN n <= :marked AND n % 5000 = 17 THEN ' once-upon ' || n ELSE '' END))) AS events
    FROM (SELECT n, random() AS d, floor(random() * 5000)::int AS u FROM generate_series(:first + 1, :first + :rows) AS n) AS dice
    GROUP BY n / :chunk OFFSET 0) AS batches;
