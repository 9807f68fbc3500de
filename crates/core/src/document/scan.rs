//! The checks that go through the whole document before anything is taken out of it.

use super::error::{DocumentError, ErrorKind};
use crate::json::Json;
use std::fmt::Write as _;

/// Refuses documents that are nested too deeply or hold U+0000.
pub(super) fn check(document: &Json, max_depth: usize) -> Result<(), DocumentError> {
    visit(document, max_depth).map_err(|fault| {
        let mut path = String::from("$");
        for step in fault.steps.iter().rev() {
            path.push_str(step);
        }
        fault.kind.into_error(path, max_depth)
    })
}

/// A fault and the steps to it, innermost first: the path costs nothing unless it is needed.
struct Fault {
    kind: FaultKind,
    steps: Vec<String>,
}

enum FaultKind {
    Deep,
    Nul,
    NulInKey,
}

impl FaultKind {
    fn into_error(self, path: String, max_depth: usize) -> DocumentError {
        match self {
            FaultKind::Deep => {
                let detail = format!("The value at {path} lies deeper than {max_depth} objects and arrays.");
                let hint = "Flatten the value, or raise auditlog.max_json_depth.";
                DocumentError::new(ErrorKind::TooDeep, path, "event is nested too deeply", detail, hint)
            }
            FaultKind::Nul | FaultKind::NulInKey => {
                let what = if matches!(self, FaultKind::Nul) { "text" } else { "key" };
                let detail = format!("The {what} at {path} holds the character U+0000.");
                let hint = "Remove it, or encode binary values as Base64: PostgreSQL cannot store U+0000.";
                DocumentError::new(
                    ErrorKind::NulCharacter,
                    path,
                    format!("{what} with a NUL character"),
                    detail,
                    hint,
                )
            }
        }
    }
}

fn visit(value: &Json, depth_left: usize) -> Result<(), Box<Fault>> {
    match value {
        Json::String(text) if has_nul(text) => Err(fault(FaultKind::Nul)),
        Json::Array(_) | Json::Object(_) if depth_left == 0 => Err(fault(FaultKind::Deep)),
        Json::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                visit(item, depth_left - 1).map_err(|f| outer(f, format!("[{index}]")))?;
            }
            Ok(())
        }
        Json::Object(pairs) => {
            for (key, item) in pairs {
                if has_nul(key) {
                    return Err(outer(fault(FaultKind::NulInKey), step(key)));
                }
                visit(item, depth_left - 1).map_err(|f| outer(f, step(key)))?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn has_nul(text: &str) -> bool {
    text.as_bytes().contains(&0)
}

#[cold]
fn fault(kind: FaultKind) -> Box<Fault> {
    Box::new(Fault {
        kind,
        steps: Vec::new(),
    })
}

#[cold]
fn outer(mut fault: Box<Fault>, step: String) -> Box<Fault> {
    fault.steps.push(step);
    fault
}

/// `.key`, or `["key"]` where a dot would mislead.
fn step(key: &str) -> String {
    let plain = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    if plain {
        return format!(".{key}");
    }
    let mut out = String::from("[\"");
    for c in key.chars().take(60) {
        let _ = write!(out, "{}", c.escape_debug()); // writing to a String cannot fail
    }
    out.push_str("\"]");
    out
}
