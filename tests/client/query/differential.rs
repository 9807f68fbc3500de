//! planner path = row path = text path = evaluator over the document, for generated queries and events.

use super::generator::{event, query};
use auditlog_testkit::Database;
use auditlog_testkit::log::{scalar, wait_sealed};
use auditlog_testkit::postgres::{self, Client};
use auditlog_testkit::random::Random;
use auditlog_testkit::wait::{LONG, wait_until};

const EVENTS: usize = 400;

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn ids(client: &mut Client, condition: &str) -> Result<Vec<String>, String> {
    let sql = format!(
        "SELECT coalesce(array_agg(e.event_id ORDER BY e.event_id), '{{}}') FROM auditlog.events e WHERE {condition}"
    );
    client.query_one(&sql, &[]).map(|row| row.get(0)).map_err(|e| {
        e.as_db_error()
            .map_or_else(|| e.to_string(), |e| e.message().to_owned())
    })
}

/// The condition that `explain_query` writes, its parameters filled in by PREPARE.
fn text_path(client: &mut Client, query: &str) -> Result<Vec<String>, String> {
    let sql: String = client
        .query_one("SELECT auditlog.explain_query($1)", &[&query])
        .map_err(|e| {
            e.as_db_error()
                .map_or_else(|| e.to_string(), |e| e.message().to_owned())
        })?
        .get(0);
    let mut kinds = Vec::new();
    let mut values = Vec::new();
    for line in sql.lines().filter_map(|line| line.strip_prefix("-- $")) {
        let (_, parameter) = line.split_once(": ").expect("a parameter");
        let (kind, value) = parameter.split_once(' ').expect("a type and a value");
        kinds.push(kind.to_owned());
        values.push(value.to_owned());
    }
    let condition = sql.split_once("\nWHERE ").expect("a condition").1;
    let condition = condition
        .split_once("\n-- $")
        .map_or(condition, |(condition, _)| condition);
    let types = if kinds.is_empty() {
        String::new()
    } else {
        format!("({})", kinds.join(", "))
    };
    client
        .batch_execute(&format!(
            "PREPARE q {types} AS SELECT coalesce(array_agg(e.event_id ORDER BY e.event_id), '{{}}') FROM auditlog.events e WHERE {condition}"
        ))
        .map_err(|e| format!("{sql}: {e:?}"))?;
    let call = if values.is_empty() {
        "EXECUTE q".to_owned()
    } else {
        format!("EXECUTE q({})", values.join(", "))
    };
    let found = client.simple_query(&call).map_err(|e| format!("{sql}: {e:?}"))?;
    client.batch_execute("DEALLOCATE q").expect("DEALLOCATE");
    let text = found
        .iter()
        .find_map(|m| match m {
            postgres::SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        })
        .expect("a row");
    let text = text.trim_matches(['{', '}']);
    Ok(text.split(',').filter(|id| !id.is_empty()).map(str::to_owned).collect())
}

/// What only the row has, and its document has not.
fn is_of_the_document(query: &str) -> bool {
    !["db_", "log_index", "recorded_at", "hash", "retention_class"]
        .iter()
        .any(|word| query.contains(word))
}

fn compare(client: &mut Client, query: &str, wrong: &mut Vec<String>) {
    let literal = quoted(query);
    let planner = ids(client, &format!("auditlog.matches(e, {literal})"));
    let mut others = vec![
        (
            "row",
            ids(client, &format!("auditlog.matches(e, (SELECT {literal}::text))")),
        ),
        ("text", text_path(client, query)),
        (
            "negated",
            ids(client, &format!("(NOT auditlog.matches(e, {literal})) IS FALSE")),
        ),
    ];
    if is_of_the_document(query) {
        others.push((
            "document",
            ids(client, &format!("auditlog.matches(auditlog.to_json(e), {literal})")),
        ));
    }
    for (path, found) in others {
        if found != planner {
            let differ: Vec<&String> = match (&planner, &found) {
                (Ok(a), Ok(b)) => a
                    .iter()
                    .filter(|x| !b.contains(x))
                    .chain(b.iter().filter(|x| !a.contains(x)))
                    .take(2)
                    .collect(),
                _ => Vec::new(),
            };
            let example = differ.first().map(|id| {
                auditlog_testkit::log::text(
                    client,
                    &format!("SELECT auditlog.to_json(e)::text FROM auditlog.events e WHERE event_id = '{id}'"),
                )
            });
            let count = |r: &Result<Vec<String>, String>| r.as_ref().map_or_else(Clone::clone, |v| v.len().to_string());
            wrong.push(format!(
                "{query}\n   planner {}, {path} {}: {differ:?} {example:?}",
                count(&planner),
                count(&found)
            ));
        }
    }
}

#[test]
fn all_paths_find_the_same_events() {
    let db = Database::new();
    let mut client = db.superuser();
    let mut random = Random::from_clock();
    client
        .batch_execute("SET client_min_messages = warning; SET auditlog.max_clock_skew = '3650d'")
        .expect("settings");
    let mut refused = 0;
    for number in 0..EVENTS {
        let event = event(&mut random, number);
        if client
            .execute("SELECT auditlog.record($1::text::jsonb)", &[&event])
            .is_err()
        {
            refused += 1;
        }
    }
    assert!(refused < EVENTS / 2, "{refused} of {EVENTS} events were refused");
    wait_sealed(&mut client);
    // otherwise every event counts as not indexed yet, and is looked at anyway
    wait_until("the words are indexed", LONG, || {
        scalar(
            &mut client,
            "SELECT coalesce(max(end_index), 0) - (SELECT count(*) FROM auditlog.events) FROM auditlog_data.word_run",
        ) == 0
    });
    // some wait in the inbox still, for this transaction at least
    client.batch_execute("BEGIN").expect("BEGIN");
    for number in EVENTS..EVENTS + 40 {
        let event = event(&mut random, number);
        client.batch_execute("SAVEPOINT s").expect("SAVEPOINT");
        if client
            .execute("SELECT auditlog.record($1::text::jsonb)", &[&event])
            .is_err()
        {
            client.batch_execute("ROLLBACK TO s").expect("ROLLBACK TO");
        }
    }
    let queries: u64 = std::env::var("AUDITLOG_QUERIES")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(500);
    let mut wrong = Vec::new();
    let mut found_some = 0;
    for _ in 0..queries {
        let query = query(&mut random, 3);
        client.batch_execute("SAVEPOINT q").expect("SAVEPOINT");
        match ids(&mut client, &format!("auditlog.matches(e, {})", quoted(&query))) {
            Err(message) => {
                client.batch_execute("ROLLBACK TO q").expect("ROLLBACK TO");
                // a value that cannot be meant is refused on every path alike
                let other = ids(
                    &mut client,
                    &format!("auditlog.matches(e, (SELECT {}::text))", quoted(&query)),
                );
                if other != Err(message.clone()) {
                    wrong.push(format!("{query}\n   planner {message}, row {other:?}"));
                }
                client.batch_execute("ROLLBACK TO q").expect("ROLLBACK TO");
            }
            Ok(found) => {
                found_some += u64::from(!found.is_empty());
                compare(&mut client, &query, &mut wrong);
            }
        }
        if wrong.len() > 20 {
            break;
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(
        found_some * 3 > queries,
        "only {found_some} of {queries} queries find something"
    );
}
