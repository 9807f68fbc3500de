-- What the tests in a browser find in the log besides the generated events (examples/demo): something of each kind that a page shows.
-- Called by world.sh with the variables out, a folder of the server's account, and port, at which somebody refuses each notification.
\set ON_ERROR_STOP on
SET client_min_messages = warning;

-- Alerts are about what is sealed after them, so they come first; the events that fire them follow in events.sql.
SET SESSION AUTHORIZATION demo_administrator;
SELECT auditlog.create_channel('security-team', 'webhook', '{"url": "https://127.0.0.1:9/hooks/security"}', 'warning');
SELECT auditlog.create_channel('retired-pager', 'webhook', jsonb_build_object('url', 'http://127.0.0.1:' || :'port' || '/pages'), 'error');
SELECT auditlog.create_alert($$
name: "Multiple failed logins"
description: "Somebody guesses a password"
condition: "event_type:authentication.login AND status:failed"
threshold: {count: 5, window: 5m, group_by: actor.email}
notification: {channels: [security-team, retired-pager], severity: high}
$$);
SELECT auditlog.create_alert('{"name": "Bucket made public", "condition": "event_type:resource.modify AND changes.after.public:true", "notification": {"severity": "critical"}}');
SELECT auditlog.create_alert('{"name": "Changes at night", "condition": "category:resource AND status:denied"}');
SELECT auditlog.mute('Changes at night', now() + interval '1 year', 'until the new shift plan is in force');
SELECT auditlog.save_query('failed-logins', 'event_type:authentication.login AND status:failed', 'Logins that failed');
SELECT * FROM auditlog.set_retention($$
retention_policies:
  - event_types: [authentication.*]
    hot_days: 90
    warm_days: 365
    cold_years: 7
  - event_types: [resource.view]
    hot_days: 30
    warm_days: 90
    cold_years: 0
$$);
SELECT auditlog.hold('case-2026-014', 'actor.id:user_10000', now() + interval '1 year', 'Dismissal, labour court');
SELECT auditlog.create_sink('siem', 'http', '{"url": "https://127.0.0.1:9/in"}', 'severity:>=warning', 'json');
SELECT auditlog.create_token('nightly export', '{read}', interval '30 days');
RESET SESSION AUTHORIZATION;

SELECT auditlog.create_sink('worm-share', 'file', jsonb_build_object('path', :'out' || '/events.ndjson'), '', 'json');
SET SESSION AUTHORIZATION demo_administrator;
SELECT auditlog.schedule('nightly verification', '0 3 * * *', 'SELECT * FROM auditlog.verify()');
SELECT auditlog.schedule('heartbeat', '10 seconds', 'SELECT 1');
RESET SESSION AUTHORIZATION;
SELECT auditlog.create_report('{"name": "weekly-denials", "title": "Denied in a week", "period": "last month", "metrics": ["event_count"], "group_by": ["event_type"], "filters": "status:denied"}');
