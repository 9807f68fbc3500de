//! The format `ecs`: Elastic Common Schema 9.4, an object on a line.
//!
//! | ECS | from |
//! | --- | --- |
//! | `@timestamp`, `event.created`, `event.ingested` | `timestamp`, `recorded_at`, `sealed_at` |
//! | `event.id`, `event.code`, `event.action` | event id, event type, operation (without one, the type) |
//! | `event.sequence`, `event.hash` | `log_index`, `entry_hash` |
//! | `event.kind` | `alert` for `auditlog.alert`, else `event` |
//! | `event.category`, `event.type` | from the event's category, type and operation; see [`kinds`] |
//! | `event.outcome`, `event.reason` | `success`, `failure`, `unknown`; the status |
//! | `event.severity`, `log.level` | 7 debug … 2 critical, as in syslog; the label |
//! | `user.id`, `user.email`, `user.name`, `user.roles` | actor: id, e-mail, id; type |
//! | `source.ip`, `source.address`, `user_agent.original` | actor's address, without one the database client's; user agent |
//! | `cloud.*`, `organization.id`, `tags` | resource's provider, account, region; tenant; tags |
//! | `http.request.id`, `http.request.method` | request id; method, if it is HTTP's |
//! | `observer.*`, `host.name`, `service.*`, `related.*` | what sends it, and all users and addresses |
//!
//! All that has no place in ECS is in `auditlog`, our namespace. What an application may put in any shape (`before`,
//! `after`, resource tags, unknown members) is there as JSON *text*: as objects, two events with different types at
//! one path would contradict each other in Elasticsearch's mapping, and the second would be refused.

use auditlog_core::decode::JsonError;
use auditlog_core::event::Severity;

use crate::error::FormatError;
use crate::fields::{Fields, Outcome, at};
use crate::json;
use crate::json_text::{canonical, string};
use crate::object::Object;
use crate::ocsf::is_row;
use crate::options::Product;
use crate::source::Source;
use crate::summary::summary;
use crate::time_text;
use crate::verb::{Verb, verb};

/// The schema's version.
const VERSION: &str = "9.4.0";

/// Appends the event.
pub(crate) fn write(
    fields: &Fields<'_>,
    source: &Source,
    product: &Product,
    out: &mut Vec<u8>,
) -> Result<(), FormatError> {
    let mut root = Object::begin(out);
    if time_text::moment(fields.time()).is_some() {
        root.moment("@timestamp", fields.time());
    }
    root.part("ecs", |ecs| ecs.text("version", VERSION));
    root.text("message", summary(fields));
    root.part("log", |log| log.text("level", fields.severity().label()));
    root.part("event", |event| write_event(fields, event));
    people(fields, &mut root);
    places(fields, source, product, &mut root);
    if let Some(payload) = fields.list(at::TAGS) {
        root.list("tags", payload)?;
    }
    root.object("auditlog", |own| ours(fields, source, own))?;
    root.end();
    Ok(())
}

fn write_event(fields: &Fields<'_>, event: &mut Object<'_>) {
    let (kind, categories, types) = kinds(fields);
    event.text("kind", kind);
    if !categories.is_empty() {
        event.texts("category", categories);
    }
    event.texts("type", &types);
    event.text(
        "action",
        fields.word(at::OPERATION).unwrap_or_else(|| fields.event_type()),
    );
    event.text("code", fields.event_type());
    event.some_text("id", fields.word(at::EVENT_ID));
    event.natural("sequence", fields.record.log_index);
    event.hex("hash", &fields.record.entry_hash);
    event.text(
        "outcome",
        match fields.outcome() {
            Outcome::Success => "success",
            Outcome::Failure => "failure",
            Outcome::Other | Outcome::Unknown => "unknown",
        },
    );
    event.some_text("reason", fields.word(at::STATUS));
    event.natural(
        "severity",
        match fields.severity() {
            Severity::Debug => 7,
            Severity::Info => 6,
            Severity::Notice => 5,
            Severity::Warning => 4,
            Severity::Error => 3,
            Severity::Critical => 2,
        },
    );
    if let Some(us) = fields.integer(at::RECORDED_AT) {
        event.moment("created", us);
    }
    event.moment("ingested", fields.record.sealed_at);
    event.text("module", "pg_auditlog");
    event.text("dataset", "pg_auditlog.event");
}

/// `event.kind`, `event.category` and `event.type`, by ECS's lists of allowed values.
fn kinds(fields: &Fields<'_>) -> (&'static str, &'static [&'static str], Vec<&'static str>) {
    let event_type = fields.event_type();
    let kind = if event_type == b"auditlog.alert" {
        "alert"
    } else {
        "event"
    };
    let mut types = vec![match verb(fields) {
        Verb::Create => "creation",
        Verb::Read => "access",
        Verb::Update => "change",
        Verb::Delete => "deletion",
        Verb::Other => "info",
    }];
    let begins = |prefix: &str| event_type.starts_with(prefix.as_bytes());
    let categories: &[&str] = match fields.text(at::CATEGORY).unwrap_or_default() {
        b"authentication" if begins("authentication.password") || begins("authentication.credential") => {
            types = vec!["user", "change"];
            &["iam"]
        }
        b"authentication" if begins("authentication.account") => {
            types = vec!["user", "change"];
            &["iam"]
        }
        b"authentication" => {
            let ends = begins("authentication.logout") || begins("authentication.session_expire");
            let starts = ["login", "assume_role", "hba_rejected", "method_weak"];
            let starts = starts.iter().any(|kind| begins(&format!("authentication.{kind}")));
            types = vec![match (ends, starts) {
                (true, _) => "end",
                (_, true) => "start",
                _ => "info",
            }];
            &["authentication"]
        }
        b"access" if begins("grant.") || begins("revoke.") || begins("default_privileges.") => {
            types = vec!["admin", "change"];
            &["iam"]
        }
        b"access" if begins("role.") => {
            types.insert(0, "user");
            &["iam"]
        }
        b"configuration" if begins("configuration.user") || begins("configuration.rbac") => {
            types.insert(0, "user");
            &["iam"]
        }
        b"configuration" => &["configuration"],
        b"policy" => &["configuration"],
        b"data" if begins("file.") => &["file"],
        b"data" | b"schema" => &["database"],
        _ if is_row(fields) => &["database"],
        b"access" | b"auditlog" | b"integration" | b"resource" | b"cost" => &["api"],
        b"system" => &["host"],
        _ => &[],
    };
    // each category expects some types only
    for kind in &mut types {
        *kind = match (categories, *kind) {
            (["database"], "creation" | "deletion") => "change",
            (["iam"], "access") => "info",
            (["host"], "creation" | "deletion") => "info",
            _ => *kind,
        };
    }
    if categories == ["api"] && fields.outcome() == Outcome::Failure {
        let refused = [
            &b"denied"[..],
            b"deny",
            b"refused",
            b"rejected",
            b"forbidden",
            b"unauthorized",
        ];
        let status = fields.text(at::STATUS).unwrap_or_default().to_ascii_lowercase();
        if refused.contains(&&status[..]) {
            types.push("denied");
        }
    }
    (kind, categories, types)
}

fn people(fields: &Fields<'_>, root: &mut Object<'_>) {
    root.part("user", |user| {
        user.some_text("id", fields.word(at::ACTOR_ID));
        user.some_text("name", fields.first_word(&[at::ACTOR_ID, at::ACTOR_EMAIL]));
        user.some_text("email", fields.word(at::ACTOR_EMAIL));
        if let Some(kind) = fields.word(at::ACTOR_TYPE) {
            let out = user.name("roles");
            out.push(b'[');
            string(kind, out);
            out.push(b']');
        }
    });
    let host = fields.host(at::ACTOR_IP).or_else(|| fields.host(at::DB_CLIENT_ADDR));
    root.part("source", |peer| {
        if let Some((bits, address)) = host {
            peer.address("ip", bits, address);
            peer.address("address", bits, address);
        }
    });
    root.part("user_agent", |agent| {
        agent.some_text("original", fields.word(at::ACTOR_USER_AGENT));
    });
    root.part("related", |related| {
        let addresses = [fields.host(at::ACTOR_IP), fields.host(at::DB_CLIENT_ADDR)];
        each(
            related,
            "ip",
            addresses.into_iter().flatten(),
            |(bits, address), out| {
                out.push(b'"');
                time_text::address(bits, address, out);
                out.push(b'"');
            },
        );
        let users = [at::ACTOR_ID, at::ACTOR_EMAIL, at::DB_SESSION_USER, at::DB_CURRENT_USER];
        each(
            related,
            "user",
            users.into_iter().filter_map(|at| fields.word(at)),
            string,
        );
    })
}

/// A list without repetitions; none when it would be empty.
fn each<T: PartialEq + Copy>(
    object: &mut Object<'_>,
    name: &str,
    items: impl Iterator<Item = T>,
    write: impl Fn(T, &mut Vec<u8>),
) {
    let mut seen: Vec<T> = Vec::new();
    for item in items {
        if !seen.contains(&item) {
            seen.push(item);
        }
    }
    if seen.is_empty() {
        return;
    }
    let out = object.name(name);
    for (number, item) in seen.into_iter().enumerate() {
        out.push(if number == 0 { b'[' } else { b',' });
        write(item, out);
    }
    out.push(b']');
}

fn places(fields: &Fields<'_>, source: &Source, product: &Product, root: &mut Object<'_>) {
    root.part("cloud", |cloud| {
        cloud.some_text("provider", fields.word(at::CLOUD_PROVIDER));
        cloud.part("account", |account| {
            account.some_text("id", fields.word(at::ACCOUNT_ID));
        });
        cloud.some_text("region", fields.word(at::REGION));
    });
    root.part("organization", |organization| {
        organization.some_text("id", fields.word(at::TENANT));
    });
    root.part("http", |http| {
        http.part("request", |request| {
            request.some_text("id", fields.word(at::REQUEST_ID));
            request.some_text("method", fields.word(at::METHOD).filter(|method| is_http(method)));
        })
    });
    let some = |text: &String| Some(text.clone().into_bytes()).filter(|text| !text.is_empty());
    root.part("host", |host| {
        host.some_text("name", some(&source.hostname).as_deref());
    });
    root.part("service", |service| {
        service.text("type", "postgresql");
        service.some_text("name", fields.word(at::DB_APPLICATION));
    });
    root.part("observer", |observer| {
        observer.text("vendor", &product.vendor);
        observer.text("product", &product.product);
        observer.text("version", &source.version);
        observer.text("type", "audit-log");
        observer.some_text("hostname", some(&source.hostname).as_deref());
    })
}

pub(crate) fn is_http(method: &[u8]) -> bool {
    ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE"]
        .iter()
        .any(|known| known.as_bytes() == method)
}

fn ours(fields: &Fields<'_>, source: &Source, own: &mut Object<'_>) -> Result<(), JsonError> {
    json::place(fields, source, own);
    own.hex("prev_hash", &fields.record.prev_hash);
    own.hex("hash", &fields.record.hash);
    for (name, column) in [
        ("category", at::CATEGORY),
        ("method", at::METHOD),
        ("session_id", at::ACTOR_SESSION_ID),
        ("idempotency_key", at::IDEMPOTENCY_KEY),
        ("db_session_user", at::DB_SESSION_USER),
        ("db_current_user", at::DB_CURRENT_USER),
        ("db_application", at::DB_APPLICATION),
    ] {
        own.some_text(name, fields.text(column));
    }
    own.some_text(
        "database",
        Some(source.database.as_bytes()).filter(|name| !name.is_empty()),
    );
    if let Some(xid) = fields.integer(at::DB_XID) {
        own.integer("db_xid", xid);
    }
    for (name, column) in [("actor_ip", at::ACTOR_IP), ("db_client_addr", at::DB_CLIENT_ADDR)] {
        if let Some((bits, address)) = fields.address(column) {
            own.address(name, bits, address);
        }
    }
    own.object("resource", |resource| {
        resource.some_text("type", fields.text(at::RESOURCE_TYPE));
        resource.some_text("id", fields.text(at::RESOURCE_ID));
        json_as_text(fields, resource, "tags", at::RESOURCE_TAGS)
    })?;
    own.object("changes", |changes| {
        json_as_text(fields, changes, "before", at::BEFORE)?;
        json_as_text(fields, changes, "after", at::AFTER)
    })?;
    json_as_text(fields, own, "extra", at::EXTRA)?;
    json::redacted(fields, own)
}

/// The text of a JSON column, as a string.
pub(crate) fn json_as_text(
    fields: &Fields<'_>,
    object: &mut Object<'_>,
    name: &str,
    column: usize,
) -> Result<(), JsonError> {
    let Some(json) = fields.json(column) else { return Ok(()) };
    let mut text = Vec::new();
    canonical(json, &mut text)?;
    object.text(name, text);
    Ok(())
}
