//! Nobody changes the log: every statement that would is refused with 42501, superusers included,
//! and leaves nothing behind.

use auditlog_testkit::log::{assert_intact, scalar, text, verify, wait_sealed};
use auditlog_testkit::postgres::Client;
use auditlog_testkit::refused::refused;
use auditlog_testkit::{Database, LONG, wait_until};

pub(crate) const EVENTS: i64 = 20;

/// A database with some sealed events.
pub(crate) fn sealed() -> Database {
    let db = Database::new();
    let mut admin = db.superuser();
    admin
        .batch_execute(
            "INSERT INTO auditlog.events (event_type, actor_id, timestamp)
             SELECT 'a.b', 'u' || i, '2024-03-10 12:00+00'::timestamptz + i * '1 min'::interval FROM generate_series(1, 20) i",
        )
        .expect("INSERT");
    wait_sealed(&mut admin);
    // partitions are made ahead; what comes later would look like a change
    wait_until("partitions ahead", LONG, || {
        scalar(
            &mut admin,
            "SELECT count(*) FROM pg_partition_tree('auditlog_data.log') WHERE isleaf",
        ) >= 4
    });
    db
}

const LEAF: &str = "auditlog_data.log_standard_2024_03";
const INBOXES: [&str; 4] = [
    "auditlog_data.inbox_0",
    "auditlog_data.inbox_1",
    "auditlog_data.inbox_2",
    "auditlog_data.inbox_3",
];

pub(crate) fn tables() -> Vec<&'static str> {
    let mut tables = vec!["auditlog_data.log", "auditlog_data.log_standard", LEAF];
    tables.extend(INBOXES);
    tables
}

/// Puts a row into an inbox table, so that its triggers have one to refuse. A superuser may do that:
/// the row becomes an event like any other, hashed and with the true provenance.
pub(crate) fn fill(table: &str) -> String {
    if table.contains("inbox") {
        format!("INSERT INTO {table} (event_type) VALUES ('a.b');")
    } else {
        String::new()
    }
}

/// Data changes of one table. A COPY from a program, so that it has a row for the triggers to see.
pub(crate) fn writes(table: &str) -> Vec<String> {
    let mut all = vec![
        format!("UPDATE {table} SET actor_id = 'x'"),
        format!("UPDATE {table} SET event_id = event_id"),
        format!("DELETE FROM {table}"),
        format!("WITH gone AS (DELETE FROM {table} RETURNING event_id) SELECT count(*) FROM gone"),
        format!("MERGE INTO {table} t USING (SELECT 1) s ON true WHEN MATCHED THEN DELETE"),
        format!("MERGE INTO {table} t USING (SELECT 1) s ON true WHEN MATCHED THEN UPDATE SET actor_id = 'x'"),
        format!("TRUNCATE {table}"),
        format!("TRUNCATE {table} RESTART IDENTITY CASCADE"),
    ];
    if !table.contains("inbox") {
        let columns = "(event_id, event_type, timestamp, recorded_at, severity, retention_class)";
        let values = "'forged', 'a.b', '2024-03-11', now(), 'info', 'standard'";
        let row = "forged,a.b,2024-03-11,2024-03-11,info,standard";
        all.push(format!("INSERT INTO {table} {columns} VALUES ({values})"));
        all.push(format!("INSERT INTO {table} SELECT * FROM {LEAF} LIMIT 1"));
        all.push(format!(
            "MERGE INTO {table} t USING (SELECT 1) s ON false WHEN NOT MATCHED THEN INSERT {columns} VALUES ({values})"
        ));
        all.push(format!("COPY {table} {columns} FROM PROGRAM 'echo {row}' (FORMAT csv)"));
    }
    all
}

/// Changes of one table's definition that PostgreSQL itself would allow.
fn definitions(table: &str, client: &mut Client) -> Vec<String> {
    let trigger = text(
        client,
        &format!(
            "SELECT tgname::text FROM pg_trigger WHERE tgrelid = '{table}'::regclass AND NOT tgisinternal LIMIT 1"
        ),
    );
    let mut all: Vec<String> = [
        "RENAME TO forged",
        "SET SCHEMA public",
        "OWNER TO postgres",
        "DISABLE TRIGGER ALL",
        "DISABLE TRIGGER USER",
        "ALTER COLUMN actor_id SET DEFAULT 'x'",
        "ADD CONSTRAINT forged CHECK (false) NOT VALID",
        "ENABLE ROW LEVEL SECURITY",
        "REPLICA IDENTITY NOTHING",
    ]
    .into_iter()
    .map(|change| format!("ALTER TABLE {table} {change}"))
    .collect();
    all.extend([
        format!("ALTER TABLE {table} DISABLE TRIGGER {trigger}"),
        format!("ALTER TABLE {table} ENABLE REPLICA TRIGGER {trigger}"),
        format!("DROP TRIGGER {trigger} ON {table}"),
        format!("CREATE RULE forged AS ON INSERT TO {table} DO INSTEAD NOTHING"),
        format!("CREATE TRIGGER forged BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()"),
        format!("CREATE POLICY forged ON {table} USING (false)"),
        format!("DROP TABLE {table} CASCADE"),
    ]);
    // what a partition inherits PostgreSQL refuses to change there
    let top = table == "auditlog_data.log" || table.contains("inbox");
    if top {
        all.push(format!("ALTER TABLE {table} ADD COLUMN forged int"));
        all.push(format!("ALTER TABLE {table} RENAME COLUMN actor_id TO forged"));
        all.push(format!("ALTER TABLE {table} DROP COLUMN actor_id"));
        all.push(format!("ALTER TRIGGER {trigger} ON {table} RENAME TO forged"));
        all.push(format!("ALTER EXTENSION pg_auditlog DROP TABLE {table}"));
    }
    if table == LEAF || table.contains("inbox") {
        all.push(format!("ALTER TABLE {table} SET UNLOGGED"));
    }
    if table == LEAF {
        let index = text(
            client,
            &format!(
                "SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = '{LEAF}'::regclass AND indisunique"
            ),
        );
        all.push(format!(
            "ALTER TABLE auditlog_data.log_standard DETACH PARTITION {table}"
        ));
        all.push(format!("ALTER INDEX {index} RENAME TO forged"));
        all.push(format!("DROP INDEX {index}"));
    }
    if table.ends_with("log_standard") {
        all.push(format!("ALTER TABLE auditlog_data.log DETACH PARTITION {table}"));
    }
    all
}

/// Changes of what guards the tables.
const AROUND: [&str; 13] = [
    "DROP SCHEMA auditlog_data CASCADE",
    "DROP SCHEMA auditlog CASCADE",
    "ALTER SCHEMA auditlog_data RENAME TO forged",
    "DROP VIEW auditlog.events CASCADE",
    "DROP OWNED BY auditlog_owner CASCADE",
    "UPDATE auditlog_data.head SET size = 0",
    "DELETE FROM auditlog_data.head",
    "TRUNCATE auditlog_data.head",
    "CREATE EXTENSION pg_trgm SCHEMA auditlog_data",
    "CREATE EXTENSION pg_trgm SCHEMA auditlog",
    "DROP TRIGGER IF EXISTS nothing ON auditlog_data.log; CREATE RULE forged AS ON DELETE TO auditlog.events DO INSTEAD NOTHING",
    "CREATE TABLE auditlog_data.forged PARTITION OF auditlog_data.log FOR VALUES IN ('forged')",
    "CREATE TABLE forged PARTITION OF auditlog_data.log_standard FOR VALUES FROM ('2031-01-01') TO ('2032-01-01')",
];

/// The event triggers and trigger functions themselves. PostgreSQL fires no event trigger for ALTER
/// EVENT TRIGGER, so that a superuser may disable ours; `health()` says so, see below.
fn guards(client: &mut Client) -> Vec<String> {
    let mut all = Vec::new();
    for row in client
        .query(
            "SELECT evtname::text FROM pg_event_trigger WHERE evtname LIKE '%auditlog%'",
            &[],
        )
        .expect("catalogue")
    {
        let name: String = row.get(0);
        all.push(format!("DROP EVENT TRIGGER {name}"));
    }
    let functions = format!(
        "SELECT DISTINCT tgfoid::regproc::text FROM pg_trigger WHERE tgrelid = '{LEAF}'::regclass AND NOT tgisinternal"
    );
    for row in client.query(&functions, &[]).expect("catalogue") {
        let name: String = row.get(0);
        all.push(format!("DROP FUNCTION {name}() CASCADE"));
        all.push(format!("ALTER FUNCTION {name}() RENAME TO forged"));
        all.push(format!(
            "CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"
        ));
    }
    all
}

/// Everything that tells whether the log or its guard changed.
pub(crate) fn state(client: &mut Client) -> String {
    text(
        client,
        "SELECT md5(concat(
           (SELECT string_agg(l::text, '|' ORDER BY log_index) FROM auditlog_data.log l),
           (SELECT string_agg(concat(tgrelid::regclass, tgname, tgenabled, tgfoid), '|' ORDER BY tgrelid, tgname)
              FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid WHERE relnamespace = 'auditlog_data'::regnamespace),
           (SELECT string_agg(concat(relname, relowner, relkind, relpersistence, relispartition, relhasrules, relacl, relrowsecurity), '|' ORDER BY relname)
              FROM pg_class WHERE relnamespace IN ('auditlog_data'::regnamespace, 'auditlog'::regnamespace) AND relkind <> 't'),
           (SELECT string_agg(concat(evtname, evtenabled, evtfoid), '|' ORDER BY evtname) FROM pg_event_trigger)))",
    )
}

/// Tries each statement in a transaction that is always rolled back; returns what was not refused
/// with 42501.
fn not_refused(client: &mut Client, before: &str, statements: &[String]) -> Vec<String> {
    let mut wrong = Vec::new();
    for sql in statements {
        client.batch_execute(&format!("BEGIN; {before}")).expect("BEGIN");
        match client.batch_execute(sql) {
            Ok(()) => wrong.push(format!("accepted: {sql}")),
            Err(error) => match error.as_db_error() {
                // what belongs to an extension PostgreSQL itself refuses to drop, with 2BP01
                Some(e) if e.code().code() == "42501" || (e.code().code() == "2BP01" && sql.contains("DROP")) => {}
                Some(e) => wrong.push(format!("{} instead of 42501: {sql}: {}", e.code().code(), e.message())),
                None => panic!("{sql}: {error:?}"),
            },
        }
        client.batch_execute("ROLLBACK").expect("ROLLBACK");
    }
    wrong
}

pub(crate) fn assert_all_refused(client: &mut Client, before: &str, statements: &[String]) {
    let wrong = not_refused(client, before, statements);
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        statements.len(),
        wrong.join("\n")
    );
}

#[test]
fn a_superuser_writes_into_no_table_of_ours() {
    let db = sealed();
    let mut admin = db.superuser();
    let mut other = db.connect_as(&db.login(&["pg_write_all_data"]));
    let before = state(&mut admin);
    for table in tables() {
        let fill = fill(table);
        assert_all_refused(&mut admin, &fill, &writes(table));
        assert_all_refused(
            &mut admin,
            &format!("SET LOCAL session_replication_role = replica; {fill}"),
            &writes(table),
        );
        assert_all_refused(
            &mut admin,
            &format!("SET LOCAL ROLE auditlog_owner; {fill}"),
            &writes(table),
        );
        for sql in writes(table).iter().filter(|sql| !sql.contains("PROGRAM")) {
            // no policy shows it a row to change, or lets it add one
            match other.execute(sql, &[]) {
                Ok(rows) => assert!(rows == 0 || sql.starts_with("WITH"), "{sql}: {rows}"),
                Err(e) => assert_eq!(e.code().map(|code| code.code()), Some("42501"), "{sql}: {e:?}"),
            }
        }
    }
    assert_eq!(state(&mut admin), before);
    assert_intact(&mut admin, EVENTS);
}

#[test]
fn a_row_put_straight_into_the_inbox_is_an_event_like_any_other() {
    let db = sealed();
    let mut admin = db.superuser();
    let mut other = db.connect_as(&db.login(&["pg_write_all_data"]));
    for table in INBOXES {
        let insert = format!(
            r"INSERT INTO {table} (event_type, actor_id, db_session_user, recorded_at, entry_hash)
              VALUES ('a.b', 'u', 'forged', '2001-01-01', '\x00')"
        );
        admin.batch_execute(&insert).expect("a superuser may");
        assert_eq!(refused(&mut other, &insert).code().code(), "42501");
    }
    assert_intact(&mut admin, EVENTS + 4);
    let forged = "SELECT count(*) FROM auditlog.events WHERE actor_id = 'u' AND (db_session_user <> 'postgres' OR recorded_at < '2020-01-01')";
    assert_eq!(scalar(&mut admin, forged), 0);
}

#[test]
fn a_superuser_changes_no_definition() {
    let db = sealed();
    let mut admin = db.superuser();
    let before = state(&mut admin);
    let mut changes: Vec<String> = Vec::new();
    for table in tables() {
        changes.extend(definitions(table, &mut admin));
    }
    changes.extend(AROUND.map(String::from));
    changes.extend(guards(&mut admin));
    assert_all_refused(&mut admin, "", &changes);
    assert_all_refused(&mut admin, "SET LOCAL session_replication_role = replica", &changes);
    assert_eq!(state(&mut admin), before);
    assert_intact(&mut admin, EVENTS);
}

#[test]
fn objects_of_others_that_only_sound_like_ours_are_free() {
    let db = sealed();
    let mut admin = db.superuser();
    for sql in [
        "CREATE TABLE mine (a int)",
        "CREATE TRIGGER \"t on auditlog.events\" BEFORE UPDATE ON mine FOR EACH ROW \
            EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        "DROP TRIGGER \"t on auditlog.events\" ON mine",
        "CREATE RULE \"r on auditlog_data.log\" AS ON DELETE TO mine DO INSTEAD NOTHING",
        "CREATE POLICY \"p on auditlog_data.log\" ON mine USING (true)",
        "CREATE TABLE \"x on auditlog.y\" (a int)",
        "DROP TABLE \"x on auditlog.y\", mine",
        "CREATE EXTENSION pg_trgm",
        "ALTER EXTENSION pg_trgm SET SCHEMA pg_catalog",
    ] {
        admin.batch_execute(sql).expect(sql);
    }
    assert_all_refused(
        &mut admin,
        "",
        &["ALTER EXTENSION pg_trgm SET SCHEMA auditlog".to_owned()],
    );
    admin.batch_execute("DROP EXTENSION pg_trgm").expect("DROP EXTENSION");
}

#[test]
fn the_view_takes_inserts_and_nothing_else() {
    let db = sealed();
    let mut admin = db.superuser();
    for sql in [
        "UPDATE auditlog.events SET actor_id = 'x'",
        "DELETE FROM auditlog.events",
        "TRUNCATE auditlog.events",
    ] {
        let error = auditlog_testkit::refused::refused(&mut admin, sql);
        assert!(
            ["42501", "42809", "55000"].contains(&error.code().code()),
            "{sql}: {error:?}"
        );
    }
    assert_intact(&mut admin, EVENTS);
}

#[test]
fn new_partitions_are_locked_down_like_the_first() {
    let db = sealed();
    let mut admin = db.superuser();
    admin
        .batch_execute("INSERT INTO auditlog.events (event_type, timestamp) VALUES ('a.b', '2021-07-15'), ('a.b', '2015-01-01'), ('a.b', now())")
        .expect("INSERT");
    wait_sealed(&mut admin);
    let partitions = "FROM pg_partition_tree('auditlog_data.log') WHERE isleaf";
    assert!(scalar(&mut admin, &format!("SELECT count(*) {partitions}")) >= 4);
    let kinds = format!(
        "SELECT count(DISTINCT (relowner, relacl::text, relpersistence, relrowsecurity, relforcerowsecurity,
           (SELECT array_agg((tgname, tgfoid, tgenabled, tgtype)::text ORDER BY tgname) FROM pg_trigger WHERE tgrelid = c.oid AND NOT tgisinternal)::text,
           (SELECT count(*) FROM pg_index WHERE indrelid = c.oid)))
         FROM pg_class c WHERE oid IN (SELECT relid {partitions})"
    );
    assert_eq!(
        scalar(&mut admin, &kinds),
        1,
        "kinds of partitions by owner, rights, triggers, indexes"
    );
    let weak = format!(
        "SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'A' AND tgrelid IN (SELECT relid {partitions})"
    );
    assert_eq!(scalar(&mut admin, &weak), 0, "triggers that are not ENABLE ALWAYS");
    let rows = admin
        .query(&format!("SELECT relid::regclass::text {partitions}"), &[])
        .expect("catalogue");
    for row in rows {
        let table: String = row.get(0);
        let mut statements = vec![
            format!("TRUNCATE {table}"),
            format!("DROP TABLE {table}"),
            format!("ALTER TABLE {table} DISABLE TRIGGER ALL"),
            format!("ALTER TABLE auditlog_data.log_standard DETACH PARTITION {table}"),
        ];
        if scalar(&mut admin, &format!("SELECT count(*) FROM {table}")) > 0 {
            statements.push(format!("DELETE FROM {table}"));
        }
        assert_all_refused(&mut admin, "", &statements);
    }
    assert_eq!(verify(&mut admin), []);
}

#[test]
fn health_tells_of_a_disabled_guard() {
    let db = sealed();
    let mut admin = db.superuser();
    let errors = "SELECT count(*) FROM auditlog.health() WHERE status = 'error' AND hint <> ''";
    assert_eq!(scalar(&mut admin, errors), 0);
    let rows = admin
        .query(
            "SELECT evtname::text FROM pg_event_trigger WHERE evtname LIKE 'auditlog%' ORDER BY 1",
            &[],
        )
        .expect("catalogue");
    assert!(!rows.is_empty());
    for row in rows {
        let name: String = row.get(0);
        admin
            .batch_execute(&format!("ALTER EVENT TRIGGER {name} DISABLE"))
            .expect("a superuser may");
        assert!(scalar(&mut admin, errors) > 0, "{name} is disabled");
        admin
            .batch_execute(&format!("ALTER EVENT TRIGGER {name} ENABLE ALWAYS"))
            .expect("a superuser may");
        assert_eq!(scalar(&mut admin, errors), 0);
    }
    for table in [LEAF, "auditlog_data.inbox_2"] {
        let set = |to: char| {
            format!("UPDATE pg_trigger SET tgenabled = '{to}' WHERE NOT tgisinternal AND tgrelid = '{table}'::regclass")
        };
        admin
            .batch_execute(&set('D'))
            .expect("a superuser may write into the catalogue");
        assert!(scalar(&mut admin, errors) > 0, "triggers of {table} are disabled");
        admin
            .batch_execute(&set('A'))
            .expect("a superuser may write into the catalogue");
        assert_eq!(scalar(&mut admin, errors), 0);
    }
}
