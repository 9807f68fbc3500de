//! Runs every attack against a log of its own and asks everybody.

use super::attacks::{ATTACKS, Attack, Then};
use super::{Folder, bundle, dsn, forge, said};
use crate::program::Program;
use crate::publishing::witness::{add, witness};
use auditlog_testkit::log::{scalar, text, verify, wait_sealed};
use auditlog_testkit::postgres::Client;
use auditlog_testkit::{Cluster, LONG, Options, wait_until};
use auditlog_tlog::VerifierKey;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Attacks at a time.
const THREADS: usize = 3;

#[test]
fn everybody_notices_what_they_can() {
    let cluster = Cluster::start(&Options::default());
    let program = Program::ours();
    let next = AtomicUsize::new(0);
    let wrong = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(attack) = ATTACKS.get(number) else { return };
                    let (seen, said) = run(&cluster, &program, number, attack);
                    if seen != attack.seen {
                        let line = format!("{}: {seen} instead of {}\n{said}", attack.name, attack.seen);
                        wrong.lock().expect("no panic").push(line);
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("no panic");
    assert!(ATTACKS.len() >= 30);
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        ATTACKS.len(),
        wrong.join("\n")
    );
}

fn filled(client: &mut Client) {
    client
        .batch_execute(
            "SELECT auditlog.record_batch(jsonb_agg(jsonb_build_object('event_type', 'a.b', 'actor', jsonb_build_object('id', 'user_' || i),
                 'action', jsonb_build_object('operation', 'stop'), 'resource', jsonb_build_object('id', 'caf' || chr(233)),
                 'changes', jsonb_build_object('before', '{\"amount\": 9007199254740993}'::jsonb),
                 'metadata', jsonb_build_object('n', i, 'tags', jsonb_build_array('a', 'b'))) ORDER BY i))
             FROM generate_series(1, 300) AS i;
             SELECT auditlog.record('{\"event_type\": \"a.b\", \"actor\": {\"id\": \"erased\", \"email\": \"x@example.org\"}}'::jsonb)",
        )
        .expect("events");
    wait_sealed(client);
}

/// Who notices, and what they said.
fn run(cluster: &Cluster, program: &Program, number: usize, attack: &Attack) -> (String, String) {
    let database = format!("attack_{number}");
    let mut client = cluster.create_database_with_extension(&database);
    let folder = Folder::new();
    filled(&mut client);
    let old = folder.path("old");
    std::fs::write(&old, text(&mut client, "SELECT auditlog.checkpoint()")).expect("write");
    let key = VerifierKey::parse(&text(&mut client, "SELECT auditlog.public_key()")).expect("a vkey");
    let (server, witness_key) = witness("one.example", vec![key.clone()]);
    let policy = folder.path("policy");
    std::fs::write(&policy, format!("witness w {witness_key}\nquorum w\n")).expect("write");
    add(&mut client, "one", &server, &witness_key);
    wait_sealed(&mut client);
    let state = "SELECT concat_ws(' ', state, delivered_size, last_error) FROM auditlog.checkpoint_sinks";
    text(&mut client, "SELECT auditlog.checkpoint()");
    wait_until("it is witnessed", LONG, || {
        text(&mut client, state).starts_with("ok 302")
    });
    attack_it(cluster, &database, attack);
    // life goes on; where the head no longer fits the tree, events wait in the inbox
    let mut client = cluster.connect(&database);
    client
        .batch_execute("INSERT INTO auditlog.events (event_type) VALUES ('x.y'), ('x.y'), ('x.y')")
        .expect("recording goes on");
    let until = Instant::now() + Duration::from_secs(5);
    while Instant::now() < until && scalar(&mut client, "SELECT inbox_events FROM auditlog.stat_ingest") > 0 {
        std::thread::sleep(Duration::from_millis(50));
    }
    let mut said_all = Vec::new();
    let findings = verify(&mut client);
    said_all.push(format!("SQL: {findings:?}"));
    let mut seen = String::from(if findings.is_empty() { "○" } else { "●" });
    let out = folder.path("bundle");
    let made = bundle(program, &dsn(cluster.dir(), &database), &out, &[]);
    said_all.push(said(&made));
    if made.status.success() {
        // The witness has had its chance.
        wait_until("the witness was asked", LONG, || {
            let state = text(&mut client, state);
            state.starts_with("retrying") || state.starts_with("ok")
        });
        // Once more, with what the witness has added; where it has refused, nothing more is signed, and the
        // first one is all there is.
        let again = folder.path("again");
        let made = bundle(program, &dsn(cluster.dir(), &database), &again, &[]);
        said_all.push(said(&made));
        let out = if made.status.success() { again } else { out };
        let out = out.display().to_string();
        let key = key.to_string();
        let (old, policy) = (old.display().to_string(), policy.display().to_string());
        for more in [&[][..], &["--checkpoint", &old], &["--witness-policy", &policy]] {
            let checked = program.output(&[&["verify", &out, "--key", &key], more].concat());
            said_all.push(said(&checked));
            seen.push_str(match checked.status.code() {
                Some(0) => "○",
                Some(1) => "●",
                _ => "!",
            });
        }
    } else {
        seen.push_str("×××");
    }
    drop(client);
    cluster
        .connect("postgres")
        .batch_execute(&format!("DROP DATABASE {database} WITH (FORCE)"))
        .expect("DROP DATABASE");
    (seen, said_all.join("\n"))
}

/// Somebody with all rights, for whom no trigger exists.
fn attack_it(cluster: &Cluster, database: &str, attack: &Attack) {
    let partition = |client: &mut Client| {
        text(
            client,
            "SELECT tableoid::regclass::text FROM auditlog_data.log GROUP BY 1 ORDER BY count(*) DESC LIMIT 1",
        )
    };
    let mut client = cluster.connect(database);
    let sql = attack.sql.replace("{last}", &partition(&mut client));
    let by_the_rules = attack.sql.contains("auditlog.erase(") && !attack.sql.contains("DELETE");
    if by_the_rules {
        client
            .batch_execute(&sql)
            .unwrap_or_else(|e| panic!("{}: {e:?}", attack.name));
        wait_sealed(&mut client);
        return;
    }
    let switch = |state: &str| {
        format!(
            "UPDATE pg_trigger SET tgenabled = '{state}' WHERE tgname LIKE 'auditlog\\_%' AND tgrelid::regclass::text LIKE 'auditlog_data.%'"
        )
    };
    client
        .batch_execute(&switch("D"))
        .expect("a superuser may change the catalogue");
    let mut client = cluster.connect(database);
    client
        .batch_execute(&sql)
        .unwrap_or_else(|e| panic!("{}: {e:?}", attack.name));
    match attack.then {
        Then::Nothing => {}
        Then::Rewrite(changed) => forge::rewrite(&mut client, changed),
        Then::OtherKey => {
            let oid = auditlog_testkit::log::scalar(
                &mut client,
                "SELECT oid::bigint FROM pg_database WHERE datname = current_database()",
            );
            let file = cluster.data().join(format!("auditlog_signing_key_{oid}.pem"));
            std::fs::remove_file(&file).expect("the key file");
            client
                .batch_execute("DELETE FROM auditlog_data.signing_key; DELETE FROM auditlog_data.checkpoint; DELETE FROM auditlog_data.cosignature")
                .expect("what was signed");
        }
    }
    client
        .batch_execute(&switch("A"))
        .expect("a superuser may change the catalogue");
}
