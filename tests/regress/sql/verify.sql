-- The chain as it stands: links, indexes, hashes; and verify() finds nothing.
CALL settle();
SELECT count(*) = max(log_index) + 1 AS no_gap, min(log_index) AS first, count(*) FILTER (WHERE length(entry_hash) <> 32 OR length(prev_hash) <> 32 OR length(hash) <> 32) AS odd_hashes
FROM auditlog.events;
SELECT prev_hash FROM auditlog.events WHERE log_index = 0;
-- Recomputed in SQL from docs/format.md: hash = SHA-256(0x02 ‖ prev_hash ‖ entry_hash ‖ log_index)
SELECT count(*) AS broken_links FROM (
  SELECT hash, prev_hash, lag(hash) OVER (ORDER BY log_index) AS previous,
         sha256('\x02'::bytea || prev_hash || entry_hash || int8send(log_index)) AS expected
  FROM auditlog.events) s
WHERE hash <> expected OR prev_hash <> coalesce(previous, decode(repeat('00', 32), 'hex'));
SELECT size = (SELECT count(*) FROM auditlog.events) AS head_size, hash = (SELECT hash FROM auditlog.events ORDER BY log_index DESC LIMIT 1) AS head_hash
FROM auditlog_data.head;
SELECT * FROM auditlog.verify();
SELECT * FROM auditlog.verify(0, 3);
SELECT * FROM auditlog.verify(from_index => 2, to_index => 2);
SELECT * FROM auditlog.verify(from_index => 3);
SET ROLE regress_analyst;
SELECT count(*) AS findings FROM auditlog.verify();
RESET ROLE;

-- Superuser, triggers switched off in the catalogue: what was touched is named.
\c
UPDATE pg_trigger SET tgenabled = 'D' WHERE tgrelid IN (SELECT relid FROM pg_partition_tree('auditlog_data.log'));
\c
UPDATE auditlog_data.log SET actor_id = 'somebody else' WHERE log_index = 2;
SELECT log_index, kind, detail <> '' AS detail, event_id = (SELECT event_id FROM auditlog.events e WHERE e.log_index = v.log_index) AS event_id FROM auditlog.verify() v WHERE kind <> 'trigger_disabled';
CREATE TEMP TABLE stolen AS SELECT * FROM auditlog_data.log WHERE log_index = 1;
DELETE FROM auditlog_data.log WHERE log_index = 1;
SELECT log_index, kind, detail <> '' AS detail FROM auditlog.verify() WHERE kind <> 'trigger_disabled' ORDER BY 1;
INSERT INTO auditlog_data.log SELECT * FROM stolen;
UPDATE auditlog_data.log l SET actor_id = NULL WHERE log_index = 2;
SELECT log_index, kind FROM auditlog.verify() WHERE kind <> 'trigger_disabled';
UPDATE pg_trigger SET tgenabled = 'A' WHERE NOT tgisinternal AND tgrelid IN (SELECT relid FROM pg_partition_tree('auditlog_data.log'));
\c
