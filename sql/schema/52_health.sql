-- One line for each thing that may be wrong, with what to do.

CREATE FUNCTION auditlog.health() RETURNS TABLE ("check" text, status text, detail text, hint text)
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET row_security = on SET intervalstyle = postgres AS
$body$
DECLARE
    s record;
    i record;
    h record;
    w record;
    p record;
    a record;
    age interval;
    faults text[];
BEGIN
    SELECT * INTO s FROM auditlog_data.stats();
    SELECT * INTO i FROM auditlog_data.inbox_state();
    SELECT * INTO h FROM auditlog_data.head_state();
    age := clock_timestamp() - i.oldest;

    "check" := 'preload';
    IF NOT FOUND OR s.batches IS NULL THEN
        status := 'error'; detail := 'The library is not loaded at server start: nothing can be recorded.';
        hint := 'Add pg_auditlog to shared_preload_libraries and restart PostgreSQL.';
    ELSE
        status := 'ok'; detail := 'The library is loaded at server start.'; hint := NULL;
    END IF;
    RETURN NEXT;

    "check" := 'sealer';
    IF pg_is_in_recovery() THEN
        status := 'ok'; detail := 'This is a standby; the primary seals.'; hint := NULL;
    ELSIF s.sealer_pid IS NULL OR s.sealer_pid <= 0 THEN
        status := CASE WHEN i.events = 0 THEN 'warning' ELSE 'error' END;
        detail := 'No sealer is running for this database.';
        hint := 'It is started within a minute; if not, look into the server log and raise max_worker_processes. Events are safe in the inbox.';
    ELSIF clock_timestamp() - s.last_round > interval '30 seconds' THEN
        status := 'error'; detail := format('The sealer (pid %s) has not looked into the inbox since %s.', s.sealer_pid, s.last_round);
        hint := 'Look what it waits for in pg_stat_activity. Events are safe in the inbox.';
    ELSE
        status := 'ok'; detail := format('The sealer (pid %s) is running; %s batches since the server started.', s.sealer_pid, s.batches); hint := NULL;
    END IF;
    RETURN NEXT;

    "check" := 'inbox';
    detail := format('%s events wait to be sealed, the oldest for %s; the inbox takes %s.',
        i.events, COALESCE(date_trunc('milliseconds', age), interval '0'), pg_size_pretty(i.bytes));
    IF age > interval '5 minutes' THEN
        status := 'error'; hint := 'Look at auditlog.stat_seal.last_error. Events are safe in the inbox.';
    ELSIF age > interval '10 seconds' THEN
        status := 'warning'; hint := 'The sealer is behind; look at auditlog.stat_seal.';
    ELSE
        status := 'ok'; hint := NULL;
    END IF;
    RETURN NEXT;

    "check" := 'inbox size';
    IF i.bytes > 1073741824 THEN
        status := 'warning'; detail := format('The inbox tables take %s.', pg_size_pretty(i.bytes));
        hint := 'A long transaction, a prepared transaction or a replication slot holds old rows; look for backend_xmin in pg_stat_activity.';
    ELSE
        status := 'ok'; detail := format('The inbox tables take %s and were emptied %s times.', pg_size_pretty(i.bytes), s.truncations); hint := NULL;
    END IF;
    RETURN NEXT;

    "check" := 'word index';
    SELECT * INTO w FROM auditlog_data.word_state();
    detail := format('%s of %s sealed events are indexed, in %s runs; the index takes %s.',
        w.events, COALESCE(h.size, 0), w.runs, pg_size_pretty(w.bytes));
    IF h.size - w.events > 50000 THEN
        status := 'warning'; hint := 'Searches for words read the log without the index until it has caught up, which it does by itself.';
    ELSE
        status := 'ok'; hint := NULL;
    END IF;
    RETURN NEXT;

    "check" := 'seal errors';
    IF s.last_error_at > COALESCE(s.last_seal, '-infinity') AND s.last_error_at > clock_timestamp() - interval '1 hour' THEN
        status := 'error'; detail := format('%s: %s', s.last_error_at, s.last_error); hint := 'The sealer tries again by itself; remove the cause.';
    ELSE
        status := 'ok'; detail := format('%s failed rounds since the server started.', COALESCE(s.errors, 0)); hint := NULL;
    END IF;
    RETURN NEXT;

    "check" := 'access journal';
    SELECT * INTO a FROM auditlog_data.access_state();
    IF a.dropped > 0 OR a.unrecordable > 0 THEN
        status := 'error'; detail := format('%s reads went unrecorded and %s entries went to the server log only, since the server started.', a.dropped, a.unrecordable);
        hint := 'Look at auditlog.stat_access; auditlog.access_policy = block lets no read through unrecorded.';
    ELSIF NOT current_setting('auditlog.access_log')::boolean THEN
        status := 'warning'; detail := 'Reads of the audit log are not recorded: auditlog.access_log is off for this session.';
        hint := 'pg_settings and pg_db_role_setting show where it was switched off.';
    ELSIF a.recorder_pid IS NULL AND NOT pg_is_in_recovery() THEN
        status := 'warning'; detail := 'No recorder is running for this database.';
        hint := 'It is started within seconds; if not, look into the server log and raise max_worker_processes. Reads wait when the queue is full.';
    ELSIF a.queued_since < clock_timestamp() - interval '10 seconds' THEN
        status := 'error'; detail := format('Nothing was recorded since %s; %s of %s are queued. The last error: %s', a.queued_since,
            pg_size_pretty(a.queued_bytes), pg_size_pretty(a.queue_bytes), COALESCE(a.last_error, 'none'));
        hint := 'Look what the recorder waits for in pg_stat_activity. Reads wait when the queue is full.';
    ELSE
        status := 'ok'; detail := format('%s entries were recorded since the server started; the queue is %s%% full.', COALESCE(a.recorded, 0),
            COALESCE(100 * (a.queued_bytes + a.reserved_bytes) / NULLIF(a.queue_bytes, 0), 0)); hint := NULL;
    END IF;
    RETURN NEXT;

    "check" := 'log';
    IF h.size IS NULL THEN
        status := 'warning'; detail := 'The log has no head yet.'; hint := 'The sealer makes it at its first start.';
    ELSIF h.foreign_heads > 0 THEN
        status := CASE WHEN h.size > 0 THEN 'error' ELSE 'warning' END;
        detail := 'The head of another installation is here: a restore is under way, or two logs were mixed.';
        hint := 'When a restore has ended and this stays, restore into an empty database.';
    ELSE
        status := 'ok'; detail := format('%s events are sealed.', h.size); hint := NULL;
    END IF;
    RETURN NEXT;

    "check" := 'checkpoints';
    SELECT * INTO p FROM auditlog_data.publisher_state();
    IF p.state = 'copied' THEN
        status := 'error'; detail := format('No checkpoints: %s.', p.detail);
        hint := 'When the original is gone for good, call auditlog.declare_incarnation(reason); otherwise drop this copy.';
    ELSIF p.state IN ('rolled_back', 'forked') THEN
        status := 'error'; detail := format('No checkpoints: %s.', p.detail);
        hint := 'Run auditlog.verify(). After a restore that was meant, call auditlog.declare_incarnation(reason).';
    ELSIF p.state IN ('key_lost', 'key_replaced') THEN
        status := 'error'; detail := format('No checkpoints: %s.', p.detail);
        hint := 'Put the key file back. If it is gone, auditlog.declare_incarnation(reason) goes on under a new origin and key.';
    ELSIF p.state <> 'ok' THEN
        status := 'error'; detail := format('No checkpoints: %s.', p.detail); hint := 'Look into the server log.';
    ELSIF pg_is_in_recovery() THEN
        status := 'ok'; detail := 'This is a standby; the primary signs.'; hint := NULL;
    ELSIF p.pid IS NULL THEN
        status := 'warning'; detail := 'No publisher is running for this database.';
        hint := 'It is started within a minute; if not, look into the server log and raise max_worker_processes.';
    ELSIF p.size IS NULL THEN
        status := 'ok'; detail := 'Nothing was signed yet: there are no events, or they are new.'; hint := NULL;
    ELSIF h.size > p.size AND clock_timestamp() - p.made_at > 3 * current_setting('auditlog.checkpoint_interval')::interval + interval '1 minute' THEN
        status := 'warning'; detail := format('%s events are sealed, the newest checkpoint of %s covers %s.', h.size, date_trunc('second', p.made_at), p.size);
        hint := 'Look what the publisher waits for in pg_stat_activity: a synchronous standby?';
    ELSE
        status := 'ok'; detail := format('The newest checkpoint covers %s of %s events, signed as %s.', p.size, h.size, p.origin); hint := NULL;
    END IF;
    RETURN NEXT;

    "check" := 'signing key';
    IF p.key_in_data_directory THEN
        status := 'warning'; detail := 'The signing key lies in the data directory, so base backups copy it.';
        hint := 'Move the file elsewhere (mode 0600) and set auditlog.signing_key_file to its path.';
    ELSE
        status := 'ok'; detail := 'The signing key lies outside of the data directory.'; hint := NULL;
    END IF;
    RETURN NEXT;

    "check" := 'verification';
    IF p.verify_findings > 0 THEN
        status := 'error'; detail := format('%s findings in the background, the first: %s.', p.verify_findings, p.verify_first);
        hint := 'auditlog.verify() names them all.';
    ELSIF current_setting('auditlog.verify_interval')::interval = interval '0' THEN
        status := 'warning'; detail := 'Nothing is verified in the background.'; hint := 'Set auditlog.verify_interval.';
    ELSE
        status := 'ok'; hint := NULL;
        detail := format('%s of %s events were verified in the background%s.', p.verified_size, COALESCE(h.size, 0),
            COALESCE(', the last at ' || date_trunc('second', p.verified_at), ''));
    END IF;
    RETURN NEXT;

    "check" := 'tampering';
    IF s.tampered > 0 THEN
        status := 'error'; detail := format('%s events were changed between commit and sealing.', s.tampered);
        hint := 'auditlog.verify() names them.';
    ELSE
        status := 'ok'; detail := 'No event was changed before it was sealed, since the server started.'; hint := NULL;
    END IF;
    RETURN NEXT;

    "check" := 'capture';
    faults := ARRAY(SELECT format('%s is %s', c.relation, c.state) FROM auditlog_data.capture_states() AS c
        WHERE c.state <> 'enabled' ORDER BY c.relation::text);
    IF cardinality(faults) > 0 THEN
        status := 'warning'; detail := format('Rows of tracked tables may go unrecorded: %s.', array_to_string(faults[1:5], ', '));
        hint := 'Call auditlog.track() for the table again, and look for auditlog.policy_change events: who did it?';
    ELSE
        status := 'ok'; detail := format('%s tables are tracked.', (SELECT count(*) FROM auditlog_data.tracked_table)); hint := NULL;
    END IF;
    RETURN NEXT;

    "check" := 'alerts';
    SELECT * INTO w FROM auditlog_data.watch_state();
    faults := ARRAY(SELECT format('%s: %s', al.name, st.error) FROM auditlog_data.alert AS al
        JOIN auditlog_data.alert_state AS st ON st.alert_id = al.id WHERE al.enabled AND st.error IS NOT NULL ORDER BY al.name);
    IF cardinality(faults) > 0 THEN
        status := 'error'; detail := format('Alerts that cannot be evaluated: %s.', array_to_string(faults[1:5], '; '));
        hint := 'Change them with auditlog.alter_alert(); a saved query that they use may be gone.';
    ELSIF NOT EXISTS (SELECT FROM auditlog_data.alert AS al WHERE al.enabled) THEN
        status := 'ok'; detail := 'There are no alerts.'; hint := NULL;
    ELSIF COALESCE(h.size, 0) - (SELECT e.position FROM auditlog_data.evaluator AS e) > 100000
        OR w.evaluator_pid IS NULL AND COALESCE(h.size, 0) > COALESCE((SELECT e.position FROM auditlog_data.evaluator AS e), 0) THEN
        status := 'error'; detail := format('The evaluator of alerts is %s events behind%s.',
            COALESCE(h.size, 0) - COALESCE((SELECT e.position FROM auditlog_data.evaluator AS e), 0), COALESCE(': ' || w.last_error, ''));
        hint := 'Look at auditlog.stat_alerts and the server log; is max_worker_processes large enough?';
    ELSIF w.lost_groups > 0 THEN
        status := 'warning'; detail := format('%s groups were given up for want of memory: firings may be missing.', w.lost_groups);
        hint := 'Raise auditlog.alert_max_groups, or group by a field with fewer values.';
    ELSE
        status := 'ok'; detail := format('%s alerts are evaluated, %s firings are open.',
            (SELECT count(*) FROM auditlog_data.alert AS al WHERE al.enabled), (SELECT count(*) FROM auditlog_data.firing AS f WHERE f.resolved_at IS NULL));
        hint := NULL;
    END IF;
    RETURN NEXT;

    "check" := 'delivery';
    faults := ARRAY(SELECT format('%s: %s', c.name, st.last_error) FROM auditlog_data.channel AS c
        JOIN auditlog_data.channel_state AS st ON st.channel = c.name WHERE c.enabled AND st.paused ORDER BY c.name);
    IF cardinality(faults) > 0 THEN
        status := 'error'; detail := format('Channels that wait for somebody: %s', array_to_string(faults[1:5], '; '));
        hint := 'Mend what is said; auditlog.alter_channel() has them tried again at once.';
    ELSIF EXISTS (SELECT FROM auditlog_data.notification AS n WHERE n.state = 'dead') THEN
        status := 'warning'; detail := format('%s notifications were refused for good.', (SELECT count(*) FROM auditlog_data.notification AS n WHERE n.state = 'dead'));
        hint := 'auditlog.dead_letters lists them; auditlog.redrive(id) sends one again.';
    ELSIF EXISTS (SELECT FROM auditlog_data.notification AS n WHERE n.state = 'waiting' AND n.made_at < clock_timestamp() - interval '5 minutes') THEN
        status := 'warning'; detail := format('%s notifications have been waiting for more than 5 minutes.', (SELECT count(*) FROM auditlog_data.notification AS n
            WHERE n.state = 'waiting' AND n.made_at < clock_timestamp() - interval '5 minutes'));
        hint := 'auditlog.stat_channels has the last error of each channel.';
    ELSE
        status := 'ok'; detail := format('%s channels.', (SELECT count(*) FROM auditlog_data.channel AS c WHERE c.enabled)); hint := NULL;
    END IF;
    RETURN NEXT;

    "check" := 'jobs';
    SELECT * INTO w FROM auditlog_data.scheduler_state();
    faults := ARRAY(SELECT format('%s: %s', COALESCE(jb.jobname, jb.jobid::text), left(r.return_message, 100)) FROM auditlog_data.job AS jb
        JOIN LATERAL (SELECT o.status, o.return_message FROM auditlog_data.job_run AS o WHERE o.jobid = jb.jobid AND o.end_time IS NOT NULL
            ORDER BY o.runid DESC LIMIT 1) AS r ON r.status = 'failed' WHERE jb.active ORDER BY jb.jobid);
    IF cardinality(faults) > 0 THEN
        status := 'warning'; detail := format('Jobs whose last run failed: %s.', array_to_string(faults[1:5], '; '));
        hint := 'auditlog.job_run_details has the messages.';
    ELSIF w.scheduler_pid IS NULL AND EXISTS (SELECT FROM auditlog_data.job AS jb WHERE jb.active AND jb.looked_at < clock_timestamp() - interval '2 minutes') THEN
        status := 'error'; detail := format('The scheduler of jobs does not run%s.', COALESCE(': ' || w.last_error, ''));
        hint := 'Look at the server log; is max_worker_processes large enough?';
    ELSE
        status := 'ok'; detail := format('%s jobs.', (SELECT count(*) FROM auditlog_data.job AS jb WHERE jb.active)); hint := NULL;
    END IF;
    RETURN NEXT;

    "check" := 'retention';
    SELECT * INTO w FROM auditlog_data.keeper_state();
    faults := ARRAY(SELECT format('%s: %s', f.retention_class, f.message) FROM auditlog.retention_conflicts() AS f);
    IF NOT EXISTS (SELECT FROM auditlog_data.retention_policy) THEN
        status := 'ok'; detail := 'No retention policy is set: everything is kept.'; hint := NULL;
    ELSIF EXISTS (SELECT FROM (SELECT r.error FROM auditlog_data.retention_run AS r WHERE r.ended_at IS NOT NULL ORDER BY r.id DESC LIMIT 1) AS l
            WHERE l.error IS NOT NULL) THEN
        status := 'warning';
        detail := format('The last round of retention failed: %s.', (SELECT r.error FROM auditlog_data.retention_run AS r WHERE r.ended_at IS NOT NULL ORDER BY r.id DESC LIMIT 1));
        hint := 'auditlog.retention_moves says what it was about; it is tried again in the next round.';
    ELSIF cardinality(faults) > 0 THEN
        status := 'warning'; detail := format('The retention policy conflicts with requirements: %s.', array_to_string(faults[1:5], '; '));
        hint := 'auditlog.retention_conflicts() says which, and why.';
    ELSE
        status := 'ok'; detail := format('Retention policy %s is in force, %s legal holds.', (SELECT max(r.version) FROM auditlog_data.retention_policy AS r),
            (SELECT count(*) FROM auditlog_data.legal_hold AS l WHERE l.released_at IS NULL AND (l.until IS NULL OR l.until > clock_timestamp())));
        hint := NULL;
    END IF;
    RETURN NEXT;

    "check" := 'sinks';
    SELECT * INTO w FROM auditlog_data.streamer_state();
    faults := ARRAY(SELECT format('%s: %s', k.name, k.reason) FROM auditlog.sinks AS k WHERE k.state = 'error' ORDER BY k.name);
    IF cardinality(faults) > 0 THEN
        status := 'error'; detail := format('Sinks that wait for somebody: %s', array_to_string(faults[1:5], '; '));
        hint := 'Mend what is said; auditlog.resume_sink() has a sink tried again at once, auditlog.test_sink() says step by step what happens.';
    ELSIF w.pid IS NULL AND NOT pg_is_in_recovery() AND EXISTS (SELECT FROM auditlog.sinks AS k WHERE k.state <> 'paused' AND k.lag_seconds > 60) THEN
        status := 'error'; detail := format('The streamer of sinks does not run%s.', COALESCE(': ' || w.last_error, ''));
        hint := 'Look at the server log; is max_worker_processes large enough?';
    ELSIF EXISTS (SELECT FROM auditlog_data.sink_letter) THEN
        status := 'warning'; detail := format('%s events were refused for good.', (SELECT count(*) FROM auditlog_data.sink_letter));
        hint := 'auditlog.sink_dead_letters lists them; auditlog.redrive_sink(name) sends them again.';
    ELSIF EXISTS (SELECT FROM auditlog.sinks AS k WHERE k.lag_seconds > 900) THEN
        status := 'warning'; detail := format('Sinks that are more than 15 minutes behind: %s.',
            (SELECT string_agg(format('%s (%s, %s events)', k.name, k.state, k.lag_events), ', ' ORDER BY k.name) FROM auditlog.sinks AS k WHERE k.lag_seconds > 900));
        hint := 'auditlog.sinks has the last error of each. Retention keeps what a sink has not passed; one that is not needed any more is to be dropped.';
    ELSE
        status := 'ok'; detail := format('%s sinks.', (SELECT count(*) FROM auditlog_data.sink)); hint := NULL;
    END IF;
    RETURN NEXT;

    "check" := 'reports';
    SELECT * INTO w FROM auditlog_data.reporter_state();
    faults := ARRAY(SELECT format('%s (%s): %s', r.id, r.name, left(r.error, 100)) FROM auditlog_data.report AS r
        WHERE r.state = 'failed' AND r.ended_at > clock_timestamp() - interval '7 days' ORDER BY r.id);
    IF cardinality(faults) > 0 THEN
        status := 'warning'; detail := format('Reports that failed: %s.', array_to_string(faults[1:5], '; '));
        hint := 'auditlog.retry_report() has one made once more, auditlog.cancel_report() puts it aside.';
    ELSIF EXISTS (SELECT FROM auditlog_data.report_delivery AS d WHERE d.state = 'failed' AND d.ended_at > clock_timestamp() - interval '7 days' OR d.state = 'waiting' AND d.attempts > 2) THEN
        SELECT format('Files of reports did not reach their sinks: %s.', string_agg(format('%s to %s (%s)', d.report_id, d.sink, left(d.error, 100)), '; ')) INTO detail
        FROM (SELECT * FROM auditlog_data.report_delivery AS d WHERE d.state = 'failed' AND d.ended_at > clock_timestamp() - interval '7 days' OR d.state = 'waiting' AND d.attempts > 2 ORDER BY d.report_id DESC LIMIT 5) AS d;
        status := 'warning'; hint := 'auditlog.report_deliveries says why; auditlog.retry_report() sends them again.';
    ELSIF w.pid IS NULL AND EXISTS (SELECT FROM auditlog_data.report AS r WHERE r.state IN ('waiting', 'running') AND r.asked_at < clock_timestamp() - interval '2 minutes') THEN
        status := 'error'; detail := format('Reports wait, and the reporter does not run%s.', COALESCE(': ' || w.last_error, ''));
        hint := 'Look at the server log; is max_worker_processes large enough?';
    ELSE
        status := 'ok'; detail := format('%s reports were made.', (SELECT count(*) FROM auditlog_data.report AS r WHERE r.state = 'done')); hint := NULL;
    END IF;
    RETURN NEXT;

    "check" := 'compliance';
    SELECT COALESCE(array_agg(concat(c.metric, ' ' || c.subject) ORDER BY c.metric, c.subject) FILTER (WHERE c.status <> 'ok'), '{}') AS faults,
        bool_or(c.status = 'error') AS broken INTO w FROM auditlog_data.compliance_metrics() AS c;
    faults := w.faults;
    IF w.broken THEN
        status := 'warning'; hint := 'auditlog.compliance_metrics says what is wrong with each.';
    ELSE
        -- What nobody has begun with is no fault: that a review is due is one of who has to review.
        status := 'ok'; hint := NULL;
    END IF;
    detail := CASE WHEN cardinality(faults) = 0 THEN 'All figures of auditlog.compliance_metrics are as they should be.'
        ELSE format('Figures of auditlog.compliance_metrics to look at: %s.', array_to_string(faults, ', ')) END;
    RETURN NEXT;

    "check" := 'protection';
    faults := ARRAY(SELECT f.fault FROM auditlog_data.guard_faults() AS f);
    IF cardinality(faults) > 0 THEN
        status := 'error'; detail := array_to_string(faults[1:5], '; ') || '.';
        hint := 'Somebody with superuser rights changed the log''s protection. Run auditlog.verify() and find out who.';
    ELSE
        status := 'ok'; detail := 'All triggers are in place and nobody may write to the log directly.'; hint := NULL;
    END IF;
    RETURN NEXT;
END
$body$;
COMMENT ON FUNCTION auditlog.health() IS 'Checks of the audit log: ok, warning or error, with what to do';
