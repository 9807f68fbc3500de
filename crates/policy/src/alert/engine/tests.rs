//! The engine against what its documentation says.

mod all_of;
mod bounds;
mod model;
mod random;
mod semantics;
mod unusual;

use super::*;
use auditlog_core::json::Json;
use auditlog_query::eval::JsonDocument;

/// Microseconds of a second.
const S: i64 = 1_000_000;

fn text(value: &str) -> Json {
    Json::String(value.to_owned())
}

/// An event of some type with an actor's e-mail address and IP address.
fn document(event_type: &str, email: Option<&str>, ip: Option<&str>) -> Json {
    let pairs = [("email", email), ("ip_address", ip)];
    let actor = pairs
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), text(value?))));
    Json::Object(vec![
        ("event_type".to_owned(), text(event_type)),
        ("actor".to_owned(), Json::Object(actor.collect())),
    ])
}

/// The event with these texts as `metadata.q`.
fn with_queries(event: Json, queries: &[impl AsRef<str>]) -> Json {
    let Json::Object(mut pairs) = event else { return event };
    let queries = queries.iter().map(|query| text(query.as_ref()));
    let metadata = Json::Object(vec![("q".to_owned(), Json::Array(queries.collect()))]);
    pairs.push(("metadata".to_owned(), metadata));
    Json::Object(pairs)
}

fn definition(yaml: &str) -> Definition {
    Definition::parse(&format!("name: a\n{yaml}")).unwrap_or_else(|error| panic!("{yaml}: {error}"))
}

/// An engine with one alert, and a log.
struct Bench {
    engine: Engine,
    next: i64,
}

impl Bench {
    fn new(yaml: &str) -> Bench {
        Bench::with(yaml, Limits::default())
    }

    fn with(yaml: &str, limits: Limits) -> Bench {
        let mut engine = Engine::new(limits);
        engine
            .set_alert(1, &definition(yaml), &CheckOptions::default(), 0)
            .expect("a condition");
        Bench { engine, next: 0 }
    }

    /// A failed login at these seconds, by its own time and by arrival.
    fn login(&mut self, email: Option<&str>, at: i64, arrived: i64) -> Vec<Firing> {
        self.event(&document("authentication.login", email, Some("10.0.0.1")), at, arrived)
    }

    fn event(&mut self, document: &Json, at: i64, arrived: i64) -> Vec<Firing> {
        let mut out = Vec::new();
        let seen = Seen {
            log_index: self.next,
            timestamp_us: at * S,
            arrived_us: arrived * S,
            replay: false,
        };
        self.next += 1;
        self.engine.observe(seen, JsonDocument::new(document), &mut out);
        out
    }

    fn resolved(&mut self, now: i64) -> Vec<Resolved> {
        let mut out = Vec::new();
        self.engine.tick(now * S, &mut out);
        out
    }

    fn updates(&mut self) -> Vec<Update> {
        let mut out = Vec::new();
        self.engine.updates(&mut out);
        out
    }
}
