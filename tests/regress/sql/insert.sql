-- INSERT and COPY into the view, as an application's role.
SET ROLE regress_app;
INSERT INTO auditlog.events (event_id, event_type, actor_id, timestamp) VALUES ('i1', 'a.b', 'u1', '2024-01-01'), ('i2', 'a.b', 'u2', '2024-01-02');
INSERT INTO auditlog.events (event_id, event_type, resource_tags, tags, extra) SELECT 'i3', 'a.b', '{"env": "prod"}', '{x,y}', '{"k": 1}';
COPY auditlog.events (event_id, event_type, actor_ip, before) FROM STDIN;
c1	a.b	10.0.0.1	{"n": 1}
c2	a.b	\N	\N
\.
COPY auditlog.events (event_id, event_type, severity) FROM STDIN (FORMAT csv, HEADER);
event_id,event_type,severity
c3,a.b,critical
\.
COPY auditlog.events (event_id, event_type, severity) FROM STDIN (FORMAT csv);
c4,a.b,info
c5,a.b,deafening
\.
RESET ROLE;
SELECT event_id, actor_id, actor_ip, severity, resource_tags, before, tags, extra FROM auditlog.events
WHERE event_id ~ '^[ic][0-9]$' AND event_type = 'a.b' ORDER BY 1;

-- RETURNING shows what was recorded; chain and index are the sealer's.
INSERT INTO auditlog.events (event_type, actor_id) VALUES ('a.b', 'u1')
RETURNING event_id LIKE 'evt\_%' AS id, category, severity, recorded_at IS NOT NULL AS recorded, log_index, length(entry_hash) AS entry_hash, hash, db_session_user = session_user AS session_user_set;

-- The view takes nothing else.
UPDATE auditlog.events SET actor_id = 'x';
DELETE FROM auditlog.events;
