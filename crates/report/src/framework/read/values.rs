//! Values of keys.

use super::{Read, Reader};
use crate::framework::parameter::{MAX_VALUE, name_length};
use crate::framework::{Bound, Span, Unit};
use auditlog_policy::alert::definition::Fault;
use auditlog_policy::alert::definition::keys::{duration, each, field, nearest, text, wrong};
use auditlog_policy::yaml::{Node, Value};
use auditlog_query::{check, parse};

/// Lower case letters, digits and `_`.
pub(super) fn identifier(node: &Node, what: &str) -> Read<String> {
    let found = text(node, what, false)?;
    if found.is_empty() || found.len() > 60 || name_length(&found) != found.len() {
        let message = format!("{what} is {found:?}");
        let hint = "Write lower case letters, digits and _, a letter first, at most 60.";
        return Err(Fault::new(message, hint).at(node.place));
    }
    Ok(found)
}

/// One of a closed list.
pub(super) fn choice<T: Copy>(node: &Node, what: &str, known: &[(&str, T)]) -> Read<T> {
    let written = node.scalar().unwrap_or_default();
    if let Some((_, found)) = known.iter().find(|(name, _)| *name == written) {
        return Ok(*found);
    }
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    let message = match node.scalar() {
        Some(written) => format!("{what} is {written:?}"),
        None => format!("{what} is {}", node.kind()),
    };
    Err(Fault::new(message, listed(written, &names)).at(node.place))
}

/// «Did you mean …?» where it can be guessed, and what there is.
pub(super) fn listed(written: &str, names: &[&str]) -> String {
    let near = nearest(written, names).map(|near| format!("Did you mean «{near}»? "));
    format!("{}Known are {}.", near.unwrap_or_default(), names.join(", "))
}

/// A whole number from `least` on.
pub(super) fn whole(node: &Node, what: &str, least: u32) -> Read<u32> {
    let hint = format!("Write a whole number from {least} to {MAX_VALUE}.");
    let Value::Number(number) = &node.value else {
        return Err(wrong(node, what, "a number", &hint));
    };
    match number.parse() {
        Ok(number) if (least..=MAX_VALUE).contains(&number) => Ok(number),
        _ => Err(Fault::new(format!("{what} is {number}"), hint).at(node.place)),
    }
}

/// `2026-11-22`
pub(super) fn day(node: &Node) -> Read<String> {
    let found = text(node, "as_of", false)?;
    // the form is fixed, so that days can be compared as texts
    match chrono::NaiveDate::parse_from_str(&found, "%Y-%m-%d") {
        Ok(day) if day.to_string() == found => Ok(found),
        _ => {
            let hint = "Write the day of your sources, such as as_of: 2026-11-22.";
            Err(Fault::new(format!("as_of is {found:?}, not a day"), hint).at(node.place))
        }
    }
}

/// Fields of events; with `columns`, these names, too, or only them.
pub(super) fn fields(node: &Node, what: &str, columns: Option<&Columns>, most: usize) -> Read<Vec<String>> {
    let mut found: Vec<String> = Vec::new();
    each(node, |item| {
        let written = text(item, what, false)?;
        let known = columns.is_some_and(|columns| columns.names.contains(&written.as_str()));
        match columns {
            _ if known => {}
            Some(columns) if !columns.events => {
                let message = format!("{what}: the checks have no column {written:?}");
                return Err(Fault::new(message, listed(&written, &columns.names)).at(item.place));
            }
            _ => {
                field(item, what)?;
            }
        }
        if found.contains(&written) {
            let message = format!("{what} names {written:?} twice");
            return Err(Fault::new(message, "Name it once.").at(item.place));
        }
        found.push(written);
        Ok(())
    })?;
    if found.len() > most {
        let message = format!("{what} has {} fields", found.len());
        return Err(Fault::new(message, format!("At most {most} are taken.")).at(node.place));
    }
    Ok(found)
}

/// What the columns of a control's rows may be.
pub(super) struct Columns {
    /// Columns of the states that are checked.
    pub names: Vec<&'static str>,
    /// Are fields of events taken, too?
    pub events: bool,
}

/// A query, in which `$name` stands for parameters; it is kept as it was written.
pub(super) fn query(reader: &Reader<'_>, node: &Node, what: &str) -> Read<String> {
    let Some(written) = node.scalar() else {
        let message = format!("{what} is {}, not a query", node.kind());
        return Err(Fault::new(message, "Write a query in quotes, such as \"status:failed\".").at(node.place));
    };
    if let Some((name, at)) = reader.parameters.first_unknown(written) {
        let error = reader.parameters.unknown(name);
        let hint = format!("{} Write $$ for a dollar sign.", error.hint);
        let fault = Fault::new(format!("{what}: {}", error.message), hint);
        return Err(fault.at(node.place_of(at, reader.source)));
    }
    let text = reader.parameters.expand(written);
    let limits = &reader.options.limits;
    let checked = parse(&text, limits).and_then(|query| check(&query, reader.options));
    checked.map_err(|error| {
        // values of parameters move what comes after them
        let at = if text == written {
            error.position.saturating_sub(1)
        } else {
            0
        };
        let message = format!("{what}, at character {}: {}", error.position, error.message);
        Fault::new(message, error.hint).at(node.place_of(at, reader.source))
    })?;
    Ok(written.trim().to_owned())
}

/// A number or `$name` of a parameter in one of these units; none for any.
pub(super) fn bound(reader: &Reader<'_>, node: &Node, what: &str, least: u32, units: &[Unit]) -> Read<Bound> {
    match node.scalar().and_then(|text| text.strip_prefix('$')) {
        Some(name) => {
            parameter(reader, node, name, what, units)?;
            Ok(Bound::Parameter(name.to_owned()))
        }
        None => whole(node, what, least).map(Bound::Number),
    }
}

/// A length of time, or `$name`.
pub(super) fn span(reader: &Reader<'_>, node: &Node, what: &str) -> Read<Span> {
    match node.scalar().and_then(|text| text.strip_prefix('$')) {
        Some(name) => {
            let time: Vec<Unit> = Unit::ALL
                .into_iter()
                .filter(|unit| unit.microseconds().is_some())
                .collect();
            parameter(reader, node, name, what, &time)?;
            Ok(Span::Parameter(name.to_owned()))
        }
        None => duration(node, what, None).map(Span::Fixed),
    }
}

/// Is there such a parameter, and does it count the right things?
pub(super) fn parameter(reader: &Reader<'_>, node: &Node, name: &str, what: &str, units: &[Unit]) -> Read<()> {
    let Some(unit) = reader.parameters.unit(name) else {
        let error = reader.parameters.unknown(name);
        return Err(Fault::new(format!("{what}: {}", error.message), error.hint).at(node.place));
    };
    if !units.is_empty() && !units.contains(&unit) {
        let message = format!("{what}: the parameter {name:?} counts {}", unit.name());
        let names: Vec<&str> = units.iter().map(|unit| unit.name()).collect();
        let hint = format!("Name a parameter whose unit is {}.", names.join(" or "));
        return Err(Fault::new(message, hint).at(node.place));
    }
    Ok(())
}
