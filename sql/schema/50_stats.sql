-- Seeing it run: numbers about the log for pg_monitor, never its content.

CREATE FUNCTION auditlog_data.inbox_state(OUT events bigint, OUT oldest timestamptz, OUT bytes bigint)
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on AS
$body$
    SELECT count(*), min(recorded_at),
        (SELECT sum(pg_total_relation_size(format('auditlog_data.inbox_%s', i)::regclass))::bigint FROM generate_series(0, 3) AS i)
    FROM auditlog_data.inbox
$body$;
COMMENT ON FUNCTION auditlog_data.inbox_state() IS 'How many events wait to be sealed, since when, and the size of the inbox tables';

CREATE FUNCTION auditlog_data.head_state(OUT size bigint, OUT hash bytea, OUT updated_at timestamptz, OUT foreign_heads bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on AS
$body$
    SELECT h.size, h.hash, h.updated_at,
        (SELECT count(*) FROM auditlog_data.head AS o WHERE o.extension_oid <> e.oid::bigint OR o.database_oid <> d.oid::bigint)
    FROM pg_extension AS e
    JOIN pg_database AS d ON d.datname = current_database()
    LEFT JOIN auditlog_data.head AS h ON h.extension_oid = e.oid::bigint AND h.database_oid = d.oid::bigint
        AND h.system_identifier = (SELECT system_identifier FROM pg_control_system())
    WHERE e.extname = 'pg_auditlog'
$body$;
COMMENT ON FUNCTION auditlog_data.head_state() IS 'Head of this installation''s log';

CREATE VIEW auditlog.stat_alerts AS
SELECT w.evaluator_pid, e.position, GREATEST(COALESCE(h.size, 0) OPERATOR(pg_catalog.-) e.position, 0) AS behind, w.evaluated, w.groups, w.lost_groups,
    w.dropped_entries, (SELECT pg_catalog.count(*) FROM auditlog_data.firing AS f) AS firings,
    (SELECT pg_catalog.count(*) FROM auditlog_data.firing AS f WHERE f.resolved_at IS NULL) AS open_firings, w.errors, w.last_error_at, w.last_error
FROM auditlog_data.watch_state() AS w LEFT JOIN auditlog_data.evaluator AS e ON true LEFT JOIN auditlog_data.head_state() AS h ON true;
COMMENT ON VIEW auditlog.stat_alerts IS 'The evaluator of alerts: how far it is, and what it holds in memory';

CREATE VIEW auditlog.sinks AS
SELECT k.name, k.kind, k.config, k.query, k.format,
    -- What is wrong with another revision is not known of this one.
    CASE WHEN NOT k.enabled THEN 'paused' WHEN s.revision IS DISTINCT FROM k.revision THEN 'active' WHEN s.stopped OR s.waits THEN 'error'
        WHEN s.failures OPERATOR(pg_catalog.>) 0 THEN 'retrying' ELSE 'active' END AS state,
    CASE WHEN NOT k.enabled THEN k.pause_reason
        WHEN s.revision OPERATOR(pg_catalog.=) k.revision AND (s.failures OPERATOR(pg_catalog.>) 0 OR s.stopped) THEN s.last_error END AS reason,
    COALESCE(s.position, k.start_index) OPERATOR(pg_catalog.-) 1 AS position,
    s.delivered_at,
    GREATEST(h.size OPERATOR(pg_catalog.-) COALESCE(s.position, k.start_index), 0) AS lag_events,
    CASE WHEN h.size OPERATOR(pg_catalog.<=) COALESCE(s.position, k.start_index) THEN 0
        ELSE GREATEST(EXTRACT(epoch FROM pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) auditlog_data.sealed_at(COALESCE(s.position, k.start_index)))::double precision, 0)
        END AS lag_seconds,
    s.last_answer, s.last_error, s.last_error_at,
    CASE WHEN s.open_until OPERATOR(pg_catalog.>) 0 AND k.enabled AND NOT s.stopped AND s.revision OPERATOR(pg_catalog.=) k.revision THEN pg_catalog.to_timestamp(s.open_until OPERATOR(pg_catalog./) 1e6) END AS next_attempt,
    k.best_effort, k.changed_at, k.changed_by
FROM auditlog_data.sink AS k
LEFT JOIN auditlog_data.sink_state AS s ON s.sink_id OPERATOR(pg_catalog.=) k.id
    AND s.start_number OPERATOR(pg_catalog.=) k.start_number
LEFT JOIN auditlog_data.head_state() AS h ON true;
COMMENT ON VIEW auditlog.sinks IS 'Sinks of the log: how far each is, and what is wrong with it; position is the log_index of the last event that it is done with';

CREATE VIEW auditlog.sink_dead_letters AS
SELECT k.name AS sink, l.log_index, l.event_id, l.error, l.at, l.redrive
FROM auditlog_data.sink_letter AS l JOIN auditlog_data.sink AS k ON k.id OPERATOR(pg_catalog.=) l.sink_id;
COMMENT ON VIEW auditlog.sink_dead_letters IS 'Events that a sink''s receiver refused for good; auditlog.redrive_sink(name, log_index) sends them again';

CREATE VIEW auditlog.stat_sinks AS
SELECT k.name, k.kind, s.delivered, s.bytes, s.batches, s.retried, s.rejected,
    (SELECT pg_catalog.count(*) FROM auditlog_data.sink_letter AS l WHERE l.sink_id OPERATOR(pg_catalog.=) k.id) AS dead,
    CASE WHEN s.delivered_at OPERATOR(pg_catalog.>) (pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) interval '10 seconds') THEN s.rate ELSE 0 END AS rate,
    s.failures, s.delivered_at, s.last_error_at
FROM auditlog_data.sink AS k LEFT JOIN auditlog_data.sink_state AS s ON s.sink_id OPERATOR(pg_catalog.=) k.id;
COMMENT ON VIEW auditlog.stat_sinks IS 'Sinks of the log: events, bytes and batches that were delivered, and events per second while something is';

CREATE FUNCTION auditlog_data.reporter_state(OUT pid integer, OUT errors bigint, OUT last_error_at timestamptz, OUT last_error text)
    RETURNS SETOF record
    LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 1 AS 'MODULE_PATHNAME', 'auditlog_reporter_state';
COMMENT ON FUNCTION auditlog_data.reporter_state() IS 'The worker of reports, by shared memory';

CREATE VIEW auditlog.stat_workers AS
SELECT w.worker, w.pid, a.backend_start AS started_at, w.errors, w.last_error_at, w.last_error
FROM (SELECT 'sealer' AS worker, s.sealer_pid AS pid, s.errors, s.last_error_at, s.last_error FROM auditlog_data.stats() AS s
    UNION ALL SELECT 'publisher', p.publisher_pid, NULL, NULL, NULL FROM auditlog_data.stats() AS p
    UNION ALL SELECT 'recorder', x.recorder_pid, x.errors, x.last_error_at, x.last_error FROM auditlog_data.access_state() AS x
    UNION ALL SELECT 'evaluator', y.evaluator_pid, y.errors, y.last_error_at, y.last_error FROM auditlog_data.watch_state() AS y
    UNION ALL SELECT 'deliverer', y.deliverer_pid, y.delivery_errors, y.last_delivery_error_at, y.last_delivery_error FROM auditlog_data.watch_state() AS y
    UNION ALL SELECT 'scheduler', z.scheduler_pid, z.errors, z.last_error_at, z.last_error FROM auditlog_data.scheduler_state() AS z
    UNION ALL SELECT 'keeper', k.pid, k.errors, k.last_error_at, k.last_error FROM auditlog_data.keeper_state() AS k
    UNION ALL SELECT 'exporter', q.pid, q.errors, q.last_error_at, q.last_error FROM auditlog_data.exporter_state() AS q
    UNION ALL SELECT 'reporter', v.pid, v.errors, v.last_error_at, v.last_error FROM auditlog_data.reporter_state() AS v
    UNION ALL SELECT 'streamer', t.pid, t.errors, t.last_error_at, t.last_error FROM auditlog_data.streamer_state() AS t) AS w
LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid OPERATOR(pg_catalog.=) w.pid;
COMMENT ON VIEW auditlog.stat_workers IS 'The background workers of this database: evaluator, deliverer and scheduler run where there are alerts, channels, jobs, the keeper while retention has work, the streamer where there are sinks, the exporter while something is exported, the reporter while a report is made';

CREATE VIEW auditlog.stat_ingest AS
SELECT
    COALESCE(h.size, 0) + i.events AS events,
    i.events AS inbox_events,
    i.oldest AS inbox_oldest,
    i.bytes AS inbox_bytes,
    s.active_inbox,
    s.repeats AS idempotent_repeats,
    s.differing_repeats AS idempotent_repeats_differing,
    s.schema_warnings
FROM auditlog_data.inbox_state() AS i
LEFT JOIN auditlog_data.head_state() AS h ON true
LEFT JOIN auditlog_data.stats() AS s ON true;
COMMENT ON VIEW auditlog.stat_ingest IS 'Recording: events in all, and what waits in the inbox';

CREATE VIEW auditlog.stat_seal AS
SELECT
    COALESCE(h.size, 0) AS sealed_events,
    h.hash AS head_hash,
    i.events AS inbox_rows,
    pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) i.oldest AS inbox_age,
    s.sealer_pid,
    s.batches,
    s.last_batch AS last_batch_events,
    s.last_seal AS last_sealed_at,
    s.last_lag_us OPERATOR(pg_catalog.*) interval '1 microsecond' AS last_seal_lag,
    s.last_round AS last_round_at,
    s.seal_us OPERATOR(pg_catalog.*) interval '1 microsecond' AS seal_time,
    s.tree_us OPERATOR(pg_catalog.*) interval '1 microsecond' AS tree_time,
    s.truncations AS inbox_truncations,
    s.tampered AS changed_before_sealing,
    s.errors,
    s.last_error_at,
    s.last_error
FROM auditlog_data.inbox_state() AS i
LEFT JOIN auditlog_data.head_state() AS h ON true
LEFT JOIN auditlog_data.stats() AS s ON true;
COMMENT ON VIEW auditlog.stat_seal IS 'Sealing: head of the log, what waits, how long, last error';

CREATE FUNCTION auditlog_data.word_state(OUT runs bigint, OUT events bigint, OUT postings bigint, OUT bytes bigint)
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on AS
$body$
    SELECT count(*), COALESCE(max(end_index), 0), COALESCE(sum(postings), 0)::bigint,
        pg_total_relation_size('auditlog_data.word_chunk'::regclass) + pg_total_relation_size('auditlog_data.word_run'::regclass)
    FROM auditlog_data.word_run
$body$;
COMMENT ON FUNCTION auditlog_data.word_state() IS 'Runs of the word index, the events that they cover, and its size';

CREATE VIEW auditlog.stat_word_index AS
SELECT
    w.events AS indexed_events,
    GREATEST(COALESCE(h.size, 0) OPERATOR(pg_catalog.-) w.events, 0) AS waiting_events,
    w.runs,
    w.postings,
    w.bytes
FROM auditlog_data.word_state() AS w
LEFT JOIN auditlog_data.head_state() AS h ON true;
COMMENT ON VIEW auditlog.stat_word_index IS 'The word index: how far it is behind the log, and its size';

CREATE FUNCTION auditlog_data.publisher_state(
        OUT state text, OUT detail text, OUT since timestamptz, OUT pid integer, OUT origin text, OUT size bigint,
        OUT made_at timestamptz, OUT key_in_data_directory boolean, OUT verified_size bigint, OUT verified_at timestamptz,
        OUT verify_findings bigint, OUT verify_first text)
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on AS
$body$
    SELECT COALESCE(p.state, 'ok'), COALESCE(p.detail, ''), p.since, s.publisher_pid, i.origin, c.size, c.made_at,
        s.key_in_data_directory, COALESCE(p.verified_size, 0), p.verified_at, COALESCE(p.verify_findings, 0), p.verify_first
    FROM auditlog_data.stats() AS s
    LEFT JOIN auditlog_data.publisher AS p ON true
    LEFT JOIN LATERAL (SELECT n.origin FROM auditlog_data.incarnation AS n ORDER BY n.number DESC LIMIT 1) AS i ON true
    LEFT JOIN LATERAL (SELECT k.size, k.made_at FROM auditlog_data.checkpoint AS k WHERE k.origin = i.origin
        ORDER BY k.size DESC LIMIT 1) AS c ON true
$body$;
COMMENT ON FUNCTION auditlog_data.publisher_state() IS 'What the publisher of checkpoints says, and the newest checkpoint';

CREATE VIEW auditlog.stat_verify AS
SELECT s.verify_pid AS pid, s.verify_done AS rows_done, s.verify_total AS rows_total, s.verify_started AS started_at
FROM auditlog_data.stats() AS s
WHERE s.verify_pid IN (SELECT a.pid FROM pg_catalog.pg_stat_activity AS a);
COMMENT ON VIEW auditlog.stat_verify IS 'Progress of a running auditlog.verify(); rows_total is an estimate';

