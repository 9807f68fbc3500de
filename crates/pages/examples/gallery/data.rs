//! Synthetic data: a small company's log. The same data, with text that attacks whoever shows it, is the hostile variant.

use auditlog_pages::chart::{Bucket, Histogram};
use auditlog_pages::components::bars::Count;
use auditlog_pages::event::Event;
use auditlog_pages::time::{Moment, parse};
use chrono::TimeDelta;
use serde_json::{Value, json};

/// What is put into every text of the log in the hostile variant.
pub const ATTACK: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&lt;b&gt; javascript:alert(3) \u{202e}evil\u{2066}\u{200b}\u{7f}\u{1b}[31m\r\nSet-Cookie: a=b \u{feff}{{7*7}} ${7*7} ' OR 1=1 -- 🏴‍☠️ ";

/// Makes texts of the log: as they are, or hostile.
#[derive(Clone, Copy)]
pub struct Spice(pub bool);

impl Spice {
    /// A text of the log.
    pub fn text(self, text: &str) -> String {
        if self.0 {
            format!("{ATTACK}{text}")
        } else {
            text.to_owned()
        }
    }

    /// The same, where there may be none.
    pub fn some(self, text: &str) -> Option<String> {
        Some(self.text(text))
    }
}

/// When the pages were made.
pub fn now() -> Moment {
    parse("2026-03-10T14:32:08.214Z").expect("a time")
}

/// Numbers that look as if they were by chance.
pub struct Chance(pub u64);

impl Chance {
    /// A number below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

struct Template(
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    fn() -> Option<(Value, Value)>,
);

const ACTORS: [(&str, &str, &str, &str); 6] = [
    ("user_12345", "ana.kovac@company.com", "user", "203.0.113.45"),
    ("user_20017", "b.okafor@company.com", "user", "203.0.113.88"),
    ("user_31002", "chen.wei@company.com", "user", "198.51.100.7"),
    (
        "user_44120",
        "d.ramirez@company.com",
        "user",
        "2001:db8:85a3::8a2e:370:7334",
    ),
    ("svc-deploy", "", "service", "10.20.4.17"),
    ("user_99001", "contractor@partner.example", "user", "192.0.2.200"),
];

fn nothing() -> Option<(Value, Value)> {
    None
}

const TEMPLATES: [Template; 10] = [
    Template(
        "authentication.login",
        "authentication",
        "info",
        "login",
        "success",
        "",
        "",
        nothing,
    ),
    Template(
        "authentication.login",
        "authentication",
        "warning",
        "login",
        "failed",
        "",
        "",
        nothing,
    ),
    Template(
        "resource.modify",
        "resource",
        "info",
        "stop_instance",
        "success",
        "ec2_instance",
        "i-0123456789abcdef",
        || {
            Some((
                json!({"state": "running", "instance_type": "m6i.large"}),
                json!({"state": "stopped", "instance_type": "m6i.large"}),
            ))
        },
    ),
    Template(
        "permission.grant",
        "access",
        "warning",
        "attach_role_policy",
        "success",
        "iam_role",
        "role/billing-admin",
        || {
            Some((
                json!({"policies": ["ReadOnlyAccess"], "boundary": null}),
                json!({"policies": ["ReadOnlyAccess", "BillingFullAccess"], "boundary": "none", "expires": "2026-04-01"}),
            ))
        },
    ),
    Template(
        "data.export",
        "data",
        "notice",
        "export_table",
        "success",
        "table",
        "billing.invoices",
        nothing,
    ),
    Template(
        "policy.violation",
        "policy",
        "error",
        "public_bucket",
        "denied",
        "s3_bucket",
        "prod-customer-uploads",
        || Some((json!({"acl": "private"}), json!({"acl": "public-read"}))),
    ),
    Template(
        "resource.delete",
        "resource",
        "notice",
        "delete_snapshot",
        "success",
        "ebs_snapshot",
        "snap-0f4c2b7d1e9a83560",
        nothing,
    ),
    Template(
        "budget.modify",
        "cost",
        "info",
        "update_budget",
        "success",
        "budget",
        "eu-production-2026",
        || {
            Some((
                json!({"limit": 42_000, "currency": "EUR"}),
                json!({"limit": 58_000, "currency": "EUR"}),
            ))
        },
    ),
    Template(
        "authentication.mfa",
        "authentication",
        "info",
        "verify",
        "success",
        "",
        "",
        nothing,
    ),
    Template(
        "automation.run",
        "automation",
        "debug",
        "rightsizing",
        "success",
        "workflow",
        "wf-nightly-rightsizing",
        nothing,
    ),
];

fn hex(chance: &mut Chance) -> String {
    (0..4)
        .map(|_| {
            format!(
                "{:016x}",
                chance.below(u64::MAX >> 33).wrapping_mul(0x9e37_79b9_7f4a_7c15)
            )
        })
        .collect()
}

/// Events, the newest first; the first of them are not sealed yet.
pub fn events(n: usize, spice: Spice, only: &[usize]) -> Vec<Event> {
    let mut chance = Chance(n as u64 + only.len() as u64);
    let mut at = now() - TimeDelta::milliseconds(700);
    (0..n)
        .map(|i| {
            at -= TimeDelta::milliseconds(300 + chance.below(90_000) as i64);
            let pick = if only.is_empty() { chance.below(10) as usize } else { only[chance.below(only.len() as u64) as usize] };
            let Template(kind, category, severity, operation, status, resource, id, changes) = &TEMPLATES[pick];
            let (actor, email, actor_kind, ip) = ACTORS[chance.below(6) as usize];
            let changed = changes();
            let optional = |text: &str| (!text.is_empty()).then(|| spice.text(text));
            let sealed = i > 0;
            Event {
                log_index: sealed.then(|| 1_482_113 - i as u64),
                event_id: spice.text(&format!("evt_0195803{:05x}7c3ba1d{:04x}", 74_000 - i, chance.below(65_536))),
                timestamp: at,
                event_type: spice.text(kind),
                category: spice.text(category),
                severity: (*severity).to_owned(),
                tenant: optional("acme"),
                actor_type: Some(spice.text(actor_kind)),
                actor_id: Some(spice.text(actor)),
                actor_email: optional(email),
                actor_ip: Some(ip.to_owned()),
                actor_user_agent: spice.some("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"),
                actor_session_id: spice.some("sess_abcdef123456"),
                resource_type: optional(resource),
                resource_id: optional(id),
                cloud_provider: optional(if resource.is_empty() { "" } else { "aws" }),
                account_id: optional(if resource.is_empty() { "" } else { "123456789012" }),
                region: optional(if resource.is_empty() { "" } else { "eu-central-1" }),
                resource_tags: (!resource.is_empty()).then(|| json!({"Environment": spice.text("production"), "Owner": "platform"})),
                operation: Some(spice.text(operation)),
                status: Some(spice.text(status)),
                method: spice.some("api"),
                before: changed.as_ref().map(|(before, _)| json_spice(before, spice)),
                after: changed.as_ref().map(|(_, after)| json_spice(after, spice)),
                request_id: spice.some("req_xyz789"),
                tags: vec![spice.text("automation"), spice.text("cost-optimization")],
                extra: Some(json!({"metadata": {"api_version": "v2", "reason": spice.text("nightly window")}})),
                idempotency_key: None,
                recorded_at: Some(at + TimeDelta::milliseconds(18)),
                sealed_at: sealed.then(|| at + TimeDelta::milliseconds(122)),
                db_session_user: spice.some("app_gateway"),
                db_current_user: spice.some("app_gateway"),
                db_client_addr: Some("10.20.4.9".to_owned()),
                db_application: spice.some("cloudpi-api 4.12.1"),
                db_xid: Some(88_213_400 - i as i64),
                retention_class: sealed.then(|| spice.text("standard")),
                redacted: None,
                entry_hash: Some(hex(&mut chance)),
                prev_hash: sealed.then(|| hex(&mut chance)),
                hash: sealed.then(|| hex(&mut chance)),
            }
        })
        .collect()
}

fn json_spice(value: &Value, spice: Spice) -> Value {
    match value {
        Value::String(text) => spice.text(text).into(),
        Value::Object(object) => object
            .iter()
            .map(|(key, value)| (spice.text(key), json_spice(value, spice)))
            .collect(),
        other => other.clone(),
    }
}

/// Events over time, with a night and a peak.
pub fn histogram(buckets: usize, seconds: i64, most: u64) -> Histogram {
    let mut chance = Chance(7);
    let start = now() - TimeDelta::seconds(seconds * buckets as i64);
    let start = start - TimeDelta::seconds(start.timestamp() % seconds);
    Histogram {
        seconds,
        buckets: (0..buckets)
            .map(|i| {
                let day = (i as f64 / buckets as f64 * std::f64::consts::TAU)
                    .sin()
                    .mul_add(-0.38, 0.5);
                let peak = if i == buckets * 4 / 5 { 0.35 } else { 0.0 };
                let count = (most as f64 * (day + peak)) as u64 + chance.below(most / 8 + 1);
                Bucket {
                    start: start + TimeDelta::seconds(seconds * i as i64),
                    count: if i < buckets / 12 { 0 } else { count },
                }
            })
            .collect(),
    }
}

/// Values with numbers that fall.
pub fn counts(values: &[&str], first: u64, spice: Spice) -> Vec<Count> {
    values
        .iter()
        .enumerate()
        .map(|(i, value)| Count {
            value: spice.text(value),
            count: first / (1 + i as u64 * i as u64 / 2 + i as u64) + 1,
        })
        .collect()
}
