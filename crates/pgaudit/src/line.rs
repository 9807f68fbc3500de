//! The line around an entry: nothing, a prefix, csvlog, jsonlog.

use crate::entry::{self, Entry};
use crate::{ParseError, csv};
use regex::Regex;
use std::sync::LazyLock;

/// What the line says of where the entry comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// When, as the log writes it.
    pub time: Option<String>,
    /// The role that logged in.
    pub user: Option<String>,
    /// The database.
    pub database: Option<String>,
    /// The client's address or host name.
    pub host: Option<String>,
    /// The client's program.
    pub application: Option<String>,
    /// The session, as `%c` writes it.
    pub session: Option<String>,
    /// Number of the line within its session.
    pub line: Option<u64>,
    /// Process of the server.
    pub process: Option<u64>,
    /// The transaction, where it had a number.
    pub transaction: Option<u64>,
}

/// A line of pgaudit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The entry.
    pub entry: Entry,
    /// Where it comes from.
    pub origin: Origin,
}

const MARK: &str = "AUDIT: ";

/// Columns of csvlog.
mod column {
    pub const TIME: usize = 0;
    pub const USER: usize = 1;
    pub const DATABASE: usize = 2;
    pub const PROCESS: usize = 3;
    pub const CLIENT: usize = 4;
    pub const SESSION: usize = 5;
    pub const LINE: usize = 6;
    pub const TRANSACTION: usize = 10;
    pub const MESSAGE: usize = 13;
    pub const APPLICATION: usize = 22;
    /// Columns of the oldest version that we read (PostgreSQL 12).
    pub const LEAST: usize = 23;
}

pub fn parse(line: &str) -> Result<Option<Line>, ParseError> {
    let line = line.trim_end_matches(['\n', '\r']);
    if let Some(text) = line.strip_prefix(MARK) {
        return found(text, Origin::default());
    }
    if line.starts_with('{') {
        return json(line);
    }
    if let Some(record) = csv::fields(line).ok().filter(|fields| is_csvlog(fields)) {
        return csvlog(&record);
    }
    prefixed(line)
}

fn found(text: &str, origin: Origin) -> Result<Option<Line>, ParseError> {
    let entry = entry::parse(text)?;
    Ok(Some(Line { entry, origin }))
}

fn some(text: &str) -> Option<String> {
    Some(text).filter(|t| !t.is_empty()).map(str::to_owned)
}

fn transaction(text: &str) -> Option<u64> {
    text.parse().ok().filter(|id| *id != 0)
}

fn is_csvlog(fields: &[String]) -> bool {
    fields.len() >= column::LEAST
        && fields[column::PROCESS].parse::<u32>().is_ok()
        && fields[column::LINE].parse::<u64>().is_ok()
}

fn csvlog(fields: &[String]) -> Result<Option<Line>, ParseError> {
    let Some(text) = fields[column::MESSAGE].strip_prefix(MARK) else {
        return Ok(None);
    };
    let client = &fields[column::CLIENT];
    // host:port, where the port may be missing and the host may have colons.
    let host = client.rsplit_once(':').map_or(client.as_str(), |(host, _)| host);
    found(
        text,
        Origin {
            time: some(&fields[column::TIME]),
            user: some(&fields[column::USER]),
            database: some(&fields[column::DATABASE]),
            host: some(host),
            application: some(&fields[column::APPLICATION]),
            session: some(&fields[column::SESSION]),
            line: fields[column::LINE].parse().ok(),
            process: fields[column::PROCESS].parse().ok(),
            transaction: transaction(&fields[column::TRANSACTION]),
        },
    )
}

fn json(line: &str) -> Result<Option<Line>, ParseError> {
    let record: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(line).map_err(|_| ParseError::Json)?;
    // No NUL: PostgreSQL could not keep it.
    let text = |key: &str| record.get(key).and_then(|v| v.as_str()).map(|s| s.replace('\0', ""));
    let number = |key: &str| record.get(key).and_then(serde_json::Value::as_u64);
    let Some(message) = text("message") else {
        return Ok(None);
    };
    let Some(entry) = message.strip_prefix(MARK) else {
        return Ok(None);
    };
    let origin = Origin {
        time: text("timestamp"),
        user: text("user"),
        database: text("dbname"),
        host: text("remote_host"),
        application: text("application_name"),
        session: text("session_id"),
        line: number("line_num"),
        process: number("pid"),
        transaction: number("txid").filter(|id| *id != 0),
    };
    found(entry, origin)
}

/// The form of the file log: `log_line_prefix`, level, two spaces, message; further lines begin with a tab.
fn prefixed(line: &str) -> Result<Option<Line>, ParseError> {
    // The first mark counts: a statement that is logged may have the text of an entry in it.
    let Some((before, text)) = line.split_once(":  ") else {
        return Ok(None);
    };
    let Some(text) = text.strip_prefix(MARK) else {
        return Ok(None);
    };
    let prefix = before.trim_end_matches(|c: char| c.is_alphanumeric());
    found(&text.replace("\n\t", "\n"), from_prefix(prefix))
}

/// What can be told from a prefix without knowing its format: the usual ones have the time as `%m` or `%t`, the
/// process as `[%p]` and role and database as `%u@%d`.
fn from_prefix(prefix: &str) -> Origin {
    static TIME: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? (?:[A-Z]{1,6}|[+-]\d\d(?::?\d\d)?)").expect("a pattern")
    });
    static PROCESS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\[(\d+)\]").expect("a pattern"));
    static USER: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?:^|[\s,\[(=])([^\s,@=\[(]+)@([^\s,@\])]+)").expect("a pattern"));
    let user = USER.captures(prefix);
    Origin {
        time: TIME.find(prefix).map(|m| m.as_str().to_owned()),
        process: PROCESS.captures(prefix).and_then(|c| c[1].parse().ok()),
        user: user.as_ref().map(|c| c[1].to_owned()),
        database: user.as_ref().map(|c| c[2].to_owned()),
        ..Origin::default()
    }
}
