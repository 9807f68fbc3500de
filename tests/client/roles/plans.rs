//! What the planner makes of queries under policies: the same indexes as without.

use auditlog_testkit::Database;
use auditlog_testkit::log::{wait_indexed, wait_sealed};
use auditlog_testkit::postgres::Client;

fn plan(client: &mut Client, sql: &str) -> String {
    let rows = client
        .query(&format!("EXPLAIN (COSTS OFF) {sql}"), &[])
        .unwrap_or_else(|e| panic!("{sql}: {e:?}"));
    rows.iter()
        .map(|row| row.get::<_, String>(0))
        .collect::<Vec<_>>()
        .join("\n")
}

/// 40 actors with 500 events each, 20 of them a team; and a user, a manager and an analyst.
fn filled() -> (Database, [Client; 3]) {
    let db = Database::new();
    let mut admin = db.superuser();
    admin
        .batch_execute(
            "INSERT INTO auditlog.events (event_type, actor_id, actor_ip, resource_id, request_id, timestamp)
             SELECT 'kind.n' || i % 50, 'u' || i % 40, ('10.0.' || i % 200 || '.7')::inet, 'res' || i % 5000, 'req' || i,
                 '2024-03-10 00:00+00'::timestamptz + i * interval '1 minute'
             FROM generate_series(1, 20000) i;
             SELECT auditlog.add_principal(actor_id => 'u' || i, teams => ARRAY[CASE WHEN i <= 20 THEN 'ops' ELSE 'dev' END])
             FROM generate_series(3, 39) i",
        )
        .expect("events");
    let clients = [("user", "u1"), ("manager", "u2"), ("analyst", "u0")].map(|(group, actor)| {
        let role = db.login(&[&format!("auditlog_{group}")]);
        admin
            .batch_execute(&format!(
                "SELECT auditlog.add_principal('{role}', '{actor}', teams => ARRAY['ops'])"
            ))
            .expect("add_principal()");
        db.connect_as(&role)
    });
    wait_sealed(&mut admin);
    wait_indexed(&mut admin);
    admin.batch_execute("VACUUM ANALYZE").expect("VACUUM");
    (db, clients)
}

#[test]
fn conditions_of_queries_use_their_indexes_under_policies() {
    let (_db, mut clients) = filled();
    for client in &mut clients {
        client.batch_execute("SET search_path = public, auditlog").expect("SET");
        for (query, index) in [
            // nothing else is as selective as these
            ("resource.id:=\"res77\"", "_resource_id"),
            ("event_id:=\"x\"", "_event_id"),
            ("log_index:7", "_log_index"),
            ("req777", "_log_index"),
            ("request_id:req777", "_log_index"),
        ] {
            let plan = plan(
                client,
                &format!("SELECT * FROM auditlog.events e WHERE e @@@ '{query}'"),
            );
            assert!(plan.contains(index), "{query}:\n{plan}");
            assert!(!plan.contains("matches("), "{query}:\n{plan}");
            assert!(!plan.contains("Seq Scan on log_standard_2024_03"), "{query}:\n{plan}");
        }
    }
    // an index on what the condition says may come before the policy, as it tells nothing of hidden rows
    for query in [
        "event_type:kind.n7*",
        "ip:10.0.7.0/28",
        "timestamp:>=2024-03-23T21:00:00Z",
    ] {
        for client in &mut clients {
            client.batch_execute("SET enable_seqscan = off").expect("SET");
            let sql = format!("SELECT * FROM auditlog.events e WHERE e @@@ '{query}'");
            let plan = plan(client, &sql);
            assert!(!plan.contains("Seq Scan on log_standard_2024_03"), "{query}:\n{plan}");
        }
    }
}

#[test]
fn policies_use_the_index_on_the_actor() {
    let (_db, [mut user, mut manager, mut analyst]) = filled();
    let count = plan(&mut user, "SELECT count(*) FROM auditlog.events");
    assert!(
        // PostgreSQL 17 shows a parameter as «(InitPlan 1).col1»
        count.contains("Index Only Scan") && count.contains("Index Cond: (actor_id = ") && count.contains("InitPlan 1"),
        "{count}"
    );
    assert!(!count.contains("tenant"), "nobody has a tenant:\n{count}");
    let count = plan(
        &mut manager,
        "SELECT count(*) FROM auditlog.events WHERE actor_id < 'u11'",
    );
    assert!(
        count.contains("actor_id = ANY ($") || count.contains("actor_id = ANY ((InitPlan"),
        "{count}"
    );
    let count = plan(&mut analyst, "SELECT count(*) FROM auditlog.events");
    assert!(!count.contains("actor_id") && !count.contains("InitPlan"), "{count}");
    // the newest in the order of the index, without sorting what there is
    let sql = "SELECT * FROM auditlog.my_events ORDER BY \"timestamp\" DESC LIMIT 50";
    let newest = plan(&mut user, sql);
    assert!(
        newest.contains("Merge Append") && newest.contains("_actor_id"),
        "{newest}"
    );
    let sorted = newest.matches("Sort Key").count();
    // the view's rows as a whole, and the four inboxes
    assert!(sorted <= 5, "{newest}");
}
