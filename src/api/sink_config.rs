//! What a sink's configuration means: where to, in which format. The same for who makes one, for the streamer and for `test_sink`.

use super::file_rights;
use crate::guc;
use auditlog_format::{Format, Options, Source, Writer};
use auditlog_notify::egress::AllowedHosts;
use auditlog_stream::{Limits, Stream};
use serde_json::Value;
use std::time::Duration;

/// Key of `config` with the options of the format.
const FORMAT_OPTIONS: &str = "format_options";
/// The version of OCSF that AWS Security Lake takes.
const LAKE_VERSION: &str = "1.3.0";
/// The longest wait of kinds that send single events; others make objects, and say how long themselves.
const SHORT: Duration = Duration::from_secs(1);

/// Why a configuration is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
}

impl Problem {
    fn new(message: impl Into<String>, hint: impl Into<String>) -> Problem {
        Problem {
            message: message.into(),
            hint: hint.into(),
        }
    }
}

/// A configuration that was read.
pub struct Parsed {
    /// Where events go.
    pub stream: Stream,
    /// In which format.
    pub options: Options,
    /// How much goes into a batch, with what the settings say.
    pub limits: Limits,
}

/// Reads a sink's kind, its options as JSON text and its format; without one the kind's usual. `origin` is the log's.
///
/// # Errors
/// What is wrong; no secret is repeated.
pub fn parse(kind: &str, config: &str, format: Option<&str>, origin: &str) -> Result<Parsed, Problem> {
    let mut config: Value = serde_json::from_str(config).unwrap_or_default();
    let of_format = config
        .as_object_mut()
        .and_then(|options| options.remove(FORMAT_OPTIONS))
        .unwrap_or_default();
    let stream = Stream::parse(kind, &config, origin).map_err(|error| {
        let usual = || "docs/siem/streaming.md lists the options of each kind.".to_owned();
        Problem::new(error.message, error.hint.unwrap_or_else(usual))
    })?;
    let format = format.unwrap_or(stream.default_format());
    let format = Format::from_label(format).map_err(|error| Problem::new(error.message, error.hint))?;
    if let Some(only) = stream.only_format() {
        let version = of_format.get("version").and_then(Value::as_str).unwrap_or(LAKE_VERSION);
        if format.label() != only || version != LAKE_VERSION {
            return Err(Problem::new(
                format!("the kind {kind} takes the format {only} in its version {LAKE_VERSION} alone"),
                format!("Leave the format out, or write {only}."),
            ));
        }
    }
    if matches!(format, Format::Csv | Format::CsvRaw) {
        return Err(Problem::new(
            format!("the format {format} is not for sinks"),
            "Its first line says what the others mean, and a stream has none. Take json, or one of the others.",
        ));
    }
    if format == Format::CloudEvents && config.get("body").and_then(Value::as_str) == Some("cloudevents") {
        return Err(Problem::new(
            "the body makes CloudEvents, and so does the format",
            "Take the format json with the body cloudevents: then a batch is one request.",
        ));
    }
    let options = Options::parse(format, &of_format)
        .map_err(|error| Problem::new(format!("{FORMAT_OPTIONS}: {}", error.message), error.hint))?;
    let mut limits = stream.limits();
    if limits.max_age <= SHORT && config.get("batch_seconds").is_none() {
        limits.max_age = Duration::from_millis(guc::SINK_BATCH_INTERVAL.get() as u64);
    }
    // What is read, what is made of it, and the payload, twice: for two batches.
    limits.max_bytes = limits.max_bytes.min(guc::SINK_MEMORY.get() as usize * 1024 / 8);
    Ok(Parsed {
        stream,
        options,
        limits,
    })
}

/// Raises an error unless the caller may have the server use the files that a sink asks for.
pub fn require_rights(kind: &str, config: &str) {
    let config: Value = serde_json::from_str(config).unwrap_or_default();
    let text = |name: &str| config.get(name).and_then(Value::as_str).unwrap_or_default();
    let writes = kind == "object_store" && !text("url").starts_with("s3:");
    let kind = if writes { "file" } else { kind };
    let names = config.as_object().into_iter().flat_map(|options| options.keys());
    file_rights::require("sink", kind, names.map(String::as_str));
}

/// A writer of events of the log under this origin.
pub fn writer(options: Options, origin: &str) -> Writer {
    let source = Source {
        origin: origin.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        hostname: hostname(),
        database: crate::provenance::database(),
    };
    Writer::new(options, source)
}

/// Hosts that may be connected to, and why the setting cannot be read.
///
/// # Errors
/// The setting was checked when it was set, so never.
pub fn hosts() -> Result<AllowedHosts, String> {
    let list = guc::ALLOWED_HOSTS.get();
    let list = list.map_or_else(String::new, |list| list.to_string_lossy().into_owned());
    AllowedHosts::parse(&list).map_err(|error| format!("auditlog.allowed_hosts: {}", error.message))
}

fn hostname() -> String {
    let mut name = [0_u8; 256];
    // SAFETY: a buffer of this length; what is cut has no end, so the last byte stays 0.
    let found = unsafe { libc::gethostname(name.as_mut_ptr().cast(), name.len() - 1) };
    let length = name.iter().position(|byte| *byte == 0).unwrap_or(0);
    if found == 0 {
        String::from_utf8_lossy(&name[..length]).into_owned()
    } else {
        String::new()
    }
}
