-- The catalogue of event types.
SELECT category, count(*) AS types FROM auditlog.event_types WHERE built_in GROUP BY 1 ORDER BY 1;

SELECT count(*) FILTER (WHERE description = '' OR description NOT LIKE '%.') AS badly_described,
       count(*) FILTER (WHERE event_type !~ '^[a-z0-9_-]+(\.[a-z0-9_-]+)+$') AS badly_named,
       count(*) FILTER (WHERE category = '') AS without_category
FROM auditlog.event_types WHERE built_in;

-- Each event that the product's description names under «Logged Events».
SELECT name AS missing FROM unnest(ARRAY[
  'authentication.login', 'authentication.logout', 'authentication.mfa_verify', 'authentication.session_expire', 'authentication.password_change',
  'resource.create', 'resource.modify', 'resource.delete', 'resource.tag_change', 'resource.state_change', 'resource.view', 'policy.modify'
]) AS name WHERE NOT EXISTS (SELECT FROM auditlog.event_types t WHERE t.event_type = name);

-- Users add types of their own; the category and the default severity of an event come from here.
INSERT INTO auditlog.event_types (event_type, category, default_severity, description) VALUES ('shop.refund', 'shop', 'notice', 'Money goes back.');
SELECT auditlog.record('{"event_type": "shop.refund", "event_id": "refund"}'::jsonb);
SELECT auditlog.record('{"event_type": "shop.unknown", "event_id": "unknown", "severity": "error"}'::jsonb);
SELECT auditlog.record('{"event_type": "single", "event_id": "single"}'::jsonb);
SELECT event_id, category, severity FROM auditlog.events WHERE event_id IN ('refund', 'unknown', 'single') ORDER BY 1;

SET ROLE regress_app;
INSERT INTO auditlog.event_types (event_type, category, description) VALUES ('app.own', 'app', 'Not allowed.');
DELETE FROM auditlog.event_types;
RESET ROLE;
