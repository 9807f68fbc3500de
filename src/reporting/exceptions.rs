//! What a reviewer must look at first among the events of a control.

use super::Making;
use crate::store::report_reads::{self, Population, Trigger as Read};
use auditlog_report::framework::{Bound, Control, Exception, Parameters, Trigger};
use auditlog_report::model::Finding;
use serde_json::Value;
use std::collections::BTreeSet;

/// Places that a finding names.
const NAMED: usize = 20;

/// What was found.
pub(super) struct Exceptions {
    pub findings: Vec<Finding>,
    /// Places of the events, some at most, ascending.
    pub places: Vec<i64>,
    /// How many there are at least: those of the kind that has most.
    pub in_all: u64,
}

/// All exceptions of a control, whose population is `query`.
pub(super) fn of_control(making: &Making, control: &Control, query: &str, parameters: &Parameters) -> Exceptions {
    let most = making.max_rows().max(NAMED as i64);
    let (mut findings, mut places, mut hidden) = (Vec::new(), BTreeSet::new(), 0);
    for exception in &control.exceptions {
        let found = find(making, exception, query, parameters, most);
        let count = found["count"].as_u64().unwrap_or(0);
        if count == 0 {
            continue;
        }
        let indexes: Vec<i64> = (found["log_indexes"].as_array().into_iter().flatten())
            .filter_map(Value::as_i64)
            .collect();
        hidden += count - indexes.len() as u64;
        findings.push(Finding {
            severity: exception.severity,
            kind: exception.kind.clone(),
            text: text(exception, &found, count),
            log_indexes: indexes.iter().take(NAMED).map(|index| *index as u64).collect(),
            count,
        });
        places.extend(indexes);
    }
    Exceptions {
        findings,
        in_all: places.len() as u64 + hidden,
        places: places.into_iter().take(most as usize).collect(),
    }
}

fn find(making: &Making, exception: &Exception, query: &str, parameters: &Parameters, most: i64) -> Value {
    let query = exception.within(query, parameters);
    let of: Population<'_> = making.population(&query);
    let (other, fields);
    let trigger = match &exception.trigger {
        Trigger::Each => Read {
            what: "each",
            ..Read::default()
        },
        Trigger::Burst { per, at_least, within } => Read {
            what: "burst",
            per,
            at_least: bound(at_least, parameters),
            within: within.microseconds(parameters),
            ..Read::default()
        },
        Trigger::Same(two) => Read {
            what: "same",
            per: two,
            ..Read::default()
        },
        Trigger::Late { after, within } => {
            fields = [after.clone()];
            Read {
                what: "late",
                per: &fields,
                within: within.microseconds(parameters),
                ..Read::default()
            }
        }
        Trigger::Unanswered { by, per, within } => {
            other = parameters.expand(by);
            Read {
                what: "unanswered",
                per,
                other: &other,
                within: within.microseconds(parameters),
                ..Read::default()
            }
        }
    };
    report_reads::exception(&of, &trigger, most)
}

fn bound(bound: &Bound, parameters: &Parameters) -> Option<i64> {
    match bound {
        Bound::Number(number) => Some(i64::from(*number)),
        Bound::Parameter(name) => parameters.get(name).map(i64::from),
    }
}

/// «failed logins of one account in a short time: 3 (ana: 14, ben: 12)»
fn text(exception: &Exception, found: &Value, count: u64) -> String {
    let keys: Vec<String> = (found["keys"].as_array().into_iter().flatten())
        .filter_map(|key| Some(format!("{}: {}", key[0].as_str()?, key[1])))
        .collect();
    let further = found["key_count"]
        .as_u64()
        .unwrap_or(0)
        .saturating_sub(keys.len() as u64);
    let of_whom = match (keys.is_empty(), further) {
        (true, _) => String::new(),
        (false, 0) => format!(" ({})", keys.join(", ")),
        (false, more) => format!(" ({}, and {more} more)", keys.join(", ")),
    };
    format!("{}: {count}{of_whom}", exception.text)
}
