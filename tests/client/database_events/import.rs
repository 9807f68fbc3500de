//! Lines of the extension pgaudit.

use super::{assert_at, database, event, events_now, run};
use auditlog_testkit::log::{scalar, text};
use auditlog_testkit::refused::refused_with;
use serde_json::json;

#[test]
fn lines_become_events() {
    let db = database();
    let mut writer = db.writer();
    let csv = "2026-11-20 09:00:01.250 CET,\"bob\",\"shop\",4711,\"10.1.2.3:5555\",69286f00.1267,12,\"SELECT\",2026-11-20 08:59:00 CET,3/17,991,LOG,00000,\"AUDIT: SESSION,4,1,ROLE,ALTER ROLE,,,\"\"alter role x password 'hunter2'\"\",<none>\",,,,,,,,,\"psql\",\"client backend\",,0";
    let id: String = writer
        .query_one("SELECT auditlog.import_pgaudit($1)", &[&csv])
        .expect("an import")
        .get(0);
    // the same line again is the same event
    let again: String = writer
        .query_one("SELECT auditlog.import_pgaudit($1)", &[&csv])
        .expect("an import")
        .get(0);
    assert_eq!(id, again);
    let mut admin = db.superuser();
    let imported = event(&mut admin, &format!("event_id = '{id}'"));
    assert_at(
        &imported,
        &[
            ("event_type", json!("role.alter")),
            ("timestamp", json!("2026-11-20T08:00:01.250Z")),
            ("actor.id", json!("bob")),
            ("actor.ip_address", json!("10.1.2.3")),
            ("action.status", json!("attempted")),
            ("metadata.source", json!("pgaudit")),
            ("metadata.statement", json!("alter role x password '<REDACTED>'")),
        ],
    );
}

#[test]
fn a_whole_log_can_be_read() {
    let db = database();
    let mut admin = db.superuser();
    run(
        &mut admin,
        "CREATE TEMPORARY TABLE log (line text);
         INSERT INTO log VALUES
            ('2026-11-20 09:00:01 UTC [1] bob@shop LOG:  AUDIT: SESSION,1,1,READ,SELECT,TABLE,public.t,select 1,<none>'),
            ('2026-11-20 09:00:01 UTC [1] LOG:  checkpoint starting: time'),
            ('AUDIT: OBJECT,2,1,WRITE,DELETE,TABLE,public.t,delete from t,<not logged>,3')",
    );
    let count = "SELECT count(auditlog.import_pgaudit(line)) FROM log";
    assert_eq!(scalar(&mut admin, count), 2, "the third is not pgaudit's");
    assert_eq!(
        events_now(&mut admin, "event_type IN ('data.select', 'data.delete')").len(),
        2
    );
    let error = refused_with(
        &mut admin,
        "22P02",
        "SELECT auditlog.import_pgaudit('AUDIT: SESSION,1,1,READ')",
    );
    assert!(error.detail().is_some_and(|d| d.contains("4 fields")), "{error:?}");
    assert_eq!(
        text(&mut admin, "SELECT coalesce(auditlog.import_pgaudit(NULL), 'null')"),
        "null"
    );
}
