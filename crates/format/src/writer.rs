//! The writer of all formats.

use auditlog_bundle::Record;
use auditlog_core::encode::Values;

use crate::error::FormatError;
use crate::fields::Fields;
use crate::format::Format;
use crate::options::{Options, Settings};
use crate::source::Source;
use crate::{cef, cloudevents, csv, ecs, json, leef, ocsf, syslog};

/// Writes events in one format.
#[derive(Debug, Clone)]
pub struct Writer {
    options: Options,
    source: Source,
}

impl Writer {
    /// A writer of events of `source`.
    pub fn new(options: Options, source: Source) -> Self {
        Self { options, source }
    }

    /// Its format.
    pub fn format(&self) -> Format {
        self.options.format
    }

    /// The media type of what is written, for an HTTP header.
    pub fn media_type(&self) -> &'static str {
        self.options.format.media_type()
    }

    /// What the names of files end with, without a dot.
    pub fn file_extension(&self) -> &'static str {
        self.options.format.file_extension()
    }

    /// What the caller is to put behind the header and each event in a file.
    pub fn line_end(&self) -> &'static str {
        self.options.format.line_end()
    }

    /// Appends what comes before the first event, without a line end: CSV's line of names. Nothing in other formats.
    pub fn header(&self, out: &mut Vec<u8>) {
        if let Settings::Csv(options) = &self.options.settings {
            csv::header(options, out);
        }
    }

    /// Appends one event, without a line end.
    ///
    /// # Errors
    /// [`FormatError`]; `out` is then as it was.
    pub fn event(&self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), FormatError> {
        self.write(&Fields::read(record)?, out)
    }

    /// As [`Writer::event`], for whoever has the values already: they are what the record's plain entry would be
    /// decoded to, and the record's own are not looked at.
    ///
    /// # Errors
    /// As for [`Writer::event`].
    pub fn event_of(&self, record: &Record<'_>, values: &Values<'_>, out: &mut Vec<u8>) -> Result<(), FormatError> {
        let fields = Fields {
            record,
            values: *values,
        };
        self.write(&fields, out)
    }

    fn write(&self, fields: &Fields<'_>, out: &mut Vec<u8>) -> Result<(), FormatError> {
        let start = out.len();
        let written = self.write_fields(fields, out);
        if written.is_err() {
            out.truncate(start);
        }
        written
    }

    fn write_fields(&self, fields: &Fields<'_>, out: &mut Vec<u8>) -> Result<(), FormatError> {
        let source = &self.source;
        match &self.options.settings {
            Settings::Json => json::write(fields, source, out),
            Settings::Csv(options) => csv::write(fields, source, options, out),
            Settings::Syslog(options) => syslog::write(fields, source, options, out),
            Settings::Cef(product) => cef::write(fields, source, product, out),
            Settings::Leef(options) => leef::write(fields, source, options, out),
            Settings::Ecs(product) => ecs::write(fields, source, product, out),
            Settings::Ocsf(options) => ocsf::write(fields, source, options, out),
            Settings::CloudEvents(uri) => cloudevents::write(fields, source, uri.as_deref(), out),
        }
    }
}
