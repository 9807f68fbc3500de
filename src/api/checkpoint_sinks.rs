//! Where checkpoints go, and which witnesses must see them.

use super::file_rights;
use super::own_event::{self, OwnEvent};
use crate::error::Fault;
use crate::fmgr::Call;
use crate::store::checkpoint_sinks as sinks;
use crate::store::checkpoints;
use crate::store::columns::text;
use crate::store::inbox::shared_slot;
use crate::store::jsonb;
use auditlog_core::erase::hex;
use auditlog_core::json::Json;
use auditlog_sink::Target;
use auditlog_tlog::{Policy, SignedNote, VerifierKey};
use pgrx::PgSqlErrorCode as Code;
use pgrx::pg_sys::Datum;
use serde_json::Value;

crate::sql_function!(auditlog_add_checkpoint_sink, pg_finfo_auditlog_add_checkpoint_sink, add);
crate::sql_function!(
    auditlog_drop_checkpoint_sink,
    pg_finfo_auditlog_drop_checkpoint_sink,
    drop_sink
);
crate::sql_function!(
    auditlog_set_witness_policy,
    pg_finfo_auditlog_set_witness_policy,
    set_policy
);
crate::sql_function!(auditlog_anchored, pg_finfo_auditlog_anchored, anchored);

/// Levels that options may have.
const DEPTH: usize = 4;
/// Longest name of a sink.
const MAX_NAME: usize = 63;

fn invalid(message: impl Into<String>, detail: impl Into<String>, hint: impl Into<String>) -> ! {
    Fault::new(Code::ERRCODE_INVALID_PARAMETER_VALUE, message)
        .detail(detail)
        .hint(hint)
        .raise()
}

/// `add_checkpoint_sink(name, kind, address, options)`
fn add(call: &Call) -> Datum {
    let (Some(name), Some(kind), Some(address)) = (call.text(0), call.text(1), call.text(2)) else {
        Fault::new(
            Code::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            "name, kind and address must not be null",
        )
        .detail("A sink is where checkpoints are delivered.")
        .hint("Kinds are file, http, syslog, s3 and witness.")
        .raise()
    };
    let options = options(call);
    if name.is_empty() || name.len() > MAX_NAME || name.chars().any(|c| c.is_control() || c.is_whitespace()) {
        invalid(
            "this is no name for a sink",
            format!("The name is {name:?}."),
            format!("Use 1 to {MAX_NAME} bytes without white space."),
        );
    }
    let mut ours = options.clone();
    let key = ours.as_object_mut().and_then(|options| options.remove("key"));
    match (
        kind.as_str(),
        key.as_ref().map(|key| key.as_str().map(VerifierKey::parse)),
    ) {
        ("witness", Some(Some(Ok(_)))) => {}
        ("witness", Some(Some(Err(e)))) => invalid(
            "the witness's key cannot be read",
            format!("{e}."),
            "Give the vkey that the witness prints when it starts.",
        ),
        ("witness", _) => invalid(
            "a witness needs its key",
            "Its cosignatures are checked with it.",
            "Add the option \"key\" with the vkey that the witness prints when it starts.",
        ),
        (_, Some(_)) => invalid(
            "only a witness has a key",
            format!("The kind is {kind}."),
            "Leave the option \"key\" out.",
        ),
        _ => {}
    }
    if let Err(e) = Target::parse(&kind, &address, &ours) {
        let hint = e
            .hint
            .unwrap_or_else(|| "Kinds are file, http, syslog, s3 and witness.".to_owned());
        invalid("this is no sink for checkpoints", format!("{}.", e.message), hint);
    }
    let names = ours.as_object().into_iter().flat_map(|options| options.keys());
    file_rights::require("sink", &kind, names.map(String::as_str));
    let who = crate::provenance::session_user();
    if !sinks::add(&name, &kind, &address, &options, &who) {
        Fault::new(Code::ERRCODE_DUPLICATE_OBJECT, "there is a sink of this name already")
            .detail(format!("The name is {name}."))
            .hint("Drop it with auditlog.drop_checkpoint_sink(), or take another name.")
            .raise();
    }
    tell("add", &name, &who, None, sinks::described(&name));
    shared_slot().publisher.wake();
    call.null()
}

/// `drop_checkpoint_sink(name)`
fn drop_sink(call: &Call) -> Datum {
    let name = call.text(0).unwrap_or_default();
    let before = sinks::described(&name);
    if !sinks::drop(&name) {
        Fault::new(Code::ERRCODE_UNDEFINED_OBJECT, "there is no sink of this name")
            .detail(format!("The name is {name}."))
            .hint("auditlog.checkpoint_sinks lists them.")
            .raise();
    }
    tell("drop", &name, &crate::provenance::session_user(), before, None);
    call.null()
}

/// The fourth argument.
fn options(call: &Call) -> Value {
    let Some(options) = call.jsonb(3) else {
        return Value::Object(serde_json::Map::new());
    };
    if jsonb::is_deeper(options, DEPTH) {
        invalid(
            "the options are nested too deeply",
            "At $.",
            "An option is a text, a number, a truth value or a list of them.",
        );
    }
    match jsonb::tree(options) {
        Ok(json @ Json::Object(_)) => value(json),
        _ => invalid(
            "the options must be an object",
            "At $.",
            "Write them as {\"option\": \"value\"}.",
        ),
    }
}

fn value(json: Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::Bool(truth),
        Json::Number(number) => serde_json::from_str(&number).unwrap_or(Value::Null),
        Json::String(text) => Value::String(text),
        Json::Array(items) => items.into_iter().map(value).collect(),
        Json::Object(pairs) => Value::Object(pairs.into_iter().map(|(key, item)| (key, value(item))).collect()),
    }
}

/// Options name files that hold secrets, never the secrets, so the event may have them all.
fn tell(operation: &str, name: &str, who: &str, before: Option<Json>, after: Option<Json>) {
    let change = OwnEvent {
        event_type: "auditlog.sink_change",
        severity: "warning",
        actor: ("database_role", who),
        operation: &format!("{operation}_checkpoint_sink"),
        metadata: &[("sink", own_event::text(name))],
    };
    own_event::record_change(&change, Some(("checkpoint_sink", name)), before, after);
}

/// `set_witness_policy(policy)`
fn set_policy(call: &Call) -> Datum {
    let policy = call.text(0).filter(|policy| !policy.trim().is_empty());
    if let Some(policy) = &policy
        && let Err(e) = Policy::parse(policy)
    {
        invalid(
            "the witness policy cannot be read",
            format!("line {}: {}.", e.line, e.problem),
            "Lines are: witness <name> <vkey> [<url>], group <name> <number|any|all> <name>…, quorum <name|none>.",
        );
    }
    let side = |policy: &str| Json::Object(vec![("policy".to_owned(), own_event::text(policy))]);
    let before = sinks::policy();
    sinks::set_policy(policy.as_deref());
    let change = OwnEvent {
        event_type: "auditlog.policy_change",
        severity: "warning",
        actor: ("database_role", &crate::provenance::session_user()),
        operation: "set_witness_policy",
        metadata: &[("policy", policy.as_deref().map_or(Json::Null, own_event::text))],
    };
    own_event::record_change(&change, None, before.as_deref().map(side), policy.as_deref().map(side));
    call.null()
}

/// `anchored()`: the newest checkpoint that the policy's witnesses have cosigned, as text; NULL when there is
/// none. Without a policy any cosignature counts.
fn anchored(call: &Call) -> Datum {
    let Some(now) = checkpoints::incarnation() else {
        return call.null();
    };
    let policy = sinks::policy().and_then(|policy| Policy::parse(&policy).ok());
    let keys: Vec<VerifierKey> = match &policy {
        Some(policy) => policy.witness_keys(),
        None => sinks::witness_keys()
            .iter()
            .filter_map(|key| VerifierKey::parse(key).ok())
            .collect(),
    };
    for cosigned in checkpoints::cosigned(&now.origin) {
        let Ok(note) = SignedNote::parse(&cosigned.note) else {
            continue;
        };
        let Ok(verified) = note.verify_known(&keys) else {
            continue;
        };
        let enough = match &policy {
            Some(policy) => policy.satisfied(verified.iter().map(|one| one.key)),
            None => !verified.is_empty(),
        };
        if enough && !verified.is_empty() {
            let names: Vec<&str> = verified.iter().map(|one| one.key.name().as_str()).collect();
            let newest = verified.iter().filter_map(|one| one.time).max().unwrap_or(0);
            let line = format!(
                "{}\t{}\t{newest}\t{}",
                cosigned.size,
                names.join(", "),
                hex(&cosigned.root)
            );
            return text(line.as_bytes());
        }
    }
    call.null()
}
