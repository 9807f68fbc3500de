//! What can be chosen for each format.
//!
//! | format | option | default |
//! | --- | --- | --- |
//! | `csv`, `csv-raw` | `columns`: names of `auditlog.events` or paths of the document, in their order | all |
//! | | `delimiter`: one character, or `tab` | `,` |
//! | | `null`: the text for NULL | nothing |
//! | `syslog` | `facility`: `audit`, `auth`, `authpriv`, `user`, `daemon`, `local0` … | `audit` (13) |
//! | | `hostname`, `app_name` | the machine's, `pg_auditlog` |
//! | | `enterprise_number`: of the structured data's id | 32473, the one for documentation |
//! | | `time_digits`: 0 to 6 digits of the second's fraction; QRadar wants 3 | 6 |
//! | | `msg`: `json`, `cef`, `leef`, `ecs`, `ocsf` or `text`, each with its own options beside these | `json` |
//! | | `max_bytes`: 1,024 to 1,048,576 | 8,192 |
//! | `cef`, `leef`, `ecs`, `ocsf` | `vendor`, `product` | `pg_auditlog` |
//! | `leef` | `version`: `1.0`, `2.0` | `2.0` |
//! | | `delimiter` (2.0): one character, or `x` and its code | `x09`, the tab |
//! | `ocsf` | `version`: `1.3.0`, `1.8.0` | `1.3.0`, which Security Lake takes |
//! | `cloudevents` | `source`: a URI reference | `//` and the origin |
//!
//! `json` has none.

use serde_json::Value;

use crate::csv::CsvOptions;
use crate::error::OptionError;
use crate::format::Format;
use crate::leef::LeefOptions;
use crate::ocsf::OcsfOptions;
use crate::option_reader::Reader;
use crate::syslog::SyslogOptions;

/// The options of a format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    pub(crate) format: Format,
    pub(crate) settings: Settings,
}

/// What each format has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Settings {
    Json,
    Csv(CsvOptions),
    Syslog(Box<SyslogOptions>),
    Cef(Product),
    Leef(LeefOptions),
    Ecs(Product),
    Ocsf(OcsfOptions),
    CloudEvents(Option<String>),
}

/// What sends the events, as receivers show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Product {
    pub(crate) vendor: String,
    pub(crate) product: String,
}

impl Product {
    pub(crate) fn parse(reader: &mut Reader<'_>) -> Result<Self, OptionError> {
        // A pipe could be escaped in CEF but not in LEEF, and nobody is called so.
        let vendor = reader.line("vendor", 63, &['|', '\\'])?;
        let product = reader.line("product", 63, &['|', '\\'])?;
        Ok(Self {
            vendor: vendor.unwrap_or("pg_auditlog").to_owned(),
            product: product.unwrap_or("pg_auditlog").to_owned(),
        })
    }
}

impl Options {
    /// Reads the options of a format: an object, or null for none.
    ///
    /// # Errors
    /// When one is unknown or not what it must be.
    pub fn parse(format: Format, options: &Value) -> Result<Self, OptionError> {
        let mut reader = Reader::new(format, options)?;
        let settings = match format {
            Format::Json => Settings::Json,
            Format::Csv => Settings::Csv(CsvOptions::parse(&mut reader, true)?),
            Format::CsvRaw => Settings::Csv(CsvOptions::parse(&mut reader, false)?),
            Format::Syslog => Settings::Syslog(Box::new(SyslogOptions::parse(&mut reader)?)),
            Format::Cef => Settings::Cef(Product::parse(&mut reader)?),
            Format::Leef => Settings::Leef(LeefOptions::parse(&mut reader)?),
            Format::Ecs => Settings::Ecs(Product::parse(&mut reader)?),
            Format::Ocsf => Settings::Ocsf(OcsfOptions::parse(&mut reader)?),
            Format::CloudEvents => Settings::CloudEvents(crate::cloudevents::parse(&mut reader)?),
        };
        reader.finish()?;
        Ok(Self { format, settings })
    }

    /// The usual options of a format.
    ///
    /// # Panics
    /// Never: each option has a default.
    pub fn usual(format: Format) -> Self {
        Self::parse(format, &Value::Null).expect("each option has a default")
    }

    /// The format they are for.
    pub fn format(&self) -> Format {
        self.format
    }
}
