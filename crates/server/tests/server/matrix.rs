//! Who may do what: every operation of the description × every role, against `compliance.md` §5.3. An operation that is
//! not in the model fails, so that nothing is added without a decision.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::world::{PEOPLE, World};

/// What an operation is tried with, and who may do it.
pub struct Try {
    pub operation: &'static str,
    /// Address with parameters that work.
    pub target: String,
    pub body: Option<Value>,
    /// Those of `PEOPLE` who are not refused.
    pub allowed: &'static [&'static str],
}

pub const ALL: &[&str] = &["adm", "ana", "com", "mia", "ann", "wri"];
const READERS: &[&str] = &["adm", "ana", "com", "mia", "ann"];
const OVERSEERS: &[&str] = &["adm", "ana", "com"];
const EXPORTERS: &[&str] = &["adm", "ana"];
const REPORTERS: &[&str] = &["adm", "com"];
const ADMINISTRATORS: &[&str] = &["adm"];
const WRITERS: &[&str] = &["adm", "wri"];
/// Needs no right in the database.
const ANYBODY: &[&str] = &["adm", "ana", "com", "mia", "ann", "wri", "nob"];

/// The model. `event` is the id of an event of ann's.
pub fn model(event: &str) -> Vec<Try> {
    let alert = json!({"name": "a", "condition": "event_type:x.y"});
    let period =
        json!({"framework": "soc2", "start_time": "2026-01-01", "end_time": "2026-02-01", "formats": ["json"]});
    let entry = |operation, target: &str, body, allowed| Try {
        operation,
        target: target.replace("EVENT", event),
        body,
        allowed,
    };
    vec![
        entry("GET /api/v1/session", "/api/v1/session", None, ANYBODY),
        entry("GET /api/v1/whoami", "/api/v1/whoami", None, ALL),
        entry("GET /api/v1/audit-logs", "/api/v1/audit-logs?limit=1", None, READERS),
        entry(
            "POST /api/v1/audit-logs/search",
            "/api/v1/audit-logs/search",
            Some(json!({"query": "event_type:x.y"})),
            READERS,
        ),
        entry(
            "GET /api/v1/audit-logs/{event_id}",
            "/api/v1/audit-logs/EVENT",
            None,
            READERS,
        ),
        entry(
            "GET /api/v1/audit-logs/{event_id}/proof",
            "/api/v1/audit-logs/EVENT/proof",
            None,
            OVERSEERS,
        ),
        entry(
            "GET /api/v1/audit-logs/by-id",
            "/api/v1/audit-logs/by-id?id=EVENT",
            None,
            READERS,
        ),
        entry(
            "GET /api/v1/audit-logs/by-id/proof",
            "/api/v1/audit-logs/by-id/proof?id=EVENT",
            None,
            OVERSEERS,
        ),
        entry(
            "POST /api/v1/audit-logs/export",
            "/api/v1/audit-logs/export",
            Some(json!({"format": "ndjson"})),
            EXPORTERS,
        ),
        entry(
            "GET /api/v1/audit-logs/stream",
            "/api/v1/audit-logs/stream",
            None,
            READERS,
        ),
        entry("GET /api/v1/exports", "/api/v1/exports", None, OVERSEERS),
        entry("GET /api/v1/exports/{id}", "/api/v1/exports/1", None, OVERSEERS),
        entry("DELETE /api/v1/exports/{id}", "/api/v1/exports/1", None, EXPORTERS),
        entry(
            "POST /api/v1/events",
            "/api/v1/events",
            Some(json!({"event_type": "x.y"})),
            WRITERS,
        ),
        entry("GET /api/v1/facets", "/api/v1/facets?field=status", None, READERS),
        entry(
            "GET /api/v1/histogram",
            "/api/v1/histogram?bucket=1%20day",
            None,
            READERS,
        ),
        entry("GET /api/v1/suggest", "/api/v1/suggest?q=st", None, READERS),
        entry("GET /api/v1/fields", "/api/v1/fields", None, ALL),
        entry("GET /api/v1/event-types", "/api/v1/event-types", None, ALL),
        entry("GET /api/v1/log/checkpoint", "/api/v1/log/checkpoint", None, OVERSEERS),
        entry(
            "GET /api/v1/log/checkpoints",
            "/api/v1/log/checkpoints",
            None,
            OVERSEERS,
        ),
        entry(
            "POST /api/v1/log/checkpoints",
            "/api/v1/log/checkpoints",
            None,
            OVERSEERS,
        ),
        entry("GET /api/v1/log/key", "/api/v1/log/key", None, OVERSEERS),
        entry(
            "GET /api/v1/log/tile/{level}/{index}",
            "/api/v1/log/tile/0/000.p/1",
            None,
            OVERSEERS,
        ),
        entry(
            "GET /api/v1/log/consistency",
            "/api/v1/log/consistency?old=1",
            None,
            OVERSEERS,
        ),
        entry("GET /api/v1/verification", "/api/v1/verification", None, OVERSEERS),
        entry(
            "POST /api/v1/verification",
            "/api/v1/verification",
            Some(json!({})),
            OVERSEERS,
        ),
        entry(
            "GET /api/v1/compliance-metrics",
            "/api/v1/compliance-metrics",
            None,
            OVERSEERS,
        ),
        entry("GET /api/v1/alerts", "/api/v1/alerts", None, OVERSEERS),
        entry(
            "POST /api/v1/alerts",
            "/api/v1/alerts",
            Some(alert.clone()),
            ADMINISTRATORS,
        ),
        entry("GET /api/v1/alerts/{name}", "/api/v1/alerts/a", None, OVERSEERS),
        entry(
            "PUT /api/v1/alerts/{name}",
            "/api/v1/alerts/a",
            Some(alert),
            ADMINISTRATORS,
        ),
        entry(
            "POST /api/v1/alerts/{name}/enable",
            "/api/v1/alerts/a/enable",
            None,
            ADMINISTRATORS,
        ),
        entry(
            "POST /api/v1/alerts/{name}/disable",
            "/api/v1/alerts/a/disable",
            None,
            ADMINISTRATORS,
        ),
        entry(
            "POST /api/v1/alerts/{name}/mute",
            "/api/v1/alerts/a/mute",
            Some(json!({"until": "2099-01-01", "reason": "r"})),
            ADMINISTRATORS,
        ),
        entry(
            "POST /api/v1/alerts/{name}/test",
            "/api/v1/alerts/a/test",
            Some(json!({})),
            ADMINISTRATORS,
        ),
        entry(
            "GET /api/v1/alerts/{name}/explanation",
            "/api/v1/alerts/a/explanation",
            None,
            ADMINISTRATORS,
        ),
        entry("DELETE /api/v1/alerts/{name}", "/api/v1/alerts/a", None, ADMINISTRATORS),
        entry(
            "GET /api/v1/built-in-alerts",
            "/api/v1/built-in-alerts",
            None,
            ADMINISTRATORS,
        ),
        entry(
            "POST /api/v1/built-in-alerts",
            "/api/v1/built-in-alerts",
            Some(json!({"keys": ["failed_logins"]})),
            ADMINISTRATORS,
        ),
        entry("GET /api/v1/firings", "/api/v1/firings", None, OVERSEERS),
        entry("GET /api/v1/firings/{id}", "/api/v1/firings/1", None, OVERSEERS),
        entry(
            "POST /api/v1/firings/{id}/acknowledge",
            "/api/v1/firings/1/acknowledge",
            Some(json!({"note": "n"})),
            EXPORTERS,
        ),
        entry("GET /api/v1/frameworks", "/api/v1/frameworks", None, OVERSEERS),
        entry("GET /api/v1/reports", "/api/v1/reports", None, REPORTERS),
        entry("POST /api/v1/reports", "/api/v1/reports", Some(period), REPORTERS),
        entry("GET /api/v1/reports/{id}", "/api/v1/reports/1", None, REPORTERS),
        entry("DELETE /api/v1/reports/{id}", "/api/v1/reports/1", None, REPORTERS),
        entry(
            "POST /api/v1/reports/{id}/retry",
            "/api/v1/reports/1/retry",
            None,
            REPORTERS,
        ),
        entry(
            "GET /api/v1/reports/{id}/files/{format}",
            "/api/v1/reports/1/files/json",
            None,
            REPORTERS,
        ),
        entry(
            "GET /api/v1/reports/{id}/proof",
            "/api/v1/reports/1/proof",
            None,
            REPORTERS,
        ),
        entry("GET /api/v1/retention", "/api/v1/retention", None, OVERSEERS),
        entry("GET /api/v1/retention/plan", "/api/v1/retention/plan", None, OVERSEERS),
        entry("GET /api/v1/retention/runs", "/api/v1/retention/runs", None, OVERSEERS),
        entry(
            "POST /api/v1/retention/runs",
            "/api/v1/retention/runs",
            None,
            ADMINISTRATORS,
        ),
        entry("GET /api/v1/holds", "/api/v1/holds", None, OVERSEERS),
        entry(
            "POST /api/v1/holds",
            "/api/v1/holds",
            Some(json!({"name": "h", "query": "event_type:x.y", "reason": "r"})),
            ADMINISTRATORS,
        ),
        entry(
            "POST /api/v1/holds/{name}/release",
            "/api/v1/holds/h/release",
            Some(json!({"reason": "r"})),
            ADMINISTRATORS,
        ),
        entry("GET /api/v1/sinks", "/api/v1/sinks", None, OVERSEERS),
        entry(
            "POST /api/v1/sinks/{name}/pause",
            "/api/v1/sinks/s/pause",
            Some(json!({"reason": "r"})),
            ADMINISTRATORS,
        ),
        entry(
            "POST /api/v1/sinks/{name}/resume",
            "/api/v1/sinks/s/resume",
            None,
            ADMINISTRATORS,
        ),
        entry(
            "POST /api/v1/sinks/{name}/test",
            "/api/v1/sinks/s/test",
            None,
            ADMINISTRATORS,
        ),
        entry("GET /api/v1/channels", "/api/v1/channels", None, OVERSEERS),
        entry("GET /api/v1/notifications", "/api/v1/notifications", None, OVERSEERS),
        entry("GET /api/v1/jobs", "/api/v1/jobs", None, OVERSEERS),
        entry("GET /api/v1/job-runs", "/api/v1/job-runs", None, OVERSEERS),
        entry("GET /api/v1/saved-queries", "/api/v1/saved-queries", None, READERS),
        entry(
            "PUT /api/v1/saved-queries/{name}",
            "/api/v1/saved-queries/ME",
            Some(json!({"query": "event_type:x.y", "description": "d"})),
            OVERSEERS,
        ),
        entry(
            "DELETE /api/v1/saved-queries/{name}",
            "/api/v1/saved-queries/ME",
            None,
            OVERSEERS,
        ),
        entry("GET /api/v1/principals", "/api/v1/principals", None, READERS),
        entry(
            "POST /api/v1/principals",
            "/api/v1/principals",
            Some(json!({"actor_id": "p", "teams": ["t"]})),
            ADMINISTRATORS,
        ),
        entry(
            "PATCH /api/v1/principals/{actor_id}",
            "/api/v1/principals/p",
            Some(json!({"email": "p@example.com"})),
            ADMINISTRATORS,
        ),
        entry(
            "DELETE /api/v1/principals/{actor_id}",
            "/api/v1/principals/p",
            None,
            ADMINISTRATORS,
        ),
        entry("GET /api/v1/tokens", "/api/v1/tokens", None, READERS),
        entry(
            "POST /api/v1/tokens",
            "/api/v1/tokens",
            Some(json!({"name": "nightly", "scopes": ["read"]})),
            READERS,
        ),
        entry("DELETE /api/v1/tokens/{id}", "/api/v1/tokens/999999", None, READERS),
        entry("GET /api/v1/viewer-links", "/api/v1/viewer-links", None, READERS),
        entry(
            "POST /api/v1/viewer-links",
            "/api/v1/viewer-links",
            Some(json!({"query": "status:failed", "minutes": 5})),
            READERS,
        ),
        entry(
            "DELETE /api/v1/viewer-links/{id}",
            "/api/v1/viewer-links/999999",
            None,
            READERS,
        ),
        entry("DELETE /api/v1/session", "/api/v1/session", None, ANYBODY),
    ]
}

/// Operations of the description, as `METHOD path`.
pub fn described(document: &Value) -> BTreeSet<String> {
    let paths = document["paths"].as_object().expect("paths");
    let operations = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().expect("operations").keys();
        methods.map(move |method| format!("{} {}", method.to_uppercase(), path))
    });
    operations.collect()
}

/// The id of an event of ann's.
pub fn event_of_ann(world: &World) -> String {
    world.record(&[("document.open", "user_17")]);
    let answer = world.get("ann", "/api/v1/audit-logs").expect(200).json();
    answer["events"][0]["event_id"].as_str().expect("an id").to_owned()
}

#[test]
fn each_role_may_do_what_the_model_says() {
    let world = World::new();
    let event = event_of_ann(&world);
    let document = world.anonymous("GET", "/openapi.json").send().expect(200).json();
    let model = model(&event);
    let mut named: BTreeSet<String> = model.iter().map(|entry| entry.operation.to_owned()).collect();
    named.insert("POST /api/v1/session".to_owned());
    assert_eq!(
        named,
        described(&document),
        "the model and the description have not the same operations"
    );

    let mut wrong = BTreeMap::new();
    for entry in &model {
        let (method, _) = entry.operation.split_once(' ').expect("a method");
        for (name, _) in PEOPLE {
            let mut request = world.by(name, method, &entry.target.replace("ME", name));
            if let Some(body) = &entry.body {
                request = request.json(body);
            }
            // The head is enough: a stream has no end.
            let status = request.open().status;
            let is_allowed = status != 403 && status != 401 && status < 500;
            if is_allowed != entry.allowed.contains(&name) {
                wrong.insert(format!("{} by {name}", entry.operation), status);
            }
        }
        let with_body = |request: crate::client::Request| match &entry.body {
            Some(body) => request.json(body),
            None => request,
        };
        let nobody = with_body(world.anonymous(method, &entry.target)).open().status;
        if nobody != 401 {
            wrong.insert(format!("{} by nobody", entry.operation), nobody);
        }
        let stranger = with_body(world.anonymous(method, &entry.target).basic("adm", "wrong"))
            .open()
            .status;
        if stranger != 401 && entry.allowed != ANYBODY {
            wrong.insert(format!("{} with a wrong password", entry.operation), stranger);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn whoever_loses_a_role_loses_its_rights_at_once() {
    let world = World::new();
    let mut client = world.superuser();
    client
        .batch_execute("CREATE ROLE eve LOGIN PASSWORD 'eve' IN ROLE auditlog_analyst")
        .expect("a role");
    world.get("eve", "/api/v1/audit-logs").expect(200);
    client
        .batch_execute("REVOKE auditlog_analyst FROM eve")
        .expect("REVOKE");
    world.get("eve", "/api/v1/audit-logs").expect(403);
    client.batch_execute("DROP ROLE eve").expect("DROP ROLE");
    assert_ne!(world.get("eve", "/api/v1/audit-logs").status, 200);
}
