//! What alerts about unusual events remember, as JSON: it goes further back than a log would be read again.

use super::Engine;
use super::baseline::{Baseline, Memory};
use super::clock::Horizon;
use super::groups::Class;
use serde_json::{Value, json};

/// Changes when older state can't be read any more.
const VERSION: i64 = 1;

/// The text is no state of an engine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the stored state of alerts can't be read: {what}")]
pub struct StateError {
    /// What is wrong with it.
    pub what: String,
}

fn wrong(what: impl Into<String>) -> StateError {
    StateError { what: what.into() }
}

impl Engine {
    /// What alerts about unusual events remember, to be stored now and then. Alerts that count in windows have no part in it.
    pub fn state_json(&self) -> Value {
        let alerts = self.alerts.iter().filter_map(|alert| {
            let baseline = alert.baseline.as_ref()?;
            Some(json!({"alert": alert.id, "about": alert.about, "groups": groups(baseline)}))
        });
        json!({
            "version": VERSION,
            "log_index": self.last_index,
            "clock_us": self.clock.now_us(),
            "alerts": alerts.collect::<Vec<_>>(),
        })
    }

    /// Takes a stored state back, after all alerts were set. What belongs to alerts that are gone, or that ask for something else
    /// now, is left out. Gives the event behind which to go on: replay from there, or from the [`Engine::horizon`] that
    /// was stored when that is earlier, and [`Engine::start`] with the earlier one.
    ///
    /// # Errors
    /// It is no such state; nothing is changed then.
    pub fn restore_state(&mut self, state: &Value) -> Result<Horizon, StateError> {
        if state["version"] != json!(VERSION) {
            return Err(wrong("it has another version"));
        }
        let log_index = integer(&state["log_index"], "log_index")?;
        let clock_us = integer(&state["clock_us"], "clock_us")?;
        let alerts = state["alerts"].as_array().ok_or_else(|| wrong("alerts is no list"))?;
        let mut restored: Vec<(usize, Baseline)> = Vec::new();
        for stored in alerts {
            let id = integer(&stored["alert"], "alert")?;
            let Some(at) = self.find(id) else { continue };
            let alert = &self.alerts[at];
            let Some(baseline) = alert.empty_baseline(&self.limits) else {
                continue;
            };
            if stored["about"].as_str() == Some(alert.about.as_str()) {
                restored.push((at, fill(baseline, stored, log_index)?));
            }
        }
        for (at, baseline) in restored {
            let before = self.alerts[at].groups();
            self.alerts[at].baseline = Some(baseline);
            self.groups = self.groups + self.alerts[at].groups() - before;
        }
        while self.groups > self.limits.max_groups {
            self.give_up();
        }
        Ok(Horizon {
            log_index: log_index.saturating_add(1),
            clock_us,
        })
    }
}

fn groups(baseline: &Baseline) -> Vec<Value> {
    match &baseline.memory {
        Memory::Count(usual) => {
            let group = |(key, last_us, periods): (&str, i64, &super::usual::Periods)| {
                json!([
                    key,
                    last_us,
                    periods.first,
                    periods
                        .counts
                        .iter()
                        .map(|(period, count)| json!([period, count]))
                        .collect::<Vec<_>>()
                ])
            };
            usual.groups.all().map(group).collect()
        }
        Memory::Values(known) => {
            let group = |(key, last_us, values): (&str, i64, &super::known::Values)| {
                let seen = values
                    .seen
                    .iter()
                    .map(|(value, last_us)| json!([format!("{value:x}"), last_us]));
                json!([key, last_us, values.since_us, seen.collect::<Vec<_>>()])
            };
            known.groups.all().map(group).collect()
        }
    }
}

fn fill(mut baseline: Baseline, stored: &Value, seen_to: i64) -> Result<Baseline, StateError> {
    baseline.seen_to = seen_to;
    let mut groups: Vec<&Value> = stored["groups"]
        .as_array()
        .ok_or_else(|| wrong("groups is no list"))?
        .iter()
        .collect();
    // in the order in which they were matched, so that each goes to the end
    groups.sort_by_key(|group| group[1].as_i64());
    for group in groups {
        let key = group[0].as_str().ok_or_else(|| wrong("a group has no key"))?;
        let last_us = integer(&group[1], "a group's time")?;
        let from = integer(&group[2], "a group's beginning")?;
        let entries = group[3].as_array().ok_or_else(|| wrong("a group has no entries"))?;
        match &mut baseline.memory {
            Memory::Count(usual) => {
                let id = usual
                    .groups
                    .find(key)
                    .unwrap_or_else(|| usual.groups.add(key, last_us, Class::Several));
                let periods = usual.groups.get(id);
                periods.first = from;
                for entry in entries {
                    let count =
                        u32::try_from(integer(&entry[1], "a count")?).map_err(|_| wrong("a count is too large"))?;
                    periods.counts.push_back((integer(&entry[0], "a period")?, count));
                }
                periods.counts.make_contiguous().sort_unstable();
            }
            Memory::Values(known) => {
                let id = known
                    .groups
                    .find(key)
                    .unwrap_or_else(|| known.groups.add(key, last_us, Class::Several));
                let values = known.groups.get(id);
                values.since_us = from;
                for entry in entries {
                    let value = entry[0].as_str().and_then(|text| u128::from_str_radix(text, 16).ok());
                    let value = value.ok_or_else(|| wrong("a value is no hash"))?;
                    values.seen.insert(value, integer(&entry[1], "a value's time")?);
                }
            }
        }
    }
    Ok(baseline)
}

fn integer(value: &Value, what: &str) -> Result<i64, StateError> {
    value
        .as_i64()
        .ok_or_else(|| wrong(format!("{what} is no whole number")))
}
