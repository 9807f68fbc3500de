//! States that checks read, and the tests of each: closed lists, so that a misspelt test is an error and never a silent pass.

use super::Filter;
use super::parameter::Parameters;
use std::fmt;

/// What a check reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// The hash chain: verifications, signatures, anchors, and what binds people to events.
    Chain,
    /// Hourly samples: is auditing on, the clock, delivery, room, files; and which fields events have.
    Health,
    /// Alerts that fired, and when their rules were on.
    Alerts,
    /// Sign-offs of log reviews.
    Reviews,
    /// How long events are kept, by class.
    Retention,
    /// Roles and objects of the database, as the snapshots have them.
    Catalog,
    /// Which events and objects are audited.
    Policy,
}

impl State {
    /// All of them.
    pub const ALL: [State; 7] = [
        State::Chain,
        State::Health,
        State::Alerts,
        State::Reviews,
        State::Retention,
        State::Catalog,
        State::Policy,
    ];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            State::Chain => "chain",
            State::Health => "health",
            State::Alerts => "alerts",
            State::Reviews => "reviews",
            State::Retention => "retention",
            State::Catalog => "catalog",
            State::Policy => "policy",
        }
    }

    /// The state of this name.
    pub fn from_name(name: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Its tests.
    pub fn tests(self) -> impl Iterator<Item = TestKind> {
        TestKind::ALL.into_iter().filter(move |test| test.state() == self)
    }

    /// What its rows can be chosen by.
    pub fn filters(self) -> &'static [Filter] {
        match self {
            State::Alerts => &[Filter::Severity, Filter::RuleTag],
            State::Reviews | State::Retention | State::Catalog | State::Policy => &[Filter::Classification],
            State::Chain | State::Health => &[],
        }
    }
}

/// How a test compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `<=`
    AtMost,
    /// `>=`
    AtLeast,
}

impl Comparison {
    /// As it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            Comparison::AtMost => "<=",
            Comparison::AtLeast => ">=",
        }
    }
}

macro_rules! tests {
    ($($kind:ident: $state:ident, $name:literal, $comparison:expr, $doc:literal;)*) => {
        /// What a state is tested for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum TestKind {
            $(#[doc = $doc] $kind,)*
        }

        impl TestKind {
            /// All of them, by state.
            pub const ALL: [TestKind; [$($name),*].len()] = [$(TestKind::$kind),*];

            /// The state that has it.
            pub fn state(self) -> State {
                match self {
                    $(TestKind::$kind => State::$state,)*
                }
            }

            /// As it is written, without its bound.
            pub fn name(self) -> &'static str {
                match self {
                    $(TestKind::$kind => $name,)*
                }
            }

            /// How it compares, when it has a bound.
            pub fn comparison(self) -> Option<Comparison> {
                match self {
                    $(TestKind::$kind => $comparison,)*
                }
            }

            /// What it holds for, in words.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(TestKind::$kind => $doc,)*
                }
            }
        }
    };
}

const AT_MOST: Option<Comparison> = Some(Comparison::AtMost);
const AT_LEAST: Option<Comparison> = Some(Comparison::AtLeast);

#[rustfmt::skip]
tests! {
    NoGaps: Chain, "no_gaps", None,
        "No place of the log is without a row or a certificate that explains it.";
    HashChainValid: Chain, "hash_chain_valid", None,
        "Verification of the whole period found nothing.";
    CountMatches: Chain, "count_matches_log_index_span", None,
        "There are as many records as the first and the last log_index say.";
    SignaturesValid: Chain, "signatures_valid", None,
        "Every segment is covered by a checkpoint whose signature is valid.";
    AnchorsMatch: Chain, "anchors_match", None,
        "Every segment agrees with a checkpoint that is kept outside.";
    VerifiedDaily: Chain, "verified_daily", None,
        "No day of the period passed without a verification.";
    IdentityBound: Chain, "identity_bound", None,
        "Each event in the sample is bound to a proven identity.";
    CrossNodeMerge: Chain, "cross_node_merge_ok", None,
        "The logs of all nodes merge into one order within the tolerance of their clocks.";
    AuditEnabled: Health, "audit_enabled_all_period", None,
        "Auditing was on at every sample, and samples cover the whole period.";
    RequiredFields: Health, "required_fields_present", AT_LEAST,
        "Each required field is there in at least so many percent of the events that must have it.";
    NtpSynchronised: Health, "ntp_synchronised", None,
        "The clock was synchronised at every sample.";
    ClockOffset: Health, "max_clock_offset_ms", AT_MOST,
        "The clock was never further off than so many milliseconds.";
    MonotonicTime: Health, "monotonic_time", None,
        "The time of recording never ran backwards against log_index.";
    UtcTimestamps: Health, "utc_timestamps", None,
        "Times are kept in UTC.";
    Granularity: Health, "granularity_us", AT_MOST,
        "Times are as fine as so many microseconds.";
    ShipLag: Health, "ship_lag_seconds", AT_MOST,
        "No outside copy was ever behind by more than so many seconds.";
    DaysToFull: Health, "days_to_full", AT_LEAST,
        "At the growth that was measured there is room for at least so many days.";
    ConfigHash: Health, "config_hash_unchanged", None,
        "The configuration of auditing stayed as it was.";
    LibraryHash: Health, "library_hash_unchanged", None,
        "The extension's library stayed as it was.";
    RulesEnabled: Alerts, "rules_enabled_all_period", None,
        "No alert rule was off in the period, and one at least was on for the whole of it.";
    NoMonitoringGap: Alerts, "no_monitoring_gap", None,
        "At every moment of the period some alert rule was on.";
    NoMissedRuns: Alerts, "no_missed_runs", None,
        "No run of an alert rule was left out.";
    AllAcknowledged: Alerts, "all_acknowledged", None,
        "Somebody has acknowledged each alert.";
    MinutesToAck: Alerts, "minutes_to_ack", AT_MOST,
        "Each alert was acknowledged within so many minutes.";
    AllHaveDisposition: Alerts, "all_have_disposition", None,
        "Each alert has a verdict.";
    AllClosedOrOwned: Alerts, "all_closed_or_open_with_owner", None,
        "Each alert is closed, or somebody has it.";
    EveryPeriodSignedOff: Reviews, "every_period_signed_off", None,
        "Signed reviews cover the whole period.";
    DailySignedOff: Reviews, "daily_signed_off", None,
        "Signed reviews of a day each cover the whole period.";
    WeeklySignedOff: Reviews, "weekly_signed_off", None,
        "Signed reviews of a week each or less cover the whole period.";
    ReviewsDone: Reviews, "reviews_done", None,
        "There are signed reviews of the period, and none is open.";
    ActualDays: Retention, "actual_days", AT_LEAST,
        "The policy keeps events for at least so many days, and none was removed earlier.";
    OnlineDays: Retention, "online_days", AT_LEAST,
        "The same for what can be searched at once.";
    WithinMaximum: Retention, "within_maximum", None,
        "Nothing is kept for longer than its maximum, unless it is held.";
    NoUnapprovedPurge: Retention, "no_unapproved_purge", None,
        "Nothing was removed but by policy, with a certificate.";
    PersonalDataProtected: Catalog, "all_pii_objects_have_policy", None,
        "Each object with personal data has row security or masking, and is audited.";
    ReadersByRole: Catalog, "audit_reader_roles_only", None,
        "Whoever can read the log does so by one of its roles.";
    IdleLogins: Catalog, "no_login_days", AT_MOST,
        "No account that can log in has been idle for more than so many days.";
    EventTypesSelected: Policy, "event_types_selected", None,
        "For each event type that can be recorded it was decided, with a reason, whether it is.";
    ListReviewed: Policy, "reviewed_days", AT_MOST,
        "The choice of event types was reviewed within so many days before the end of the period.";
    ComponentsCovered: Policy, "all_components_covered", None,
        "Each component records events.";
    ObjectsAudited: Policy, "all_classified_objects_audited", None,
        "Each object with a classification is audited.";
}

/// A test with its bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Test {
    /// Which.
    pub kind: TestKind,
    /// What it compares with; there when, and only when, the kind compares.
    pub bound: Option<Bound>,
}

/// What a test compares with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bound {
    /// A number.
    Number(u32),
    /// A parameter of the framework.
    Parameter(String),
}

impl Test {
    /// The value that is compared with; none when the test has no bound or the parameter is unknown.
    pub fn limit(&self, parameters: &Parameters) -> Option<u32> {
        match self.bound.as_ref()? {
            Bound::Number(number) => Some(*number),
            Bound::Parameter(name) => parameters.get(name),
        }
    }
}

/// As it is written: `actual_days>=$retention_days`.
impl fmt::Display for Test {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.kind.name())?;
        let symbol = self.kind.comparison().map_or("", Comparison::symbol);
        match &self.bound {
            None => Ok(()),
            Some(Bound::Number(number)) => write!(out, "{symbol}{number}"),
            Some(Bound::Parameter(name)) => write!(out, "{symbol}${name}"),
        }
    }
}
