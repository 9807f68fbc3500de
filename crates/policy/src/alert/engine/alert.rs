//! An alert in the engine: what an event that satisfies its condition leads to.

use super::baseline::Baseline;
use super::counter::Counter;
use super::needs::Need;
use super::report::{self, Firing};
use super::terms::{TermId, Terms};
use super::window::Entry;
use super::{Limits, key};
use crate::alert::definition::{Definition, Rule, Unusual};
use crate::alert::field::Field;
use crate::alert::schedule::Schedule;
use auditlog_query::eval::Document;
use auditlog_query::node::Checked;

/// An alert and its state.
#[derive(Debug)]
pub(super) struct Alert {
    pub id: i64,
    pub since: i64,
    pub condition: Checked,
    pub term: TermId,
    /// The queries of `all_of`, which are parts of the condition.
    pub all_of: Vec<(Checked, TermId)>,
    pub need: Option<Need>,
    pub rule: Rule,
    pub schedule: Option<Schedule>,
    /// What decides which state still belongs to it: condition and rule.
    pub about: String,
    /// Counts, quiet times, and firings.
    pub counter: Counter,
    /// The past, where that decides.
    pub baseline: Option<Baseline>,
    /// The last event that a restored state has counted.
    pub seen_to: i64,
    pub matched: u64,
    pub fired: u64,
    pub lost_groups: u64,
}

/// Condition, rule and hours in the canonical form, and where it begins.
pub(super) fn about(definition: &Definition, since: i64) -> String {
    let json = definition.to_json();
    let parts = ["condition", "threshold", "unusual", "schedule"].map(|key| json[key].to_string());
    format!("{} from {since}", parts.join(" "))
}

impl Alert {
    /// Is what the other one counts the same?
    pub fn counts_as(&self, other: &Alert) -> bool {
        let (a, b) = (&self.counter, &other.counter);
        let terms = |alert: &Alert| alert.all_of.iter().map(|(_, term)| *term).collect::<Vec<_>>();
        self.term == other.term
            && terms(self) == terms(other)
            && self.rule == other.rule
            && self.schedule == other.schedule
            && self.since == other.since
            && (a.quiet_us, a.resolve_us) == (b.quiet_us, b.resolve_us)
    }

    /// A past without events, for alerts that compare with one.
    pub fn empty_baseline(&self, limits: &Limits) -> Option<Baseline> {
        match &self.rule {
            Rule::Threshold(_) => None,
            Rule::Unusual(unusual) => Some(Baseline::new(unusual, limits)),
        }
    }

    /// Groups in memory.
    pub fn groups(&self) -> usize {
        self.counter.groups.len() + self.baseline.as_ref().map_or(0, Baseline::groups)
    }

    /// Gives up a group; of the past before one that has fired.
    pub fn give_up(&mut self) -> bool {
        self.baseline.as_mut().is_some_and(Baseline::give_up) || self.counter.groups.give_up()
    }

    /// Adds its conditions to the terms, at first and when those are built anew.
    pub fn add_to(&mut self, terms: &mut Terms) {
        self.term = terms.add(&self.condition);
        for (query, term) in &mut self.all_of {
            *term = terms.add(query);
        }
    }

    /// The queries of `all_of` that the current event of the terms matches, a bit for each; none without `all_of`.
    pub fn queries<'a, D: Document<'a>>(&self, terms: &mut Terms, document: D, now_us: i64) -> Option<u128> {
        let numbered = (0..).zip(&self.all_of);
        let bits = numbered.map(|(bit, (_, term))| u128::from(terms.holds(*term, document, now_us)) << bit);
        bits.reduce(|all, bit| all | bit)
    }

    /// An event that satisfies the condition, and these queries of `all_of`.
    pub fn matched<'a, D: Document<'a>>(
        &mut self,
        entry: Entry,
        document: D,
        queries: Option<u128>,
        replay: bool,
    ) -> Option<Firing> {
        if entry.log_index <= self.seen_to {
            return None;
        }
        let (group_by, watched) = match &self.rule {
            Rule::Threshold(threshold) => (&threshold.group_by, threshold.distinct.as_ref()),
            Rule::Unusual(Unusual::Count { count_by, .. }) => (count_by, None),
            Rule::Unusual(Unusual::FirstSeen { field, by, .. }) => (by, Some(field)),
        };
        let value = match watched {
            None => None,
            Some(field) => Some(field.value(document)?),
        };
        if !replay {
            self.matched += 1;
        }
        let values: Vec<Option<String>> = group_by.iter().map(|field| field.value(document)).collect();
        let key = key::key(&values);
        let (full, found) = match (&self.rule, &mut self.baseline) {
            (Rule::Unusual(unusual), Some(baseline)) => {
                let found = baseline.observe(unusual, &key, value.as_deref(), entry)?;
                (self.counter.observe(&key, entry, None, replay)?, Some(found))
            }
            _ => {
                let value = queries.or(value.as_deref().map(key::hash));
                (self.counter.observe(&key, entry, value, replay)?, None)
            }
        };
        self.fired += 1;
        let group = group_by.iter().map(Field::name).map(str::to_owned);
        let group = group
            .zip(values.into_iter().map(|value| value.map(key::shown)))
            .collect();
        Some(report::firing(self.id, (key, group), &full, entry, &self.rule, found))
    }
}
