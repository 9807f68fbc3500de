//! A company: who is who, and what they did.

use auditlog_testkit::Database;
use auditlog_testkit::log::wait_sealed;
use auditlog_testkit::postgres::Client;
use std::collections::BTreeSet;

/// Actor, team, tenant and what it manages. `mia` manages the team ops without being in it.
const PEOPLE: [(&str, &str, Option<&str>); 4] = [
    ("ann", "ops", None),
    ("bob", "ops", None),
    ("eve", "dev", None),
    ("mia", "leads", Some("ops")),
];

/// A database with principals and their events, all sealed.
pub struct People {
    pub db: Database,
    roles: Vec<(String, String)>,
}

impl People {
    pub fn new() -> People {
        let db = Database::new();
        let mut admin = db.superuser();
        let mut roles = Vec::new();
        for (actor, team, manages) in PEOPLE {
            let role = db.login(&["auditlog_user"]);
            let manages = manages.map_or("NULL".to_owned(), |team| format!("ARRAY['{team}']"));
            admin
                .batch_execute(&format!(
                    "SELECT auditlog.add_principal('{role}', '{actor}', teams => ARRAY['{team}'], manages => {manages})"
                ))
                .expect("add_principal()");
            roles.push((actor.to_owned(), role));
        }
        // what adding them has recorded is not their doing, and not of these tests
        let people = People { db, roles };
        people.record(1);
        wait_sealed(&mut admin);
        people
    }

    /// Two events of each actor, and of nobody.
    pub fn record(&self, from: i64) {
        let mut admin = self.db.superuser();
        admin
            .batch_execute(&format!(
                "INSERT INTO auditlog.events (event_id, event_type, actor_id, timestamp, operation)
                 SELECT 'e-' || coalesce(actor, 'nobody') || '-' || n, 'a.b', actor, now() - n * interval '40 days', 'shared'
                 FROM unnest(ARRAY['ann', 'bob', 'eve', 'mia', NULL]) AS actor, generate_series({from}, {from} + 1) AS n"
            ))
            .expect("INSERT");
    }

    pub fn role(&self, actor: &str) -> String {
        let found = self.roles.iter().find(|(name, _)| name == actor);
        found.expect("one of the people").1.clone()
    }

    pub fn login(&self, groups: &[&str]) -> String {
        let groups: Vec<String> = groups.iter().map(|group| format!("auditlog_{group}")).collect();
        self.db.login(&groups.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// A connection of the manager mia, by a new role with these groups.
    pub fn connect_as_manager(&self, groups: &[&str]) -> Client {
        let role = self.login(groups);
        let mut admin = self.db.superuser();
        admin
            .batch_execute(&format!(
                "SELECT auditlog.alter_principal('mia', jsonb_build_object('role_name', '{role}'))"
            ))
            .expect("alter_principal()");
        self.db.connect_as(&role)
    }

    /// The events of these actors.
    pub fn of_actor(&self, actors: &[&str]) -> BTreeSet<String> {
        let of = |actor: &&str| [1, 2].map(|n| format!("e-{actor}-{n}"));
        actors.iter().flat_map(of).collect()
    }

    /// All events, those that tell of changed principals included.
    pub fn all(&self) -> BTreeSet<String> {
        let rows = self.db.superuser().query("SELECT event_id FROM auditlog.events", &[]);
        rows.expect("events").iter().map(|row| row.get(0)).collect()
    }

    /// The model: what mia is to see with these groups.
    pub fn expected(&self, groups: &[&str], unsealed: bool) -> BTreeSet<String> {
        let has = |group: &str| groups.contains(&group);
        let actors: &[&str] = if has("administrator") || has("analyst") || has("compliance") {
            return self.all();
        } else if has("manager") {
            &["mia", "ann", "bob"]
        } else if has("user") {
            &["mia"]
        } else {
            &[]
        };
        let last = if unsealed { 4 } else { 2 };
        let of = |actor: &&str| (1..=last).map(move |n| format!("e-{actor}-{n}")).collect::<Vec<_>>();
        actors.iter().flat_map(of).collect()
    }
}

/// Further events that stay in the inbox, because the sealer cannot get at the head.
pub struct Unsealed {
    _holder: Client,
}

impl Unsealed {
    pub fn begin(people: &People) -> Unsealed {
        let mut holder = people.db.superuser();
        holder
            .batch_execute("BEGIN; LOCK TABLE auditlog_data.head IN SHARE ROW EXCLUSIVE MODE")
            .expect("LOCK");
        people.record(3);
        Unsealed { _holder: holder }
    }
}
