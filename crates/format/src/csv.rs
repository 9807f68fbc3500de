//! The formats `csv` and `csv-raw`: the columns of `auditlog.events`, RFC 4180.
//!
//! - **NULL and the empty text.** NULL is an empty field, the empty text is `""`, as in PostgreSQL's COPY. With the
//!   option `null` NULL is that text, and a value that reads the same is quoted.
//! - **Values.** Moments are RFC 3339 in UTC, hashes hexadecimal, JSON and lists JSON text, addresses as PostgreSQL
//!   writes them.
//! - **Formulas** (`csv` alone; OWASP «CSV Injection», ASVS 5.0 1.2.10). A text gets an apostrophe in front when its
//!   first character, or the first one behind white space, begins a formula (`=`, `+`, `-`, `@` or one of their
//!   full-width forms), or when it begins with a tab, CR, LF, NUL or an apostrophe. So a leading apostrophe is always
//!   ours: without it, the text is what was recorded. Fields with a character that a spreadsheet may take for the end
//!   of a cell (`,` `;` `|` tab) are quoted whatever the delimiter is. Numbers and JSON need none of that.

use auditlog_core::columns::{COLUMNS, Kind, position};
use auditlog_core::encode::Value;

use crate::error::{FormatError, OptionError};
use crate::fields::Fields;
use crate::json::paths;
use crate::json_text::{canonical, list};
use crate::option_reader::{Reader, nearest};
use crate::source::Source;
use crate::time_text;

/// What a column of the file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    Origin,
    LogIndex,
    SealedAt,
    Hash,
    PrevHash,
    EntryHash,
    Redacted,
    Value(usize),
}

/// The usual columns, in the order of `auditlog.events`. Its columns `salt` (it never leaves) and `retention_class`
/// (it changes, and is no part of a record) are missing.
const USUAL: [&str; 41] = [
    "origin",
    "log_index",
    "event_id",
    "timestamp",
    "event_type",
    "category",
    "severity",
    "tenant",
    "actor_type",
    "actor_id",
    "actor_email",
    "actor_ip",
    "actor_user_agent",
    "actor_session_id",
    "resource_type",
    "resource_id",
    "cloud_provider",
    "account_id",
    "region",
    "resource_tags",
    "operation",
    "status",
    "method",
    "before",
    "after",
    "request_id",
    "tags",
    "extra",
    "idempotency_key",
    "recorded_at",
    "sealed_at",
    "db_session_user",
    "db_current_user",
    "db_client_addr",
    "db_application",
    "db_xid",
    "personal",
    "redacted",
    "entry_hash",
    "prev_hash",
    "hash",
];

/// How CSV is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CsvOptions {
    columns: Vec<(String, Content)>,
    delimiter: u8,
    null: String,
    safe: bool,
}

impl CsvOptions {
    pub(crate) fn parse(reader: &mut Reader<'_>, safe: bool) -> Result<Self, OptionError> {
        let columns = match reader.texts("columns")? {
            None => USUAL.map(str::to_owned).to_vec(),
            Some(names) => names,
        };
        let delimiter = match reader.text("delimiter")? {
            None => b',',
            Some("\\t" | "tab") => b'\t',
            Some(text) => match text.as_bytes() {
                [byte @ (b'\t' | b' '..=b'/' | b':'..=b'@' | b'['..=b'`' | b'{'..=b'~')] if *byte != b'"' => *byte,
                _ => {
                    return Err(reader.wrong(
                        "delimiter",
                        "one ASCII character that is no letter, digit, quote or line break",
                    ));
                }
            },
        };
        let null = reader.text("null")?.unwrap_or_default();
        if null
            .bytes()
            .any(|byte| byte == delimiter || matches!(byte, b'"' | b'\n' | b'\r'))
        {
            return Err(reader.wrong("null", "a text without delimiter, quotes and line breaks"));
        }
        Ok(Self {
            columns: columns
                .into_iter()
                .map(|name| content(&name).map(|content| (name, content)))
                .collect::<Result<_, _>>()?,
            delimiter,
            null: null.to_owned(),
            safe,
        })
    }
}

fn content(name: &str) -> Result<Content, OptionError> {
    Ok(match name {
        "origin" => Content::Origin,
        "log_index" => Content::LogIndex,
        "sealed_at" => Content::SealedAt,
        "hash" => Content::Hash,
        "prev_hash" => Content::PrevHash,
        "entry_hash" => Content::EntryHash,
        "redacted" => Content::Redacted,
        _ => {
            let by_path = || {
                COLUMNS
                    .iter()
                    .position(|column| !column.path.is_empty() && column.path == name)
            };
            let at = position(name).or_else(by_path).ok_or_else(|| {
                let shown: String = name.chars().take(40).flat_map(char::escape_debug).collect();
                let paths = COLUMNS.iter().map(|column| column.path);
                let meant = nearest(name, USUAL.into_iter().chain(paths.filter(|path| !path.is_empty())));
                OptionError::new(
                    format!("there is no column \"{shown}\""),
                    match meant {
                        Some(near) => format!("Did you mean {near}?"),
                        None => format!(
                            "Use names of auditlog.events, such as {}, or paths of the document, such as actor.email.",
                            USUAL[..6].join(", ")
                        ),
                    },
                )
            })?;
            Content::Value(at)
        }
    })
}

/// Appends the line of names.
pub(crate) fn header(options: &CsvOptions, out: &mut Vec<u8>) {
    for (number, (name, _)) in options.columns.iter().enumerate() {
        if number > 0 {
            out.push(options.delimiter);
        }
        let start = out.len();
        out.extend_from_slice(name.as_bytes());
        quote_where_needed(start, false, options, out);
    }
}

/// Appends the event.
pub(crate) fn write(
    fields: &Fields<'_>,
    source: &Source,
    options: &CsvOptions,
    out: &mut Vec<u8>,
) -> Result<(), FormatError> {
    let record = fields.record;
    for (number, (_, content)) in options.columns.iter().enumerate() {
        if number > 0 {
            out.push(options.delimiter);
        }
        match *content {
            Content::Origin => text(source.origin.as_bytes(), options, out),
            Content::LogIndex => number_field(|out| time_text::natural(record.log_index, out), options, out),
            Content::SealedAt => moment(record.sealed_at, options, out),
            Content::Hash => number_field(|out| time_text::hex(&record.hash, out), options, out),
            Content::PrevHash => number_field(|out| time_text::hex(&record.prev_hash, out), options, out),
            Content::EntryHash => number_field(|out| time_text::hex(&record.entry_hash, out), options, out),
            Content::Redacted => match record.redacted {
                None => null(options, out),
                Some(bytes) => json_field(|out| paths(bytes, out).map_err(FormatError::from), options, out)?,
            },
            Content::Value(at) => value(fields, at, options, out)?,
        }
    }
    Ok(())
}

fn value(fields: &Fields<'_>, at: usize, options: &CsvOptions, out: &mut Vec<u8>) -> Result<(), FormatError> {
    match fields.values[at] {
        Value::Null => null(options, out),
        Value::Int(us) if COLUMNS[at].kind == Kind::Time => moment(us, options, out),
        Value::Int(number) => number_field(|out| time_text::integer(number, out), options, out),
        Value::Text(bytes) => text(bytes, options, out),
        Value::Inet(bits, address) => {
            let start = out.len();
            time_text::address(bits, address, out);
            quote_where_needed(start, false, options, out);
        }
        Value::TextArray(payload) => json_field(|out| list(payload, out).map_err(FormatError::from), options, out)?,
        Value::Json(json) => json_field(
            |out| canonical(json, out).map(drop).map_err(FormatError::from),
            options,
            out,
        )?,
    }
    Ok(())
}

fn null(options: &CsvOptions, out: &mut Vec<u8>) {
    // A line without any character is no line for most readers.
    let alone = options.columns.len() == 1 && options.null.is_empty();
    out.extend_from_slice(if alone { b"\"\"" } else { options.null.as_bytes() });
}

/// A field whose own characters never need quotes; the delimiter and the text for NULL may be among them.
fn number_field(write: impl FnOnce(&mut Vec<u8>), options: &CsvOptions, out: &mut Vec<u8>) {
    let start = out.len();
    write(out);
    if options.delimiter != b',' || !options.null.is_empty() {
        quote_where_needed(start, false, options, out);
    }
}

fn moment(us: i64, options: &CsvOptions, out: &mut Vec<u8>) {
    let start = out.len();
    time_text::shortest(us, out);
    // Only a touched row has -infinity.
    if options.safe && out[start] == b'-' {
        out.insert(start, b'\'');
    }
    if options.delimiter != b',' || !options.null.is_empty() {
        quote_where_needed(start, false, options, out);
    }
}

fn json_field<E>(
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    options: &CsvOptions,
    out: &mut Vec<u8>,
) -> Result<(), E> {
    let start = out.len();
    write(out)?;
    quote_where_needed(start, options.safe, options, out);
    Ok(())
}

fn text(bytes: &[u8], options: &CsvOptions, out: &mut Vec<u8>) {
    let start = out.len();
    if options.safe && is_formula(bytes) {
        out.push(b'\'');
    }
    if std::str::from_utf8(bytes).is_ok() {
        out.extend_from_slice(bytes);
    } else {
        out.extend_from_slice(String::from_utf8_lossy(bytes).as_bytes());
    }
    quote_where_needed(start, options.safe, options, out);
}

/// Would a spreadsheet take the text for a formula, or for a text with our apostrophe? Then an apostrophe goes in front of it
/// (OWASP ASVS 5.0 1.2.10); whatever else writes CSV asks this too.
pub fn is_formula(bytes: &[u8]) -> bool {
    match bytes.first() {
        None => return false,
        Some(b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9') => return false,
        Some(b'\t' | b'\r' | b'\n' | 0 | b'\'') => return true,
        Some(_) => {}
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        // What is not UTF-8 becomes U+FFFD, which begins no formula.
        Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
    };
    let blank = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{feff}');
    let first = text.chars().find(|c| !blank(*c));
    matches!(first, Some('=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠'))
}

/// Puts quotes around what was appended from `start` on, if it needs them.
fn quote_where_needed(start: usize, cautious: bool, options: &CsvOptions, out: &mut Vec<u8>) {
    let field = &out[start..];
    let special = |byte: &u8| {
        matches!(byte, b'"' | b'\n' | b'\r')
            || *byte == options.delimiter
            || cautious && matches!(byte, b',' | b';' | b'|' | b'\t')
    };
    let edge = |byte: Option<&u8>| byte.is_some_and(|byte| *byte == b' ');
    let needed = field.is_empty()
        || field == options.null.as_bytes()
        || field.iter().any(special)
        // Some readers trim what is not quoted.
        || edge(field.first())
        || edge(field.last());
    if !needed {
        return;
    }
    let quotes = field.iter().filter(|byte| **byte == b'"').count();
    let length = out.len();
    out.resize(length + quotes + 2, b'"');
    // From the end, so that nothing is overwritten before it has moved.
    let mut to = out.len() - 1;
    for from in (start..length).rev() {
        to -= 1;
        out[to] = out[from];
        if out[from] == b'"' {
            to -= 1;
            out[to] = b'"';
        }
    }
    out[start] = b'"';
    let end = out.len() - 1;
    out[end] = b'"';
}
