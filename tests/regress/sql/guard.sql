-- What is refused, with the words that users see; everything else of this kind is in tests/client/guard.rs.
INSERT INTO auditlog.events (event_id, event_type, timestamp) VALUES ('guarded', 'a.b', '2024-01-15');
CALL settle();
\x on
SELECT * FROM error_of('UPDATE auditlog_data.log SET actor_id = ''x''');
SELECT * FROM error_of('DELETE FROM auditlog_data.log_standard_2024_01');
SELECT * FROM error_of('TRUNCATE auditlog_data.log');
SELECT * FROM error_of('TRUNCATE auditlog_data.log_standard_2024_01');
SELECT * FROM error_of('TRUNCATE auditlog_data.inbox_0');
SELECT * FROM error_of('INSERT INTO auditlog_data.log SELECT * FROM auditlog_data.log LIMIT 1');
SELECT * FROM error_of('ALTER TABLE auditlog_data.log_standard DETACH PARTITION auditlog_data.log_standard_2024_01');
SELECT * FROM error_of('DROP TABLE auditlog_data.log_standard_2024_01');
SELECT * FROM error_of('ALTER TABLE auditlog_data.log_standard_2024_01 DISABLE TRIGGER ALL');
SELECT * FROM error_of('ALTER TABLE auditlog_data.log ADD COLUMN x int');
SELECT * FROM error_of('DROP SCHEMA auditlog_data CASCADE');
SELECT * FROM error_of('DROP VIEW auditlog.events');
\x off
SET session_replication_role = replica;
DELETE FROM auditlog_data.log;
UPDATE auditlog_data.log_standard_2024_01 SET actor_id = 'x';
RESET session_replication_role;
SET ROLE auditlog_owner;
DELETE FROM auditlog_data.log;
RESET ROLE;
SET ROLE regress_app;
DELETE FROM auditlog_data.log;
SELECT count(*) FROM auditlog_data.log;
SELECT count(*) FROM auditlog.events;
RESET ROLE;
SELECT event_id, actor_id FROM auditlog.events WHERE event_id = 'guarded';

-- All partitions have the same triggers, always enabled.
SELECT array_agg(tgname || ' ' || tgenabled::text ORDER BY tgname) AS triggers, count(*) FILTER (WHERE tgenabled <> 'A') AS weak
FROM pg_trigger WHERE NOT tgisinternal AND tgrelid = 'auditlog_data.log_standard_2024_01'::regclass;
SELECT evtname, evtevent, evtenabled FROM pg_event_trigger WHERE evtname LIKE 'auditlog%' ORDER BY 1;

-- Other people's DDL is not our business.
CREATE TABLE mine (i int PRIMARY KEY);
ALTER TABLE mine ADD COLUMN j int, DISABLE TRIGGER ALL;
CREATE RULE r AS ON DELETE TO mine DO INSTEAD NOTHING;
TRUNCATE mine;
DROP TABLE mine;
