//! Checks of a control.

use super::values::{self, Columns, choice, listed, query};
use super::{MAX_ITEMS, Read, Reader};
use crate::framework::parameter::{MAX_VALUE, name_length};
use crate::framework::{Bound, Check, Comparison, Filter, RequiredField, State, Test, TestKind, Unit, evidence};
use auditlog_policy::alert::definition::Fault;
use auditlog_policy::alert::definition::keys::{Keys, each, field, name, text, wrong};
use auditlog_policy::yaml::{Node, Value};

/// The columns that the rows of a control may have.
pub(super) fn columns(checks: &[Check], events: bool) -> Columns {
    let mut names: Vec<&'static str> = checks
        .iter()
        .flat_map(|check| evidence::columns_of(check.state))
        .collect();
    names.sort_unstable();
    names.dedup();
    Columns { names, events }
}

impl Reader<'_> {
    pub(super) fn checks(&self, node: &Node) -> Read<Vec<Check>> {
        let hint = "Write checks: with a list, such as - {state: chain, tests: [no_gaps]}.";
        let Value::List(items) = &node.value else {
            return Err(wrong(node, "checks", "a list of checks", hint));
        };
        if items.is_empty() || items.len() > MAX_ITEMS {
            let message = format!("there are {} checks", items.len());
            return Err(Fault::new(message, hint).at(node.place));
        }
        items.iter().map(|item| self.check(item)).collect()
    }

    fn check(&self, node: &Node) -> Read<Check> {
        let keys = Keys::new(node, "a check", &["state", "tests", "filter", "required_fields"])?;
        let states = State::ALL.map(|state| (state.name(), state));
        let state = choice(
            keys.need("state", "Say what is checked, such as state: chain.")?,
            "state",
            &states,
        )?;
        let names: Vec<&str> = state.tests().map(TestKind::name).collect();
        let hint = format!("Name tests of the state {}: {}.", state.name(), names.join(", "));
        let node = keys.need("tests", &hint)?;
        let tests = each(node, |item| self.test(item, state))?;
        if tests.is_empty() {
            return Err(Fault::new("tests is empty", hint).at(node.place));
        }
        let filter = keys.get("filter").map_or(Ok(Vec::new()), |node| filter(node, state))?;
        let needs = tests.iter().any(|test| test.kind == TestKind::RequiredFields);
        let required_fields = match keys.get("required_fields") {
            Some(node) if !needs => {
                let message = "required_fields without the test required_fields_present";
                let hint = "Add required_fields_present>=100 to the tests, or leave the fields out.";
                return Err(Fault::new(message, hint).at(node.place));
            }
            Some(node) => each(node, |item| self.required(item))?,
            None if needs => {
                let hint = "Name the fields that events must have, such as required_fields: [actor.id, timestamp].";
                return Err(Fault::new("required_fields_present has no required_fields", hint).at(keys.place));
            }
            None => Vec::new(),
        };
        Ok(Check {
            state,
            tests,
            filter,
            required_fields,
        })
    }

    /// `name`, `name<=number`, `name>=$parameter`
    fn test(&self, node: &Node, state: State) -> Read<Test> {
        let written = text(node, "a test", false)?;
        let end = name_length(&written);
        let (name, rest) = written.split_at(end);
        let Some(kind) = state.tests().find(|kind| kind.name() == name) else {
            let names: Vec<&str> = state.tests().map(TestKind::name).collect();
            let other = TestKind::ALL.into_iter().find(|kind| kind.name() == name);
            let message = match other {
                Some(kind) => format!(
                    "{name} is a test of the state {}, not of {}",
                    kind.state().name(),
                    state.name()
                ),
                None => format!("the state {} has no test {written:?}", state.name()),
            };
            return Err(Fault::new(message, listed(name, &names)).at(node.place));
        };
        let rest = rest.trim();
        let symbol = kind.comparison().map(Comparison::symbol);
        let bound = match symbol {
            None if rest.is_empty() => None,
            None => {
                let message = format!("the test {name} compares nothing");
                return Err(Fault::new(message, format!("Write {name} alone.")).at(node.place));
            }
            Some(symbol) => {
                let wrong = || {
                    let message = format!("the test {written:?} has no bound");
                    let hint =
                        format!("Write {name}{symbol} and a whole number or a parameter, such as {name}{symbol}$days.");
                    Fault::new(message, hint).at(node.place)
                };
                let value = rest.strip_prefix(symbol).ok_or_else(wrong)?.trim();
                Some(match value.strip_prefix('$') {
                    Some(name) => {
                        values::parameter(self, node, name, kind.name(), units(kind))?;
                        Bound::Parameter(name.to_owned())
                    }
                    None => {
                        let number = value.parse().ok().filter(|number| *number <= MAX_VALUE);
                        Bound::Number(number.ok_or_else(wrong)?)
                    }
                })
            }
        };
        Ok(Test { kind, bound })
    }

    fn required(&self, node: &Node) -> Read<RequiredField> {
        if node.entries().is_none() {
            field(node, "required_fields")?;
            return Ok(RequiredField {
                field: text(node, "required_fields", false)?,
                of: None,
            });
        }
        let keys = Keys::new(node, "a required field", &["field", "of"])?;
        let found = keys.need("field", "Name the field, such as field: actor.id.")?;
        field(found, "field")?;
        Ok(RequiredField {
            field: text(found, "field", false)?,
            of: keys.get("of").map(|node| query(self, node, "of")).transpose()?,
        })
    }
}

/// The units in which a test's bound can be given.
fn units(kind: TestKind) -> &'static [Unit] {
    match kind {
        TestKind::RequiredFields => &[Unit::Percent],
        TestKind::ClockOffset => &[Unit::Milliseconds],
        TestKind::Granularity => &[Unit::Microseconds],
        TestKind::ShipLag => &[Unit::Seconds],
        TestKind::MinutesToAck => &[Unit::Minutes],
        _ => &[Unit::Days],
    }
}

fn filter(node: &Node, state: State) -> Read<Vec<(Filter, Vec<String>)>> {
    let known: Vec<&str> = state.filters().iter().map(|filter| filter.name()).collect();
    if known.is_empty() {
        let message = format!("rows of the state {} can't be chosen", state.name());
        return Err(Fault::new(message, "Leave filter out.").at(node.place));
    }
    let keys = Keys::new(node, "filter", &known)?;
    let mut found = Vec::new();
    for filter in state.filters() {
        let Some(node) = keys.get(filter.name()) else { continue };
        let values = each(node, |item| name(item, filter.name(), 100))?;
        if values.is_empty() {
            let message = format!("{} is empty", filter.name());
            return Err(Fault::new(message, "Name at least one value, or leave it out.").at(node.place));
        }
        found.push((*filter, values));
    }
    Ok(found)
}
