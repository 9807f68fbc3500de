-- Ready-made events, so that the bulk statements pay for storing them and not for making them up.
-- The same seed gives the same rows in every database. Values are distributed as in pgbench/*.sql.
-- psql variables: rows, chunk.
SELECT setseed(0.42) \g /dev/null
CREATE TABLE bench.source AS
SELECT n AS id,
       'resource.' || (ARRAY['create', 'modify', 'delete'])[1 + n % 3] AS event_type,
       'info'::text AS severity,
       'user'::text AS actor_type, 'user_' || u AS actor_id, 'user' || u || '@company.com' AS actor_email,
       ('203.0.' || i / 250 || '.' || 1 + i % 250)::inet AS actor_ip,
       'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36'::text AS actor_user_agent, 'sess_' || s AS actor_session_id,
       'ec2_instance'::text AS resource_type, 'i-' || lpad(to_hex(r), 17, '0') AS resource_id,
       'aws'::text AS cloud_provider, (123456789000 + a)::text AS account_id, 'us-east-1'::text AS region,
       '{"Environment": "production"}'::jsonb AS resource_tags,
       'stop_instance'::text AS operation, 'success'::text AS status, 'api'::text AS method,
       '{"state": "running"}'::jsonb AS before, '{"state": "stopped"}'::jsonb AS after,
       'req_' || q AS request_id, ARRAY['automation', 'cost-optimization'] AS tags,
       '{"metadata": {"api_version": "v2"}}'::jsonb AS extra
FROM (SELECT n, 1 + floor(random() * 5000)::int AS u, 1 + floor(random() * 200000)::int AS r,
             1 + floor(random() * 40)::int AS a, floor(random() * 62500)::int AS i,
             floor(random() * 1000000000)::int AS s, floor(random() * 1000000000)::int AS q
      FROM generate_series(1, :rows) AS n) AS dice;
ALTER TABLE bench.source ADD PRIMARY KEY (id);

CREATE TABLE bench.documents AS
SELECT id, jsonb_build_object(
           'event_type', event_type, 'severity', severity,
           'actor', jsonb_build_object('type', actor_type, 'id', actor_id, 'email', actor_email,
               'ip_address', host(actor_ip), 'user_agent', actor_user_agent, 'session_id', actor_session_id),
           'resource', jsonb_build_object('type', resource_type, 'id', resource_id, 'cloud_provider', cloud_provider,
               'account_id', account_id, 'region', region, 'tags', resource_tags),
           'action', jsonb_build_object('operation', operation, 'status', status, 'method', method),
           'changes', jsonb_build_object('before', before, 'after', after),
           'metadata', jsonb_build_object('request_id', request_id, 'api_version', 'v2', 'tags', to_jsonb(tags))) AS document
FROM bench.source;
ALTER TABLE bench.documents ADD PRIMARY KEY (id);

CREATE TABLE bench.batches (id int PRIMARY KEY, events jsonb NOT NULL);
ALTER TABLE bench.batches ALTER COLUMN events SET STORAGE EXTERNAL;
INSERT INTO bench.batches SELECT (id - 1) / :chunk, jsonb_agg(document ORDER BY id) FROM bench.documents GROUP BY 1;

GRANT SELECT ON bench.source, bench.documents, bench.batches TO bench_app;
VACUUM (FREEZE, ANALYZE) bench.source, bench.documents, bench.batches;
