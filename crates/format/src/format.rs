//! The formats and their names.

use std::fmt;
use std::str::FromStr;

use crate::error::OptionError;
use crate::option_reader::nearest;

/// A format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// The event's document, a line of JSON each (NDJSON).
    Json,
    /// RFC 4180 with a line of names; no text begins as a spreadsheet's formula does.
    Csv,
    /// RFC 4180 with a line of names; texts as they are.
    CsvRaw,
    /// RFC 5424 without framing.
    Syslog,
    /// Common Event Format, version 0.
    Cef,
    /// Log Event Extended Format, 1.0 or 2.0.
    Leef,
    /// Elastic Common Schema.
    Ecs,
    /// Open Cybersecurity Schema Framework.
    Ocsf,
    /// CloudEvents 1.0, structured JSON.
    CloudEvents,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Json,
        Self::Csv,
        Self::CsvRaw,
        Self::Syslog,
        Self::Cef,
        Self::Leef,
        Self::Ecs,
        Self::Ocsf,
        Self::CloudEvents,
    ];

    /// Its name in SQL.
    pub fn label(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::CsvRaw => "csv-raw",
            Self::Syslog => "syslog",
            Self::Cef => "cef",
            Self::Leef => "leef",
            Self::Ecs => "ecs",
            Self::Ocsf => "ocsf",
            Self::CloudEvents => "cloudevents",
        }
    }

    /// The format of this name, in any case.
    ///
    /// # Errors
    /// When there is none; the hint has the nearest one.
    pub fn from_label(label: &str) -> Result<Self, OptionError> {
        let wanted = label.trim();
        let found = Self::ALL
            .iter()
            .find(|format| format.label().eq_ignore_ascii_case(wanted));
        found.copied().ok_or_else(|| {
            let labels = Self::ALL.map(Self::label);
            let shown: String = label.chars().take(40).flat_map(char::escape_debug).collect();
            let meant = match nearest(&wanted.to_lowercase(), labels.iter().copied()) {
                Some(near) => format!("Did you mean {near}? "),
                None => String::new(),
            };
            OptionError::new(
                format!("there is no format \"{shown}\""),
                format!("{meant}The formats are {}.", labels.join(", ")),
            )
        })
    }

    /// The media type of what a [`Writer`](crate::Writer) writes, for an HTTP header.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json | Self::Ecs | Self::Ocsf => "application/x-ndjson",
            Self::Csv | Self::CsvRaw => "text/csv; charset=utf-8; header=present",
            Self::Syslog | Self::Cef | Self::Leef => "text/plain; charset=utf-8",
            Self::CloudEvents => "application/cloudevents+json",
        }
    }

    /// What the names of files end with, without a dot.
    pub fn file_extension(self) -> &'static str {
        match self {
            Self::Json => "ndjson",
            Self::Csv | Self::CsvRaw => "csv",
            Self::Syslog => "log",
            Self::Cef => "cef",
            Self::Leef => "leef",
            Self::Ecs => "ecs.ndjson",
            Self::Ocsf => "ocsf.ndjson",
            Self::CloudEvents => "cloudevents.ndjson",
        }
    }

    /// What ends a line in a file: CRLF in CSV, as RFC 4180 has it.
    pub fn line_end(self) -> &'static str {
        match self {
            Self::Csv | Self::CsvRaw => "\r\n",
            _ => "\n",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

impl FromStr for Format {
    type Err = OptionError;

    fn from_str(label: &str) -> Result<Self, OptionError> {
        Self::from_label(label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_lead_back() {
        for format in Format::ALL {
            assert_eq!(Format::from_label(format.label()), Ok(format));
            assert_eq!(format.label().to_uppercase().parse(), Ok(format));
        }
    }

    #[test]
    fn a_wrong_label_is_told_the_nearest_one() {
        let error = Format::from_label("josn").unwrap_err();
        assert_eq!(error.message, "there is no format \"josn\"");
        assert!(
            error.hint.starts_with("Did you mean json? The formats are json, csv,"),
            "{}",
            error.hint
        );
        let error = Format::from_label("spreadsheet\n").unwrap_err();
        assert_eq!(error.message, "there is no format \"spreadsheet\\n\"");
        assert!(error.hint.starts_with("The formats are"), "{}", error.hint);
    }
}
