//! Whatever crashes: no firing is missed, none is there twice.

use super::{EXAMPLE, create, failed_login, firings, settle};
use auditlog_testkit::crash::{Victim, kill9};
use auditlog_testkit::log::{scalar, verify};
use auditlog_testkit::random::Random;
use auditlog_testkit::{Cluster, LONG, Options, wait_until};
use std::time::Duration;

/// The count of a window goes on over a restart of the server, and over a kill of the evaluator alone.
#[test]
fn a_window_goes_on_over_a_restart() {
    let cluster = Cluster::start(&Options::default());
    let mut client = cluster.create_database_with_extension("audited");
    create(&mut client, EXAMPLE);
    for _ in 0..3 {
        failed_login(&mut client, Some("eve@example.com"), 0.0);
    }
    settle(&mut client);
    cluster.restart();
    let mut client = cluster.connect("audited");
    failed_login(&mut client, Some("eve@example.com"), 0.0);
    settle(&mut client);
    assert_eq!(firings(&mut client), Vec::<String>::new());
    failed_login(&mut client, Some("eve@example.com"), 0.0);
    settle(&mut client);
    assert_eq!(firings(&mut client), ["eve@example.com 5"]);
    cluster.restart();
    let mut client = cluster.connect("audited");
    for _ in 0..10 {
        failed_login(&mut client, Some("eve@example.com"), 0.0);
    }
    settle(&mut client);
    assert_eq!(
        firings(&mut client),
        ["eve@example.com 5"],
        "it is quiet after a restart as before"
    );
}

/// Clients record while postmaster and evaluator are killed at random moments: the firings are those that the log gives.
#[test]
fn crashes_lose_no_firing_and_make_no_second_one() {
    let rounds = if std::env::var_os("AUDITLOG_SOAK").is_some() {
        20
    } else {
        4
    };
    let mut random = Random::from_clock();
    let cluster = Cluster::start(&Options::default());
    let mut client = cluster.create_database_with_extension("audited");
    create(
        &mut client,
        "name: three\ncondition: event_type:x\nthreshold: {count: 3, window: 1d, group_by: actor.id}\n",
    );
    drop(client);
    let mut written = 0;
    for round in 0..rounds {
        let writer = {
            let config = cluster.config("postgres", "audited");
            std::thread::spawn(move || {
                let Ok(mut client) = config.connect(auditlog_testkit::postgres::NoTls) else {
                    return 0;
                };
                let mut done = 0;
                for i in 0..100_000 {
                    let actor = format!("{round}-{}", i / 5);
                    let sql =
                        "SELECT auditlog.record('x', actor => jsonb_build_object('type', 'user', 'id', $1::text))";
                    if client.execute(sql, &[&actor]).is_err() {
                        break;
                    }
                    done += 1;
                }
                done
            })
        };
        std::thread::sleep(Duration::from_millis(300 + random.below(700)));
        if round % 2 == 0 {
            cluster.kill9(if random.chance(50) {
                Victim::Postmaster
            } else {
                Victim::Everybody
            });
            written += writer.join().expect("a writer");
            cluster.go();
        } else {
            // one worker alone: the server throws everybody out and goes on
            let pid = cluster
                .config("postgres", "audited")
                .connect(auditlog_testkit::postgres::NoTls)
                .ok()
                .and_then(|mut client| {
                    let sql = "SELECT evaluator_pid FROM auditlog.stat_alerts";
                    client.query_one(sql, &[]).ok()?.get::<_, Option<i32>>(0)
                });
            if let Some(pid) = pid {
                kill9(pid as u32);
            }
            std::thread::sleep(Duration::from_millis(200));
            cluster.kill9(Victim::Everybody);
            written += writer.join().expect("a writer");
            cluster.go();
        }
    }
    assert!(written > rounds * 10, "{written} events in {rounds} rounds");
    let mut client = cluster.connect("audited");
    settle(&mut client);
    // what the definition says, asked of the log: each actor with three or more has one firing
    let expected = "SELECT count(*) FROM (SELECT actor_id FROM auditlog.events WHERE event_type = 'x' GROUP BY actor_id HAVING count(*) >= 3) AS g";
    let expected = scalar(&mut client, expected);
    assert!(expected > 0);
    wait_until("all have fired", LONG, || {
        scalar(&mut client, "SELECT count(*) FROM auditlog.alert_firings") >= expected
    });
    assert_eq!(
        scalar(&mut client, "SELECT count(*) FROM auditlog.alert_firings"),
        expected
    );
    let groups = "SELECT count(DISTINCT \"group\") FROM auditlog.alert_firings";
    assert_eq!(scalar(&mut client, groups), expected);
    let events = "SELECT count(*) FROM auditlog.events WHERE event_type = 'auditlog.alert'";
    assert_eq!(scalar(&mut client, events), expected);
    assert_eq!(verify(&mut client), []);
}
