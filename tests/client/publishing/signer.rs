//! The external signer: the real program, over its socket.

use super::{checked, cluster, record, status};
use crate::program::Program;
use auditlog_testkit::log::{scalar, text, verify, wait_sealed};
use auditlog_testkit::refused::refused_with;
use auditlog_testkit::{Cluster, LONG, Stop, wait_until};
use auditlog_tlog::VerifierKey;
use std::process::{Child, Stdio};

/// A running signer for one log.
struct Signer {
    child: Child,
}

impl Signer {
    fn start(program: &Program, cluster: &Cluster, origin: &str) -> Signer {
        let file = |name: &str| cluster.dir().join(name);
        let child = program
            .as_server(cluster)
            .args(["signer", "--origin", origin, "--socket"])
            .arg(file("signer.sock"))
            .arg("--key")
            .arg(file("signer.pem"))
            .arg("--state")
            .arg(file("signer.state"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the signer starts");
        wait_until("the signer listens", LONG, || file("signer.sock").exists());
        Signer { child }
    }
}

impl Drop for Signer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_key_can_lie_with_somebody_else() {
    let cluster = cluster();
    let program = Program::for_server(&cluster);
    let mut client = cluster.create_database_with_extension("audited");
    record(&mut client, 20);
    // begins with a file, as every log does
    let old = checked_by_file(&mut client);
    let origin = text(&mut client, "SELECT origin FROM auditlog.incarnations");
    let made = auditlog_testkit::command::run(
        program
            .as_server(&cluster)
            .args(["keygen", "--name", &origin, "--out"])
            .arg(cluster.dir().join("signer.pem")),
    );
    let key = made
        .split_whitespace()
        .find_map(|word| VerifierKey::parse(word).ok())
        .unwrap_or_else(|| panic!("keygen prints a vkey: {made}"));
    let signer = Signer::start(&program, &cluster, &origin);
    let socket = cluster.dir().join("signer.sock");
    for (name, value) in [
        ("signer_socket", socket.display().to_string()),
        ("signer_key", key.to_string()),
    ] {
        client
            .batch_execute(&format!("ALTER DATABASE audited SET auditlog.{name} = '{value}'"))
            .expect("ALTER DATABASE");
    }
    restart_publisher(&mut client);
    // not the key that has signed so far
    record(&mut client, 1);
    let error = refused_with(&mut client, "55000", "SELECT auditlog.checkpoint()");
    assert!(
        error.detail().is_some_and(|d| d.starts_with("key_replaced")),
        "{error:?}"
    );
    client
        .batch_execute("SELECT auditlog.rotate_key()")
        .expect("rotate_key()");
    wait_until("the key is the signer's", LONG, || {
        text(&mut client, "SELECT auditlog.public_key()") == key.to_string()
    });
    wait_sealed(&mut client);
    let now = checked(&text(&mut client, "SELECT auditlog.checkpoint()"), &key);
    assert!(now.size > old);
    // down for a while
    drop(signer);
    record(&mut client, 1);
    let error = refused_with(&mut client, "55000", "SELECT auditlog.checkpoint()");
    assert!(
        error
            .detail()
            .is_some_and(|d| d.starts_with("not_signed: the signer at")),
        "{error:?}"
    );
    let _ = std::fs::remove_file(&socket);
    let _signer = Signer::start(&program, &cluster, &origin);
    wait_until("it signs again", LONG, || {
        client
            .query_one("SELECT auditlog.checkpoint()", &[])
            .is_ok_and(|row| checked(row.get(0), &key).size > now.size)
    });
    assert_eq!(verify(&mut client), []);
    // a rolled-back copy asks the same signer
    let copy = Cluster::from_base_backup(&cluster, false);
    copy.stop(Stop::Fast);
    record(&mut client, 30);
    text(&mut client, "SELECT auditlog.checkpoint()");
    drop(client);
    cluster.stop(Stop::Fast);
    copy.go();
    let mut client = copy.connect("audited");
    record(&mut client, 1);
    wait_until("the signer refuses", LONG, || {
        status(&mut client, "publishing").starts_with("stopped (rolled_back): the signer has signed")
    });
    refused_with(&mut client, "55000", "SELECT auditlog.checkpoint()");
    // and one that has outgrown it
    record(&mut client, 100);
    refused_with(&mut client, "55000", "SELECT auditlog.checkpoint()");
}

fn checked_by_file(client: &mut auditlog_testkit::postgres::Client) -> u64 {
    let key = super::public_key(client);
    checked(&text(client, "SELECT auditlog.checkpoint()"), &key).size
}

fn restart_publisher(client: &mut auditlog_testkit::postgres::Client) {
    let publisher =
        "FROM pg_stat_activity WHERE backend_type = 'pg_auditlog publisher' AND datname = current_database()";
    let before = scalar(client, &format!("SELECT pid::bigint {publisher}"));
    client
        .batch_execute(&format!("SELECT pg_terminate_backend(pid) {publisher}"))
        .expect("pg_terminate_backend()");
    wait_until("another publisher is there", LONG, || {
        client
            .query(&format!("SELECT pid::bigint {publisher}"), &[])
            .is_ok_and(|rows| rows.iter().any(|row| row.get::<_, i64>(0) != before))
    });
}
