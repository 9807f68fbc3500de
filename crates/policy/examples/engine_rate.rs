//! How many events a second the engine evaluates: `cargo run --release -p auditlog-policy --example engine_rate [alerts] [events]`.
//!
//! The alerts are all different, of the kinds that people write: an event type and more, a prefix, values in a vendor's JSON, lists,
//! networks, words, negations, thresholds by actor and address. The events are made by a fixed rule, so that runs can be compared.

use auditlog_core::json::Json;
use auditlog_policy::alert::definition::Definition;
use auditlog_policy::alert::engine::{Engine, Limits, Seen};
use auditlog_query::CheckOptions;
use auditlog_query::eval::JsonDocument;
use std::time::Instant;

const TYPES: [&str; 12] = [
    "authentication.login",
    "authentication.logout",
    "resource.create",
    "resource.modify",
    "resource.delete",
    "resource.view",
    "policy.modify",
    "role.assign",
    "configuration.change",
    "integration.api_call",
    "cost.export",
    "iam.amazonaws.com.AttachUserPolicy",
];

/// A small generator, so that the example needs no crate and has no clock in its data.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

fn alert(n: u64) -> String {
    let of = |list: &[&'static str]| list[(n / 10) as usize % list.len()];
    let kind = of(&TYPES);
    let condition = match n % 10 {
        0 => format!("event_type:{kind} AND status:failed AND tenant:t{n}"),
        1 => format!("event_type:{kind} AND ip:10.{}.0.0/16", n % 256),
        2 => format!(
            "event_type:{}.* AND resource.tags.Environment:production AND resource.type:type{}",
            of(&["authentication", "resource", "policy"]),
            n % 40
        ),
        3 => format!("metadata.eventSource:\"service{n}.amazonaws.com\" AND metadata.eventName:(Delete* OR Put*)"),
        4 => format!("event_type IN ({kind}, custom.type{n}) AND severity:>=warning AND NOT actor.type:service"),
        5 => format!("event_type:{kind} AND actor.user_agent:*tool{n}*"),
        6 => format!(
            "event_type:{kind} AND changes.after.size:>{} AND NOT resource.region:us-*",
            n * 10
        ),
        7 => format!("event_type:{kind} AND metadata.reason:~\"(denied|refused) by rule {n}.*\""),
        8 => format!("event_type:{kind} AND actor.email:*@partner{n}.example"),
        _ if n < 40 => format!("\"rule{n}\" AND status:denied"),
        _ => format!("actor.id:user_{n} AND event_type:(resource.delete OR policy.*)"),
    };
    let threshold = match n % 4 {
        0 => "count: 5, window: 5m, group_by: actor.email",
        1 => "count: 10, window: 1h, group_by: [actor.id, resource.type]",
        2 => "count: 3, window: 10m, group_by: ip, distinct: actor.id",
        _ => "count: 1, window: 1h, group_by: actor.id",
    };
    format!("name: alert {n}\ncondition: '{condition}'\nthreshold: {{{threshold}}}")
}

fn text(text: impl Into<String>) -> Json {
    Json::String(text.into())
}

fn object<const N: usize>(pairs: [(&str, Json); N]) -> Json {
    Json::Object(pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

fn event(n: u64, dice: &mut Dice) -> Json {
    let user = dice.roll(500);
    let pick = |dice: &mut Dice, list: &[&str]| text(list[dice.roll(list.len() as u64) as usize]);
    object([
        ("event_id", text(format!("evt_{n}"))),
        ("event_type", pick(dice, &TYPES)),
        ("severity", pick(dice, &["info", "notice", "warning", "error"])),
        ("tenant", text(format!("t{}", dice.roll(300)))),
        (
            "actor",
            object([
                ("type", pick(dice, &["user", "service"])),
                ("id", text(format!("user_{user}"))),
                ("email", text(format!("user{user}@partner{}.example", user % 97))),
                (
                    "ip_address",
                    text(format!("10.{}.{}.{}", dice.roll(256), dice.roll(256), dice.roll(256))),
                ),
                (
                    "user_agent",
                    text(format!("Mozilla/5.0 tool{} (X11; Linux x86_64)", dice.roll(900))),
                ),
            ]),
        ),
        (
            "resource",
            object([
                ("type", text(format!("type{}", dice.roll(40)))),
                ("id", text(format!("i-{:016x}", dice.roll(u64::MAX >> 33)))),
                ("region", pick(dice, &["us-east-1", "eu-central-1", "ap-south-1"])),
                (
                    "tags",
                    object([
                        ("Environment", pick(dice, &["production", "staging"])),
                        ("Team", text("platform")),
                    ]),
                ),
            ]),
        ),
        (
            "action",
            object([
                ("operation", text("do")),
                ("status", pick(dice, &["success", "failed", "denied"])),
                ("method", text("api")),
            ]),
        ),
        (
            "changes",
            object([("after", object([("size", Json::Number(dice.roll(9_000).to_string()))]))]),
        ),
        (
            "metadata",
            object([
                ("eventSource", text(format!("service{}.amazonaws.com", dice.roll(600)))),
                (
                    "eventName",
                    pick(dice, &["DeleteBucket", "PutObject", "GetObject", "ListKeys"]),
                ),
                (
                    "reason",
                    text(format!("denied by rule {} of the firewall", dice.roll(900))),
                ),
                ("request_id", text(format!("req_{}", dice.roll(u64::MAX >> 33)))),
            ]),
        ),
    ])
}

fn main() {
    let mut numbers = std::env::args()
        .skip(1)
        .map(|text| text.parse::<u64>().expect("a number"));
    let (alerts, events) = (numbers.next().unwrap_or(500), numbers.next().unwrap_or(100_000));
    let mut engine = Engine::new(Limits::default());
    for n in 0..alerts {
        let definition = Definition::parse(&alert(n)).unwrap_or_else(|error| panic!("{}: {error}", alert(n)));
        engine
            .set_alert(n as i64, &definition, &CheckOptions::default(), 0)
            .expect("a condition");
    }
    let mut dice = Dice(1);
    let documents: Vec<Json> = (0..events.min(20_000)).map(|n| event(n, &mut dice)).collect();
    let mut out = Vec::new();
    let begun = Instant::now();
    let mut firings = 0;
    for n in 0..events {
        // 10,000 a second
        let now_us = n as i64 * 100;
        let seen = Seen {
            log_index: n as i64,
            timestamp_us: now_us,
            arrived_us: now_us,
            replay: false,
        };
        engine.observe(
            seen,
            JsonDocument::new(&documents[n as usize % documents.len()]),
            &mut out,
        );
        firings += out.len();
        out.clear();
    }
    let seconds = begun.elapsed().as_secs_f64();
    let matched: u64 = (0..alerts)
        .filter_map(|n| engine.stats(n as i64))
        .map(|stats| stats.matched)
        .sum();
    println!(
        "{alerts} alerts, {events} events in {seconds:.2} s: {:.0} events/s; {matched} matches, {firings} firings, {} groups",
        events as f64 / seconds,
        engine.groups()
    );
}
