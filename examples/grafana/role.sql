-- What a Grafana sees of the audit log: numbers, never an event (README.md beside this file). For a superuser of the database
-- that has the log; it may be run again after an update, which begins to count anew.
--
--   psql -d app -f examples/grafana/role.sql
\set ON_ERROR_STOP on
BEGIN;
SET LOCAL client_min_messages = warning;

-- The owner reads the log as an analyst does and nobody logs in as it. The login owns nothing and is in no role.
DO $roles$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'grafana_auditlog_owner') THEN
        CREATE ROLE grafana_auditlog_owner NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'grafana_auditlog') THEN
        CREATE ROLE grafana_auditlog LOGIN NOINHERIT CONNECTION LIMIT 10;
    END IF;
END
$roles$;
GRANT auditlog_analyst TO grafana_auditlog_owner;
-- Against accidents: who may send queries may set these himself.
ALTER ROLE grafana_auditlog SET statement_timeout = '10s';
ALTER ROLE grafana_auditlog SET idle_in_transaction_session_timeout = '30s';
ALTER ROLE grafana_auditlog SET default_transaction_read_only = on;

DROP SCHEMA IF EXISTS auditlog_grafana CASCADE;
CREATE SCHEMA auditlog_grafana AUTHORIZATION grafana_auditlog_owner;
COMMENT ON SCHEMA auditlog_grafana IS 'Numbers about the audit log for Grafana; made by examples/grafana/role.sql';
-- Functions need more than their owner's schema only while they are made.
SET LOCAL ROLE grafana_auditlog_owner;

-- Counted once, when an event is sealed: a dashboard reads these tables, never the log.
CREATE TABLE auditlog_grafana.progress (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    next_index bigint
);
COMMENT ON TABLE auditlog_grafana.progress IS 'log_index of the first event that is not counted yet';
INSERT INTO auditlog_grafana.progress DEFAULT VALUES;

CREATE TABLE auditlog_grafana.event_counts (
    bucket timestamptz NOT NULL,
    category text NOT NULL,
    event_type text NOT NULL,
    status text NOT NULL,
    severity text NOT NULL,
    events bigint NOT NULL,
    PRIMARY KEY (bucket, event_type, status, severity, category)
);
COMMENT ON TABLE auditlog_grafana.event_counts IS 'Events by five minutes of their timestamp';

CREATE TABLE auditlog_grafana.actor_counts (
    day timestamptz NOT NULL,
    actor text NOT NULL,
    events bigint NOT NULL,
    failed bigint NOT NULL,
    PRIMARY KEY (day, actor)
);
COMMENT ON TABLE auditlog_grafana.actor_counts IS 'Events by actor and day (UTC), 31 days; read auditlog_grafana.top_actors()';

CREATE TABLE auditlog_grafana.samples (
    at timestamptz PRIMARY KEY,
    sealed_events bigint,
    waiting_events bigint,
    waiting_seconds double precision,
    seal_lag_seconds double precision,
    seal_errors bigint,
    journal_entries bigint,
    journal_lost bigint,
    alerts_behind bigint,
    sink_lag_events bigint,
    sink_lag_seconds double precision,
    log_bytes bigint
);
COMMENT ON TABLE auditlog_grafana.samples IS 'How the audit log stood, whenever refresh() ran';

-- Counts what was sealed since the last call, by log_index: nothing is missed and nothing counts twice, and late events count where
-- they belong. One read of the log, one entry in the access journal.
CREATE FUNCTION auditlog_grafana.refresh(keep interval DEFAULT '90 days', batch bigint DEFAULT 500000) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$body$
DECLARE
    head bigint := (SELECT s.sealed_events FROM auditlog.stat_seal AS s);
    low bigint;
    high bigint;
    erased boolean;
BEGIN
    -- Two at once would count twice.
    SELECT p.next_index INTO low FROM auditlog_grafana.progress AS p FOR UPDATE;
    IF low IS NULL THEN
        SELECT COALESCE(min(e.log_index), head) INTO low FROM auditlog.events AS e
        WHERE e."timestamp" >= now() - keep AND e.log_index IS NOT NULL;
    END IF;
    high := LEAST(head, low + batch);
    IF high > low THEN
        WITH read AS MATERIALIZED (
            SELECT e."timestamp", e.category, e.event_type, COALESCE(e.status, '') AS status, e.severity::text AS severity, e.actor_id
            FROM auditlog.events AS e
            WHERE e.log_index >= low AND e.log_index < high AND e."timestamp" >= now() - keep),
        counted AS (
            INSERT INTO auditlog_grafana.event_counts AS c
            SELECT date_bin('5 minutes', r."timestamp", '2000-01-01 00:00+00'), r.category, r.event_type, r.status, r.severity, count(*)
            FROM read AS r GROUP BY 1, 2, 3, 4, 5
            ON CONFLICT (bucket, event_type, status, severity, category) DO UPDATE SET events = c.events + excluded.events),
        named AS (
            INSERT INTO auditlog_grafana.actor_counts AS c
            SELECT date_trunc('day', r."timestamp", 'UTC'), r.actor_id, count(*), count(*) FILTER (WHERE r.status IN ('failed', 'denied'))
            FROM read AS r WHERE r.actor_id IS NOT NULL AND r."timestamp" >= now() - interval '31 days' GROUP BY 1, 2
            ON CONFLICT (day, actor) DO UPDATE SET events = c.events + excluded.events, failed = c.failed + excluded.failed)
        SELECT COALESCE(bool_or(r.event_type = 'auditlog.erasure'), false) INTO erased FROM read AS r;
        -- A name that was erased from the log goes from here too.
        IF erased THEN
            DELETE FROM auditlog_grafana.actor_counts AS a WHERE NOT EXISTS (SELECT FROM auditlog.events AS e WHERE e.actor_id = a.actor);
        END IF;
    END IF;
    UPDATE auditlog_grafana.progress SET next_index = GREATEST(low, high);

    INSERT INTO auditlog_grafana.samples
    SELECT clock_timestamp(), s.sealed_events, s.inbox_rows, COALESCE(EXTRACT(epoch FROM s.inbox_age), 0), EXTRACT(epoch FROM s.last_seal_lag),
        s.errors, a.recorded, a.dropped + a.unrecordable, w.behind,
        (SELECT max(k.lag_events) FROM auditlog.sinks AS k), (SELECT max(k.lag_seconds) FROM auditlog.sinks AS k),
        (SELECT sum(t.bytes) FROM auditlog.tiers AS t)
    FROM auditlog.stat_seal AS s, auditlog.stat_access AS a, auditlog.stat_alerts AS w;
    DELETE FROM auditlog_grafana.event_counts AS c WHERE c.bucket < now() - keep;
    DELETE FROM auditlog_grafana.actor_counts AS c WHERE c.day < now() - interval '31 days';
    DELETE FROM auditlog_grafana.samples AS c WHERE c.at < now() - keep;
    RETURN head - GREATEST(low, high);
END
$body$;
COMMENT ON FUNCTION auditlog_grafana.refresh(interval, bigint) IS
    'Counts what was sealed since the last call and samples the state; returns how many events are still to be counted';

-- Views that say what they are for. They show numbers alone.
CREATE VIEW auditlog_grafana.failed_logins AS
SELECT c.bucket, c.event_type, sum(c.events)::bigint AS events FROM auditlog_grafana.event_counts AS c
WHERE c.category = 'authentication' AND c.status IN ('failed', 'denied') GROUP BY 1, 2;
COMMENT ON VIEW auditlog_grafana.failed_logins IS 'Logins and other authentication that failed, by five minutes';

CREATE VIEW auditlog_grafana.refusals AS
SELECT c.bucket, c.category, c.event_type, sum(c.events)::bigint AS events FROM auditlog_grafana.event_counts AS c
WHERE c.status = 'denied' OR c.event_type = 'auditlog.access_denied' GROUP BY 1, 2, 3;
COMMENT ON VIEW auditlog_grafana.refusals IS 'What was refused, by five minutes';

-- Whole days that are over: shorter spans, or today again and again, would show who did what when.
CREATE FUNCTION auditlog_grafana.top_actors(since timestamptz, until timestamptz, n integer DEFAULT 10)
    RETURNS TABLE (actor text, events bigint, failed bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$body$
    SELECT a.actor, sum(a.events)::bigint, sum(a.failed)::bigint FROM auditlog_grafana.actor_counts AS a
    WHERE a.day >= date_trunc('day', since, 'UTC') AND a.day <= until AND a.day < date_trunc('day', now(), 'UTC')
    GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT LEAST(n, 50)
$body$;
COMMENT ON FUNCTION auditlog_grafana.top_actors(timestamptz, timestamptz, integer) IS 'Who did most, in whole days (UTC) that are over';

-- The state of now. Definer functions, as those below them are for analysts; no texts of errors, which may quote what was recorded.
CREATE FUNCTION auditlog_grafana.health() RETURNS TABLE ("check" text, status text, hint text)
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$body$ SELECT h."check", h.status, h.hint FROM auditlog.health() AS h $body$;
COMMENT ON FUNCTION auditlog_grafana.health() IS 'auditlog.health() without its details';

CREATE FUNCTION auditlog_grafana.metrics() RETURNS TABLE (metric text, subject text, value double precision, unit text, status text)
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$body$ SELECT m.metric, m.subject, m.value, m.unit, m.status FROM auditlog.compliance_metrics AS m $body$;
COMMENT ON FUNCTION auditlog_grafana.metrics() IS 'auditlog.compliance_metrics without its details';

CREATE FUNCTION auditlog_grafana.integrity()
    RETURNS TABLE (state text, verified_percent double precision, verified_at timestamptz, findings bigint, signed_events bigint, signed_at timestamptz)
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$body$
    WITH h AS MATERIALIZED (SELECT * FROM auditlog.health()),
        v AS (SELECT r.* FROM auditlog.verification_runs AS r WHERE r.ended_at IS NOT NULL ORDER BY r.id DESC LIMIT 1),
        c AS (SELECT p.size, p.made_at FROM auditlog.checkpoints AS p ORDER BY p.made_at DESC LIMIT 1)
    SELECT CASE WHEN EXISTS (SELECT FROM h WHERE h."check" IN ('verification', 'tampering', 'protection') AND h.status = 'error') THEN 'tampered'
            WHEN EXISTS (SELECT FROM v) THEN 'verified' ELSE 'not verified yet' END,
        (SELECT m.value FROM auditlog.compliance_metrics AS m WHERE m.metric = 'completeness'),
        (SELECT v.ended_at FROM v), (SELECT v.findings FROM v), (SELECT c.size FROM c), (SELECT c.made_at FROM c)
$body$;
COMMENT ON FUNCTION auditlog_grafana.integrity() IS 'What verification in the background has found, and how much is signed; one row';

CREATE FUNCTION auditlog_grafana.alerts()
    RETURNS TABLE (alert text, state text, severity text, fired bigint, last_fired_at timestamptz, open_firings bigint)
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$body$
    SELECT a.name, a.state, a.severity::text, a.fired, a.last_fired_at, COALESCE(o.firings, 0)
    FROM auditlog.alerts AS a LEFT JOIN (SELECT f.alert, count(*) AS firings FROM auditlog.alert_firings AS f
        WHERE f.state = 'open' GROUP BY 1) AS o ON o.alert = a.name
$body$;
COMMENT ON FUNCTION auditlog_grafana.alerts() IS 'Alerts, how often each has fired, and how many firings are open';

CREATE FUNCTION auditlog_grafana.firings(since timestamptz, until timestamptz)
    RETURNS TABLE (bucket timestamptz, alert text, severity text, firings bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$body$
    SELECT date_trunc('hour', f.fired_at), f.alert, f.severity::text, count(*) FROM auditlog.alert_firings AS f
    WHERE f.fired_at >= since AND f.fired_at <= until GROUP BY 1, 2, 3
$body$;
COMMENT ON FUNCTION auditlog_grafana.firings(timestamptz, timestamptz) IS 'How often alerts have fired, by hour; not for whom';

CREATE FUNCTION auditlog_grafana.sinks()
    RETURNS TABLE (sink text, kind text, state text, lag_events bigint, lag_seconds double precision, delivered bigint, retried bigint, dead bigint)
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$body$
    SELECT k.name, k.kind, k.state, k.lag_events, k.lag_seconds, s.delivered, s.retried, s.dead
    FROM auditlog.sinks AS k LEFT JOIN auditlog.stat_sinks AS s ON s.name = k.name
$body$;
COMMENT ON FUNCTION auditlog_grafana.sinks() IS 'Sinks: state, lag and what was delivered; not where to';

CREATE FUNCTION auditlog_grafana.workers() RETURNS TABLE (worker text, running boolean, errors bigint, last_error_at timestamptz)
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$body$ SELECT w.worker, COALESCE(w.pid > 0, false), COALESCE(w.errors, 0), w.last_error_at FROM auditlog.stat_workers AS w $body$;
COMMENT ON FUNCTION auditlog_grafana.workers() IS 'The background workers, without the texts of their errors';

CREATE FUNCTION auditlog_grafana.tiers() RETURNS TABLE (retention_class text, tier text, partitions bigint, estimated_events bigint, bytes bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
$body$
    SELECT t.retention_class, t.tier, count(*), sum(t.estimated_events)::bigint, sum(t.bytes)::bigint FROM auditlog.tiers AS t GROUP BY 1, 2
$body$;
COMMENT ON FUNCTION auditlog_grafana.tiers() IS 'What retention has where, and how large it is';

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA auditlog_grafana FROM PUBLIC;
GRANT USAGE ON SCHEMA auditlog_grafana TO grafana_auditlog, auditlog_administrator;
GRANT SELECT ON auditlog_grafana.event_counts, auditlog_grafana.samples, auditlog_grafana.failed_logins, auditlog_grafana.refusals
    TO grafana_auditlog;
GRANT EXECUTE ON FUNCTION auditlog_grafana.top_actors(timestamptz, timestamptz, integer), auditlog_grafana.health(), auditlog_grafana.metrics(),
    auditlog_grafana.integrity(), auditlog_grafana.alerts(), auditlog_grafana.firings(timestamptz, timestamptz), auditlog_grafana.sinks(),
    auditlog_grafana.workers(), auditlog_grafana.tiers() TO grafana_auditlog;
GRANT EXECUTE ON FUNCTION auditlog_grafana.refresh(interval, bigint) TO auditlog_administrator;
COMMIT;
