//! What checks read: rows of the states, as whoever collects them has to fill them. Rows are those of the period (samples, alerts,
//! reviews) or of its end (roles, objects, retention); a list that is empty says that there is no evidence, not that all is well.

mod alerts;
mod catalog;
mod chain;
mod health;
mod policy;
mod retention;
mod reviews;
mod table;

pub use alerts::{AlertRow, RuleUptime};
pub use catalog::{Access, CatalogObject, CatalogRole};
pub use chain::{ChainSegment, IdentityBinding, NodeTrail, Verification};
pub use health::{FieldPresence, HealthSample, SinkSample};
pub use policy::{PolicyEventType, PolicyObject};
pub use retention::RetentionRow;
pub use reviews::Review;
pub(super) use table::table;
pub use table::{MAX_ROWS, Row};

use super::{Check, Filter, State};
use serde::{Deserialize, Serialize};

/// The rows of all states.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Evidence {
    /// `chain`: the parts of the log that the period has.
    pub segments: Vec<ChainSegment>,
    /// `chain`: verifications of the period, and the last before it.
    pub verifications: Vec<Verification>,
    /// `chain`: a sample of events with what binds them to a person.
    pub identities: Vec<IdentityBinding>,
    /// `chain`: the logs of all nodes, this one included.
    pub nodes: Vec<NodeTrail>,
    /// `health`: hourly samples.
    pub samples: Vec<HealthSample>,
    /// `health`: how far outside copies are, at each sample.
    pub sinks: Vec<SinkSample>,
    /// `health`: which events have which fields.
    pub fields: Vec<FieldPresence>,
    /// `alerts`: alerts that fired in the period.
    pub alerts: Vec<AlertRow>,
    /// `alerts`: when rules were on.
    pub rules: Vec<RuleUptime>,
    /// `reviews`: reviews of any part of the period.
    pub reviews: Vec<Review>,
    /// `retention`: classes of events at the end of the period.
    pub retention: Vec<RetentionRow>,
    /// `catalog`: roles at the end of the period.
    pub roles: Vec<CatalogRole>,
    /// `catalog`: objects with a classification at the end of the period.
    pub objects: Vec<CatalogObject>,
    /// `policy`: the choice of event types.
    pub event_types: Vec<PolicyEventType>,
    /// `policy`: components and objects at the end of the period.
    pub coverage: Vec<PolicyObject>,
}

/// The columns of a state's rows.
pub fn columns_of(state: State) -> Vec<&'static str> {
    fn of<R: Row>() -> impl Iterator<Item = &'static str> {
        R::COLUMNS.iter().map(|(name, _)| *name)
    }
    match state {
        State::Chain => of::<ChainSegment>()
            .chain(of::<Verification>())
            .chain(of::<IdentityBinding>())
            .chain(of::<NodeTrail>())
            .collect(),
        State::Health => of::<HealthSample>()
            .chain(of::<SinkSample>())
            .chain(of::<FieldPresence>())
            .collect(),
        State::Alerts => of::<AlertRow>().chain(of::<RuleUptime>()).collect(),
        State::Reviews => of::<Review>().collect(),
        State::Retention => of::<RetentionRow>().collect(),
        State::Catalog => of::<CatalogRole>().chain(of::<CatalogObject>()).collect(),
        State::Policy => of::<PolicyEventType>().chain(of::<PolicyObject>()).collect(),
    }
}

impl Evidence {
    /// The rows that a check is about.
    pub fn filtered(&self, check: &Check) -> Evidence {
        let mut found = self.clone();
        for (filter, values) in &check.filter {
            let has = |value: &String| values.contains(value);
            match filter {
                Filter::Severity => {
                    found.alerts.retain(|alert| has(&alert.severity));
                    found.rules.retain(|rule| has(&rule.severity));
                }
                Filter::RuleTag => {
                    found.alerts.retain(|alert| alert.tags.iter().any(has));
                    found.rules.retain(|rule| rule.tags.iter().any(has));
                }
                Filter::Classification => {
                    // a review of nothing in particular is one of all
                    found
                        .reviews
                        .retain(|review| review.classification.is_empty() || review.classification.iter().any(has));
                    found.retention.retain(|row| row.classification.iter().any(has));
                    found.objects.retain(|object| object.classification.iter().any(has));
                    found.coverage.retain(|object| object.classification.iter().any(has));
                }
            }
        }
        let required = |field: &FieldPresence| {
            check
                .required_fields
                .iter()
                .any(|one| one.field == field.field && one.of == field.of)
        };
        found.fields.retain(required);
        found
    }
}
