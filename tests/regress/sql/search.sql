-- The search functions: pages, counts, facets, histograms, saved queries, suggestions.
SET client_min_messages = error;
SELECT auditlog.record_batch(jsonb_agg(jsonb_build_object(
    'event_id', 's-' || lpad(i::text, 2, '0'), 'event_type', (ARRAY['authentication.login', 'resource.modify', 'cost.budget_create'])[i % 3 + 1],
    'timestamp', to_char('2025-06-10 10:00'::timestamp + (i / 4) * interval '37 minutes', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    'severity', CASE WHEN i % 5 = 0 THEN 'warning' ELSE 'info' END,
    'actor', jsonb_build_object('id', 'user_' || i % 3, 'email', 'u' || i % 2 || '@example.com', 'ip_address', '203.0.113.' || i % 4),
    'resource', jsonb_build_object('type', 'ec2_instance', 'id', 'i-' || i, 'tags', jsonb_build_object('env', CASE WHEN i % 2 = 0 THEN 'prod' ELSE 'test' END)),
    'action', jsonb_build_object('status', CASE WHEN i % 4 = 0 THEN 'failed' ELSE 'success' END),
    'metadata', jsonb_build_object('tags', jsonb_build_array('all', 't' || i % 2, 'all'), 'shelf', jsonb_build_array(jsonb_build_object('n', i % 3), jsonb_build_object('n', 'x y'))))))
FROM generate_series(1, 20) i;
RESET client_min_messages;
\set window 'since => ''2025-06-01Z'', until => ''2025-07-01Z'''
CALL settle();

-- Pages.
SELECT event_id, "timestamp" FROM auditlog.search(:window, "limit" => 6);
SELECT event_id FROM auditlog.search(:window, "limit" => 3, after => (SELECT auditlog.cursor(e) FROM auditlog.events e WHERE event_id = 's-15'));
SELECT event_id FROM auditlog.search(:window, "limit" => 3, order_by => 'oldest', after => (SELECT auditlog.cursor(e) FROM auditlog.events e WHERE event_id = 's-15'));
SELECT event_id FROM auditlog.search('status:failed user:user_2', :window);
SELECT event_id FROM auditlog.search(:window, filters => '{"IP Address": "203.0.113.*", "status": ["failed", "denied"], "user": "user_1"}', order_by => 'oldest');
-- since belongs to it, until does not.
SELECT event_id FROM auditlog.search(since => '2025-06-10 10:37Z', until => '2025-06-10 11:14Z', order_by => 'oldest');
SELECT p."timestamp", p.event_id, length(p.entry_hash) FROM auditlog.events e, auditlog.cursor_position(auditlog.cursor(e)) p WHERE e.event_id = 's-01';
SELECT auditlog.cursor(NULL::auditlog.events);

-- What the arguments may not be.
SELECT * FROM error_of($$SELECT auditlog.search("limit" => 0)$$);
SELECT * FROM error_of($$SELECT auditlog.search("limit" => 10001)$$);
SELECT * FROM error_of($$SELECT auditlog.search("limit" => NULL)$$);
SELECT * FROM error_of($$SELECT auditlog.search(order_by => 'timestamp; DROP TABLE x')$$);
SELECT * FROM error_of($$SELECT auditlog.search(after => 'page 2')$$);
SELECT * FROM error_of($$SELECT auditlog.search(after => 'eyJ2IjoyfQ')$$);
SELECT * FROM error_of($$SELECT auditlog.search('status:')$$);
SELECT * FROM error_of($$SELECT auditlog.search(filters => '{"statsu": "failed"}')$$);
SELECT * FROM error_of($$SELECT auditlog.search(filters => '[1]')$$);
SELECT * FROM error_of($$SELECT auditlog.search(filters => '{"ip": "10.0.0.0/99"}')$$);
SELECT * FROM error_of($$SELECT auditlog.facets('', 'status OR 1')$$);
SELECT * FROM error_of($$SELECT auditlog.facets('', '')$$);
SELECT * FROM error_of($$SELECT auditlog.facets('', NULL)$$);
SELECT * FROM error_of($$SELECT auditlog.facets('', 'status', "limit" => 0)$$);
SELECT * FROM error_of($$SELECT auditlog.histogram('', '0')$$);
SELECT * FROM error_of($$SELECT auditlog.histogram('', '1 month 1 day')$$);
SELECT * FROM error_of($$SELECT auditlog.histogram('', NULL)$$);
SELECT * FROM error_of($$SELECT auditlog.histogram('', '1 hour', time_zone => 'Mars/Olympus')$$);
SELECT * FROM error_of($$SELECT auditlog.histogram('', '1 second', '2025-01-01Z', '2026-01-01Z')$$);
SELECT * FROM error_of($$SELECT auditlog.suggest('', 1, 0)$$);

-- Structured filters as a query.
SELECT auditlog.filter_query('{"status": ["failed", "denied"], "ip": "203.0.113.*", "time_range": "last 7 days"}');
SELECT auditlog.filter_query('{}'), auditlog.filter_query(NULL) IS NULL AS nothing;

-- Counts.
SELECT auditlog.count(:window), auditlog.count('status:failed', :window), auditlog.count('status:failed', :window, filters => '{"severity": "warning"}'),
  auditlog.count('', :window, exact => false) > 0 AS estimated, auditlog.count(NULL, :window);

-- Facets.
SELECT * FROM auditlog.facets('', 'status', :window);
SELECT * FROM auditlog.facets('status:failed', 'actor.id', :window);
SELECT * FROM auditlog.facets('', 'user', :window);
SELECT * FROM auditlog.facets('', 'metadata.tags', :window);
SELECT * FROM auditlog.facets('', 'resource.tags.env', :window);
SELECT * FROM auditlog.facets('', 'metadata.shelf.n', :window);
SELECT * FROM auditlog.facets('', 'ip', :window, "limit" => 2);
SELECT * FROM auditlog.facets('', 'severity', :window);
SELECT * FROM auditlog.facets('', 'category', :window);
SELECT count(*) FROM auditlog.facets('', 'hash', :window, "limit" => 100);
SELECT * FROM auditlog.facets('', 'statsu', :window);
SELECT auditlog.field_values(e, 'tags'), auditlog.field_values(e, 'timestamp'), auditlog.field_values(e, 'metadata.shelf')
FROM auditlog.events e WHERE event_id = 's-03';
SELECT f.field, auditlog.field_source(f.field) FROM auditlog.fields() f;

-- Histograms.
SELECT * FROM auditlog.histogram('', '1 hour', '2025-06-10 10:00Z', '2025-06-10 14:00Z');
SELECT * FROM auditlog.histogram('status:failed', '30 minutes', since => '2025-06-10 10:00Z', until => '2025-06-10 12:00Z');
SELECT * FROM auditlog.histogram('event_id:s-*', '1 day', '2025-06-09Z', '2025-06-12Z');
SELECT * FROM auditlog.histogram('event_id:s-*', '1 day', '2025-06-09Z', '2025-06-12Z', time_zone => 'America/New_York');
SELECT * FROM auditlog.histogram('event_id:s-*', '12 hours', '2025-06-10Z', '2025-06-11Z', time_zone => '+02:00');
SELECT * FROM auditlog.histogram('event_id:s-*', '1 month', '2025-04-15Z', '2025-07-15Z', time_zone => '-03:30');
SELECT * FROM auditlog.histogram('event_id:s-*', '7 days');
SELECT * FROM auditlog.histogram('event_id:s-*', '1 year');
-- The day on which the clocks change has 23 hours.
SELECT bucket, bucket - lag(bucket) OVER (ORDER BY bucket) AS since_the_last
FROM auditlog.histogram('nothing', '1 day', '2025-03-29Z', '2025-03-31 12:00Z', time_zone => 'Europe/Berlin');

-- Saved queries.
SELECT auditlog.save_query('failed', 'status:failed', 'What failed');
SELECT auditlog.save_query('failed.logins', '_saved_:failed AND event_type:authentication.login');
SELECT auditlog.count('_saved_:failed', :window), auditlog.count('_saved_:failed.logins', :window), auditlog.count('event_id:s-* NOT _saved_:failed', :window);
SELECT name, query, description, created_by FROM auditlog.saved_queries ORDER BY name;
SELECT * FROM error_of($$SELECT auditlog.save_query('a b', 'x')$$);
SELECT * FROM error_of($$SELECT auditlog.save_query('.a', 'x')$$);
SELECT * FROM error_of($$SELECT auditlog.save_query(repeat('a', 101), 'x')$$);
SELECT * FROM error_of($$SELECT auditlog.save_query(NULL, 'x')$$);
SELECT * FROM error_of($$SELECT auditlog.save_query('x', NULL)$$);
SELECT * FROM error_of($$SELECT auditlog.save_query('x', 'status:(')$$);
SELECT * FROM error_of($$SELECT auditlog.save_query('x', '_saved_:missing')$$);
SELECT * FROM error_of($$SELECT auditlog.save_query('x', 'a OR _saved_:x')$$);
SELECT * FROM error_of($$SELECT auditlog.save_query('failed', 'b _saved_:failed.logins')$$);
SELECT * FROM error_of($$SELECT auditlog.delete_query('failed')$$);
SELECT * FROM error_of($$SELECT auditlog.delete_query('missing')$$);
PREPARE failed AS SELECT count(*) FROM auditlog.events e WHERE auditlog.matches(e, 'event_id:s-* AND _saved_:failed');
SET plan_cache_mode = force_generic_plan;
EXECUTE failed;
SELECT auditlog.save_query('failed', 'status:success');
EXECUTE failed;
SELECT auditlog.matches('{"action": {"status": "success"}}', '_saved_:failed');
BEGIN;
SELECT auditlog.save_query('failed', 'status:nothing');
EXECUTE failed;
ROLLBACK;
EXECUTE failed;
RESET plan_cache_mode;
-- Whose they are.
SET ROLE regress_analyst;
SELECT * FROM error_of($$SELECT auditlog.save_query('failed', 'x')$$);
SELECT * FROM error_of($$SELECT auditlog.delete_query('failed.logins')$$);
SELECT auditlog.save_query('mine', 'status:failed'), auditlog.save_query('mine', 'severity:warning');
SELECT auditlog.count('_saved_:mine', :window);
SELECT * FROM error_of($$UPDATE auditlog.saved_queries SET query = 'x'$$);
RESET ROLE;
SELECT auditlog.delete_query('mine'), auditlog.delete_query('failed.logins'), auditlog.delete_query('failed');
SELECT count(*) FROM auditlog.saved_queries;
SET ROLE regress_app;
SELECT * FROM error_of($$SELECT auditlog.search()$$);
SELECT * FROM error_of($$SELECT auditlog.count()$$);
SELECT * FROM error_of($$SELECT auditlog.save_query('a', 'b')$$);
RESET ROLE;

-- Suggestions.
SELECT * FROM auditlog.suggest('sta');
SELECT suggestion, kind FROM auditlog.suggest('status:failed ', "limit" => 4);
SELECT suggestion, kind, replace_from, replace_to FROM auditlog.suggest('severity:>=w');
SELECT suggestion, kind, replace_from, replace_to FROM auditlog.suggest('severity:>=wxyz AND a', 13);
SELECT suggestion, description FROM auditlog.suggest('event_type:authentication.log');
SELECT suggestion FROM auditlog.suggest('category:c');
SELECT suggestion FROM auditlog.suggest('timestamp:');
SELECT suggestion FROM auditlog.suggest('timestamp:<=', "limit" => 2);
SELECT suggestion, kind, replace_from FROM auditlog.suggest('metadata.shelf.n:(0 OR "X');
SELECT suggestion FROM auditlog.suggest('_exists_:actor.i');
SELECT auditlog.save_query('failed', 'status:failed', 'What failed');
SELECT suggestion, kind, description FROM auditlog.suggest('_saved_:FA');
SELECT auditlog.delete_query('failed');
SELECT count(*) FROM auditlog.suggest(NULL, -7, 5);
SELECT count(*) FROM auditlog.suggest('a:"b # ((', 2147483647);
