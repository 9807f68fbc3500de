//! Scheduled jobs: they run when they should, as who scheduled them, one run of a job at a time.

use auditlog_testkit::log::{scalar, text, verify};
use auditlog_testkit::postgres::Client;
use auditlog_testkit::refused::refused_with;
use auditlog_testkit::{Cluster, LONG, Options, Stop, wait_until, wait_until_or_tell};
use std::time::Duration;

fn cluster() -> (Cluster, Client) {
    let cluster = Cluster::start(&Options::default().set("max_worker_processes", "20"));
    let mut client = cluster.create_database_with_extension("audited");
    client
        .batch_execute("CREATE TABLE public.done (at timestamptz DEFAULT clock_timestamp(), who text DEFAULT session_user || ' ' || current_user); GRANT ALL ON public.done TO PUBLIC")
        .expect("a table");
    (cluster, client)
}

fn runs(client: &mut Client, what: &str) -> i64 {
    scalar(
        client,
        &format!("SELECT count(*) FROM auditlog.job_run_details WHERE {what}"),
    )
}

#[test]
fn a_job_runs_every_second_as_its_owner() {
    let (cluster, mut client) = cluster();
    cluster.create_login("admin", &["auditlog_administrator"]);
    let mut admin = cluster.connect_as("admin", "audited");
    let id = scalar(
        &mut admin,
        "SELECT auditlog.schedule('tick', '1 second', 'INSERT INTO public.done DEFAULT VALUES')",
    );
    wait_until("it has run three times", LONG, || {
        runs(&mut client, "status = 'succeeded'") >= 3
    });
    assert_eq!(text(&mut client, "SELECT DISTINCT who FROM public.done"), "admin admin");
    let details = "SELECT DISTINCT concat_ws(' ', jobid = $1, database, username, command, return_message, end_time >= start_time, job_pid > 0)
        FROM auditlog.job_run_details WHERE status = 'succeeded'"
        .replace("$1", &id.to_string());
    assert_eq!(
        text(&mut client, &details),
        "t audited admin INSERT INTO public.done DEFAULT VALUES INSERT 1 t t"
    );
    // the same name again: the same job
    let again = "SELECT auditlog.schedule('tick', '2 seconds', 'SELECT 1')";
    assert_eq!(scalar(&mut admin, again), id);
    assert_eq!(
        text(&mut admin, "SELECT schedule || ' ' || command FROM auditlog.job"),
        "2 seconds SELECT 1"
    );
    admin
        .batch_execute(&format!("SELECT auditlog.alter_job({id}, active => false)"))
        .expect("alter_job()");
    std::thread::sleep(Duration::from_secs(1));
    let now = runs(&mut client, "true");
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(runs(&mut client, "true"), now, "it is switched off");
    admin
        .batch_execute("SELECT auditlog.unschedule('tick')")
        .expect("unschedule()");
    assert_eq!(scalar(&mut admin, "SELECT count(*) FROM auditlog.job"), 0);
    let told = "SELECT string_agg(operation || ' ' || coalesce(after->>'schedule', '-'), ', ' ORDER BY recorded_at)
        FROM auditlog.events WHERE event_type = 'auditlog.job_change'";
    assert_eq!(
        text(&mut client, told),
        "schedule 1 second, schedule 2 seconds, alter_job 2 seconds, unschedule -"
    );
    assert_eq!(verify(&mut client), []);
}

#[test]
fn errors_statements_without_transactions_and_several_statements() {
    let (_cluster, mut client) = cluster();
    for (name, command) in [
        ("fails", "SELECT 1/0"),
        ("vacuum", "VACUUM public.done"),
        (
            "two",
            "INSERT INTO public.done DEFAULT VALUES; INSERT INTO public.done DEFAULT VALUES",
        ),
        ("half", "INSERT INTO public.done DEFAULT VALUES; SELECT 1/0"),
        ("call", "DO $$ BEGIN PERFORM auditlog.record('a.b'); END $$"),
        ("nonsense", "SELEKT"),
    ] {
        client
            .execute("SELECT auditlog.schedule($1, '1 second', $2)", &[&name, &command])
            .expect("schedule()");
    }
    wait_until("all have run", LONG, || {
        scalar(
            &mut client,
            "SELECT count(DISTINCT jobid) FROM auditlog.job_run_details WHERE end_time IS NOT NULL",
        ) == 6
    });
    client
        .batch_execute("SELECT auditlog.unschedule(jobid) FROM auditlog.job")
        .expect("unschedule()");
    let said = "SELECT string_agg(DISTINCT j.said, '; ') FROM (SELECT command || ' → ' || status || ' ' || coalesce(return_message, '') AS said
        FROM auditlog.job_run_details WHERE end_time IS NOT NULL AND command <> 'INSERT') AS j";
    let said = text(&mut client, said);
    for part in [
        "SELECT 1/0 → failed ERROR: division by zero",
        "VACUUM public.done → succeeded VACUUM",
        "SELEKT → failed ERROR: syntax error",
        "END $$ → succeeded DO",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    // «two» wrote pairs, «half» nothing
    assert_eq!(scalar(&mut client, "SELECT count(*) % 2 FROM public.done"), 0);
    assert!(
        scalar(
            &mut client,
            "SELECT count(*) FROM auditlog.events WHERE event_type = 'a.b'"
        ) > 0
    );
    let health = "SELECT status FROM auditlog.health() WHERE \"check\" = 'jobs'";
    assert_eq!(text(&mut client, health), "ok", "jobs that are gone are no trouble");
}

#[test]
fn of_one_job_there_is_one_run_at_a_time_and_none_takes_too_long() {
    let (cluster, mut client) = cluster();
    client
        .batch_execute("ALTER SYSTEM SET auditlog.job_timeout = '4s'")
        .expect("ALTER SYSTEM");
    client.batch_execute("SELECT pg_reload_conf()").expect("reload");
    client
        .batch_execute("SELECT auditlog.schedule('slow', '1 second', 'SELECT pg_sleep(2)'), auditlog.schedule('endless', '1 second', 'SELECT pg_sleep(600)')")
        .expect("schedule()");
    wait_until_or_tell(
        "the slow one has run twice, the endless one was ended",
        LONG,
        || {
            runs(&mut client, "command LIKE '%(2)' AND status = 'succeeded'") >= 2
                && runs(&mut client, "command LIKE '%(600)' AND return_message LIKE 'canceled%'") >= 1
        },
        || {
            let state = "SELECT concat_ws(E'\\n', (SELECT string_agg(d::text, E'\\n' ORDER BY d.runid) FROM auditlog.job_run_details AS d),
                (SELECT string_agg(s::text, ' ') FROM auditlog_data.scheduler_state() AS s),
                (SELECT string_agg(concat_ws(' ', a.pid, a.backend_type, a.state, a.wait_event, a.query), E'\\n') FROM pg_stat_activity AS a))";
            text(&mut cluster.connect("audited"), state)
        },
    );
    let overlap = "SELECT count(*) FROM auditlog.job_run_details AS a JOIN auditlog.job_run_details AS b
        ON a.jobid = b.jobid AND a.runid < b.runid AND b.start_time < a.end_time";
    assert_eq!(scalar(&mut client, overlap), 0);
    // the server stops at once
    let begin = std::time::Instant::now();
    cluster.stop(Stop::Fast);
    assert!(begin.elapsed() < Duration::from_secs(10));
    cluster.go();
    let mut client = cluster.connect("audited");
    wait_until("what the old server left is ended", LONG, || {
        runs(
            &mut client,
            "return_message = 'server restarted' OR return_message LIKE '%terminating%'",
        ) >= 1
            && runs(&mut client, "status IN ('starting', 'running')") <= 2
    });
}

#[test]
fn wrong_jobs_are_refused() {
    let (cluster, mut client) = cluster();
    cluster.create_login("admin", &["auditlog_administrator"]);
    cluster.create_login("reader", &["auditlog_analyst"]);
    client.batch_execute("CREATE DATABASE other").expect("a database");
    client
        .batch_execute("REVOKE CONNECT ON DATABASE other FROM PUBLIC")
        .expect("REVOKE");
    let mut admin = cluster.connect_as("admin", "audited");
    for (call, code) in [
        ("auditlog.schedule('x', '* * * *', 'SELECT 1')", "22023"),
        ("auditlog.schedule('x', '60 seconds', 'SELECT 1')", "22023"),
        ("auditlog.schedule('x', '61 * * * *', 'SELECT 1')", "22023"),
        ("auditlog.schedule(NULL, '* * * * *', 'SELECT 1')", "22004"),
        ("auditlog.schedule(repeat('n', 201), '* * * * *', 'SELECT 1')", "22023"),
        ("auditlog.schedule('x', '* * * * *', '')", "22004"),
        (
            "auditlog.schedule_in_database('x', '* * * * *', 'SELECT 1', 'nowhere')",
            "3D000",
        ),
        (
            "auditlog.schedule_in_database('x', '* * * * *', 'SELECT 1', 'other')",
            "42501",
        ),
        (
            "auditlog.schedule_in_database('x', '* * * * *', 'SELECT 1', 'audited', 'postgres')",
            "42501",
        ),
        ("auditlog.unschedule('nobody')", "42704"),
        ("auditlog.unschedule(4711)", "42704"),
        ("auditlog.alter_job(4711, 'x')", "42704"),
    ] {
        refused_with(&mut admin, code, &format!("SELECT {call}"));
    }
    let id = scalar(&mut client, "SELECT auditlog.schedule('root', '@daily', 'SELECT 1')");
    refused_with(&mut admin, "42501", &format!("SELECT auditlog.unschedule({id})"));
    refused_with(&mut client, "42501", "UPDATE auditlog_data.job SET command = 'x'");
    let mut reader = cluster.connect_as("reader", "audited");
    refused_with(
        &mut reader,
        "42501",
        "SELECT auditlog.schedule('x', '* * * * *', 'SELECT 1')",
    );
    assert_eq!(
        scalar(&mut reader, "SELECT count(*) FROM auditlog.job"),
        0,
        "it sees its own jobs"
    );
    assert_eq!(scalar(&mut admin, "SELECT count(*) FROM auditlog.job"), 1);
    refused_with(
        &mut client,
        "55000",
        "SET auditlog.use_pg_cron = on; SELECT auditlog.schedule('x', '* * * * *', 'SELECT 1')",
    );
}

#[test]
fn jobs_go_to_pg_cron_where_that_is_wanted() {
    let available = "SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_cron'";
    if scalar(&mut auditlog_testkit::shared().connect("postgres"), available) == 0 {
        println!("skipped: pg_cron is not installed");
        return;
    }
    let options = Options::default()
        .set("shared_preload_libraries", "pg_cron,pg_auditlog")
        .set("cron.database_name", "audited")
        .set("max_worker_processes", "20");
    let cluster = Cluster::start(&options);
    let mut client = cluster.create_database_with_extension("audited");
    client
        .batch_execute("CREATE EXTENSION pg_cron; SET auditlog.use_pg_cron = on")
        .expect("pg_cron");
    // our own text of it: pg_cron reads @yearly otherwise than it is meant
    let id = scalar(&mut client, "SELECT auditlog.schedule('yearly', '@yearly', 'SELECT 1')");
    let there = format!("SELECT schedule || ' ' || command || ' ' || jobname FROM cron.job WHERE jobid = {id}");
    assert_eq!(text(&mut client, &there), "0 0 1 1 * SELECT 1 yearly");
    assert_eq!(scalar(&mut client, "SELECT count(*) FROM auditlog.job"), 0);
}

/// What was due while the server was down is let go, or made up for by one run.
#[test]
fn missed_runs() {
    for (policy, expected) in [("skip", 0), ("once", 1)] {
        let cluster = Cluster::start(
            &Options::default()
                .set("max_worker_processes", "20")
                .set("auditlog.missed_runs", policy),
        );
        let mut client = cluster.create_database_with_extension("audited");
        // due each day at midnight: it was, two days ago
        client
            .batch_execute("SELECT auditlog.schedule('daily', '0 0 * * *', 'SELECT 1')")
            .expect("schedule()");
        cluster.stop(Stop::Fast);
        cluster.go();
        let mut client = cluster.connect("audited");
        client
            .batch_execute(
                "ALTER EVENT TRIGGER auditlog_guard_ddl DISABLE;
                 ALTER TABLE auditlog_data.job DISABLE TRIGGER auditlog_no_change;
                 UPDATE auditlog_data.job SET looked_at = now() - interval '2 days', revision = revision + 1;
                 ALTER TABLE auditlog_data.job ENABLE ALWAYS TRIGGER auditlog_no_change;
                 ALTER EVENT TRIGGER auditlog_guard_ddl ENABLE ALWAYS",
            )
            .expect("a superuser may");
        wait_until(policy, LONG, || runs(&mut client, "true") == expected);
        std::thread::sleep(Duration::from_secs(4));
        assert_eq!(runs(&mut client, "true"), expected, "{policy}");
        drop(client);
    }
}
