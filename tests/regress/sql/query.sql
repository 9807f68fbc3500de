-- The query language over documents.
SELECT q, auditlog.matches(e, q) FROM (VALUES ('{
  "event_type": "authentication.login", "severity": "warning", "timestamp": "2026-03-10T14:30:45Z",
  "actor": {"email": "Admin@company.com", "ip_address": "203.0.113.45"},
  "resource": {"type": "ec2_instance", "tags": {"Environment": "production"}},
  "action": {"status": "failed"},
  "changes": {"after": {"items": [{"a": 1, "b": 2}, {"a": 3, "b": 4}], "size": 9007199254740993}},
  "metadata": {"tags": ["budget", "cost-optimization"], "note": null}}'::jsonb)) AS v (e),
(VALUES (''), ('event_type:authentication.login AND status:failed'), ('event_type:policy.*'), ('category:authentication'),
  ('category:cost OR tags:budget OR tags:cost-optimization'), ('actor.email:admin@company.com'), ('actor.email:=admin@company.com'),
  ('ip:203.0.113.*'), ('ip:203.0.112.0/24'), ('severity:>=warning'), ('severity:>warning'), ('timestamp:2026-03-10'),
  ('timestamp:>now-24h'), ('resource.tags.Environment:production'), ('tags:(budget AND cost-optimization)'), ('NOT tags:missing'),
  ('login'), ('"admin company"'), ('user@company.com'), ('*duct*'), ('changes.after.items:{a:1 b:2}'), ('changes.after.items:{a:1 b:4}'),
  ('changes.after.size:9007199254740993'), ('changes.after.size:9007199254740992'), ('metadata.note:null'), ('_missing_:metadata.note'),
  ('status:~"fail.*"'), ('user:admin@company.com -status:success')) AS w (q);
SELECT auditlog.matches(NULL, 'a:b'), auditlog.matches('[]', 'NOT a:b'), auditlog.matches('"text"', 'text');
SET auditlog.query_timezone = 'Europe/Berlin';
SELECT auditlog.matches('{"timestamp": "2026-03-10T23:30:00Z"}', 'timestamp:2026-03-11');
SET auditlog.query_timezone = 'Nowhere';
RESET auditlog.query_timezone;
-- What is wrong is said with its place.
SELECT auditlog.matches('{}', 'status:failed AND (ip:10.0.0.0/8');
SELECT auditlog.format_query('status:');
SELECT auditlog.format_query('roam~2');
SELECT auditlog.format_query('timestamp:2026-13-01');
SELECT auditlog.format_query('ip:10.0.0.0/99');
SELECT auditlog.format_query(repeat('(', 200) || 'a' || repeat(')', 200));
SELECT auditlog.format_query('a:1 OR b:2 c:3');
SELECT auditlog.format_query('statsu:failed');
SELECT auditlog.parse_query('status:failed');
SELECT field, "column", type, short_names FROM auditlog.fields() ORDER BY 1;
SET ROLE pg_read_all_data;
SELECT auditlog.matches('{}', 'a:b');
RESET ROLE;
