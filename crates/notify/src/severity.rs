//! How bad an alert's firing is.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The severities of the log's events, from the least to the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Of interest to who builds the system.
    Debug,
    /// To be known.
    Info,
    /// Worth a look.
    Notice,
    /// To be looked at.
    Warning,
    /// To be acted on.
    Error,
    /// To be acted on at once.
    Critical,
}

impl Severity {
    /// Its name, in lower case.
    pub fn label(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }

    /// The severity of that name.
    pub fn from_label(label: &str) -> Option<Self> {
        const ALL: [Severity; 6] = [
            Severity::Debug,
            Severity::Info,
            Severity::Notice,
            Severity::Warning,
            Severity::Error,
            Severity::Critical,
        ];
        ALL.into_iter().find(|severity| severity.label() == label)
    }

    /// What PagerDuty's Events API v2 calls it.
    pub(crate) fn pagerduty(self) -> &'static str {
        match self {
            Self::Debug | Self::Info | Self::Notice => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }

    /// Its number in syslog (RFC 5424 §6.2.1).
    pub(crate) fn syslog(self) -> u8 {
        match self {
            Self::Debug => 7,
            Self::Info => 6,
            Self::Notice => 5,
            Self::Warning => 4,
            Self::Error => 3,
            Self::Critical => 2,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}
