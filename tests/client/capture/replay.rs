//! The events of a table, replayed in their order, give the table back.

use super::captured;
use auditlog_testkit::log::{assert_intact, scalar, wait_sealed};
use auditlog_testkit::postgres::Client;
use auditlog_testkit::{Database, Random};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

const STATEMENTS: usize = 400;

#[test]
fn replaying_the_events_gives_the_table() {
    let random = &mut Random::from_clock();
    let db = Database::new();
    let mut admin = db.superuser();
    admin
        .batch_execute(
            "CREATE TABLE p (region int, id int, a text, b numeric, c jsonb, d timestamptz, e int[], PRIMARY KEY (region, id)) PARTITION BY LIST (region);
             CREATE TABLE p0 PARTITION OF p FOR VALUES IN (0);
             CREATE TABLE p1 (e int[], d timestamptz, junk int, id int NOT NULL, c jsonb, b numeric, region int NOT NULL, a text);
             ALTER TABLE p1 DROP COLUMN junk; ALTER TABLE p ATTACH PARTITION p1 FOR VALUES IN (1);
             CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN IF NEW.a = 'again' THEN UPDATE p SET a = 'done' WHERE (region, id) = (NEW.region, NEW.id); END IF; RETURN NULL; END $$;
             CREATE TRIGGER \"000_touch\" AFTER UPDATE ON p FOR EACH ROW EXECUTE FUNCTION touch();
             DROP TRIGGER \"000_touch\" ON p;
             CREATE TRIGGER again AFTER UPDATE ON p FOR EACH ROW EXECUTE FUNCTION touch();
             SELECT auditlog.track('p');
             CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2)",
        )
        .expect("track()");
    for _ in 0..STATEMENTS {
        let sql = statement(random);
        if random.chance(15) {
            let end = if random.chance(50) { "ROLLBACK" } else { "COMMIT" };
            admin.batch_execute("BEGIN").expect("BEGIN");
            admin.batch_execute(&sql).unwrap_or_else(|e| panic!("{sql}: {e:?}"));
            admin.batch_execute("SAVEPOINT s").expect("SAVEPOINT");
            let second = statement(random);
            admin
                .batch_execute(&second)
                .unwrap_or_else(|e| panic!("{second}: {e:?}"));
            if random.chance(50) {
                admin.batch_execute("ROLLBACK TO s").expect("ROLLBACK TO");
            }
            admin.batch_execute(end).expect("an end");
        } else {
            admin.batch_execute(&sql).unwrap_or_else(|e| panic!("{sql}: {e:?}"));
        }
        if random.chance(2) {
            admin.batch_execute("TRUNCATE p2").expect("TRUNCATE");
        }
    }
    wait_sealed(&mut admin);
    let events = captured(&mut admin);
    assert!(events.len() > STATEMENTS / 2, "{} events", events.len());
    assert_eq!(replayed(&events), table(&mut admin));
    let all = scalar(&mut admin, "SELECT count(*) FROM auditlog.events");
    assert_intact(&mut admin, all);
}

fn statement(random: &mut Random) -> String {
    let id = random.below(12);
    let region = random.below(3);
    match random.below(10) {
        0..=3 => format!(
            "INSERT INTO p VALUES ({region}, {id}, {}, {}, {}, now(), {}) ON CONFLICT (region, id) DO UPDATE SET a = excluded.a, b = p.b + 1",
            text(random),
            number(random),
            document(random),
            list(random)
        ),
        4 => format!(
            "UPDATE p SET a = {}, c = {} WHERE id % 3 = {}",
            text(random),
            document(random),
            id % 3
        ),
        5 => format!(
            "UPDATE p SET b = {}, e = {} WHERE id = {id}",
            number(random),
            list(random)
        ),
        6 => format!("UPDATE p SET a = 'again' WHERE id = {id}"),
        7 => format!(
            "UPDATE p SET region = {region} WHERE id = {id} AND NOT EXISTS (SELECT FROM p AS q WHERE q.id = {id} AND q.region = {region}) AND region = (SELECT min(region) FROM p AS q WHERE q.id = {id})"
        ),
        8 => format!(
            "UPDATE p SET id = id + 100 WHERE id = {id} AND NOT EXISTS (SELECT FROM p AS q WHERE q.id = {})",
            id + 100
        ),
        _ => format!("DELETE FROM p WHERE id = {id} AND region <> {region}"),
    }
}

fn text(random: &mut Random) -> String {
    match random.below(5) {
        0 => "NULL".to_owned(),
        1 => "''".to_owned(),
        2 => format!("repeat('ü', {})", random.below(3000)),
        _ => format!("'text {}'", random.below(5)),
    }
}

fn number(random: &mut Random) -> String {
    match random.below(4) {
        0 => "NULL".to_owned(),
        1 => "'NaN'".to_owned(),
        _ => format!("{}.{}", random.below(100), random.below(100)),
    }
}

fn document(random: &mut Random) -> String {
    match random.below(4) {
        0 => "NULL".to_owned(),
        1 => "'null'".to_owned(),
        _ => format!("'{{\"n\": {}, \"list\": [1, {{}}, null]}}'", random.below(4)),
    }
}

fn list(random: &mut Random) -> String {
    match random.below(3) {
        0 => "NULL".to_owned(),
        _ => format!("ARRAY[{}, NULL]::int[]", random.below(4)),
    }
}

type Rows = BTreeMap<String, Map<String, Value>>;

fn replayed(events: &[super::Captured]) -> Rows {
    let mut rows = Rows::new();
    for event in events {
        let members = |value: &Value| value.as_object().cloned().unwrap_or_default();
        let id = event.id.clone().unwrap_or_default();
        match event.event_type.as_str() {
            "resource.create" => {
                assert!(rows.insert(id, members(&event.after)).is_none(), "{event:?} was there");
            }
            "resource.modify" => {
                let mut row = rows.remove(&id).unwrap_or_else(|| panic!("{event:?} was not there"));
                for (key, value) in members(&event.before) {
                    assert_eq!(row.get(&key), Some(&value), "{key} of {event:?}");
                }
                row.extend(members(&event.after));
                rows.insert(format!("({},{})", row["region"], row["id"]), row);
            }
            "resource.delete" => {
                let row = rows.remove(&id).unwrap_or_else(|| panic!("{event:?} was not there"));
                assert_eq!(row, members(&event.before));
            }
            "resource.truncate" => {
                assert_eq!(event.metadata["partition"], "public.p2");
                rows.retain(|_, row| row["region"] != 2);
            }
            other => panic!("{other}"),
        }
    }
    rows
}

fn table(client: &mut Client) -> Rows {
    client.batch_execute("SET TimeZone = 'UTC'").expect("a setting");
    client
        .query("SELECT format('(%s,%s)', region, id), to_jsonb(p)::text FROM p", &[])
        .expect("rows")
        .iter()
        .map(|row| {
            let row_text: String = row.get(1);
            (row.get(0), serde_json::from_str(&row_text).expect("JSON"))
        })
        .collect()
}
