//! The forms that lists have: a JSON object, lines of JSON, or CSV, as the client accepts.

use http::{HeaderMap, StatusCode, header};

use super::{Problem, inputs};

/// A form of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One JSON object with the list and what belongs to it.
    Json,
    /// An event a line.
    Lines,
    /// A table.
    Csv,
}

/// What is offered, the best first.
const OFFERED: [(&str, &str, Form); 4] = [
    ("application", "json", Form::Json),
    ("application", "x-ndjson", Form::Lines),
    ("application", "ndjson", Form::Lines),
    ("text", "csv", Form::Csv),
];

impl Form {
    /// The form that a client likes best.
    ///
    /// # Errors
    /// When it likes none of them (406).
    pub fn of(headers: &HeaderMap) -> Result<Form, Problem> {
        let lines = headers
            .get_all(header::ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok());
        let wanted: Vec<(&str, &str, f32)> = lines.flat_map(|line| line.split(',')).filter_map(range).collect();
        if wanted.is_empty() {
            return Ok(Form::Json);
        }
        let liking = |kind: &str, subtype: &str| {
            let exact = wanted.iter().find(|(k, s, _)| *k == kind && *s == subtype);
            let part = wanted.iter().find(|(k, s, _)| *k == kind && *s == "*");
            let any = wanted.iter().find(|(k, s, _)| *k == "*" && *s == "*");
            exact.or(part).or(any).map_or(0.0, |(_, _, liking)| *liking)
        };
        let mut best = (0.0, Form::Json);
        for (kind, subtype, form) in OFFERED {
            let liking = liking(kind, subtype);
            if liking > best.0 {
                best = (liking, form);
            }
        }
        if best.0 > 0.0 {
            return Ok(best.1);
        }
        Err(inputs::of_status(StatusCode::NOT_ACCEPTABLE)
            .detail("Lists come as application/json, application/x-ndjson or text/csv."))
    }
}

/// `text/csv;q=0.5` as kind, subtype, and how much it is liked.
fn range(text: &str) -> Option<(&str, &str, f32)> {
    let mut parts = text.split(';').map(str::trim);
    let (kind, subtype) = parts.next()?.split_once('/')?;
    let liking = parts
        .find_map(|part| part.strip_prefix("q="))
        .and_then(|q| q.parse().ok());
    Some((kind, subtype, liking.unwrap_or(1.0)))
}

/// A text as a cell that no spreadsheet takes for a formula.
pub fn cell(text: &str) -> std::borrow::Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\0']) {
        format!("'{text}").into()
    } else {
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(accept: &str) -> Option<Form> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, accept.parse().expect("a header"));
        Form::of(&headers).ok()
    }

    #[test]
    fn the_best_liked_form() {
        assert_eq!(Form::of(&HeaderMap::new()).ok(), Some(Form::Json));
        assert_eq!(form("*/*"), Some(Form::Json));
        assert_eq!(form("text/csv"), Some(Form::Csv));
        assert_eq!(form("application/json;q=0.5, text/csv"), Some(Form::Csv));
        assert_eq!(form("application/x-ndjson, */*;q=0.1"), Some(Form::Lines));
        assert_eq!(form("text/html,application/xhtml+xml,*/*;q=0.8"), Some(Form::Json));
        assert_eq!(form("image/png"), None);
        assert_eq!(form("application/json;q=0"), None);
    }

    #[test]
    fn formulas_are_texts() {
        assert_eq!(cell("=1+1"), "'=1+1");
        assert_eq!(cell("a=1"), "a=1");
    }
}
