//! Reports that users define: which events, of which period, counted how, when and for whom (docs/reports.md).
//!
//! `text → CustomReport::parse → CustomReport`; [`CustomReport::resolve`] says which period a run is about. Nothing here reads a clock.

mod interval;
mod json;
mod period;
mod read;

pub use auditlog_policy::alert::definition::DefinitionError as CustomError;
pub use interval::{Interval, MAX_BUCKETS};
pub use period::{MAX_DAYS, Rolling, Since, Unit};

use auditlog_policy::alert::field::Field;
use auditlog_query::CheckOptions;
use auditlog_query::dates::Zone;
use auditlog_schedule::Schedule;

/// Most fields that a report is grouped by.
pub const MAX_GROUP_FIELDS: usize = 4;

/// Most groups that a report shows.
pub const MAX_TOP: u32 = 10_000;

/// A definition of a report, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct CustomReport {
    /// Its name, by which it is run.
    pub name: String,
    /// The title on the cover; the name when none was given.
    pub title: String,
    /// What it is for.
    pub description: String,
    /// The period of a run.
    pub period: Since,
    /// The zone of the period's days and of the schedule, as it was written.
    pub time_zone: String,
    /// The same, read.
    pub zone: Zone,
    /// Which events: a query; `*` for all.
    pub filters: String,
    /// What groups are told apart by; empty for one group of all.
    pub group_by: Vec<GroupField>,
    /// Steps of the time series; none without one.
    pub interval: Option<Interval>,
    /// What is counted, at least one.
    pub metrics: Vec<Measure>,
    /// Most groups; the others are summed up.
    pub top: u32,
    /// Is each figure compared with the period before?
    pub compare: bool,
    /// What groups are ordered by.
    pub order_by: OrderBy,
    /// When it is run; none for a report that is run by hand.
    pub schedule: Option<Schedule>,
    /// The files that a run makes, at least one.
    pub formats: Vec<Format>,
    /// Names of notification channels that are told.
    pub channels: Vec<String>,
    /// Names of sinks that get the files.
    pub sinks: Vec<String>,
}

/// A field that groups are told apart by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupField {
    /// As it was written: `user`, `resource.type`.
    pub name: String,
    /// Which field of the event it is.
    pub field: Field,
}

/// Names of fields in reports that mean several fields in queries.
const GROUP_ALIASES: [(&str, &str); 2] = [("user", "actor.id"), ("resource", "resource.id")];

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Events.
    EventCount,
    /// Values of `actor.id`.
    UniqueUsers,
    /// Values of `resource.id`.
    ResourcesAffected,
    /// Time of the first event.
    First,
    /// Time of the last event.
    Last,
    /// Sum of `metadata.row_count`.
    Rows,
}

impl Measure {
    /// All of them.
    pub const ALL: [Measure; 6] = [
        Measure::EventCount,
        Measure::UniqueUsers,
        Measure::ResourcesAffected,
        Measure::First,
        Measure::Last,
        Measure::Rows,
    ];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Measure::EventCount => "event_count",
            Measure::UniqueUsers => "unique_users",
            Measure::ResourcesAffected => "resources_affected",
            Measure::First => "first",
            Measure::Last => "last",
            Measure::Rows => "rows",
        }
    }

    /// For people.
    pub fn label(self) -> &'static str {
        match self {
            Measure::EventCount => "Events",
            Measure::UniqueUsers => "Users",
            Measure::ResourcesAffected => "Resources",
            Measure::First => "First",
            Measure::Last => "Last",
            Measure::Rows => "Rows",
        }
    }
}

/// What groups are ordered by; groups that are equal by it are ordered by their values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderBy {
    /// What.
    pub key: OrderKey,
    /// Largest first?
    pub descending: bool,
}

/// What groups can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderKey {
    /// One of the report's metrics.
    Metric(Measure),
    /// The value of the field of this number in `group_by`.
    Group(usize),
}

/// A file of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Format {
    Pdf,
    Json,
    Csv,
}

impl Format {
    /// All of them.
    pub const ALL: [Format; 3] = [Format::Pdf, Format::Json, Format::Csv];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Format::Pdf => "pdf",
            Format::Json => "json",
            Format::Csv => "csv",
        }
    }
}

impl CustomReport {
    /// Reads a definition, as YAML or JSON.
    ///
    /// # Errors
    /// What is wrong, where, and what to do about it.
    pub fn parse(text: &str) -> Result<CustomReport, CustomError> {
        CustomReport::parse_with(text, &crate::framework::query_options())
    }

    /// The same, with other limits for its query, or with saved queries.
    ///
    /// # Errors
    /// What is wrong, where, and what to do about it.
    pub fn parse_with(text: &str, options: &CheckOptions<'_>) -> Result<CustomReport, CustomError> {
        read::report(text, options)
    }

    /// The period of a run at `now_us`: from the first moment until before the second, in microseconds since 1970 in UTC. None when it
    /// lies outside of the calendar.
    pub fn resolve(&self, now_us: i64) -> Option<(i64, i64)> {
        self.period.resolve(now_us, &self.zone)
    }

    /// The period before, to compare with: as long by the calendar, and ending where the other begins (for a period that is not over:
    /// at the same point of it).
    pub fn previous(&self, now_us: i64) -> Option<(i64, i64)> {
        self.period.previous(now_us, &self.zone)
    }

    /// The canonical form, from which [`CustomReport::parse`] reads the same definition.
    pub fn to_json(&self) -> serde_json::Value {
        json::report(self)
    }
}

#[cfg(test)]
mod tests;
