//! What a whole report counts, in one pass over its events that several processes can share: each adds events to a [`Tally`] of its own,
//! which are merged. In SQL it took a pass for each way to group (decision 41).

mod names;

use names::Names;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, HashSet};

const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;
/// Types of events that a chart shows.
const TOP_TYPES: usize = 12;
/// Actors that a chart shows.
const TOP_ACTORS: usize = 10;
/// Bytes that the names of actors, and those of resources, may take, with what a table needs for each. What has more is counted by
/// PostgreSQL, which can do that on disk.
pub const NAMES_LIMIT: usize = 48 << 20;

/// An event, as far as it is counted.
#[derive(Debug, Clone, Copy)]
pub struct Counted<'a> {
    /// Its type.
    pub event_type: &'a str,
    /// The category of its type.
    pub category: &'a str,
    /// Its outcome.
    pub status: Option<&'a str>,
    /// A warning, or worse?
    pub grave: bool,
    /// Its time, microseconds since the Unix epoch.
    pub at: i64,
    /// Who did it.
    pub actor: Option<&'a str>,
    /// To what.
    pub resource: Option<&'a str>,
    /// Its place in the log.
    pub log_index: u64,
}

/// Counts of the events of a report.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tally {
    /// From where pieces of time are counted, microseconds since the Unix epoch.
    since: i64,
    /// Length of a piece, in seconds.
    width: i64,
    events: u64,
    first: Option<u64>,
    last: Option<u64>,
    kinds: Vec<Kind>,
    categories: Vec<Category>,
    /// Monday 0:00 to Sunday 23:00, in UTC.
    hours: Vec<u64>,
    actors: Names<HashMap<Box<str>, u64>>,
    resources: Names<HashSet<Box<str>>>,
    /// Places of kinds by what makes them one.
    #[serde(skip)]
    places: HashMap<Box<[u8]>, usize>,
    #[serde(skip)]
    key: Vec<u8>,
}

/// Events that differ in nothing that metrics ask for.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Kind {
    event_type: String,
    category: usize,
    status: Option<String>,
    grave: bool,
    n: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Category {
    name: String,
    /// Events by piece of time.
    course: BTreeMap<i64, u64>,
}

impl Tally {
    /// Of no event. `since`: from where pieces of time are counted, microseconds since the Unix epoch; `width`: their length in seconds,
    /// one at least.
    #[must_use]
    pub fn new(since: i64, width: i64) -> Tally {
        Tally {
            since,
            width: width.max(1),
            events: 0,
            first: None,
            last: None,
            kinds: Vec::new(),
            categories: Vec::new(),
            hours: vec![0; 7 * 24],
            actors: Names::default(),
            resources: Names::default(),
            places: HashMap::new(),
            key: Vec::new(),
        }
    }

    /// Another one of no event, with the same pieces of time.
    #[must_use]
    pub fn empty(&self) -> Tally {
        Tally::new(self.since, self.width)
    }

    /// Counts an event.
    pub fn add(&mut self, event: &Counted<'_>) {
        self.add_within(event, NAMES_LIMIT);
    }

    fn add_within(&mut self, event: &Counted<'_>, limit: usize) {
        self.events += 1;
        self.first = Some(self.first.map_or(event.log_index, |first| first.min(event.log_index)));
        self.last = Some(self.last.map_or(event.log_index, |last| last.max(event.log_index)));
        let kind = self.kind(event.event_type, event.category, event.status, event.grave);
        self.kinds[kind].n += 1;
        let category = &mut self.categories[self.kinds[kind].category];
        let piece = (event.at.saturating_sub(self.since)).div_euclid(self.width.saturating_mul(SECOND));
        *category.course.entry(piece).or_default() += 1;
        // 1970-01-01 was a Thursday.
        let day = (event.at.div_euclid(DAY) + 3).rem_euclid(7);
        let hour = event.at.rem_euclid(DAY) / HOUR;
        self.hours[(day * 24 + hour) as usize] += 1;
        if let Some(actor) = event.actor {
            self.actors.add(actor, 1, limit);
        }
        if let Some(resource) = event.resource {
            self.resources.add(resource, limit);
        }
    }

    /// The place of a kind.
    fn kind(&mut self, event_type: &str, category: &str, status: Option<&str>, grave: bool) -> usize {
        // Lengths keep names apart, whatever is in them.
        self.key.clear();
        self.key.extend((event_type.len() as u32).to_le_bytes());
        self.key.extend((category.len() as u32).to_le_bytes());
        self.key.extend([u8::from(status.is_some()), u8::from(grave)]);
        for part in [event_type, category, status.unwrap_or_default()] {
            self.key.extend(part.as_bytes());
        }
        if let Some(place) = self.places.get(self.key.as_slice()) {
            return *place;
        }
        let known = self.categories.iter().position(|known| known.name == category);
        let category = known.unwrap_or_else(|| {
            self.categories.push(Category {
                name: category.to_owned(),
                course: BTreeMap::new(),
            });
            self.categories.len() - 1
        });
        self.kinds.push(Kind {
            event_type: event_type.to_owned(),
            category,
            status: status.map(str::to_owned),
            grave,
            n: 0,
        });
        self.places.insert(self.key.as_slice().into(), self.kinds.len() - 1);
        self.kinds.len() - 1
    }

    /// Adds what another one has counted. Both began with the same arguments.
    pub fn merge(&mut self, other: Tally) {
        self.merge_within(other, NAMES_LIMIT);
    }

    fn merge_within(&mut self, other: Tally, limit: usize) {
        self.events += other.events;
        self.first = self.first.into_iter().chain(other.first).min();
        self.last = self.last.into_iter().chain(other.last).max();
        for kind in &other.kinds {
            let category = &other.categories[kind.category].name;
            let place = self.kind(&kind.event_type, category, kind.status.as_deref(), kind.grave);
            self.kinds[place].n += kind.n;
        }
        for category in other.categories {
            // Each has a kind, so it is known by now.
            if let Some(known) = self.categories.iter_mut().find(|known| known.name == category.name) {
                for (piece, n) in category.course {
                    *known.course.entry(piece).or_default() += n;
                }
            }
        }
        for (mine, theirs) in self.hours.iter_mut().zip(other.hours) {
            *mine += theirs;
        }
        match other.actors.found {
            Some(names) => names.into_iter().for_each(|(name, n)| self.actors.add(&name, n, limit)),
            None => self.actors.found = None,
        }
        match other.resources.found {
            Some(names) => names.into_iter().for_each(|name| self.resources.add(&name, limit)),
            None => self.resources.found = None,
        }
    }

    /// As bytes for another process.
    ///
    /// # Errors
    /// None that can happen with memory at hand.
    pub fn to_bytes(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(self)
    }

    /// What [`Tally::to_bytes`] has written.
    ///
    /// # Errors
    /// The bytes are something else.
    pub fn from_bytes(bytes: &[u8]) -> serde_json::Result<Tally> {
        serde_json::from_slice(bytes)
    }

    /// How many events there were of each type.
    #[must_use]
    pub fn types(&self) -> BTreeMap<&str, u64> {
        let mut types = BTreeMap::new();
        for kind in &self.kinds {
            *types.entry(kind.event_type.as_str()).or_default() += kind.n;
        }
        types
    }

    /// The figures, by the names that `auditlog_data.report_tally` returns. `metrics.actors` with `actors`, and `metrics.resources`, are
    /// null when there were too many names: count them otherwise.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let sum = |wanted: &dyn Fn(&Kind) -> bool| -> u64 {
            let kinds = self.kinds.iter().filter(|kind| wanted(kind));
            kinds.map(|kind| kind.n).sum()
        };
        let refused = |kind: &Kind| {
            kind.status.as_deref() == Some("denied")
                || matches!(kind.event_type.as_str(), "access.denied" | "rls.denied")
        };
        let types = self.types();
        let actors = self.actors.found.as_ref();
        json!({
            "metrics": {
                "events": self.events,
                "refusals": sum(&refused),
                "failures": sum(&|kind| kind.status.as_deref() == Some("failed")),
                "warnings": sum(&|kind| kind.grave),
                "event_types": types.len(),
                "actors": actors.map(HashMap::len),
                "resources": self.resources.found.as_ref().map(HashSet::len),
            },
            "first": self.first,
            "last": self.last,
            "types": types,
            "event_types": top(types.iter().map(|(name, n)| (*name, *n)), TOP_TYPES),
            "actors": actors.map(|actors| top(actors.iter().map(|(name, n)| (&**name, *n)), TOP_ACTORS)),
            "series": self.series(),
            "hours": self.by_hour(),
        })
    }

    fn series(&self) -> Vec<Value> {
        let mut categories: Vec<&Category> = self.categories.iter().collect();
        categories.sort_by(|a, b| a.name.cmp(&b.name));
        let points = categories.into_iter().flat_map(|category| {
            let course = category.course.iter();
            course.map(|(piece, n)| json!([category.name, piece, n]))
        });
        points.collect()
    }

    fn by_hour(&self) -> Vec<Value> {
        let hours = self.hours.iter().enumerate().filter(|(_, n)| **n > 0);
        hours.map(|(at, n)| json!([at / 24 + 1, at % 24, n])).collect()
    }
}

/// The most frequent ones, by name where they are as frequent.
fn top<'a>(counts: impl Iterator<Item = (&'a str, u64)>, most: usize) -> Vec<Value> {
    let mut counts: Vec<(&str, u64)> = counts.collect();
    counts.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    counts.truncate(most);
    counts.into_iter().map(|(name, n)| json!([name, n])).collect()
}

#[cfg(test)]
mod tests;
