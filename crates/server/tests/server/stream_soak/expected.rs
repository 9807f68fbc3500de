//! What each subscriber must have got, asked of the database by other means: SQL under the same login.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use auditlog_testkit::postgres::{Client, NoTls};

use super::subscriber::Subscriber;
use crate::world::World;

/// What the journal may have lost by a crash: entries of reads that ended shortly before it. docs/journal.md has measured 0.25 s.
const LOST: Duration = Duration::from_secs(3);

fn connect(world: &World, login: &str) -> Client {
    let mut config = world.cluster.config(login, &world.database);
    config.password(login).connect(NoTls).expect("a login")
}

/// What a login sees, as a table that conditions are asked of. Entries of tails are shown by no tail.
const SEEN: &str = "CREATE TEMPORARY TABLE seen AS
    SELECT e.log_index, e.event_type, e.severity::text AS severity, e.actor_id, e.actor_ip AS ip, e.resource_type, e.resource_id,
        e.region, e.status, d #>> '{metadata,shard}' AS shard, d #>> '{metadata,n}' AS n, d #>> '{metadata,note}' AS note
    FROM auditlog.events AS e, auditlog.to_json(e) AS d
    WHERE NOT (e.event_type = 'auditlog.search' AND COALESCE(e.operation, '') = 'tail')";

/// The places that each subscriber must have been told of, up to `end`.
pub fn of(world: &World, subscribers: &[Subscriber], end: i64) -> Vec<Vec<i64>> {
    let mut sessions = BTreeMap::new();
    let places = |subscriber: &Subscriber| {
        let login = subscriber.who.login();
        let session = sessions.entry(login).or_insert_with(|| {
            let mut session = connect(world, login);
            session.batch_execute(SEEN).expect("what it sees");
            session
        });
        let sql = format!(
            "SELECT COALESCE(array_agg(s.log_index ORDER BY s.log_index), '{{}}') FROM seen AS s
             WHERE s.log_index > $1 AND s.log_index <= $2 AND ({})",
            subscriber.condition
        );
        let row = session.query_one(&sql, &[&subscriber.start, &end]).expect("places");
        row.get(0)
    };
    subscribers.iter().map(places).collect()
}

/// Everything that somebody was told stands in the journal: who, with which query, how many rows.
pub fn assert_journal(world: &World, subscribers: &[Subscriber], crash: Instant) {
    let mut client = world.superuser();
    crate::world::World::sealed(world, &mut client);
    let mut told: BTreeMap<(String, &str), i64> = BTreeMap::new();
    for subscriber in subscribers {
        let sql =
            "SELECT COALESCE((SELECT p.actor_id FROM auditlog.principals AS p WHERE p.role_name = $1::text::name), $1)";
        let actor = client
            .query_one(sql, &[&subscriber.who.login()])
            .expect("an actor")
            .get(0);
        let log = subscriber.log.lock().expect("no panic");
        let is_safe = |at: &Instant| *at > crash || crash.duration_since(*at) > LOST;
        let events = log.events.iter().filter(|(_, at)| is_safe(at)).count();
        *told.entry((actor, subscriber.query)).or_default() += events as i64;
    }
    let sql = "SELECT COALESCE(sum((d #>> '{metadata,rows}')::bigint), 0)::bigint
        FROM auditlog.events AS e, auditlog.to_json(e) AS d
        WHERE e.event_type = 'auditlog.search' AND e.operation = 'tail' AND e.actor_id = $1
            AND EXISTS (SELECT FROM jsonb_array_elements(d #> '{metadata,calls}') AS c WHERE c #>> '{arguments,query}' = $2)";
    for ((actor, query), told) in told {
        let rows: i64 = client.query_one(sql, &[&actor, &query]).expect("rows").get(0);
        assert!(
            rows >= told,
            "{actor} was told {told} events of {query:?}, the journal has {rows}"
        );
    }
}
