//! Tables change: partitions come and go, columns and tables are renamed, databases are restored.

use super::{captured, lines, told};
use auditlog_testkit::log::{scalar, text};
use auditlog_testkit::refused::refused_with;
use auditlog_testkit::{Cluster, Database, LONG, Options, wait_until};

#[test]
fn partitions_are_captured_whenever_they_come() {
    let db = Database::new();
    let mut admin = db.superuser();
    let owner = db.login(&["auditlog_writer"]);
    admin
        .batch_execute(&format!(
            "CREATE SCHEMA app AUTHORIZATION {owner}; CREATE SCHEMA attic AUTHORIZATION {owner}"
        ))
        .expect("schemas");
    let mut client = db.connect_as(&owner);
    client
        .batch_execute(
            "SET search_path = app;
             CREATE TABLE m (id int, day int, v text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
             CREATE TABLE m1 PARTITION OF m FOR VALUES FROM (0) TO (10) PARTITION BY LIST (day);
             CREATE TABLE m1a PARTITION OF m1 DEFAULT;
             SELECT auditlog.track('m');
             CREATE TABLE m2 PARTITION OF m FOR VALUES FROM (10) TO (20);
             CREATE TABLE attic.m3 (v text, day int NOT NULL, id int NOT NULL);
             INSERT INTO attic.m3 VALUES ('old', 25, 7);
             ALTER TABLE m ATTACH PARTITION attic.m3 FOR VALUES FROM (20) TO (30);
             INSERT INTO m VALUES (1, 1, 'a'), (2, 11, 'b'), (3, 21, 'c');
             UPDATE m SET day = 12 WHERE id = 1;
             DELETE FROM attic.m3 WHERE id = 3;
             TRUNCATE m2; TRUNCATE m",
        )
        .expect("partitions");
    let found = captured(&mut admin);
    let all: Vec<String> = found
        .iter()
        .map(|e| {
            let partition = e.metadata["partition"].as_str().unwrap_or("-");
            format!("{} {} {}", e.event_type, e.id.as_deref().unwrap_or("-"), partition)
        })
        .collect();
    assert_eq!(
        all,
        [
            "resource.create (1,1) app.m1a",
            "resource.create (2,11) app.m2",
            "resource.create (3,21) attic.m3",
            "resource.delete (1,1) app.m1a",
            "resource.create (1,12) app.m2",
            "resource.delete (3,21) attic.m3",
            "resource.truncate - app.m2",
            "resource.truncate - app.m2",
            "resource.truncate - attic.m3",
            "resource.truncate - app.m1a",
        ]
    );
    assert!(found.iter().all(|e| e.resource_type == "app.m"), "{found:?}");
    assert_eq!(found[3].metadata["moved_to_partition"], true);
    assert_eq!(found[5].metadata.get("moved_to_partition"), None);
    assert_eq!(text(&mut admin, "SELECT state FROM auditlog.tracked_tables"), "enabled");
    // what leaves is captured no more, and the log says so
    client
        .batch_execute(
            "ALTER TABLE m DETACH PARTITION attic.m3; INSERT INTO attic.m3 VALUES ('x', 1, 9); TRUNCATE attic.m3; DROP TABLE m2",
        )
        .expect("DETACH");
    assert_eq!(captured(&mut admin).len(), 10);
    assert_eq!(
        told(&mut admin)[1..],
        ["detach_partition attic.m3 warning →", "drop_partition app.m2 warning →"]
    );
    for partition in ["app.m1", "app.m1a"] {
        let error = refused_with(&mut client, "42809", &format!("SELECT auditlog.track('{partition}')"));
        assert!(
            error.hint().is_some_and(|h| h.contains("partitioned table")),
            "{error:?}"
        );
    }
    admin
        .batch_execute("SELECT auditlog.untrack('app.m')")
        .expect("untrack()");
    assert_eq!(
        scalar(
            &mut admin,
            "SELECT count(*) FROM pg_trigger WHERE tgfoid = 'auditlog_data.capture'::regproc"
        ),
        0
    );
}

#[test]
fn rules_follow_renamed_columns() {
    let db = Database::new();
    let mut admin = db.superuser();
    admin
        .batch_execute(
            r#"CREATE TABLE t (id int PRIMARY KEY, ssn text, seen int, v int);
             SELECT auditlog.track('t', mask => '{"ssn": "drop"}', ignore_columns => '{seen}');
             INSERT INTO t VALUES (1, 'secret', 1, 1);
             ALTER TABLE t RENAME ssn TO tax_id; ALTER TABLE t RENAME seen TO looked_at;
             ALTER TABLE t ADD COLUMN ssn text;
             UPDATE t SET tax_id = 'secret 2', looked_at = 2, ssn = 'open';
             ALTER TABLE t DROP COLUMN looked_at; ALTER TABLE t ADD COLUMN seen int;
             UPDATE t SET seen = 3;
             ALTER TABLE t RENAME TO u; CREATE SCHEMA s; ALTER TABLE u SET SCHEMA s; ALTER SCHEMA s RENAME TO r;
             UPDATE r.u SET v = 2"#,
        )
        .expect("changes");
    assert_eq!(
        lines(&mut admin),
        [
            r#"resource.create 1 null → {"v":1,"id":1}"#,
            r#"resource.modify 1 {"ssn":null} → {"ssn":"open"}"#,
            r#"resource.modify 1 {"seen":null} → {"seen":3}"#,
            r#"resource.modify 1 {"v":1} → {"v":2}"#,
        ]
    );
    assert_eq!(captured(&mut admin)[3].resource_type, "r.u");
    let listed = "SELECT concat_ws(' ', relation, state, ignore_columns, mask) FROM auditlog.tracked_tables";
    assert_eq!(text(&mut admin, listed), r#"r.u enabled {} {"tax_id": "drop"}"#);
    // a new key names rows at once
    admin
        .batch_execute(
            "ALTER TABLE r.u DROP CONSTRAINT t_pkey; ALTER TABLE r.u ADD PRIMARY KEY (v, id); UPDATE r.u SET seen = 4",
        )
        .expect("ALTER TABLE");
    assert_eq!(captured(&mut admin)[4].id.as_deref(), Some("(2,1)"));
}

#[test]
fn foreign_partitions_do_not_stand_in_the_way() {
    let db = Database::new();
    let mut admin = db.superuser();
    admin
        .batch_execute(
            "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER f FOREIGN DATA WRAPPER w;
             CREATE TABLE p (id int, v int) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
             CREATE FOREIGN TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20) SERVER f;
             SELECT auditlog.track('p');
             CREATE FOREIGN TABLE p3 PARTITION OF p FOR VALUES FROM (20) TO (30) SERVER f;
             ALTER TABLE p ADD COLUMN w int; INSERT INTO p VALUES (1, 2, 3); TRUNCATE p1",
        )
        .expect("track()");
    assert_eq!(
        lines(&mut admin),
        [
            r#"resource.create - null → {"v":2,"w":3,"id":1}"#,
            "resource.truncate - null → null"
        ]
    );
    assert_eq!(text(&mut admin, "SELECT state FROM auditlog.tracked_tables"), "enabled");
}

/// Sessions that captured a table before hear of changed rules.
#[test]
fn other_sessions_hear_of_changes() {
    let db = Database::new();
    let (mut admin, mut writer) = (db.superuser(), db.superuser());
    admin
        .batch_execute(
            "CREATE TABLE t (id int PRIMARY KEY, v text); SELECT auditlog.track('t'); INSERT INTO t VALUES (1, 'a')",
        )
        .expect("track()");
    writer.batch_execute("UPDATE t SET v = 'b'").expect("UPDATE");
    admin
        .batch_execute(r#"SELECT auditlog.track('t', mask => '{"v": "redact"}', event_prefix => 'secret')"#)
        .expect("track()");
    writer.batch_execute("UPDATE t SET v = 'c'").expect("UPDATE");
    assert_eq!(
        lines(&mut admin)[2],
        r#"secret.modify 1 {"v":"[redacted]"} → {"v":"[redacted]"}"#
    );
    // also one whose snapshot is older
    writer
        .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1")
        .expect("BEGIN");
    admin
        .batch_execute("SELECT auditlog.track('t', event_prefix => 'plain')")
        .expect("track()");
    writer.batch_execute("UPDATE t SET v = 'd'; COMMIT").expect("UPDATE");
    assert_eq!(lines(&mut admin)[3], r#"plain.modify 1 {"v":"c"} → {"v":"d"}"#);
    admin.batch_execute("SELECT auditlog.untrack('t')").expect("untrack()");
    writer.batch_execute("UPDATE t SET v = 'e'").expect("UPDATE");
    assert_eq!(lines(&mut admin).len(), 4);
}

#[test]
fn a_restored_table_is_captured_with_its_masks() {
    let source = Cluster::start(&Options::default());
    let mut admin = source.create_database_with_extension("audited");
    admin
        .batch_execute(
            r#"CREATE TABLE t (junk int, id int PRIMARY KEY, ssn text, seen int, v int); ALTER TABLE t DROP COLUMN junk;
             SELECT auditlog.track('t', mask => '{"ssn": "drop"}', ignore_columns => '{seen}', only_if => 'v > 0');
             ALTER TABLE t RENAME ssn TO tax_id;
             CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF p DEFAULT; SELECT auditlog.track('p');
             INSERT INTO t VALUES (1, 'secret', 1, 1)"#,
        )
        .expect("track()");
    let target = Cluster::start(&Options::default());
    target
        .connect("postgres")
        .batch_execute("CREATE DATABASE restored")
        .expect("CREATE DATABASE");
    source.dump_into("audited", &target, "restored");
    let mut copy = target.connect("restored");
    // loading rows records nothing
    let before = lines(&mut copy);
    assert_eq!(before, [r#"resource.create 1 null → {"v":1,"id":1}"#]);
    copy.batch_execute(
        "UPDATE t SET tax_id = 'secret', seen = 2, v = 3; UPDATE t SET seen = 4; INSERT INTO t VALUES (2, 'x', 1, 0);
         ALTER TABLE t RENAME tax_id TO number; UPDATE t SET number = 'y', v = 4 WHERE id = 1; INSERT INTO p VALUES (5); TRUNCATE p1",
    )
    .expect("writes");
    assert_eq!(
        lines(&mut copy)[1..],
        [
            r#"resource.modify 1 {"v":1} → {"v":3}"#,
            r#"resource.modify 1 {"v":3} → {"v":4}"#,
            r#"resource.create 5 null → {"id":5}"#,
            r#"resource.truncate - null → null"#,
        ]
    );
    let states = "SELECT string_agg(concat_ws(' ', relation, state, mask), ', ' ORDER BY relation::text) FROM auditlog.tracked_tables";
    assert_eq!(text(&mut copy, states), r#"p enabled {}, t enabled {"number": "drop"}"#);
    // a table without its entry in the list: which values must be masked is not known, so nothing is written
    let mut part = source.create_database_with_extension("alone");
    let dump = source
        .client_program("pg_dump", "audited")
        .args(["-t", "t"])
        .output()
        .expect("pg_dump");
    let dump = String::from_utf8_lossy(&dump.stdout)
        .replace("\\restrict", "--")
        .replace("\\unrestrict", "--");
    let schema: String = dump
        .lines()
        .filter(|l| !l.starts_with("COPY") && !l.starts_with("\\.") && !l.starts_with("1\t") && !l.starts_with("2\t"))
        .flat_map(|l| [l, "\n"])
        .collect();
    part.batch_execute(&schema)
        .unwrap_or_else(|e| panic!("{e:?}\n{schema}"));
    let error = refused_with(&mut part, "55000", "INSERT INTO public.t VALUES (1, 'secret', 1, 1)");
    assert!(
        error.hint().is_some_and(|h| h.contains("auditlog.track('public.t')")),
        "{error:?}"
    );
    part.batch_execute("SELECT auditlog.track('public.t'); INSERT INTO public.t VALUES (1, 'open', 1, 1)")
        .expect("track()");
    assert_eq!(lines(&mut part).len(), 1);
}

#[test]
fn dropping_the_extension_leaves_the_tables() {
    let db = Database::new();
    let mut admin = db.superuser();
    admin
        .batch_execute("CREATE TABLE t (id int PRIMARY KEY); SELECT auditlog.track('t'); INSERT INTO t VALUES (1)")
        .expect("track()");
    admin
        .batch_execute("SET client_min_messages = error; DROP EXTENSION pg_auditlog CASCADE; INSERT INTO t VALUES (2)")
        .expect("DROP EXTENSION");
    assert_eq!(
        scalar(
            &mut admin,
            "SELECT count(*) FROM pg_trigger WHERE tgrelid = 't'::regclass"
        ),
        0
    );
}

/// What a subscription applies is captured where it arrives, in the name of the subscription's owner.
#[test]
fn rows_that_replication_applies_are_captured() {
    let source = Cluster::start(&Options::default().set("wal_level", "logical"));
    let target = Cluster::start(&Options::default());
    let table = "CREATE TABLE t (id int PRIMARY KEY, v text)";
    let mut publisher = source.connect("postgres");
    publisher
        .batch_execute(&format!("{table}; CREATE PUBLICATION p FOR TABLE t"))
        .expect("CREATE PUBLICATION");
    let mut subscriber = target.create_database_with_extension("audited");
    subscriber
        .batch_execute(&format!("{table}; SELECT auditlog.track('t')"))
        .expect("track()");
    subscriber
        .batch_execute(&format!(
            "CREATE SUBSCRIPTION s CONNECTION 'host={} port={} user=postgres dbname=postgres' PUBLICATION p",
            source.dir().display(),
            source.port()
        ))
        .expect("CREATE SUBSCRIPTION");
    wait_until("the subscription is ready", LONG, || {
        scalar(
            &mut subscriber,
            "SELECT count(*) FROM pg_subscription_rel WHERE srsubstate = 'r'",
        ) == 1
    });
    publisher
        .batch_execute("INSERT INTO t VALUES (1, 'a'), (2, 'b'); UPDATE t SET v = 'c' WHERE id = 1; DELETE FROM t WHERE id = 2; TRUNCATE t")
        .expect("writes");
    wait_until("all is applied", LONG, || captured(&mut subscriber).len() == 5);
    assert_eq!(
        lines(&mut subscriber),
        [
            r#"resource.create 1 null → {"v":"a","id":1}"#,
            r#"resource.create 2 null → {"v":"b","id":2}"#,
            r#"resource.modify 1 {"v":"a"} → {"v":"c"}"#,
            r#"resource.delete 2 {"v":"b","id":2} → null"#,
            "resource.truncate - null → null",
        ]
    );
    subscriber
        .batch_execute("DROP SUBSCRIPTION s")
        .expect("DROP SUBSCRIPTION");
}
