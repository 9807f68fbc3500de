-- Who owns and who may. Everything is closed first; then each role gets what its work needs.

DO $owner$
DECLARE
    o record;
BEGIN
    FOR o IN SELECT c.oid::pg_catalog.regclass AS name, c.relkind FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
        WHERE n.nspname IN ('auditlog', 'auditlog_data') AND c.relkind IN ('r', 'p', 'v')
    LOOP
        EXECUTE pg_catalog.format('ALTER %s %s OWNER TO auditlog_owner', CASE o.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, o.name);
        EXECUTE pg_catalog.format('REVOKE ALL ON %s FROM PUBLIC', o.name);
    END LOOP;
    FOR o IN SELECT p.oid::pg_catalog.regprocedure AS name, p.prosecdef FROM pg_catalog.pg_proc p
        JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) p.pronamespace
        WHERE n.nspname IN ('auditlog', 'auditlog_data')
    LOOP
        -- The owner first: pg_dump takes rights of another owner for a change, and writes them down.
        EXECUTE pg_catalog.format('ALTER FUNCTION %s OWNER TO auditlog_owner', o.name);
        EXECUTE pg_catalog.format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', o.name);
    END LOOP;
    ALTER TYPE auditlog.severity OWNER TO auditlog_owner;
END
$owner$;

REVOKE ALL ON SCHEMA auditlog, auditlog_data FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA auditlog, auditlog_data TO auditlog_owner;
GRANT USAGE ON SCHEMA auditlog TO auditlog_writer, auditlog_administrator, auditlog_analyst, auditlog_compliance,
    auditlog_manager, auditlog_user, pg_monitor;
-- pg_control_system() tells installations apart; only the owner's definer functions call it.
GRANT EXECUTE ON FUNCTION pg_catalog.pg_control_system() TO auditlog_owner;

-- Record.
GRANT EXECUTE ON FUNCTION auditlog.record(jsonb, text), auditlog.record(text, text),
    auditlog.record(text, jsonb, jsonb, jsonb, jsonb, jsonb, text, timestamptz, text, text),
    auditlog.record_batch(jsonb), auditlog.record_ndjson(text), auditlog.set_context(jsonb),
    auditlog.await_sealed(text, interval) TO auditlog_writer, auditlog_administrator;
GRANT INSERT ON auditlog.events TO auditlog_writer, auditlog_administrator;
GRANT SELECT ON auditlog.event_types TO auditlog_writer, auditlog_administrator, auditlog_analyst, auditlog_compliance,
    auditlog_manager, auditlog_user;
GRANT INSERT, UPDATE, DELETE ON auditlog.event_types TO auditlog_administrator;

-- Read: the view runs with the reader's rights on the tables below it, which cannot be named
-- directly because the schema is closed. Which rows, the policies say (65_policies.sql).
GRANT SELECT ON auditlog.events, auditlog_data.log, auditlog_data.inbox_0, auditlog_data.inbox_1, auditlog_data.inbox_2,
    auditlog_data.inbox_3 TO auditlog_administrator, auditlog_analyst, auditlog_compliance, auditlog_manager, auditlog_user;
GRANT EXECUTE ON FUNCTION auditlog.to_json(auditlog.events) TO auditlog_administrator, auditlog_analyst, auditlog_compliance,
    auditlog_manager, auditlog_user;
GRANT EXECUTE ON FUNCTION auditlog.verify(bigint, bigint) TO auditlog_administrator, auditlog_analyst, auditlog_compliance;

GRANT EXECUTE ON FUNCTION auditlog.matches(jsonb, text), auditlog.matches(text, text), auditlog.matches(auditlog.events, text),
    auditlog.fold(text), auditlog.moment(text, text), auditlog.match_text(text, text, integer),
    auditlog.match_list(text[], text, integer), auditlog.match_json(jsonb, text, integer, integer, integer),
    auditlog.match_event(auditlog.events, text, integer), auditlog.parse_query(text), auditlog.format_query(text),
    auditlog.explain_query(text), auditlog.fields()
    TO auditlog_writer, auditlog_administrator, auditlog_analyst, auditlog_compliance, auditlog_manager, auditlog_user;
-- Named in conditions that the planner makes. The candidates' schema is closed, so nobody calls them by hand.
GRANT EXECUTE ON FUNCTION auditlog_data.word_candidates(text), auditlog.word_filter(bigint, text)
    TO auditlog_administrator, auditlog_analyst, auditlog_compliance, auditlog_manager, auditlog_user;
GRANT EXECUTE ON FUNCTION auditlog.rebuild_word_index() TO auditlog_administrator;

-- Search: with the reader's rights on the events.
GRANT EXECUTE ON FUNCTION auditlog.filter_query(jsonb), auditlog.cursor(auditlog.events), auditlog.cursor_position(text),
    auditlog.search(text, timestamptz, timestamptz, jsonb, integer, text, text),
    auditlog.estimate(text, timestamptz, timestamptz, jsonb), auditlog.count(text, timestamptz, timestamptz, jsonb, boolean),
    auditlog.field_values(auditlog.events, text), auditlog.field_source(text),
    auditlog.facets(text, text, timestamptz, timestamptz, jsonb, integer),
    auditlog.histogram_buckets(text, interval, timestamptz, timestamptz, jsonb, text),
    auditlog.histogram(text, interval, timestamptz, timestamptz, jsonb, text), auditlog.suggest(text, integer, integer)
    TO auditlog_administrator, auditlog_analyst, auditlog_compliance, auditlog_manager, auditlog_user;
GRANT SELECT ON auditlog.saved_queries TO auditlog_administrator, auditlog_analyst, auditlog_compliance, auditlog_manager,
    auditlog_user;
-- They check who saved it: a role changes its own, an administrator all.
GRANT EXECUTE ON FUNCTION auditlog.save_query(text, text, text), auditlog.delete_query(text)
    TO auditlog_administrator, auditlog_analyst, auditlog_compliance;

-- Investigations: with the reader's rights on the events. What judges by what is not there, such as an approval, is for those who
-- see the whole log.
GRANT EXECUTE ON FUNCTION auditlog.diff(jsonb, jsonb, text), auditlog.stitch(integer[], integer[], integer[]),
    auditlog.sentence(text, text, text, text, text, text, jsonb, jsonb),
    auditlog.timeline_rows(text, timestamptz, timestamptz, bigint, text, text, text, text, interval, integer),
    auditlog.timeline(text, timestamptz, timestamptz, bigint, text, text, text, text, interval, integer)
    TO auditlog_administrator, auditlog_analyst, auditlog_compliance, auditlog_manager, auditlog_user;
GRANT EXECUTE ON FUNCTION auditlog.change_query(), auditlog.changes(text, timestamptz, timestamptz, text, integer), auditlog.segregation_rules(),
    auditlog.segregation_of_duties(timestamptz, timestamptz, jsonb), auditlog.incident_summary(text, timestamptz, timestamptz)
    TO auditlog_administrator, auditlog_analyst, auditlog_compliance;

-- The live tail: with the reader's rights on the events.
GRANT EXECUTE ON FUNCTION auditlog.tail(bigint, text, integer, interval), auditlog.tail_wait(bigint, timestamptz), auditlog.tail_position()
    TO auditlog_administrator, auditlog_analyst, auditlog_compliance, auditlog_manager, auditlog_user;

-- Proofs: what an auditor is given.
GRANT EXECUTE ON FUNCTION auditlog.checkpoint(), auditlog.inclusion_proof(text), auditlog.consistency_proof(bigint, bigint),
    auditlog.tiles(integer, bigint, bigint), auditlog.bundle_record(auditlog.events), auditlog.public_key(), auditlog.status()
    TO auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT SELECT ON auditlog.checkpoints, auditlog.signing_keys, auditlog.incarnations, auditlog.checkpoint_sinks
    TO auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT EXECUTE ON FUNCTION auditlog.declare_incarnation(text), auditlog.rotate_key(), auditlog.erase(text, text),
    auditlog.add_checkpoint_sink(text, text, text, jsonb), auditlog.drop_checkpoint_sink(text), auditlog.set_witness_policy(text)
    TO auditlog_administrator;

-- Row capture. PUBLIC may execute the trigger function because PostgreSQL asks for that when a partition is made or
-- attached, which is its owner's business; nobody can name it, as its schema is closed.
GRANT EXECUTE ON FUNCTION auditlog_data.capture() TO PUBLIC;
GRANT EXECUTE ON FUNCTION auditlog.track(regclass, text[], jsonb, text, text) TO auditlog_writer, auditlog_administrator;
GRANT EXECUTE ON FUNCTION auditlog.untrack(regclass) TO auditlog_administrator;
GRANT EXECUTE ON FUNCTION auditlog_data.capture_states() TO auditlog_administrator, auditlog_analyst, auditlog_compliance, pg_monitor;
GRANT SELECT ON auditlog.tracked_tables TO auditlog_administrator, auditlog_analyst, auditlog_compliance, pg_monitor;

-- Watch.
GRANT EXECUTE ON FUNCTION auditlog.health(), auditlog_data.stats(), auditlog_data.inbox_state(), auditlog_data.head_state(),
    auditlog_data.word_state(), auditlog_data.publisher_state()
    TO pg_monitor, auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT SELECT ON auditlog.stat_ingest, auditlog.stat_seal, auditlog.stat_verify, auditlog.stat_word_index
    TO pg_monitor, auditlog_administrator, auditlog_analyst, auditlog_compliance;

-- Principals, and the views that they make possible.
GRANT SELECT ON auditlog.principals, auditlog_data.principal, auditlog.my_events, auditlog.team_events, auditlog.access_log
    TO auditlog_administrator, auditlog_analyst, auditlog_compliance, auditlog_manager, auditlog_user;
GRANT SELECT ON auditlog.token_keys, auditlog_data.token_keys TO auditlog_administrator;
GRANT EXECUTE ON FUNCTION auditlog.whoami(), auditlog.authenticate(text), auditlog.acting_role(text)
    TO auditlog_writer, auditlog_administrator, auditlog_analyst, auditlog_compliance, auditlog_manager, auditlog_user;
GRANT SELECT ON auditlog.tokens TO auditlog_administrator, auditlog_analyst, auditlog_compliance, auditlog_manager, auditlog_user;
GRANT EXECUTE ON FUNCTION auditlog.create_token(text, text[], interval), auditlog.revoke_token(bigint), auditlog.token_scopes(),
    auditlog_data.token_used_at(bigint, text)
    TO auditlog_administrator, auditlog_analyst, auditlog_compliance, auditlog_manager, auditlog_user;
GRANT EXECUTE ON FUNCTION auditlog.add_principal(name, text, text, text[], text, text[]), auditlog.alter_principal(text, jsonb, text),
    auditlog.drop_principal(text, text), auditlog.set_token_keys(text, text, text) TO auditlog_administrator;
-- Named in policies and views; the schema is closed, so nobody calls them by hand.
GRANT EXECUTE ON FUNCTION auditlog_data.my_actor_id(), auditlog_data.my_tenant(), auditlog_data.my_team(), auditlog_data.my_reader_id(),
    auditlog_data.has_no_tenants(), auditlog_data.is_actor(text, text), auditlog_data.access_types()
    TO auditlog_administrator, auditlog_analyst, auditlog_compliance, auditlog_manager, auditlog_user;

-- Database events.
GRANT EXECUTE ON FUNCTION auditlog.import_pgaudit(text) TO auditlog_writer, auditlog_administrator;

-- The access journal.
GRANT EXECUTE ON FUNCTION auditlog.note_search(text, jsonb)
    TO auditlog_administrator, auditlog_analyst, auditlog_compliance, auditlog_manager, auditlog_user;
GRANT EXECUTE ON FUNCTION auditlog_data.access_state() TO pg_monitor, auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT SELECT ON auditlog.stat_access TO pg_monitor, auditlog_administrator, auditlog_analyst, auditlog_compliance;

-- Alerts and their delivery.
GRANT EXECUTE ON FUNCTION auditlog.builtin_alerts(), auditlog.install_alerts(text[], text[], text[]), auditlog.import_sigma(text, jsonb),
    auditlog.create_alert(text), auditlog.alter_alert(text, text), auditlog.drop_alert(text), auditlog.enable_alert(text),
    auditlog.disable_alert(text), auditlog.mute(text, timestamptz, text), auditlog.create_channel(text, text, jsonb, auditlog.severity),
    auditlog.alter_channel(text, jsonb, auditlog.severity, boolean), auditlog.drop_channel(text), auditlog.redrive(bigint),
    auditlog.explain_alert(text, integer), auditlog.test_alert(text, jsonb, boolean) TO auditlog_administrator;
GRANT EXECUTE ON FUNCTION auditlog.acknowledge(bigint, text, text) TO auditlog_administrator, auditlog_analyst;
GRANT SELECT ON auditlog.alerts, auditlog.alert_firings, auditlog.channels, auditlog.notifications, auditlog.dead_letters
    TO auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT EXECUTE ON FUNCTION auditlog_data.watch_state() TO pg_monitor, auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT SELECT ON auditlog.stat_alerts, auditlog.stat_channels TO pg_monitor, auditlog_administrator, auditlog_analyst, auditlog_compliance;

-- Retention: what goes is decided by administrators, and shown to whoever must answer for it.
GRANT EXECUTE ON FUNCTION auditlog.set_retention(text), auditlog.run_retention(timestamptz), auditlog.hold(text, text, timestamptz, text),
    auditlog.release_hold(text, text) TO auditlog_administrator;
GRANT EXECUTE ON FUNCTION auditlog.plan_retention(timestamptz), auditlog.retention(), auditlog.retention_requirements(),
    auditlog.retention_conflicts(), auditlog.certificates() TO auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT EXECUTE ON FUNCTION auditlog.restore(timestamptz, timestamptz, text), auditlog.drop_restored(bigint) TO auditlog_administrator, auditlog_analyst;
GRANT SELECT ON auditlog.restored_events, auditlog_data.restored TO auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT SELECT ON auditlog.archive, auditlog.archive_erasures, auditlog.restores, auditlog.retention_policies, auditlog.holds, auditlog.retention_moves, auditlog.retention_runs
    TO auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT SELECT ON auditlog.tiers TO pg_monitor, auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT EXECUTE ON FUNCTION auditlog_data.keeper_state() TO pg_monitor, auditlog_administrator, auditlog_analyst, auditlog_compliance;

-- Exports: with the reader's rights on the events.
GRANT EXECUTE ON FUNCTION auditlog.export_rows(text, text, timestamptz, timestamptz, jsonb),
    auditlog_data.export_header(text, text, timestamptz, timestamptz, jsonb), auditlog_data.export_line(text, jsonb,
        timestamptz, timestamptz, bigint, auditlog.severity, text, text, text, text, text, text, text, text, text, text, text, inet, text, text, text,
        text, text, text, text, jsonb, jsonb, jsonb, text, text[], jsonb, text, text, inet, text, text[], bytea, jsonb, bytea, timestamptz, text, bigint,
        bytea, bytea)
    TO auditlog_administrator, auditlog_analyst;
GRANT EXECUTE ON FUNCTION auditlog.export(text, text, timestamptz, timestamptz, text, jsonb), auditlog.cancel_export(bigint),
    auditlog.resume_export(bigint) TO auditlog_administrator, auditlog_analyst;
GRANT SELECT ON auditlog.exports TO auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT EXECUTE ON FUNCTION auditlog_data.exporter_state() TO pg_monitor, auditlog_administrator, auditlog_analyst, auditlog_compliance;
-- Sinks: who gets the log's events is decided by administrators.
GRANT EXECUTE ON FUNCTION auditlog.create_sink(text, text, jsonb, text, text, bigint), auditlog.alter_sink(text, jsonb, text, text), auditlog.drop_sink(text),
    auditlog.pause_sink(text, text), auditlog.resume_sink(text), auditlog.replay_sink(text, bigint), auditlog.redrive_sink(text, bigint),
    auditlog.test_sink(text) TO auditlog_administrator;
GRANT SELECT ON auditlog.sinks, auditlog.sink_dead_letters TO auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT SELECT ON auditlog.stat_sinks TO pg_monitor, auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT EXECUTE ON FUNCTION auditlog_data.streamer_state() TO pg_monitor, auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT EXECUTE ON FUNCTION auditlog_data.sealed_at(bigint) TO auditlog_administrator, auditlog_analyst, auditlog_compliance;

-- Jobs: they run as who schedules them.
GRANT EXECUTE ON FUNCTION auditlog.schedule(text, text, text), auditlog.schedule(text, text), auditlog.schedule_in_database(text, text, text, text, text, boolean),
    auditlog.alter_job(bigint, text, text, text, text, boolean), auditlog.unschedule(bigint), auditlog.unschedule(text) TO auditlog_administrator;
GRANT EXECUTE ON FUNCTION auditlog_data.sees_job(text) TO auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT SELECT ON auditlog.job, auditlog.job_run_details TO auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT EXECUTE ON FUNCTION auditlog_data.scheduler_state() TO pg_monitor, auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT SELECT ON auditlog.stat_workers TO pg_monitor, auditlog_administrator, auditlog_analyst, auditlog_compliance;

-- Evidence and reports: made and handed out by administrators and compliance officers alone.
GRANT SELECT ON auditlog.reviews, auditlog.health_samples, auditlog.verification_runs, auditlog.access_snapshots
    TO auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT SELECT ON auditlog.compliance_metrics TO pg_monitor, auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT EXECUTE ON FUNCTION auditlog.sign_review(tstzrange, text, text, integer), auditlog_data.sign_review(timestamptz, timestamptz, text, text, bigint)
    TO auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT EXECUTE ON FUNCTION auditlog_data.compliance_metrics() TO pg_monitor, auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT EXECUTE ON FUNCTION auditlog_data.builtin_frameworks() TO auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT SELECT ON auditlog.frameworks, auditlog.controls TO auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT SELECT ON auditlog.reports, auditlog.report_deliveries, auditlog.report_definitions TO auditlog_administrator, auditlog_compliance;
GRANT EXECUTE ON FUNCTION auditlog.generate_report(text, timestamptz, timestamptz, jsonb, text[]), auditlog.report_json(text, timestamptz, timestamptz, jsonb),
    auditlog.incident_report(text, timestamptz, timestamptz, text, text[]), auditlog.create_report(text), auditlog.drop_report(text),
    auditlog.run_report(text, timestamptz, timestamptz), auditlog.cancel_report(bigint), auditlog.retry_report(bigint),
    auditlog.report_file(bigint, text), auditlog.report_proof(bigint) TO auditlog_administrator, auditlog_compliance;
GRANT EXECUTE ON FUNCTION auditlog.add_framework(text), auditlog.drop_framework(text) TO auditlog_administrator;
GRANT EXECUTE ON FUNCTION auditlog.classify(regclass, text[]) TO auditlog_administrator;
GRANT SELECT ON auditlog.classified_tables TO auditlog_administrator, auditlog_analyst, auditlog_compliance;
GRANT EXECUTE ON FUNCTION auditlog_data.reporter_state() TO pg_monitor, auditlog_administrator, auditlog_analyst, auditlog_compliance;

-- The first partitions, so that the first events meet no reader with an older plan (store/partitions.rs
-- in the sources). Not while a dump is loaded, which brings its own: pg_dump's scripts, and hardly
-- anybody else, begin with row_security = off. Partitions are no members of the extension.
DO $partitions$
DECLARE
    t timestamp;
BEGIN
    IF pg_catalog.current_setting('row_security')::boolean THEN
        FOR i IN 0..2 LOOP
            t := pg_catalog.date_trunc('month', pg_catalog.timezone('UTC', pg_catalog.now()))
                OPERATOR(pg_catalog.+) pg_catalog.make_interval(months => i);
            EXECUTE pg_catalog.format('ALTER EXTENSION pg_auditlog DROP TABLE %s',
                (SELECT partition FROM auditlog_data.ensure_partition('standard',
                    pg_catalog.date_part('year', t)::integer, pg_catalog.date_part('month', t)::integer)));
        END LOOP;
    END IF;
END
$partitions$;

SELECT auditlog_data.announce_database();
