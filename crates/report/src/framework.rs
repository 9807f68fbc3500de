//! What frameworks ask for, as data: the built-in ones (`frameworks/*.yaml`) and those that users add.
//!
//! `text → Framework::parse → Framework`; its queries are written in the query language, with `$name` for parameters, which users
//! override ([`Parameters`]). What a control's checks say about a state is computed by [`check::evaluate`], what a reviewer must look
//! at among the events of a query the database finds (`src/reporting/exceptions.rs`); the module `scan` is the model that tests compare it with.

pub mod builtin;
pub mod check;
pub mod evidence;
mod exception;
mod json;
mod parameter;
pub mod period;
mod read;
#[cfg(any(test, feature = "testing"))]
pub mod scan;
mod state;

pub use auditlog_policy::alert::definition::DefinitionError as FrameworkError;
pub use builtin::builtin;
pub use exception::{Exception, Span, Trigger};
pub use parameter::{MAX_VALUE, Parameter, ParameterError, Parameters, Unit};
pub use period::{Moment, Period};
pub use state::{Bound, Comparison, State, Test, TestKind};

use auditlog_query::CheckOptions;
use sha2::{Digest, Sha256};

/// Most controls of a framework.
pub const MAX_CONTROLS: usize = 500;

/// A framework, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Framework {
    /// Short name, as SQL takes it: `soc2`.
    pub id: String,
    /// Full name: `SOC 2 Type II`.
    pub name: String,
    /// Version that is printed: `TSC 2017 (points of focus 2022)`.
    pub version: String,
    /// Day of the sources that it was written by: `2026-11-22`.
    pub as_of: Option<String>,
    /// Who issues it, and what the numbers and the wording rest on.
    pub authority: String,
    /// Notes for all of its controls.
    pub notes: String,
    /// Deadlines, lengths of retention, thresholds, with their cited basis.
    pub parameters: Vec<Parameter>,
    /// The controls, in the order of the report.
    pub controls: Vec<Control>,
}

/// A control.
#[derive(Debug, Clone, PartialEq)]
pub struct Control {
    /// Its official number, unique in the framework: `CC6.1`.
    pub control: String,
    /// A title in our own words.
    pub title: String,
    /// The evidence that is asked for, in our own words.
    pub asks: String,
    /// Which events are its population: a query in which `$name` stands for a parameter. A control has a query, checks, or both.
    pub query: Option<String>,
    /// What is read from the state of the log and its database.
    pub checks: Vec<Check>,
    /// Fields that the section's table is grouped by; empty for no groups.
    pub group_by: Vec<String>,
    /// Counts of the section.
    pub metrics: Vec<Measure>,
    /// Columns of the rows: paths of events, or columns of the states.
    pub fields: Vec<String>,
    /// Columns that are joined from elsewhere (staff, tickets, register), so that the report can say that they are missing.
    pub derived: Vec<String>,
    /// What a reviewer must look at first, worst first.
    pub exceptions: Vec<Exception>,
    /// Does the log prove the control, or a part of it?
    pub directness: Directness,
    /// Baselines or classes that have the control; empty for all.
    pub applies_to: Vec<String>,
    /// Notes for the reader.
    pub notes: String,
}

/// Does the log prove a control?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Directness {
    /// Yes.
    Direct,
    /// A part of it: input from staff, tickets or the application is needed.
    Supporting,
}

impl Directness {
    /// As it is written.
    pub fn label(self) -> &'static str {
        match self {
            Directness::Direct => "direct",
            Directness::Supporting => "supporting",
        }
    }
}

/// A count of a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Events.
    Count,
    /// Values of `actor.id`.
    DistinctActors,
    /// Values of `resource.id`.
    DistinctResources,
    /// Values of `metadata.data_subject_id`.
    DistinctSubjects,
    /// Sum of `metadata.row_count`.
    Rows,
    /// Largest number of `metadata.columns`.
    Columns,
    /// Share in percent of events with a person: `actor.type:user` and an `actor.id`, or `metadata.end_user`.
    PctAttributed,
    /// Share in percent of events with `metadata.request_id`.
    PctWithRequestId,
}

impl Measure {
    /// All of them.
    pub const ALL: [Measure; 8] = [
        Measure::Count,
        Measure::DistinctActors,
        Measure::DistinctResources,
        Measure::DistinctSubjects,
        Measure::Rows,
        Measure::Columns,
        Measure::PctAttributed,
        Measure::PctWithRequestId,
    ];

    /// As it is written: `distinct_actors`.
    pub fn name(self) -> &'static str {
        match self {
            Measure::Count => "count",
            Measure::DistinctActors => "distinct_actors",
            Measure::DistinctResources => "distinct_resources",
            Measure::DistinctSubjects => "distinct_subjects",
            Measure::Rows => "rows",
            Measure::Columns => "columns",
            Measure::PctAttributed => "pct_attributed",
            Measure::PctWithRequestId => "pct_with_request_id",
        }
    }

    /// For people.
    pub fn label(self) -> &'static str {
        match self {
            Measure::Count => "Events",
            Measure::DistinctActors => "Actors",
            Measure::DistinctResources => "Resources",
            Measure::DistinctSubjects => "Data subjects",
            Measure::Rows => "Rows",
            Measure::Columns => "Most columns",
            Measure::PctAttributed => "Attributed to a person (%)",
            Measure::PctWithRequestId => "With a request id (%)",
        }
    }
}

/// A check of a state.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// What is read.
    pub state: State,
    /// What must hold, at least one.
    pub tests: Vec<Test>,
    /// Only rows with one of these values: of `severity`, `rule_tag`, `classification`.
    pub filter: Vec<(Filter, Vec<String>)>,
    /// For `required_fields_present`: what each event must say.
    pub required_fields: Vec<RequiredField>,
}

/// What rows of a state are chosen by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// Severity of alerts.
    Severity,
    /// Tags of alert rules.
    RuleTag,
    /// Classification of objects, and of what a review covers.
    Classification,
}

impl Filter {
    /// All of them.
    pub const ALL: [Filter; 3] = [Filter::Severity, Filter::RuleTag, Filter::Classification];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Filter::Severity => "severity",
            Filter::RuleTag => "rule_tag",
            Filter::Classification => "classification",
        }
    }
}

/// A field that events must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequiredField {
    /// Path of the event.
    pub field: String,
    /// Which events must have it (a query); none for all.
    pub of: Option<String>,
}

impl Framework {
    /// Reads a framework, as YAML or JSON (docs/reports.md).
    ///
    /// # Errors
    /// What is wrong, where, and what to do about it.
    pub fn parse(text: &str) -> Result<Framework, FrameworkError> {
        read::framework(text, &query_options())
    }

    /// The canonical form, from which [`Framework::parse`] reads the same framework.
    pub fn to_json(&self) -> serde_json::Value {
        json::framework(self)
    }

    /// SHA-256 of the canonical JSON, hexadecimal: what a report says it was made by.
    pub fn sha256(&self) -> String {
        let digest = Sha256::digest(self.to_json().to_string().as_bytes());
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The control with this number.
    pub fn control(&self, number: &str) -> Option<&Control> {
        self.controls.iter().find(|control| control.control == number)
    }
}

impl Control {
    /// As it is written, as JSON: a row of `auditlog.controls`.
    pub fn to_json(&self) -> serde_json::Value {
        json::control(self)
    }

    /// The query that is run: parameters have their values.
    pub fn population(&self, parameters: &Parameters) -> Option<String> {
        self.query.as_deref().map(|query| parameters.expand(query))
    }

    /// The same question for machines: `conditions` is the parsed query, `checks` are the tests with their bounds as numbers.
    pub fn question(&self, parameters: &Parameters) -> serde_json::Value {
        json::question(self, parameters)
    }
}

/// How queries of frameworks are checked: they are about events, and read the same for everybody.
pub fn query_options() -> CheckOptions<'static> {
    CheckOptions {
        strict: true,
        literal_keys: false,
        ..CheckOptions::default()
    }
}

#[cfg(test)]
mod tests;
