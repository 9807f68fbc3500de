//! Addresses of our pages, and the state of a search as the query string of one: what is in the address bar is
//! all there is to a search. Text of the log enters an address only as a percent-encoded value.

use std::fmt::Write as _;

use chrono::{SecondsFormat, TimeDelta};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::text::is_deceptive;
use crate::time::{self, Moment};

mod column;
pub use column::Column;

const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A value, percent-encoded for a query string or a path.
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, VALUE).to_string()
}

/// The pairs of a query string or of a form, decoded.
pub fn pairs(query: &str) -> Vec<(String, String)> {
    let decode = |text: &str| {
        percent_decode_str(&text.replace('+', " "))
            .decode_utf8_lossy()
            .into_owned()
    };
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        })
        .collect()
}

/// A path of ours out of a form's `return_to`, or the overview: never an address of somebody else's.
pub fn local(path: &str) -> &str {
    let ours =
        path.starts_with('/') && !path[1..].starts_with(['/', '\\']) && path.bytes().all(|b| b.is_ascii_graphic());
    if ours { path } else { "/" }
}

/// The page of an event. An id of dots would be taken for a step in the path, so it goes into the query.
pub fn event(event_id: &str) -> String {
    match event_id {
        "" | "." | ".." => format!("/events?id={}", encode(event_id)),
        _ => format!("/events/{}", encode(event_id)),
    }
}

/// What REST knows of an event: `""` for the event, `"proof"`, ….
pub fn event_api(event_id: &str, part: &str) -> String {
    let slash = if part.is_empty() { "" } else { "/" };
    match event_id {
        "" | "." | ".." => format!("/api/v1/audit-logs/by-id{slash}{part}?id={}", encode(event_id)),
        _ => format!("/api/v1/audit-logs/{}{slash}{part}", encode(event_id)),
    }
}

/// A search for a query over a time that ends now.
pub fn search(query: &str, range: Range) -> String {
    let range = range.normal();
    SearchState {
        query: query.to_owned(),
        range,
        ..SearchState::default()
    }
    .href()
}

/// The last so-and-so-long, or from and to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Range {
    /// One of [`PRESETS`], by its key.
    Last(&'static str),
    /// From (inclusive) until (exclusive); an end may be open.
    Custom {
        /// The first moment that belongs to it.
        since: Option<Moment>,
        /// The first moment that does not.
        until: Option<Moment>,
    },
    /// The last 24 hours.
    #[default]
    Day,
}

/// Key, label and minutes of the ranges that end now; 0 minutes are all of the time.
pub const PRESETS: [(&str, &str, i64); 8] = [
    ("15m", "Last 15 minutes", 15),
    ("1h", "Last hour", 60),
    ("24h", "Last 24 hours", 1440),
    ("7d", "Last 7 days", 10_080),
    ("30d", "Last 30 days", 43_200),
    ("90d", "Last 90 days", 129_600),
    ("1y", "Last year", 525_600),
    ("all", "All of the time", 0),
];

impl Range {
    /// The preset of a key.
    pub fn preset(key: &str) -> Option<Self> {
        PRESETS
            .iter()
            .find(|(k, ..)| *k == key)
            .map(|(k, ..)| Self::Last(k).normal())
    }

    /// The default has one form only.
    fn normal(self) -> Self {
        match self {
            Self::Last("24h") => Self::Day,
            other => other,
        }
    }

    /// The key of the preset, if it is one.
    pub fn key(&self) -> Option<&'static str> {
        match self {
            Self::Last(key) => Some(key),
            Self::Day => Some("24h"),
            Self::Custom { .. } => None,
        }
    }

    /// From and until, for the database.
    pub fn bounds(&self, now: Moment) -> (Option<Moment>, Option<Moment>) {
        match (self, self.key()) {
            (Self::Custom { since, until }, _) => (*since, *until),
            (_, Some(key)) => {
                let minutes = PRESETS
                    .iter()
                    .find(|(k, ..)| *k == key)
                    .map_or(1440, |(_, _, minutes)| *minutes);
                ((minutes > 0).then(|| now - TimeDelta::minutes(minutes)), None)
            }
            _ => (None, None),
        }
    }
}

/// The order of the events found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// The newest first.
    #[default]
    Newest,
    /// The oldest first.
    Oldest,
}

impl Order {
    /// As `auditlog.search()` has it.
    pub fn key(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Oldest => "oldest",
        }
    }
}

/// How many events a page may have.
pub const LIMITS: [u16; 4] = [25, 50, 100, 250];

/// All of a search that is in its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchState {
    /// In the query language.
    pub query: String,
    /// Which time.
    pub range: Range,
    /// The order of the events.
    pub order: Order,
    /// Columns of the table.
    pub columns: Vec<Column>,
    /// Events on a page.
    pub limit: u16,
    /// The cursor that the page begins behind.
    pub after: Option<String>,
}

impl Default for SearchState {
    fn default() -> Self {
        Self {
            query: String::new(),
            range: Range::Day,
            order: Order::Newest,
            columns: Column::DEFAULT.to_vec(),
            limit: 50,
            after: None,
        }
    }
}

impl SearchState {
    /// Reads a query string. What is unknown or wrong is passed over; the second part says what was wrong, for people.
    pub fn parse(query: &str) -> (Self, Vec<String>) {
        let mut state = Self::default();
        let (mut wrong, mut columns, mut range) = (Vec::new(), Vec::new(), None);
        let (mut since, mut until) = (None, None);
        for (name, value) in pairs(query) {
            let mut moment = |value: &str| {
                let at = time::parse(value);
                if at.is_none() && !value.is_empty() {
                    wrong.push(format!("«{name}» is no time: write it as 2026-03-10T14:30, in UTC."));
                }
                at
            };
            match name.as_str() {
                // No text of the database has U+0000, and no HTML can.
                "q" => state.query = value.replace("\r\n", "\n").replace('\0', ""),
                "range" => range = Some(value),
                "since" => since = moment(&value),
                "until" => until = moment(&value),
                "order" if value == "oldest" => state.order = Order::Oldest,
                "cols" => columns.extend(value.split(',').filter_map(Column::from_key)),
                "limit" => state.limit = value.parse().ok().filter(|n| LIMITS.contains(n)).unwrap_or(state.limit),
                "after" if !value.is_empty() => state.after = Some(value),
                _ => {}
            }
        }
        state.range = match range.as_deref() {
            // A form sends the times along with a preset; the preset counts.
            Some(key) if key != "custom" => Range::preset(key).unwrap_or_default(),
            _ if since.is_some() || until.is_some() => Range::Custom { since, until },
            _ => Range::Day,
        };
        if let (Some(since), Some(until)) = (since, until)
            && since >= until
            && state.range.key().is_none()
        {
            wrong.push("The time ends before it begins.".to_owned());
        }
        if !columns.is_empty() {
            let mut seen = Vec::new();
            columns.retain(|column| !seen.contains(column) && (seen.push(*column), true).1);
            state.columns = columns;
        }
        (state, wrong)
    }

    /// The query string, without what is as by default.
    pub fn query_string(&self) -> String {
        let mut out = String::new();
        let mut push = |name: &str, value: &str| {
            let _ = write!(out, "{}{name}={}", if out.is_empty() { "" } else { "&" }, encode(value));
        };
        if !self.query.is_empty() {
            push("q", &self.query);
        }
        match (&self.range, self.range.key()) {
            (Range::Custom { since, until }, _) => {
                for (name, at) in [("since", since), ("until", until)] {
                    if let Some(at) = at {
                        push(name, &at.to_rfc3339_opts(SecondsFormat::AutoSi, true));
                    }
                }
            }
            (_, Some("24h") | None) => {}
            (_, Some(key)) => push("range", key),
        }
        if self.order != Order::Newest {
            push("order", self.order.key());
        }
        if self.columns != Column::DEFAULT && !self.columns.is_empty() {
            push(
                "cols",
                &self.columns.iter().map(|c| c.key()).collect::<Vec<_>>().join(","),
            );
        }
        if self.limit != 50 {
            push("limit", &self.limit.to_string());
        }
        if let Some(after) = &self.after {
            push("after", after);
        }
        out
    }

    /// The address of the search.
    pub fn href(&self) -> String {
        match self.query_string() {
            query if query.is_empty() => "/search".to_owned(),
            query => format!("/search?{query}"),
        }
    }

    /// The same search from its first page on, with changes.
    pub fn with(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut state = Self {
            after: None,
            ..self.clone()
        };
        change(&mut state);
        state
    }

    /// The same search, narrowed to events whose `field` is this value.
    pub fn narrowed(&self, field: &str, value: &str) -> Self {
        self.with(|state| state.query = narrow(&state.query, &term(field, value)))
    }

    /// The same search without those events.
    pub fn excluding(&self, field: &str, value: &str) -> Self {
        self.with(|state| state.query = narrow(&state.query, &format!("NOT {}", term(field, value))))
    }
}

/// A condition of the query language: the field is this value, byte for byte. Deceptive characters are written as their numbers.
pub fn term(field: &str, value: &str) -> String {
    let plain = !value.is_empty()
        && value.chars().all(|c| c.is_ascii_alphanumeric() || "_-.@".contains(c))
        && value.starts_with(|c: char| c.is_ascii_alphanumeric())
        && !matches!(
            value.to_ascii_uppercase().as_str(),
            "AND" | "OR" | "NOT" | "IN" | "TO" | "NULL"
        );
    if plain {
        return format!("{field}:{value}");
    }
    let mut out = format!("{field}:=\"");
    for c in value.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            _ if is_deceptive(c) => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A value behind `event_type:`, in which a `*` at the end stays one: `authentication.*`.
pub fn term_pattern(value: &str) -> String {
    let (stem, star) = value.strip_suffix('*').map_or((value, ""), |stem| (stem, "*"));
    let quoted = term("", stem);
    match quoted.strip_prefix(":=") {
        Some(quoted) => format!("{quoted}{star}"),
        None => format!("{}{star}", &quoted[1..]),
    }
}

/// A query and a term that must hold, too.
pub fn narrow(query: &str, term: &str) -> String {
    let trimmed = query.trim();
    if trimmed.is_empty() || trimmed == "*" {
        return term.to_owned();
    }
    // Without the condition there is nothing to join with AND.
    if term.is_empty() || trimmed == term || trimmed.ends_with(&format!(" AND {term}")) {
        return trimmed.to_owned();
    }
    let upper = trimmed.to_ascii_uppercase();
    if trimmed.contains('#') {
        // The end of the line ends a comment.
        format!("({trimmed}\n) AND {term}")
    } else if trimmed.contains('|')
        || upper
            .split(|c: char| !c.is_ascii_alphanumeric())
            .any(|word| word == "OR")
    {
        format!("({trimmed}) AND {term}")
    } else {
        format!("{trimmed} AND {term}")
    }
}
