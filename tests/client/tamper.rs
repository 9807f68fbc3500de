//! Somebody with all rights goes round the guard: `verify()` names exactly what was touched.

use auditlog_testkit::log::{Finding, assert_intact, scalar, text, verify, wait_sealed};
use auditlog_testkit::postgres::Client;
use auditlog_testkit::{Cluster, Database, Options, Stop};

const EVENTS: i64 = 60;

const LOAD: &str = r#"
    INSERT INTO auditlog.events (event_type, severity, actor_id, actor_email, actor_ip, actor_user_agent, resource_id, before, after,
                                 tags, extra, tenant, request_id, timestamp)
    SELECT 'resource.modify', 'info', 'user-' || i, 'u' || i || '@example.org', '10.0.0.1'::inet + i, 'curl', 'TAMPER-' || lpad(i::text, 4, '0'),
           jsonb_build_object('amount', 9007199254740993, 'n', i), '{"state": "on"}', ARRAY['a', 'b'], '{"k": 1.0}', 'acme', NULL,
           '2024-03-10 12:00+00'::timestamptz + i * '1 day'::interval
    FROM generate_series(1, 60) i"#;

/// Events of two months, sealed; and their partitions.
fn sealed(client: &mut Client) {
    client.batch_execute(LOAD).expect("INSERT");
    assert_intact(client, EVENTS);
    // row i - 1 is event i: the checks below name rows by index
    assert_eq!(
        scalar(
            client,
            "SELECT count(*) FROM auditlog.events WHERE log_index + 1 = substr(actor_id, 6)::bigint"
        ),
        EVENTS
    );
}

const TRIGGERS: &str = "tgrelid IN (SELECT relid FROM pg_partition_tree('auditlog_data.log'))";

/// A connection for which the log's triggers don't exist: a superuser may write into the catalogue.
fn without_triggers(db: &Database) -> Client {
    db.superuser()
        .batch_execute(&format!("UPDATE pg_trigger SET tgenabled = 'D' WHERE {TRIGGERS}"))
        .expect("a superuser may change the catalogue");
    db.superuser() // a new connection: nothing cached
}

fn found(findings: &[Finding]) -> Vec<(i64, &str)> {
    findings
        .iter()
        .map(|f| (f.log_index.unwrap_or(-1), f.kind.as_str()))
        .collect()
}

/// Runs `change`, checks the findings, runs `back` and checks that there are none.
fn expect(client: &mut Client, change: &str, back: &str, findings: &[(i64, &str)]) -> Result<(), String> {
    client
        .batch_execute(change)
        .unwrap_or_else(|e| panic!("{change}: {e:?}"));
    let seen = verify(client);
    client.batch_execute(back).unwrap_or_else(|e| panic!("{back}: {e:?}"));
    let left = verify(client);
    if found(&seen) != findings {
        return Err(format!("{change}\n  expected {findings:?}\n  found {seen:#?}"));
    }
    if !left.is_empty() {
        return Err(format!("after {back}\n  found {left:#?}"));
    }
    if seen.iter().any(|f| f.detail.is_empty()) {
        return Err(format!("{change}\n  a finding without detail: {seen:#?}"));
    }
    Ok(())
}

#[test]
fn one_changed_value_is_named_whatever_the_column() {
    let db = Database::new();
    sealed(&mut db.superuser());
    let mut client = without_triggers(&db);
    client
        .batch_execute("CREATE TABLE public.original AS SELECT * FROM auditlog_data.log")
        .expect("a copy");
    let mut wrong = Vec::new();
    for (column, value) in [
        ("event_id", "event_id || 'x'"),
        ("event_type", "'resource.Modify'"),
        ("category", "'x'"),
        ("severity", "'critical'"),
        ("timestamp", "timestamp + '1 microsecond'::interval"),
        ("recorded_at", "recorded_at - '1 microsecond'::interval"),
        ("actor_id", "actor_id || ' '"),
        ("actor_email", "'v' || substr(actor_email, 2)"),
        ("actor_ip", "actor_ip + 1"),
        ("actor_user_agent", "NULL"),
        ("request_id", "''"),
        ("tenant", "NULL"),
        ("actor_session_id", "'s'"),
        ("before", r#"jsonb_set(before, '{amount}', '9007199254740992')"#),
        ("after", "NULL"),
        ("after", "'{}'"),
        ("extra", r#"'{"k": 1.00}'"#),
        ("extra", r#"'{"K": 1.0}'"#),
        ("tags", "ARRAY['b', 'a']"),
        ("tags", "ARRAY['a,b']"),
        ("tags", "NULL"),
        ("db_session_user", "'nobody'"),
        ("db_current_user", "'nobody'"),
        ("db_application", "'forged'"),
        ("db_client_addr", "'10.0.0.1'"),
        ("db_xid", "db_xid + 1"),
        ("personal", "'{}'"),
        ("personal", "'{actor.id}'"),
        ("salt", r"set_byte(salt, 0, get_byte(salt, 0) # 1)"),
        ("salt", "NULL"),
        ("redacted", r#"'{"actor.email": "00"}'"#),
        ("entry_hash", "set_byte(entry_hash, 31, get_byte(entry_hash, 31) # 1)"),
        ("prev_hash", "set_byte(prev_hash, 0, get_byte(prev_hash, 0) # 128)"),
        ("hash", "set_byte(hash, 16, get_byte(hash, 16) # 1)"),
        ("hash", r"'\x'"),
    ] {
        for index in [0, 31, EVENTS - 1] {
            let change = format!("UPDATE auditlog_data.log SET {column} = {value} WHERE log_index = {index}");
            let back = format!(
                "UPDATE auditlog_data.log l SET {column} = o.{column} FROM public.original o WHERE l.log_index = {index} AND o.log_index = {index}"
            );
            if let Err(text) = expect(&mut client, &change, &back, &[(index, "modified")]) {
                wrong.push(text);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn rows_removed_inserted_and_swapped_are_named() {
    let db = Database::new();
    sealed(&mut db.superuser());
    let mut client = without_triggers(&db);
    client
        .batch_execute(&format!(
            "CREATE TABLE public.original AS SELECT * FROM auditlog_data.log;
             CREATE TABLE public.head AS SELECT * FROM auditlog_data.head;
             UPDATE pg_trigger SET tgenabled = 'D' WHERE tgrelid = 'auditlog_data.head'::regclass AND NOT {TRIGGERS}"
        ))
        .expect("copies");
    let mut client = db.superuser();
    let last = EVENTS - 1;
    let delete = |which: &str| format!("DELETE FROM auditlog_data.log WHERE log_index {which}");
    let restore =
        |which: &str| format!("INSERT INTO auditlog_data.log SELECT * FROM public.original WHERE log_index {which}");
    let again = "DELETE FROM auditlog_data.log; INSERT INTO auditlog_data.log SELECT * FROM public.original";
    let mut wrong = Vec::new();
    let mut check = |change: &str, back: &str, findings: &[(i64, &str)]| {
        if let Err(text) = expect(&mut client, change, back, findings) {
            wrong.push(text);
        }
    };
    for index in [0, 30, last] {
        check(
            &delete(&format!("= {index}")),
            &restore(&format!("= {index}")),
            &[(index, "missing")],
        );
    }
    check(
        &delete("IN (5, 6, 40)"),
        &restore("IN (5, 6, 40)"),
        &[(5, "missing"), (6, "missing"), (40, "missing")],
    );
    check(
        &format!(
            "{}; UPDATE auditlog_data.log SET actor_id = 'x' WHERE log_index = 50",
            delete("= 10")
        ),
        again,
        &[(10, "missing"), (50, "modified")],
    );
    // a row more, behind the end
    check(
        &format!(
            "INSERT INTO auditlog_data.log SELECT (jsonb_populate_record(o, jsonb_build_object('log_index', {EVENTS}, 'event_id', 'forged'))).* FROM public.original o WHERE log_index = {last}"
        ),
        &delete(&format!("= {EVENTS}")),
        &[(EVENTS, "extra")],
    );
    // a second row with an index that is taken, in another month
    check(
        "INSERT INTO auditlog_data.log SELECT (jsonb_populate_record(o, '{\"timestamp\": \"2024-03-20T00:00:00Z\", \"event_id\": \"forged\"}')).* FROM public.original o WHERE log_index = 45",
        "DELETE FROM auditlog_data.log WHERE event_id = 'forged'",
        &[(45, "extra")],
    );
    // two rows change places: their indexes, or all but their indexes
    check(
        "UPDATE auditlog_data.log SET log_index = -1 WHERE log_index = 3; UPDATE auditlog_data.log SET log_index = 3 WHERE log_index = 8;
         UPDATE auditlog_data.log SET log_index = 8 WHERE log_index = -1",
        again,
        &[(3, "reordered"), (8, "reordered")],
    );
    check(
        "DELETE FROM auditlog_data.log WHERE log_index IN (20, 21);
         INSERT INTO auditlog_data.log SELECT (jsonb_populate_record(o, jsonb_build_object('log_index', p.log_index, 'prev_hash', p.prev_hash, 'hash', p.hash))).*
         FROM public.original o JOIN public.original p ON o.log_index + p.log_index = 41 AND abs(o.log_index - p.log_index) = 1",
        again,
        &[(20, "reordered"), (21, "reordered")],
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(verify(&mut db.superuser()), []);
}

#[test]
fn a_range_is_verified_alone() {
    let db = Database::new();
    sealed(&mut db.superuser());
    let mut client = without_triggers(&db);
    client
        .batch_execute("UPDATE auditlog_data.log SET actor_id = 'x' WHERE log_index IN (10, 20, 30)")
        .expect("UPDATE");
    for (arguments, indexes) in [
        ("", "10 20 30"),
        ("11", "20 30"),
        ("10, 20", "10 20"),
        ("from_index => 21, to_index => 29", ""),
        ("30, 1000", "30"),
        ("0, 0", ""),
    ] {
        let sql = format!(
            "SELECT coalesce(string_agg(log_index::text, ' ' ORDER BY log_index), '') FROM auditlog.verify({arguments})"
        );
        assert_eq!(text(&mut client, &sql), indexes, "verify({arguments})");
    }
    let sql =
        "SELECT bool_and(v.event_id = e.event_id) FROM auditlog.verify() v JOIN auditlog.events e USING (log_index)";
    assert!(
        client.query_one(sql, &[]).expect("verify()").get::<_, bool>(0),
        "event_id of the findings"
    );
}

#[test]
fn a_byte_changed_in_the_data_file_is_named() {
    let cluster = Cluster::start(&Options::default());
    let mut client = cluster.create_database_with_extension("audited");
    sealed(&mut client);
    let file = text(
        &mut client,
        "SELECT pg_relation_filepath('auditlog_data.log_standard_2024_03')",
    );
    let checksums = text(&mut client, "SHOW data_checksums") == "on";
    let index = scalar(
        &mut client,
        "SELECT log_index FROM auditlog.events WHERE resource_id = 'TAMPER-0007'",
    );
    drop(client);
    cluster.stop(Stop::Fast); // writes everything into the files
    if checksums {
        let mut off = auditlog_testkit::command::server_program("pg_checksums");
        auditlog_testkit::command::run(off.arg("--disable").arg("-D").arg(cluster.data()));
    }
    let path = cluster.data().join(file);
    let mut bytes = std::fs::read(&path).expect("the data file");
    let at = bytes
        .windows(11)
        .position(|w| w == b"TAMPER-0007")
        .expect("the value is in the file");
    bytes[at + 10] = b'8';
    std::fs::write(&path, bytes).expect("the data file");
    cluster.go();
    let mut client = cluster.connect("audited");
    let findings = verify(&mut client);
    assert_eq!(found(&findings), [(index, "modified")], "{findings:#?}");
    // what comes after is sealed all the same
    client
        .batch_execute("SELECT auditlog.record(event_type => 'a.b')")
        .expect("record()");
    wait_sealed(&mut client);
    assert_eq!(found(&verify(&mut client)), [(index, "modified")]);
}

#[test]
fn a_tampered_row_that_cannot_be_hashed_does_not_stop_verify() {
    let db = Database::new();
    sealed(&mut db.superuser());
    let mut client = without_triggers(&db);
    client
        .batch_execute(
            r"UPDATE auditlog_data.log SET hash = '\x00', entry_hash = '\x', prev_hash = '\x01' WHERE log_index = 4;
              UPDATE auditlog_data.log SET tags = '{{a,b},{c,d}}' WHERE log_index = 5;
              UPDATE auditlog_data.log SET tags = ARRAY['a', NULL] WHERE log_index = 6;
              UPDATE auditlog_data.log SET timestamp = '2024-03-31 23:59:59.999999+00' WHERE log_index = 7;
              UPDATE auditlog_data.log SET salt = NULL WHERE log_index = 8",
        )
        .expect("UPDATE");
    let findings = verify(&mut client);
    assert_eq!(
        found(&findings),
        [4, 5, 6, 7, 8].map(|i| (i, "modified")),
        "{findings:#?}"
    );
}
