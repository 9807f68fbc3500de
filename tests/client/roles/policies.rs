//! Mutation: no policy may go without a test that sees it, and without `health()` saying so.

use super::people::People;
use auditlog_testkit::log::text;
use auditlog_testkit::postgres::Client;
use auditlog_testkit::refused::refused_with;

const ROLES: [&str; 5] = ["administrator", "analyst", "compliance", "manager", "user"];

/// A policy, with the statement that makes it anew.
struct Policy {
    table: String,
    role: String,
    create: String,
}

fn policies(admin: &mut Client) -> Vec<Policy> {
    let rows = admin
        .query(
            "SELECT format('%I.%I', schemaname, tablename), policyname::text,
                format('CREATE POLICY %I ON %I.%I FOR %s TO %I USING (%s)', policyname, schemaname, tablename, cmd, roles[1], qual)
             FROM pg_policies WHERE schemaname IN ('auditlog', 'auditlog_data') ORDER BY 1, 2",
            &[],
        )
        .expect("policies");
    rows.iter()
        .map(|row| Policy {
            table: row.get(0),
            role: row.get(1),
            create: row.get(2),
        })
        .collect()
}

/// What a session finds in a table.
fn actors(client: &mut Client, table: &str) -> String {
    text(
        client,
        &format!(
            "SELECT coalesce(string_agg(actor_id, ' ' ORDER BY actor_id), '') FROM {table} WHERE actor_id <> 'postgres'"
        ),
    )
}

/// Reads every table that has actors as every role, directly, and says where the model is not met.
struct Probe {
    tables: Vec<String>,
    sessions: Vec<(&'static str, Client)>,
    superuser: Client,
    owner: Client,
}

impl Probe {
    fn new(people: &People) -> Probe {
        let mut superuser = people.db.superuser();
        let rows = superuser
            .query(
                "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE n.nspname = 'auditlog_data' AND c.relkind IN ('r', 'p')
                   AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'actor_id') ORDER BY 1",
                &[],
            )
            .expect("tables");
        // The schema is closed to all but those who may read everything, and then the policies count.
        let mut sessions = Vec::new();
        for role in ROLES {
            let login = people.login(&[role]);
            superuser
                .batch_execute(&format!("GRANT pg_read_all_data TO {login}; SELECT auditlog.add_principal('{login}', '{role}', teams => ARRAY['ops'])"))
                .expect("a principal");
            sessions.push((role, people.db.connect_as(&login)));
        }
        let mut owner = people.db.superuser();
        owner.batch_execute("SET ROLE auditlog_owner").expect("SET ROLE");
        Probe {
            tables: rows.iter().map(|row| row.get(0)).collect(),
            sessions,
            superuser,
            owner,
        }
    }

    /// Each of them is in the team ops, whose members ann, bob and the five are.
    fn expected(role: &str, all: &str) -> String {
        let sees = |actor: &&str| match role {
            "manager" => ["ann", "bob"].contains(actor) || ROLES.contains(actor),
            "user" => *actor == "user",
            _ => true,
        };
        all.split(' ').filter(sees).collect::<Vec<_>>().join(" ")
    }

    fn differences(&mut self) -> Vec<String> {
        let mut found = Vec::new();
        for table in &self.tables {
            let all = actors(&mut self.superuser, table);
            if actors(&mut self.owner, table) != all {
                found.push(format!("owner {table}"));
            }
            for (role, session) in &mut self.sessions {
                if actors(session, table) != Probe::expected(role, &all) {
                    found.push(format!("{role} {table}"));
                }
            }
        }
        found
    }
}

/// The sealer, stopped at a moment when it holds no lock; it goes on when this is dropped.
struct Stopped(i32);

impl Stopped {
    fn sealer(admin: &mut Client) -> Stopped {
        loop {
            let pid: i32 = admin
                .query_one("SELECT sealer_pid FROM auditlog.stat_seal", &[])
                .expect("a sealer")
                .get(0);
            let stopped = Stopped(pid);
            stopped.signal("-STOP");
            let locks = "SELECT count(*) FROM pg_locks WHERE pid = $1";
            if admin.query_one(locks, &[&pid]).expect("locks").get::<_, i64>(0) == 0 {
                return stopped;
            }
        }
    }

    fn signal(&self, signal: &str) {
        let sent = std::process::Command::new("kill")
            .args([signal, &self.0.to_string()])
            .status();
        assert!(sent.is_ok_and(|status| status.success()), "kill {signal} {}", self.0);
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        self.signal("-CONT");
    }
}

fn faults(admin: &mut Client) -> Vec<String> {
    let rows = admin.query(
        "SELECT fault FROM auditlog_data.guard_faults() AS f (fault) WHERE fault NOT LIKE 'event trigger%'",
        &[],
    );
    rows.expect("faults").iter().map(|row| row.get(0)).collect()
}

#[test]
fn no_policy_goes_unnoticed() {
    let people = People::new();
    let mut probe = Probe::new(&people);
    let mut admin = people.db.superuser();
    // an event of each actor in each inbox and each partition; the sealer waits meanwhile
    let partitions: Vec<String> = probe
        .tables
        .iter()
        .filter(|table| table.contains("log_standard_"))
        .cloned()
        .collect();
    for partition in &partitions {
        let month = partition.rsplit("standard_").next().expect("a month").replace('_', "-");
        if month.starts_with("20") && format!("{month}-02") < text(&mut admin, "SELECT now()::date::text") {
            admin
                .batch_execute(&format!(
                    "INSERT INTO auditlog.events (event_type, actor_id, timestamp)
                     SELECT 'a.b', actor, '{month}-01' FROM unnest(string_to_array('ann eve administrator analyst compliance manager user', ' ')) AS actor"
                ))
                .expect("INSERT");
        }
    }
    auditlog_testkit::log::wait_sealed(&mut admin);
    let stopped = Stopped::sealer(&mut admin);
    people.record(3);
    for inbox in probe.tables.iter().filter(|table| table.contains("inbox_")) {
        admin
            .batch_execute(&format!(
                "INSERT INTO {inbox} (event_type, actor_id)
                 SELECT 'a.b', actor FROM unnest(string_to_array('ann eve administrator analyst compliance manager user', ' ')) AS actor"
            ))
            .expect("a superuser may");
    }
    assert_eq!(probe.differences(), Vec::<String>::new());
    assert_eq!(faults(&mut admin), Vec::<String>::new());
    admin
        .batch_execute("ALTER EVENT TRIGGER auditlog_guard_ddl DISABLE; ALTER EVENT TRIGGER auditlog_guard_drop DISABLE; SET lock_timeout = '20s'")
        .expect("a superuser may");
    let policies = policies(&mut admin);
    assert!(policies.len() > 80, "{}", policies.len());
    let (with_actors, others): (Vec<_>, Vec<_>) =
        policies.iter().partition(|policy| probe.tables.contains(&policy.table));
    for Policy { table, role, create } in with_actors {
        drop_policy(&mut admin, table, role);
        if !actors(&mut probe.superuser, table).is_empty() {
            let short = role.trim_start_matches("auditlog_");
            let mut found = probe.differences();
            // without principals nobody is a manager or user
            if role == "auditlog_owner" && table == "auditlog_data.principal" {
                found.retain(|one| !one.starts_with("manager") && !one.starts_with("user"));
            }
            assert_eq!(found, [format!("{short} {table}")], "{role} {table}");
        }
        admin.batch_execute(create).expect(create);
        assert_eq!(faults(&mut admin), Vec::<String>::new(), "{create}");
    }
    assert_eq!(probe.differences(), Vec::<String>::new());
    // a policy more is as bad as one less, and so is another condition
    for (change, back, fault) in [
        (
            "CREATE POLICY more ON auditlog_data.log FOR SELECT TO auditlog_user USING (true)",
            "DROP POLICY more ON auditlog_data.log",
            "foreign policy more on auditlog_data.log",
        ),
        (
            "ALTER POLICY auditlog_user ON auditlog_data.log USING (true)",
            "",
            "policy auditlog_user is not the same on all tables",
        ),
    ] {
        admin.batch_execute(change).expect(change);
        assert_eq!(faults(&mut admin), [fault]);
        assert_eq!(probe.differences(), ["user auditlog_data.log"]);
        admin.batch_execute(back).expect(back);
    }
    admin
        .batch_execute(
            &policies
                .iter()
                .find(|p| p.table == "auditlog_data.log" && p.role == "auditlog_user")
                .expect("a policy")
                .create
                .replace("CREATE", "ALTER")
                .replace(" FOR SELECT", ""),
        )
        .expect("as it was");
    drop(stopped);
    for Policy { table, role, create } in others {
        drop_policy(&mut admin, table, role);
        admin.batch_execute(create).expect(create);
        assert_eq!(faults(&mut admin), Vec::<String>::new(), "{create}");
    }
}

/// Drops it, which `health()` must say.
fn drop_policy(admin: &mut Client, table: &str, role: &str) {
    admin
        .batch_execute(&format!("DROP POLICY {role} ON {table}"))
        .expect("a superuser may");
    let missing = faults(admin);
    // without this one administrators just see no keys
    let harmless = table.ends_with("token_keys") && role == "auditlog_administrator";
    let fault = format!("policy {role} on {table} is missing or another one");
    assert!(missing.contains(&fault) || harmless, "{role} {table}: {missing:?}");
}

#[test]
fn row_level_security_stays_on() {
    let people = People::new();
    let mut admin = people.db.superuser();
    let tables =
        "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'auditlog_data' AND c.relkind IN ('r', 'p')";
    let tables: Vec<String> = admin
        .query(tables, &[])
        .expect("tables")
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert!(tables.len() > 20);
    for table in &tables {
        for change in ["DISABLE ROW LEVEL SECURITY", "NO FORCE ROW LEVEL SECURITY"] {
            refused_with(&mut admin, "42501", &format!("ALTER TABLE {table} {change}"));
        }
        refused_with(
            &mut admin,
            "42501",
            &format!("CREATE POLICY more ON {table} USING (true)"),
        );
        for policy in ["auditlog_owner", "auditlog_user"] {
            let drop = format!("DROP POLICY IF EXISTS {policy} ON {table}");
            if admin.batch_execute(&format!("BEGIN; {drop}")).is_ok() {
                assert_eq!(policy, "auditlog_user", "{table}");
            }
            admin.batch_execute("ROLLBACK").expect("ROLLBACK");
        }
    }
    admin
        .batch_execute("ALTER EVENT TRIGGER auditlog_guard_ddl DISABLE; SET lock_timeout = '20s'")
        .expect("a superuser may");
    for table in &tables {
        for (off, on) in [("DISABLE", "ENABLE"), ("NO FORCE", "FORCE")] {
            admin
                .batch_execute(&format!("ALTER TABLE {table} {off} ROW LEVEL SECURITY"))
                .expect("a superuser may");
            assert_eq!(
                faults(&mut admin),
                [format!("row-level security of {table} is not enabled and forced")]
            );
            admin
                .batch_execute(&format!("ALTER TABLE {table} {on} ROW LEVEL SECURITY"))
                .expect("a superuser may");
        }
    }
    assert_eq!(faults(&mut admin), Vec::<String>::new());
    // Roles are the cluster's: other tests are not to see it.
    admin
        .batch_execute("BEGIN; ALTER ROLE auditlog_user BYPASSRLS")
        .expect("a superuser may");
    let found = faults(&mut admin);
    admin.batch_execute("ROLLBACK").expect("ROLLBACK");
    assert_eq!(found, ["auditlog_user is a role without row-level security"]);
}

#[test]
fn who_gets_a_role_shows_in_the_protection() {
    let people = People::new();
    let mut admin = people.db.superuser();
    let members = "SELECT auditlog_data.protection() ->> 'members'";
    let policies = "SELECT auditlog_data.protection() ->> 'policies'";
    let (before, unchanged) = (text(&mut admin, members), text(&mut admin, policies));
    let role = people.login(&["analyst"]);
    let with_one = text(&mut admin, members);
    assert_ne!(with_one, before);
    // through another role
    let other = people.login(&[]);
    assert_eq!(text(&mut admin, members), with_one);
    admin.batch_execute(&format!("GRANT {role} TO {other}")).expect("GRANT");
    assert_ne!(text(&mut admin, members), with_one);
    admin
        .batch_execute("ALTER EVENT TRIGGER auditlog_guard_ddl DISABLE; ALTER POLICY auditlog_user ON auditlog_data.log USING (true)")
        .expect("a superuser may");
    assert_ne!(text(&mut admin, policies), unchanged);
}
