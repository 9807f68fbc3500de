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
            "width": self.width,
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
mod tests {
    use super::names::NAME_COST;
    use super::*;

    const MONDAY: i64 = 1_767_571_200 * SECOND; // 2026-01-05

    fn event(log_index: u64) -> Counted<'static> {
        Counted {
            event_type: "resource.modify",
            category: "resource",
            status: Some("success"),
            grave: false,
            at: MONDAY,
            actor: Some("ana"),
            resource: Some("vm-1"),
            log_index,
        }
    }

    fn counted(events: &[Counted<'_>]) -> Tally {
        let mut tally = Tally::new(MONDAY, 86_400);
        events.iter().for_each(|event| tally.add(event));
        tally
    }

    #[test]
    fn counts_what_the_summary_shows() {
        let events = [
            event(7),
            Counted {
                event_type: "access.denied",
                category: "access",
                status: None,
                at: MONDAY + DAY + HOUR,
                ..event(9)
            },
            Counted {
                status: Some("denied"),
                grave: true,
                actor: None,
                resource: Some("vm-2"),
                ..event(8)
            },
            Counted {
                status: Some("failed"),
                actor: Some("bob"),
                resource: None,
                at: MONDAY - 1,
                ..event(5)
            },
        ];
        let found = counted(&events).to_json();
        let metrics = json!({"events": 4, "refusals": 2, "failures": 1, "warnings": 1, "event_types": 2, "actors": 2, "resources": 2});
        assert_eq!(found["metrics"], metrics);
        assert_eq!((&found["first"], &found["last"]), (&json!(5), &json!(9)));
        assert_eq!(found["types"], json!({"access.denied": 1, "resource.modify": 3}));
        assert_eq!(
            found["event_types"],
            json!([["resource.modify", 3], ["access.denied", 1]])
        );
        assert_eq!(found["actors"], json!([["ana", 2], ["bob", 1]]));
        assert_eq!(
            found["series"],
            json!([["access", 1, 1], ["resource", -1, 1], ["resource", 0, 2]])
        );
        assert_eq!(found["hours"], json!([[1, 0, 2], [2, 1, 1], [7, 23, 1]]));
    }

    #[test]
    fn parts_together_are_the_whole() {
        let names: Vec<String> = (0..50).map(|i| format!("name {}", i % 17)).collect();
        let events: Vec<Counted<'_>> = (0..50)
            .map(|i| Counted {
                event_type: ["a.b", "a.c", "d.e"][i % 3],
                category: ["a", "a", "d"][i % 3],
                status: [None, Some(""), Some("failed")][i / 2 % 3],
                grave: i % 5 == 0,
                at: MONDAY + i as i64 * 5 * HOUR,
                actor: Some(&names[i]).filter(|_| i % 4 > 0).map(String::as_str),
                resource: Some(&names[49 - i]),
                log_index: i as u64,
            })
            .collect();
        let whole = counted(&events).to_json();
        for at in [0, 1, 20, 50] {
            let mut parts = counted(&[]);
            for part in [&events[at..], &events[..at]] {
                parts.merge(Tally::from_bytes(&counted(part).to_bytes().unwrap()).unwrap());
            }
            assert_eq!(parts.to_json(), whole);
            // What was merged goes on counting.
            parts.add(&event(50));
            assert_eq!(parts.to_json()["metrics"]["events"], 51);
        }
    }

    #[test]
    fn kinds_are_kept_apart_whatever_their_names_are() {
        let pairs = [
            ("ab", "c", None),
            ("a", "bc", None),
            ("a", "b", Some("c")),
            ("a", "bc", Some("")),
        ];
        let events: Vec<Counted<'_>> = (pairs.iter())
            .map(|(event_type, category, status)| Counted {
                event_type,
                category,
                status: *status,
                ..event(0)
            })
            .collect();
        assert_eq!(counted(&events).kinds.len(), 4);
    }

    #[test]
    fn too_many_names_are_given_up_and_the_rest_is_counted() {
        let names: Vec<String> = (0..100).map(|i| format!("{i:010}")).collect();
        let limit = 60 * (10 + NAME_COST);
        let mut tally = Tally::new(0, 3_600);
        for (i, name) in names.iter().enumerate() {
            let actor = Some(if i % 2 == 0 { "ana" } else { "bob" });
            tally.add_within(
                &Counted {
                    actor,
                    resource: Some(name),
                    ..event(i as u64)
                },
                limit,
            );
        }
        let found = tally.to_json();
        assert_eq!(found["metrics"]["resources"], Value::Null);
        assert_eq!(
            (&found["metrics"]["actors"], &found["metrics"]["events"]),
            (&json!(2), &json!(100))
        );
        // Each part has few enough, both together have too many.
        let part = |names: &[String]| {
            let mut tally = Tally::new(0, 3_600);
            names.iter().for_each(|name| {
                tally.add_within(
                    &Counted {
                        resource: Some(name),
                        ..event(0)
                    },
                    limit,
                )
            });
            tally
        };
        let mut both = part(&names[..50]);
        assert_eq!(both.to_json()["metrics"]["resources"], 50);
        both.merge_within(part(&names[50..]), limit);
        assert_eq!(both.to_json()["metrics"]["resources"], Value::Null);
    }
}
