//! `auditlog.set_context`: actor, tenant and request for the events of this transaction that lack
//! them. Also read from the settings that PostgREST-style gateways make (`request.jwt.claims`,
//! `request.headers`). It is a claim of the application, never the database's own provenance.

use crate::error::Fault;
use crate::fmgr::Call;
use crate::guc::{self, OthersSetting};
use crate::store::{columns, jsonb};
use auditlog_core::context::Context;
use auditlog_core::json::Json;
use pgrx::pg_sys::Datum;
use std::cell::RefCell;
use std::ffi::CString;
use std::rc::Rc;

crate::sql_function!(auditlog_set_context, pg_finfo_auditlog_set_context, set_context);

/// Tokens and headers are a few kilobytes; an event takes `auditlog.max_event_size` with its context.
const MAX_GATEWAY_BYTES: usize = 64 * 1024;

#[derive(Default, PartialEq, Eq)]
struct Sources {
    context: Option<String>,
    claims: Option<String>,
    headers: Option<String>,
}

thread_local! {
    static CLAIMS: OthersSetting = const { OthersSetting::new(c"request.jwt.claims") };
    static HEADERS: OthersSetting = const { OthersSetting::new(c"request.headers") };
    // Parsing is done once for as long as the settings stay the same.
    static KNOWN: RefCell<(Sources, Option<Rc<Context>>)> = RefCell::new((Sources::default(), None));
}

fn set_context(call: &Call) -> Datum {
    let text = match call.jsonb(0) {
        None => String::new(),
        Some(data) => {
            let json = read(data);
            let mut text = String::new();
            columns::write_json(&json, &mut text);
            if let Err(e) = Context::from_json(json) {
                Fault::from(e).raise();
            }
            text
        }
    };
    set_local(&text);
    call.null()
}

fn read(data: &[u8]) -> Json {
    let limit = crate::guc::MAX_JSON_DEPTH.get() as usize;
    if jsonb::is_deeper(data, limit) {
        super::event_rows::too_deep("$", limit).raise();
    }
    jsonb::tree(data).unwrap_or_else(|_| Fault::broken("a jsonb value cannot be read").raise())
}

/// SET LOCAL: ends with the transaction, and with a savepoint that is rolled back.
fn set_local(value: &str) {
    let value = CString::new(value).unwrap_or_default(); // jsonb has no NUL characters
    crate::guc::set_local(c"auditlog.context", &value);
}

/// A setting's text; none when it is unset or empty (PostgREST's are empty after the transaction).
fn given(value: &[u8]) -> Option<String> {
    let text = str::from_utf8(value).ok().filter(|text| !text.is_empty())?;
    Some(text.to_owned())
}

/// The context of this transaction, if there is any.
pub fn current() -> Option<Rc<Context>> {
    let sources = Sources {
        context: given(guc::raw(&guc::CONTEXT)),
        claims: CLAIMS.with(|setting| given(setting.raw())),
        headers: HEADERS.with(|setting| given(setting.raw())),
    };
    if sources == Sources::default() {
        return None;
    }
    KNOWN.with_borrow_mut(|(known, context)| {
        if *known != sources {
            *context = Some(Rc::new(parse(&sources)));
            *known = sources;
        }
        context.clone()
    })
}

fn parse(sources: &Sources) -> Context {
    // What a gateway sets is not ours to judge: what is no JSON, or no sane size, gives no context, and
    // never stops the application's writes.
    let lenient = |text: &Option<String>, limit: usize| {
        let text = text.as_deref().filter(|t| t.len() <= limit)?;
        let value: serde_json::Value = serde_json::from_str(text).ok()?;
        Some(from_serde(value))
    };
    let gateway = Context::from_gateway(
        lenient(&sources.claims, MAX_GATEWAY_BYTES),
        lenient(&sources.headers, MAX_GATEWAY_BYTES),
    );
    match lenient(&sources.context, usize::MAX).map(Context::from_json) {
        Some(Ok(explicit)) => gateway.overlay(explicit),
        Some(Err(e)) => Fault::from(e).raise(),
        None => gateway,
    }
}

fn from_serde(value: serde_json::Value) -> Json {
    match value {
        serde_json::Value::Null => Json::Null,
        serde_json::Value::Bool(b) => Json::Bool(b),
        serde_json::Value::Number(n) => Json::Number(n.to_string()),
        serde_json::Value::String(s) => Json::String(s.replace('\0', "")),
        serde_json::Value::Array(items) => Json::Array(items.into_iter().map(from_serde).collect()),
        serde_json::Value::Object(map) => Json::Object(map.into_iter().map(|(k, v)| (k, from_serde(v))).collect()),
    }
}
