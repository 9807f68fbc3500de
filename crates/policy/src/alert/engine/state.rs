//! What alerts remember, as JSON: a restart need not read again what is in it, and the past of alerts about unusual events goes
//! further back than a log would be read.

use super::Engine;
use super::baseline::Baseline;
use super::clock::Horizon;
use super::groups::Class;
use super::window::Entry;
use serde_json::{Value, json};

/// Changes when older state can't be read any more.
const VERSION: i64 = 1;

/// What a stored state holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Only what can't be read again: the past of alerts about unusual events.
    Unusual,
    /// Also the events in windows: a restart reads only what came after the state, however long windows are.
    All,
}

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

/// What is taken back for an alert.
enum Taken {
    Past(Baseline),
    Entries(Vec<StoredEntry>),
}

/// An entry of a window: its group, when that was last matched, and what stands for its value.
type StoredEntry = (String, i64, Entry, Option<u128>);

/// Key, time, beginning and entries of a group.
type StoredGroup<'a> = (&'a str, i64, i64, &'a Vec<Value>);

impl Engine {
    /// What alerts remember after the last event, to be stored now and then. Firings are no part of it.
    pub fn state_json(&self, part: Part) -> Value {
        let alerts = self.alerts.iter().filter_map(|alert| {
            let groups = match &alert.baseline {
                Some(baseline) => past(baseline),
                None if part == Part::All => windows(alert.counter.windows()),
                None => return None,
            };
            Some(json!({"alert": alert.id, "about": alert.about, "groups": groups}))
        });
        json!({
            "version": VERSION,
            "log_index": self.last_index,
            "clock_us": self.clock.now_us(),
            "alerts": alerts.collect::<Vec<_>>(),
        })
    }

    /// Takes a stored state back, when all alerts have been set. What belongs to alerts that are gone, or that ask for something
    /// else now, is left out. `stored` is the [`Engine::horizon`] that was stored with the position. Gives where to begin to read
    /// again, to be told to [`Engine::start`]: behind the state when that has all alerts, else at the earlier of both. What the
    /// state has already is not counted twice.
    ///
    /// # Errors
    /// It is no such state; nothing is changed then.
    pub fn restore_state(&mut self, state: &Value, stored: Option<Horizon>) -> Result<Horizon, StateError> {
        if state["version"] != json!(VERSION) {
            return Err(wrong("it has another version"));
        }
        let log_index = integer(&state["log_index"], "log_index")?;
        let clock_us = integer(&state["clock_us"], "clock_us")?;
        let alerts = state["alerts"].as_array().ok_or_else(|| wrong("alerts is no list"))?;
        let mut taken = Vec::new();
        for stored in alerts {
            let id = integer(&stored["alert"], "alert")?;
            let Some(at) = self.find(id) else { continue };
            let alert = &self.alerts[at];
            if stored["about"].as_str() != Some(alert.about.as_str()) {
                continue;
            }
            let groups = stored["groups"].as_array().ok_or_else(|| wrong("groups is no list"))?;
            taken.push((
                at,
                match alert.empty_baseline(&self.limits) {
                    Some(baseline) => Taken::Past(read_past(baseline, groups)?),
                    None => Taken::Entries(read_windows(groups)?),
                },
            ));
        }
        for (at, taken) in taken {
            let alert = &mut self.alerts[at];
            let before = alert.groups();
            alert.seen_to = log_index;
            match taken {
                Taken::Past(baseline) => alert.baseline = Some(baseline),
                Taken::Entries(entries) => {
                    for (key, last_us, entry, value) in entries {
                        alert.counter.restore_entry(&key, last_us, entry, value);
                    }
                }
            }
            self.groups = self.groups + alert.groups() - before;
        }
        while self.groups > self.limits.max_groups {
            self.give_up();
        }
        self.last_index = self.last_index.max(log_index);
        let behind = Horizon {
            log_index: log_index.saturating_add(1),
            clock_us,
        };
        let has_all = self.alerts.iter().all(|alert| {
            alert.seen_to == log_index
                || alert.since > log_index
                || (alert.baseline.is_none() && alert.counter.measure.is_none())
        });
        Ok(match stored {
            Some(stored) if !has_all && stored.log_index < behind.log_index => stored,
            _ => behind,
        })
    }
}

fn past(baseline: &Baseline) -> Vec<Value> {
    match baseline {
        Baseline::Count(usual) => {
            let group = |(key, last_us, periods): (&str, i64, &super::usual::Periods)| {
                let counts = periods.counts.iter().map(|(period, count)| json!([period, count]));
                json!([key, last_us, periods.first, counts.collect::<Vec<_>>()])
            };
            usual.groups.all().map(group).collect()
        }
        Baseline::Values(known) => {
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

fn windows<'a>(groups: impl Iterator<Item = (&'a str, i64, &'a super::window::Entries)>) -> Vec<Value> {
    let entry = |(entry, value): (&Entry, Option<u128>)| match value {
        None => json!([entry.at_us, entry.arrived_us, entry.log_index]),
        Some(value) => json!([entry.at_us, entry.arrived_us, entry.log_index, format!("{value:x}")]),
    };
    groups
        .map(|(key, last_us, entries)| json!([key, last_us, 0, entries.all().map(entry).collect::<Vec<_>>()]))
        .collect()
}

/// The groups in the order in which they were matched, so that each goes to the end.
fn each(groups: &[Value]) -> Result<Vec<StoredGroup<'_>>, StateError> {
    let read = |group: &'_ Value| -> Result<(i64, i64), StateError> {
        Ok((
            integer(&group[1], "a group's time")?,
            integer(&group[2], "a group's beginning")?,
        ))
    };
    let mut found = Vec::with_capacity(groups.len());
    for group in groups {
        let key = group[0].as_str().ok_or_else(|| wrong("a group has no key"))?;
        let entries = group[3].as_array().ok_or_else(|| wrong("a group has no entries"))?;
        let (last_us, from) = read(group)?;
        found.push((key, last_us, from, entries));
    }
    found.sort_by_key(|(_, last_us, ..)| *last_us);
    Ok(found)
}

fn read_past(mut baseline: Baseline, groups: &[Value]) -> Result<Baseline, StateError> {
    for (key, last_us, from, entries) in each(groups)? {
        match &mut baseline {
            Baseline::Count(usual) => {
                let id = usual
                    .groups
                    .find(key)
                    .unwrap_or_else(|| usual.groups.add(key, last_us, Class::Several));
                let periods = usual.groups.get(id);
                periods.first = from;
                for entry in entries {
                    let count = integer(&entry[1], "a count")?;
                    let count = u32::try_from(count).map_err(|_| wrong("a count is too large"))?;
                    periods.counts.push_back((integer(&entry[0], "a period")?, count));
                }
                periods.counts.make_contiguous().sort_unstable();
            }
            Baseline::Values(known) => {
                let id = known
                    .groups
                    .find(key)
                    .unwrap_or_else(|| known.groups.add(key, last_us, Class::Several));
                let values = known.groups.get(id);
                values.since_us = from;
                for entry in entries {
                    values
                        .seen
                        .insert(hash(&entry[0])?, integer(&entry[1], "a value's time")?);
                }
            }
        }
    }
    Ok(baseline)
}

fn read_windows(groups: &[Value]) -> Result<Vec<StoredEntry>, StateError> {
    let mut found = Vec::new();
    for (key, last_us, _, entries) in each(groups)? {
        for stored in entries {
            let entry = Entry {
                at_us: integer(&stored[0], "an event's time")?,
                arrived_us: integer(&stored[1], "an event's arrival")?,
                log_index: integer(&stored[2], "an event's position")?,
            };
            let value = stored.get(3).map(hash).transpose()?;
            found.push((key.to_owned(), last_us, entry, value));
        }
    }
    Ok(found)
}

fn hash(value: &Value) -> Result<u128, StateError> {
    let hash = value.as_str().and_then(|text| u128::from_str_radix(text, 16).ok());
    hash.ok_or_else(|| wrong("a value is no hash"))
}

fn integer(value: &Value, what: &str) -> Result<i64, StateError> {
    value
        .as_i64()
        .ok_or_else(|| wrong(format!("{what} is no whole number")))
}
