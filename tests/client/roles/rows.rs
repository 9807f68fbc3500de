//! Which events each role sees, by every way there is to look.

use super::people::{People, Unsealed};
use auditlog_testkit::log::{scalar, text};
use auditlog_testkit::postgres::Client;
use auditlog_testkit::refused::refused_with;
use std::collections::BTreeSet;

type Ids = BTreeSet<String>;

fn ids(client: &mut Client, sql: &str) -> Ids {
    let rows = client.query(sql, &[]).unwrap_or_else(|e| panic!("{sql}: {e:?}"));
    rows.iter().map(|row| row.get(0)).collect()
}

/// Sees by every way what `expected` has, and nothing else.
fn assert_sees(client: &mut Client, expected: &Ids, who: &str) {
    client
        .batch_execute(
            "CREATE TEMPORARY VIEW by_view AS SELECT * FROM auditlog.events;
             CREATE FUNCTION pg_temp.by_function() RETURNS SETOF text LANGUAGE plpgsql AS
               $$ BEGIN RETURN QUERY EXECUTE 'SELECT event_id FROM auditlog.events'; END $$",
        )
        .expect("a view and a function of one's own");
    let events = "SELECT event_id FROM auditlog.events";
    for sql in [
        events.to_owned(),
        format!("{events} ORDER BY \"timestamp\" DESC"),
        format!("{events} WHERE actor_id IS NULL OR actor_id >= ''"),
        format!("{events} AS e WHERE e @@@ ''"),
        format!("{events} AS e WHERE e @@@ 'NOT actor.id:nobody'"),
        format!("{events} AS e WHERE auditlog.to_json(e) ? 'event_type'"),
        format!("WITH e AS MATERIALIZED ({events}) SELECT event_id FROM e"),
        format!("SELECT unnest(ARRAY({events}))"),
        "SELECT DISTINCT e.event_id FROM auditlog.events AS e JOIN auditlog.events AS o ON o.event_id = e.event_id"
            .to_owned(),
        "SELECT event_id FROM auditlog.search(\"limit\" => 1000)".to_owned(),
        "SELECT event_id FROM auditlog.search(order_by => 'oldest', \"limit\" => 1000)".to_owned(),
        "SELECT event_id FROM auditlog.timeline()".to_owned(),
        "SELECT value FROM auditlog.facets('', 'event_id', \"limit\" => 1000)".to_owned(),
        "SELECT event_id FROM by_view".to_owned(),
        "SELECT event_id FROM pg_temp.by_function() AS f (event_id)".to_owned(),
    ] {
        assert_eq!(&ids(client, &sql), expected, "{who}: {sql}");
    }
    let shared: Ids = expected.iter().filter(|id| id.starts_with("e-")).cloned().collect();
    for sql in [
        format!("{events} AS e WHERE e @@@ 'event_id:e-*'"),
        format!("{events} AS e WHERE e @@@ '\"shared\"'"),
        format!("{events} WHERE operation LIKE 'sh%'"),
        "SELECT event_id FROM auditlog.search('\"shared\"', \"limit\" => 1000)".to_owned(),
    ] {
        assert_eq!(&ids(client, &sql), &shared, "{who}: {sql}");
    }
    let found = scalar(client, "SELECT auditlog.count('\"shared\"')");
    assert_eq!(found, shared.len() as i64, "{who}: count()");
    for sql in [
        "SELECT count(*) FROM auditlog.events",
        "SELECT auditlog.count()",
        "SELECT sum(count)::bigint FROM auditlog.histogram('', '1 day')",
        "SELECT sum(count)::bigint FROM auditlog.facets('', 'category')",
    ] {
        let found: Option<i64> = client
            .query_one(sql, &[])
            .unwrap_or_else(|e| panic!("{sql}: {e:?}"))
            .get(0);
        assert_eq!(found.unwrap_or(0), expected.len() as i64, "{who}: {sql}");
    }
    let mut copied = String::new();
    let mut reader = client
        .copy_out("COPY (SELECT event_id FROM auditlog.events) TO STDOUT")
        .expect("COPY");
    std::io::Read::read_to_string(&mut reader, &mut copied).expect("the rows");
    drop(reader);
    assert_eq!(
        &copied.lines().map(str::to_owned).collect::<Ids>(),
        expected,
        "{who}: COPY"
    );
    client
        .batch_execute("BEGIN; DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT event_id FROM auditlog.events; COMMIT")
        .expect("a cursor");
    assert_eq!(&ids(client, "FETCH ALL FROM c"), expected, "{who}: cursor");
    client.batch_execute("CLOSE c").expect("CLOSE");
    // values that completion offers come from the log as well
    let offered = ids(
        client,
        "SELECT suggestion FROM auditlog.suggest('actor.id:', \"limit\" => 100) WHERE kind = 'value'",
    );
    let visible = ids(
        client,
        "SELECT DISTINCT actor_id FROM auditlog.events WHERE actor_id IS NOT NULL",
    );
    assert_eq!(offered, visible, "{who}: suggest()");
}

#[test]
fn every_role_sees_its_events_and_no_others() {
    let people = People::new();
    let groups = ["administrator", "analyst", "compliance", "manager", "user", "writer"];
    let mut combinations: Vec<Vec<&str>> = vec![vec![]];
    combinations.extend(groups.iter().map(|group| vec![*group]));
    for (i, first) in groups.iter().enumerate() {
        combinations.extend(groups[i + 1..].iter().map(|second| vec![*first, *second]));
    }
    // sealed events, and events that wait to be sealed
    for round in 0..2 {
        let unsealed = (round == 1).then(|| Unsealed::begin(&people));
        for groups in &combinations {
            let mut client = people.connect_as_manager(groups);
            if groups.iter().all(|group| *group == "writer") {
                refused_with(&mut client, "42501", "SELECT event_id FROM auditlog.events");
                continue;
            }
            let expected = people.expected(groups, unsealed.is_some());
            assert_sees(&mut client, &expected, &format!("{groups:?}"));
        }
    }
}

#[test]
fn who_is_no_principal_sees_nothing_as_a_user_or_manager() {
    let people = People::new();
    for groups in [&["user"][..], &["manager"], &["user", "manager"]] {
        let role = people.login(groups);
        let mut client = people.db.connect_as(&role);
        assert_eq!(
            scalar(&mut client, "SELECT count(*) FROM auditlog.events"),
            0,
            "{groups:?}"
        );
        assert_eq!(text(&mut client, "SELECT sees FROM auditlog.whoami()"), "nothing");
        assert_eq!(ids(&mut client, "SELECT event_id FROM auditlog.search()"), Ids::new());
        assert_eq!(scalar(&mut client, "SELECT count(*) FROM auditlog.principals"), 0);
    }
}

#[test]
fn views_of_ones_own_and_the_teams_events() {
    let people = People::new();
    let mut client = people.connect_as_manager(&["analyst"]);
    let own: Ids = people.of_actor(&["mia"]);
    assert_eq!(ids(&mut client, "SELECT event_id FROM auditlog.my_events"), own);
    assert_eq!(
        ids(&mut client, "SELECT event_id FROM auditlog.team_events"),
        people.of_actor(&["mia", "ann", "bob"])
    );
    let mut client = people.connect_as_manager(&["user"]);
    assert_eq!(ids(&mut client, "SELECT event_id FROM auditlog.team_events"), own);
    let mut superuser = people.db.superuser();
    assert_eq!(scalar(&mut superuser, "SELECT count(*) FROM auditlog.my_events"), 0);
    // who is who: oneself, one's team, everybody
    let names = "SELECT actor_id FROM auditlog.principals";
    assert_eq!(ids(&mut client, names), Ids::from(["mia".to_owned()]));
    let mut manager = people.connect_as_manager(&["manager"]);
    assert_eq!(
        ids(&mut manager, names),
        ["ann", "bob", "mia"].map(str::to_owned).into()
    );
    let mut analyst = people.connect_as_manager(&["analyst"]);
    assert!(ids(&mut analyst, names).contains("eve"));
}

#[test]
fn reading_everything_is_not_reading_the_log() {
    let people = People::new();
    let role = people.login(&[]);
    let mut admin = people.db.superuser();
    admin
        .batch_execute(&format!("GRANT pg_read_all_data TO {role}"))
        .expect("GRANT");
    let mut client = people.db.connect_as(&role);
    let tables = ids(
        &mut client,
        "SELECT format('%I.%I', nspname, relname) FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
         WHERE nspname = 'auditlog_data' AND relkind IN ('r', 'p', 'v')
         UNION ALL VALUES ('auditlog.events'), ('auditlog.my_events'), ('auditlog.team_events'), ('auditlog.access_log'), ('auditlog.principals')",
    );
    assert!(tables.contains("auditlog_data.word_chunk") && tables.iter().any(|t| t.contains("log_standard_20")));
    let mut denied = 0;
    for table in &tables {
        // the views' functions are not for everybody
        match client.query(&format!("SELECT * FROM {table}"), &[]) {
            Ok(rows) => assert_eq!(rows.len(), 0, "{table}"),
            Err(e) => {
                assert_eq!(e.code().map(|code| code.code()), Some("42501"), "{table}: {e:?}");
                denied += 1;
            }
        }
    }
    assert!(denied <= 3, "{denied}");
    let statistics = "SELECT tablename::text FROM pg_stats WHERE schemaname = 'auditlog_data'
        UNION ALL SELECT tablename::text FROM pg_stats_ext WHERE schemaname = 'auditlog_data'
        UNION ALL SELECT tablename::text FROM pg_stats_ext_exprs WHERE schemaname = 'auditlog_data'";
    admin.batch_execute("ANALYZE").expect("ANALYZE");
    assert!(!ids(&mut admin, statistics).is_empty());
    assert_eq!(ids(&mut client, statistics), Ids::new());
    // together with a role on the log: as that role, also in a partition
    admin
        .batch_execute(&format!(
            "GRANT auditlog_user TO {role}; SELECT auditlog.add_principal('{role}', 'zoe')"
        ))
        .expect("GRANT");
    admin
        .batch_execute("INSERT INTO auditlog.events (event_id, event_type, actor_id, timestamp) VALUES ('e-zoe', 'a.b', 'zoe', '2024-05-05')")
        .expect("INSERT");
    auditlog_testkit::log::wait_sealed(&mut admin);
    for table in [
        "auditlog.events",
        "auditlog_data.log",
        "auditlog_data.log_standard_2024_05",
    ] {
        let sql = format!("SELECT event_id FROM {table}");
        assert_eq!(ids(&mut client, &sql), Ids::from(["e-zoe".to_owned()]), "{table}");
    }
}

#[test]
fn row_security_off_is_an_error_and_no_way_around() {
    let people = People::new();
    for groups in [&["user"][..], &["manager"], &["analyst"]] {
        let mut client = people.connect_as_manager(groups);
        client.batch_execute("SET row_security = off").expect("SET");
        for sql in [
            "SELECT count(*) FROM auditlog.events",
            "SELECT count(*) FROM auditlog.search()",
            "SELECT auditlog.count()",
            "SELECT * FROM auditlog.suggest('actor.id:')",
        ] {
            refused_with(&mut client, "42501", sql);
        }
        text(&mut client, "SELECT sees FROM auditlog.whoami()");
    }
    // what works with the owner's rights works all the same
    let role = people.login(&["writer", "analyst"]);
    let mut client = people.db.connect_as(&role);
    client
        .batch_execute(
            "SET row_security = off; BEGIN; SELECT auditlog.record('{\"event_type\": \"a.b\", \"event_id\": \"off\"}'::jsonb, 'key');
             COMMIT; SELECT auditlog.await_sealed('off', '20s'); SELECT count(*) FROM auditlog.health(); SELECT * FROM auditlog.status();
             SELECT * FROM auditlog.verify()",
        )
        .expect("our own functions");
}

#[test]
fn a_prepared_statement_is_planned_for_who_runs_it() {
    let people = People::new();
    let (ann, ana, nobody) = (people.role("ann"), people.login(&["analyst"]), people.login(&["user"]));
    let pool = people.login(&[]);
    let mut admin = people.db.superuser();
    admin
        .batch_execute(&format!(
            "ALTER ROLE {pool} NOINHERIT; GRANT {ann}, {ana}, {nobody} TO {pool}"
        ))
        .expect("GRANT");
    let mut client = people.db.connect_as(&pool);
    client
        .batch_execute(&format!(
            "SET plan_cache_mode = force_generic_plan; SET ROLE {ana};
             PREPARE p AS SELECT event_id FROM auditlog.events WHERE actor_id IS DISTINCT FROM 'x'; RESET ROLE"
        ))
        .expect("PREPARE");
    for _ in 0..3 {
        for (role, expected) in [
            (&ann, people.of_actor(&["ann"])),
            (&ana, people.all()),
            (&nobody, Ids::new()),
        ] {
            client.batch_execute(&format!("SET ROLE {role}")).expect("SET ROLE");
            assert_eq!(ids(&mut client, "EXECUTE p"), expected, "{role}");
        }
        client.batch_execute("RESET ROLE").expect("RESET ROLE");
        refused_with(&mut client, "42501", "EXECUTE p");
    }
}

#[test]
fn a_cheap_function_in_the_query_sees_no_hidden_row() {
    let people = People::new();
    let mut client = people.connect_as_manager(&["manager"]);
    client
        .batch_execute(
            "CREATE TEMPORARY TABLE seen (id text);
             CREATE FUNCTION pg_temp.peek(v text) RETURNS boolean LANGUAGE plpgsql VOLATILE COST 0.0000001 AS
               $$ BEGIN INSERT INTO pg_temp.seen VALUES (v); RETURN true; END $$;
             CREATE FUNCTION pg_temp.same(a text, b text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS
               $$ BEGIN INSERT INTO pg_temp.seen VALUES (a); RETURN true; END $$;
             CREATE OPERATOR pg_temp.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = pg_temp.same, RESTRICT = eqsel)",
        )
        .expect("traps");
    for condition in ["pg_temp.peek(event_id)", "event_id OPERATOR(pg_temp.===) 'e-eve-1'"] {
        for relation in ["auditlog.events", "auditlog.team_events", "auditlog.my_events"] {
            client
                .batch_execute(&format!("SELECT count(*) FROM {relation} WHERE {condition}"))
                .expect("a query");
        }
    }
    // an error that tells of a value
    client
        .batch_execute("SELECT count(*) FROM auditlog.events WHERE event_id::text || actor_id <> '' AND 1 / (CASE actor_id WHEN 'eve' THEN 0 ELSE 1 END) = 1")
        .expect("hidden rows raise no error");
    let seen = ids(&mut client, "SELECT DISTINCT id FROM pg_temp.seen");
    assert_eq!(seen, people.of_actor(&["mia", "ann", "bob"]));
}

#[test]
fn a_role_that_is_set_keeps_the_person_or_takes_another() {
    let people = People::new();
    // the rights come from the group only when it is set
    let role = people.login(&["user", "manager"]);
    let mut admin = people.db.superuser();
    admin
        .batch_execute(&format!(
            "ALTER ROLE {role} NOINHERIT; REVOKE auditlog_user, auditlog_manager FROM {role}; GRANT auditlog_user, auditlog_manager TO {role};
             SELECT auditlog.add_principal('{role}', 'eve2', teams => '{{ops}}')"
        ))
        .expect("a principal");
    admin
        .batch_execute("INSERT INTO auditlog.events (event_id, event_type, actor_id) VALUES ('e-eve2', 'a.b', 'eve2')")
        .expect("INSERT");
    let mut client = people.db.connect_as(&role);
    refused_with(&mut client, "42501", "SELECT event_id FROM auditlog.events");
    client.batch_execute("SET ROLE auditlog_user").expect("SET ROLE");
    assert_eq!(
        ids(&mut client, "SELECT event_id FROM auditlog.events"),
        Ids::from(["e-eve2".to_owned()])
    );
    client.batch_execute("SET ROLE auditlog_manager").expect("SET ROLE");
    let mut team = people.of_actor(&["ann", "bob"]);
    team.insert("e-eve2".to_owned());
    assert_eq!(ids(&mut client, "SELECT event_id FROM auditlog.events"), team);
    for escape in [
        "SET ROLE auditlog_owner",
        "SET ROLE auditlog_analyst",
        "SET SESSION AUTHORIZATION postgres",
        "SELECT set_config('role', 'auditlog_owner', false)",
        "DO $$ BEGIN SET LOCAL ROLE auditlog_owner; END $$",
    ] {
        refused_with(&mut client, "42501", escape);
    }
    // a function with its owner's rights reads as its owner
    let ann = people.role("ann");
    admin
        .batch_execute(&format!(
            "CREATE FUNCTION public.as_ann() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER AS 'SELECT event_id FROM auditlog.events';
             ALTER FUNCTION public.as_ann() OWNER TO {ann}"
        ))
        .expect("a function");
    let mut client = people.connect_as_manager(&["analyst"]);
    assert_eq!(
        ids(&mut client, "SELECT * FROM public.as_ann()"),
        people.of_actor(&["ann"])
    );
}
