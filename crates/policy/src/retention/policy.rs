//! What was decided about keeping events: read from YAML or JSON, shown as canonical JSON and in words.
//!
//! ```yaml
//! retention_policies:                        # the first that matches an event's type wins
//!   - event_types: [authentication.*]        # types, all below a name (name.*), or *
//!     hot_days: 90
//!     warm_days: 365
//!     cold_years: 7
//!     name: logins                           # optional, as all that follows; see class_name
//!     classification: [pci_dss, gdpr]        # names of requirements
//!     maximum_days: 2557                     # for gdpr and the like: how long is «no longer than needed»
//!     description: "Who came in."
//! default:                                   # the class «standard»: all other events
//!   cold_years: 3
//! ```
//!
//! A tier's number is the age at which it **ends**, in `_days`, `_weeks`, `_months` or `_years` (see
//! [`super::age`]); 0 leaves the tier out. What a policy does not say, `default` says; what that does not
//! say is hot 90 days, warm 1 year, cold 7 years. An event is removed when its last tier ends.
//!
//! The events of [`EVIDENCE_TYPES`] are the class `evidence`, before all policies: they never leave the
//! database, because without them the verifier could not tell a removed or erased event from a stolen one.

mod explain;
mod json;
mod read;
#[cfg(test)]
mod tests;

pub use crate::alert::definition::{DefinitionError, Fault};

use super::age::Age;
use super::class_name::{EVIDENCE, STANDARD};
use super::matcher::Matcher;
use super::pattern::Pattern;
use super::requirement;
use super::tier::Tiers;
use sha2::{Digest, Sha256};

/// Most policies of a definition: each class has a partition for each month.
pub const MAX_POLICIES: usize = 64;

/// Most patterns of a policy.
pub const MAX_PATTERNS: usize = 256;

/// Most bytes of a description.
pub const MAX_DESCRIPTION_BYTES: usize = 1_000;

/// The events that proofs depend on (docs/format.md §14, §15), and those that show that a removal was
/// allowed. They stay as long as the log.
pub const EVIDENCE_TYPES: [&str; 8] = [
    "auditlog.erasure",
    "auditlog.incarnation",
    "auditlog.key_create",
    "auditlog.key_rotate",
    "auditlog.legal_hold",
    "auditlog.restore",
    "auditlog.retention",
    "auditlog.retention_change",
];

/// Events that are kept alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    /// Its name, see [`super::class_name`].
    pub name: String,
    /// Which types it has, as far as no earlier class has them; for `standard` all that nobody has.
    pub event_types: Vec<Pattern>,
    /// Until which age they stay where.
    pub tiers: Tiers,
    /// Names of requirements that are to be kept.
    pub classification: Vec<String>,
    /// The longest time they may be kept, where the law leaves the number to whoever is responsible.
    pub maximum: Option<Age>,
    /// What it is for.
    pub description: Option<String>,
}

/// All classes, in their order.
#[derive(Debug, Clone)]
pub struct RetentionPolicy {
    classes: Vec<Class>,
    matcher: Matcher,
}

/// Something that was probably not meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Line of the text, from 1.
    pub line: usize,
    /// Character of the line, from 1.
    pub column: usize,
    /// Lower case, no full stop.
    pub message: String,
    /// A sentence that says what to do.
    pub hint: String,
}

impl RetentionPolicy {
    /// Reads YAML or JSON; classifications are the [built-in](requirement::built_in) requirements.
    ///
    /// # Errors
    /// With line, column and hint, when it is no such definition.
    pub fn parse(text: &str) -> Result<(RetentionPolicy, Vec<Warning>), DefinitionError> {
        let known: Vec<_> = requirement::built_in().into_iter().map(|found| found.id).collect();
        RetentionPolicy::parse_with(text, &known.iter().map(AsRef::as_ref).collect::<Vec<_>>())
    }

    /// Reads YAML or JSON; these are the names of the requirements.
    ///
    /// # Errors
    /// With line, column and hint, when it is no such definition.
    pub fn parse_with(text: &str, known: &[&str]) -> Result<(RetentionPolicy, Vec<Warning>), DefinitionError> {
        read::policy(text, known)
    }

    /// The policies, then `standard`, then `evidence`.
    fn new(mut policies: Vec<Class>, standard: Class) -> RetentionPolicy {
        policies.push(standard);
        policies.push(evidence());
        let (standard_at, evidence_at) = (policies.len() - 2, policies.len() - 1);
        let order = std::iter::once(evidence_at).chain(0..standard_at);
        let rules = order.flat_map(|at| policies[at].event_types.iter().map(move |pattern| (pattern, at)));
        let matcher = Matcher::new(rules);
        RetentionPolicy {
            classes: policies,
            matcher,
        }
    }

    /// The class of events of this type.
    pub fn class_of(&self, event_type: &str) -> &Class {
        let standard = self.classes.len() - 2;
        &self.classes[self.matcher.find(event_type).unwrap_or(standard)]
    }

    /// All classes: the policies in their order, `standard`, `evidence`.
    pub fn classes(&self) -> &[Class] {
        &self.classes
    }

    /// The class of this name.
    pub fn class(&self, name: &str) -> Option<&Class> {
        self.classes.iter().find(|class| class.name == name)
    }

    /// The class of all events that no policy names.
    pub fn standard(&self) -> &Class {
        &self.classes[self.classes.len() - 2]
    }

    /// The canonical form: keys in a fixed order, all ages and names written out. Reading it gives the same
    /// policy, also when the defaults are others some day.
    pub fn to_json(&self) -> serde_json::Value {
        json::to_json(self)
    }

    /// SHA-256 of the canonical form, 64 hexadecimal digits: which policy a certificate means.
    pub fn fingerprint(&self) -> String {
        let digest = Sha256::digest(self.to_json().to_string());
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// In words, a line for each class.
    pub fn explain(&self) -> Vec<String> {
        explain::explain(self)
    }
}

impl Default for RetentionPolicy {
    /// What holds before anything was decided: all events are `standard`, with the default ages.
    fn default() -> RetentionPolicy {
        RetentionPolicy::new(Vec::new(), plain(STANDARD, Tiers::DEFAULT))
    }
}

impl PartialEq for RetentionPolicy {
    fn eq(&self, other: &RetentionPolicy) -> bool {
        self.classes == other.classes
    }
}

fn plain(name: &str, tiers: Tiers) -> Class {
    Class {
        name: name.to_owned(),
        event_types: Vec::new(),
        tiers,
        classification: Vec::new(),
        maximum: None,
        description: None,
    }
}

fn evidence() -> Class {
    let tiers = Tiers {
        hot: Tiers::DEFAULT.hot,
        warm: Age::FOREVER,
        cold: Age::NONE,
    };
    Class {
        event_types: EVIDENCE_TYPES.map(|name| Pattern::Exact(name.to_owned())).into(),
        description: Some("What proofs depend on, and what shows that a removal was allowed.".to_owned()),
        ..plain(EVIDENCE, tiers)
    }
}
