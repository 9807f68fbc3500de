//! Who goes past retention is found: in the database, and offline.

use super::{SEED, record_days, run, set};
use crate::offline::{Folder, bundle, dsn, said};
use crate::program::Program;
use auditlog_testkit::Database;
use auditlog_testkit::log::{scalar, text, verify};

fn kinds(client: &mut auditlog_testkit::postgres::Client) -> Vec<String> {
    let rows = client
        .query("SELECT DISTINCT kind FROM auditlog.verify() ORDER BY 1", &[])
        .expect("verify()");
    rows.iter().map(|row| row.get(0)).collect()
}

#[test]
fn a_bypassed_hold_and_a_forged_certificate_are_found() {
    let db = Database::new();
    let mut client = db.superuser();
    record_days(&mut client, 40);
    set(&mut client, SEED);
    assert!(
        scalar(
            &mut client,
            "SELECT auditlog.hold('case', 'resource.id:r2', NULL, 'litigation')"
        ) > 0
    );
    run(&mut client, "2021-08-01");
    assert_eq!(verify(&mut client), []);
    assert!(
        scalar(
            &mut client,
            "SELECT sum(kept)::bigint FROM auditlog.retention_moves WHERE kind = 'remove'"
        ) > 0
    );
    // A superuser removes what the hold keeps.
    client
        .batch_execute(
            "UPDATE pg_trigger SET tgenabled = 'D' WHERE tgrelid IN
                 ('auditlog_data.log_resource_view_2021_01'::regclass, 'auditlog_data.certificate'::regclass)",
        )
        .expect("a superuser may change the catalogue");
    // A new connection: nothing cached.
    let mut client = db.superuser();
    client
        .batch_execute(
            "DELETE FROM auditlog_data.log_resource_view_2021_01 WHERE log_index = (SELECT min(log_index) FROM auditlog_data.log_resource_view_2021_01)",
        )
        .expect("DELETE");
    assert!(
        kinds(&mut client).contains(&"missing".to_owned()),
        "{:?}",
        kinds(&mut client)
    );
    // And makes a certificate for it.
    client
        .batch_execute(
            "UPDATE auditlog_data.certificate SET text = replace(text, '\"events\":\"', '\"events\":\"1')
             WHERE event_id = (SELECT min(event_id) FROM auditlog_data.certificate)",
        )
        .expect("a forged certificate");
    assert!(kinds(&mut client).contains(&"modified".to_owned()));
    let program = Program::ours();
    let folder = Folder::new();
    let to = folder.path("bundle");
    let key = text(&mut client, "SELECT auditlog.public_key()");
    let made = bundle(&program, &dsn(auditlog_testkit::shared().dir(), db.name()), &to, &[]);
    assert!(made.status.success(), "{}", said(&made));
    let checked = program.output(&["verify", &to.display().to_string(), "--key", &key]);
    assert_eq!(checked.status.code(), Some(1), "{}", said(&checked));
    assert!(said(&checked).contains("missing"), "{}", said(&checked));
}
