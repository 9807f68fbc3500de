//! Tokens for programs: whom they speak for, how long, and that each use is told of without the token itself.

use auditlog_testkit::log::{scalar, text, wait_sealed};
use auditlog_testkit::postgres::Client;
use auditlog_testkit::refused::refused_with;
use auditlog_testkit::{Cluster, Database, LONG, Options, wait_until};
use std::sync::OnceLock;
use std::time::Duration;

/// A cluster whose sessions keep the journal.
fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| Cluster::start(&Options::default().set("auditlog.access_log", "on")))
}

/// A database with a user, an analyst and an administrator who are principals, and a role without rights of its own that may
/// become a user, as a server's connection has it.
struct World {
    database: Database,
    admin: Client,
}

impl World {
    fn new() -> World {
        let database = Database::new_in(cluster());
        let mut admin = database.superuser();
        admin
            .batch_execute("SET auditlog.access_log = off")
            .expect("a superuser may");
        for (role, group) in [
            ("ann", "user"),
            ("bob", "analyst"),
            ("eve", "administrator"),
            ("stranger", "user"),
        ] {
            admin
                .batch_execute(&format!(
                    "CREATE ROLE {role}_{0} LOGIN; GRANT auditlog_{group} TO {role}_{0}",
                    database.name()
                ))
                .expect("a role");
        }
        admin
            .batch_execute(&format!(
                "CREATE ROLE gate_{0} LOGIN NOINHERIT; GRANT auditlog_user TO gate_{0};
                 SELECT auditlog.add_principal('ann_{0}', 'ann'), auditlog.add_principal('bob_{0}', 'bob'), auditlog.add_principal('eve_{0}', 'eve');
                 SELECT auditlog.record('document.open', '{{\"id\": \"ann\"}}'), auditlog.record('document.open', '{{\"id\": \"bob\"}}')",
                database.name()
            ))
            .expect("principals and events");
        wait_sealed(&mut admin);
        World { database, admin }
    }

    fn client(&self, role: &str) -> Client {
        self.database.connect_as(&format!("{role}_{}", self.database.name()))
    }

    /// A token of somebody.
    fn token(&self, role: &str, arguments: &str) -> String {
        text(
            &mut self.client(role),
            &format!("SELECT auditlog.create_token({arguments})"),
        )
    }

    /// A transaction of the server's connection that speaks for the bearer of a token.
    fn gate(&self) -> Client {
        let mut client = self.client("gate");
        client.batch_execute("SET ROLE auditlog_user").expect("a user");
        client
    }

    /// Journal entries of uses, with how they ended.
    fn uses(&mut self, status: &str) -> i64 {
        wait_sealed(&mut self.admin);
        scalar(
            &mut self.admin,
            &format!("SELECT count(*) FROM auditlog.events WHERE operation = 'authenticate' AND status = '{status}'"),
        )
    }
}

const SEEN: &str =
    "SELECT coalesce(string_agg(actor_id, ' '), 'nothing') FROM auditlog.events WHERE event_type = 'document.open'";

#[test]
fn a_token_speaks_for_its_owner_until_the_transaction_ends() {
    let mut world = World::new();
    let token = world.token("ann", "'nightly report'");
    assert!(token.starts_with("pgal_") && token.len() > 45, "{token}");
    let mut gate = world.gate();
    assert_eq!(text(&mut gate, SEEN), "nothing");
    gate.batch_execute("BEGIN READ ONLY").expect("begin");
    assert_eq!(
        text(&mut gate, &format!("SELECT auditlog.authenticate('{token}')")),
        "ann"
    );
    assert_eq!(text(&mut gate, SEEN), "ann");
    assert_eq!(text(&mut gate, "SELECT identified_by FROM auditlog.whoami()"), "token");
    gate.batch_execute("ROLLBACK").expect("rollback");
    assert_eq!(text(&mut gate, SEEN), "nothing");
    // told of although nothing was committed, and nowhere with the token itself
    wait_until("the use is told of", LONG, || world.uses("success") == 1);
    let secret = &token[12..];
    let leaks = scalar(
        &mut world.admin,
        &format!(
            "SELECT count(*) FROM auditlog.events AS e WHERE position('{secret}' IN auditlog.to_json(e)::text) > 0"
        ),
    );
    assert_eq!(leaks, 0);
    let told = text(
        &mut world.admin,
        "SELECT concat(actor_id, ' ', extra #>> '{metadata,calls,0,arguments,token}', ' ', extra #>> '{metadata,query,text}')
             FROM auditlog.events WHERE operation = 'authenticate'",
    );
    assert!(
        told.starts_with("ann nightly report") && !told.contains(secret),
        "{told}"
    );
    let mut ann = world.client("ann");
    assert_eq!(
        text(
            &mut ann,
            "SELECT concat(name, ' ', owner, ' ', prefix, ' ', state, ' ', last_used_at IS NOT NULL) FROM auditlog.tokens"
        ),
        format!("nightly report ann {} good t", &token[..12])
    );
}

#[test]
fn a_token_that_was_taken_back_or_has_ended_is_refused_at_once() {
    let mut world = World::new();
    let token = world.token("ann", "'a', expires_in => '1 minute'");
    let mut gate = world.gate();
    gate.batch_execute("BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT 1")
        .expect("a snapshot of before");
    let id = scalar(&mut world.client("ann"), "SELECT id FROM auditlog.tokens");
    // nobody else's
    refused_with(
        &mut world.client("bob"),
        "42704",
        &format!("SELECT auditlog.revoke_token({id})"),
    );
    assert!(
        world
            .client("ann")
            .query_one(&format!("SELECT auditlog.revoke_token({id})"), &[])
            .expect("revoked")
            .get::<_, bool>(0)
    );
    assert!(
        !world
            .client("eve")
            .query_one(&format!("SELECT auditlog.revoke_token({id})"), &[])
            .expect("again")
            .get::<_, bool>(0)
    );
    refused_with(&mut gate, "28000", &format!("SELECT auditlog.authenticate('{token}')"));
    gate.batch_execute("ROLLBACK").expect("rollback");
    let mut gate = world.gate();
    for wrong in [
        "pgal_",
        "pgal_nobodyhassuchatoken",
        &token.to_uppercase(),
        &format!("{token}x"),
    ] {
        let error = refused_with(
            &mut gate,
            if wrong.starts_with("PGAL") { "55000" } else { "28000" },
            &format!("SELECT auditlog.authenticate('{wrong}')"),
        );
        assert!(!format!("{error:?}").contains("revoked, ann"), "{error:?}");
    }
    wait_until("refusals are told of", LONG, || world.uses("failed") >= 4);
    // an administrator takes back those of others
    let other = world.token("bob", "'b'");
    let id = scalar(
        &mut world.client("eve"),
        "SELECT id FROM auditlog.tokens WHERE state = 'good'",
    );
    assert!(
        world
            .client("eve")
            .query_one(&format!("SELECT auditlog.revoke_token({id})"), &[])
            .expect("revoked")
            .get::<_, bool>(0)
    );
    refused_with(&mut gate, "28000", &format!("SELECT auditlog.authenticate('{other}')"));
    // who is no principal any more has none either
    let last = world.token("bob", "'c'");
    world
        .admin
        .batch_execute("SELECT auditlog.drop_principal('bob')")
        .expect("dropped");
    refused_with(&mut gate, "28000", &format!("SELECT auditlog.authenticate('{last}')"));
}

#[test]
fn what_is_wrong_is_said_and_nobody_sees_tokens_of_others() {
    let mut world = World::new();
    let scoped = world.token("ann", "'scoped', ARRAY['record', 'read', 'read']");
    world.token("bob", "'of bob'");
    assert_eq!(
        text(
            &mut world.client("ann"),
            "SELECT string_agg(name, ' ') FROM auditlog.tokens"
        ),
        "scoped"
    );
    assert_eq!(
        scalar(&mut world.client("eve"), "SELECT count(*) FROM auditlog.tokens"),
        2
    );
    for (code, arguments) in [
        ("22023", "''"),
        ("22023", "NULL"),
        ("22023", "'a', ARRAY['everything']"),
        ("22023", "'a', '{}'"),
        ("22023", "'a', expires_in => '1 second'"),
        ("22023", "'a', expires_in => '2 years'"),
        ("22023", "'a', expires_in => NULL"),
    ] {
        refused_with(
            &mut world.client("ann"),
            code,
            &format!("SELECT auditlog.create_token({arguments})"),
        );
    }
    refused_with(
        &mut world.client("stranger"),
        "55000",
        "SELECT auditlog.create_token('a')",
    );
    refused_with(&mut world.admin, "42501", "DELETE FROM auditlog_data.api_token");
    // a token says what it is good for, and makes no others
    let mut gate = world.gate();
    gate.batch_execute("BEGIN").expect("begin");
    assert_eq!(
        text(&mut gate, &format!("SELECT auditlog.authenticate('{scoped}')")),
        "ann"
    );
    assert_eq!(text(&mut gate, "SELECT auditlog.token_scopes()::text"), "{read,record}");
    refused_with(&mut gate, "42501", "SELECT auditlog.create_token('more')");
    gate.batch_execute("ROLLBACK").expect("rollback");
    assert_eq!(
        text(&mut gate, "SELECT coalesce(auditlog.token_scopes()::text, 'none')"),
        "none"
    );
}

#[test]
fn what_is_changed_with_a_token_its_owner_has_changed() {
    let mut world = World::new();
    let gate_name = format!("gate_{}", world.database.name());
    world
        .admin
        .batch_execute(&format!("GRANT auditlog_administrator TO {gate_name}"))
        .expect("granted");
    let token = world.token("eve", "'deployment'");
    let mut gate = world.gate();
    gate.batch_execute(&format!(
        "BEGIN; SELECT auditlog.authenticate('{token}'); SET LOCAL ROLE auditlog_administrator;
         SELECT auditlog.add_principal(actor_id => 'new'); COMMIT"
    ))
    .expect("a change");
    wait_sealed(&mut world.admin);
    let told = text(
        &mut world.admin,
        "SELECT concat_ws(' ', actor_type, actor_id, db_session_user) FROM auditlog.events
             WHERE event_type = 'auditlog.principal_change' AND operation = 'add_principal' ORDER BY log_index DESC LIMIT 1",
    );
    assert_eq!(told, format!("user eve {gate_name}"));
}

/// How many notifications come within a second and a half.
fn notified(client: &mut Client) -> usize {
    use auditlog_testkit::postgres::fallible_iterator::FallibleIterator;
    let mut notifications = client.notifications();
    let mut told = notifications.timeout_iter(Duration::from_millis(1_500));
    let mut count = 0;
    while told.next().expect("notifications").is_some() {
        count += 1;
    }
    count
}

/// Each look of a program's stream leaves entries of the token and of the tail. If these woke readers, each stream would wake all others,
/// and itself, for ever.
#[test]
fn looks_by_token_wake_no_reader_and_are_found_all_the_same() {
    let mut world = World::new();
    let token = world.token("ann", "'stream'");
    let mut listener = world.database.superuser();
    wait_sealed(&mut world.admin);
    listener.batch_execute("LISTEN auditlog").expect("LISTEN");
    notified(&mut listener);
    let position = scalar(&mut world.admin, "SELECT auditlog.tail_position()");
    let mut gate = world.gate();
    let begin = format!("BEGIN; SELECT auditlog.authenticate('{token}')");
    for _ in 0..3 {
        gate.batch_execute(&format!("{begin}; SELECT auditlog.tail(-1); COMMIT"))
            .expect("a look");
    }
    wait_until("the uses are told of", LONG, || world.uses("success") == 3);
    assert_eq!(notified(&mut listener), 0);
    // Who waits is not woken by them, who asks finds them.
    let tail = |more: &str| format!("SELECT count(*) FROM auditlog.tail({position}, 'operation:authenticate'{more})");
    gate.batch_execute(&begin).expect("begin");
    assert_eq!(scalar(&mut gate, &tail(", wait => '500ms'")), 0);
    assert_eq!(scalar(&mut gate, &tail("")), 3);
    gate.batch_execute("COMMIT").expect("commit");
    // What is news wakes both, and brings them along.
    let id = text(
        &mut world.admin,
        "SELECT auditlog.record('document.open', '{\"id\": \"ann\"}')",
    );
    assert!(id.starts_with("evt_"));
    assert!(notified(&mut listener) >= 1);
    gate.batch_execute(&begin).expect("begin");
    assert!(scalar(&mut gate, &tail(", wait => '5s'")) >= 3);
    gate.batch_execute("COMMIT").expect("commit");
}

#[test]
fn a_login_that_speaks_for_many_is_told_in_which_role() {
    let mut world = World::new();
    let name = world.database.name().to_owned();
    world
        .admin
        .batch_execute(&format!(
            "GRANT ann_{name} TO gate_{name}; CREATE ROLE chief_{name} LOGIN; GRANT auditlog_user TO chief_{name};
             SELECT auditlog.add_principal('chief_{name}', 'chief', manages => ARRAY['ops'])"
        ))
        .expect("roles");
    let role = |world: &World, gate: &mut Client, who: &str, arguments: &str| {
        let token = world.token(who, "'program'");
        gate.batch_execute(&format!("BEGIN; SELECT auditlog.authenticate('{token}')"))
            .expect("a token");
        let role = text(
            gate,
            &format!("SELECT coalesce(auditlog.acting_role({arguments}), 'its own')"),
        );
        gate.batch_execute("ROLLBACK").expect("rollback");
        role
    };
    let mut gate = world.gate();
    // the login is a member of ann's role, and not of bob's
    assert_eq!(role(&world, &mut gate, "ann", "'some_manager'"), format!("ann_{name}"));
    assert_eq!(role(&world, &mut gate, "bob", "'some_manager'"), "its own");
    // whoever manages teams by name acts as the manager that is given
    assert_eq!(role(&world, &mut gate, "chief", "'some_manager'"), "some_manager");
    assert_eq!(role(&world, &mut gate, "chief", ""), "its own");
    // without a token there is nobody to act for, whatever role the session has
    assert_eq!(
        text(
            &mut world.client("ann"),
            "SELECT coalesce(auditlog.acting_role('some_manager'), 'its own')"
        ),
        "its own"
    );
    refused_with(&mut world.client("gate"), "42501", "SELECT auditlog.acting_role()");
}
