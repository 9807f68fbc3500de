//! The argument `config` of `create_channel`, `create_sink` and their alterations.

use crate::error::Fault;
use crate::fmgr::Call;
use crate::store::{columns, jsonb};
use auditlog_core::json::Json;
use pgrx::PgSqlErrorCode as Code;

/// Levels that options may have: the deepest, a sink's format with its own options, needs fewer.
const DEPTH: usize = 6;

/// Options as JSON text; `None` for NULL. `of` says in errors whose they are.
pub(super) fn text(call: &Call, i: usize, of: &str) -> Option<String> {
    let data = call.jsonb(i)?;
    if !jsonb::is_deeper(data, DEPTH)
        && let Ok(json @ Json::Object(_)) = jsonb::tree(data)
    {
        let mut text = String::new();
        columns::write_json(&json, &mut text);
        return Some(text);
    }
    Fault::new(
        Code::ERRCODE_INVALID_PARAMETER_VALUE,
        format!("the configuration of a {of} must be an object"),
    )
    .detail(format!("It may have {DEPTH} levels."))
    .hint("Write it as {\"option\": \"value\"}.")
    .raise()
}
