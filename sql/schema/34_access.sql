-- The access journal: who read the audit log. Its events leave the reader's transaction through a queue in shared
-- memory (src/queue.rs), which the recorder empties (src/worker/recorder.rs). What a query reads, the hooks see by
-- themselves (src/hooks/access.rs); functions say here what they were asked.

CREATE FUNCTION auditlog.note_search(name text, arguments jsonb) RETURNS boolean
    LANGUAGE c VOLATILE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'auditlog_note_search';
COMMENT ON FUNCTION auditlog.note_search(text, jsonb) IS
    'Has the event of the running statement name a search and its arguments; called by auditlog.search() and its like';

CREATE FUNCTION auditlog_data.note_export(name text, arguments jsonb) RETURNS boolean
    LANGUAGE c VOLATILE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'auditlog_note_export';
COMMENT ON FUNCTION auditlog_data.note_export(text, jsonb) IS 'The same for functions that hand out parts of the log as they are stored';

CREATE FUNCTION auditlog_data.tell_change(event_type text, severity text, operation text, subject text, before jsonb, after jsonb) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_tell_change';
COMMENT ON FUNCTION auditlog_data.tell_change(text, text, text, text, jsonb, jsonb) IS 'Records a change of the audit log''s configuration, in the running transaction';

CREATE FUNCTION auditlog.record_standby_reads(format text, entries bytea[]) RETURNS text[]
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'auditlog_record_standby_reads';
COMMENT ON FUNCTION auditlog.record_standby_reads(text, bytea[]) IS
    'Records what was read on a standby, whose worker calls this; for each entry why it is no event, or an empty text. Grant EXECUTE to the standby''s role alone';

CREATE FUNCTION auditlog_data.access_state(
        OUT recorder_pid integer, OUT queue_bytes bigint, OUT queued_bytes bigint, OUT reserved_bytes bigint,
        OUT queued_since timestamptz, OUT queued bigint, OUT recorded bigint, OUT last_recorded_at timestamptz,
        OUT dropped bigint, OUT refused bigint, OUT waits bigint, OUT unrecordable bigint,
        OUT errors bigint, OUT last_error_at timestamptz, OUT last_error text)
    RETURNS SETOF record
    LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 1 AS 'MODULE_PATHNAME', 'auditlog_access_state';
COMMENT ON FUNCTION auditlog_data.access_state() IS 'The queue of events that are recorded outside of their transaction, and its recorder';

CREATE VIEW auditlog.stat_access AS
SELECT s.recorder_pid, s.queue_bytes, s.queued_bytes, s.reserved_bytes, s.queued_since, s.queued, s.recorded,
    s.last_recorded_at, s.dropped, s.refused, s.waits, s.unrecordable, s.errors, s.last_error_at, s.last_error
FROM auditlog_data.access_state() AS s;
COMMENT ON VIEW auditlog.stat_access IS 'The access journal: how full its queue is, what was recorded, and what was not';
