//! Condition and selections → the query's syntax tree → its text.

use crate::condition::Condition;
use crate::detection::{Item, Selection};
use crate::error::SigmaError;
use crate::field_map::FieldMap;
use crate::modifier::Test;
use auditlog_policy::yaml::Place;
use auditlog_query::ast::{Expr, ExprKind, Part, Path, Scalar, Value, ValueKind};
use auditlog_query::dates::{Zone, parse_interval};
use auditlog_query::decimal::Decimal;
use auditlog_query::json::{Spans, to_json};
use auditlog_query::span::Span;
use auditlog_query::{Limits, parse};

/// Makes queries of a rule's conditions.
pub(crate) struct Writer<'a> {
    pub selections: &'a [Selection],
    pub map: &'a FieldMap,
    /// Of the condition, for errors.
    pub place: Place,
}

impl Writer<'_> {
    /// The condition as a tree.
    pub fn condition(&self, what: &Condition) -> Result<Expr, SigmaError> {
        let all = |items: &[Condition]| {
            items
                .iter()
                .map(|item| self.condition(item))
                .collect::<Result<Vec<_>, _>>()
        };
        Ok(match what {
            Condition::And(items) => and(all(items)?),
            Condition::Or(items) => or(all(items)?),
            Condition::Not(inner) => not(self.condition(inner)?),
            Condition::Name(name) => self.selection(name)?,
            Condition::Of { all, pattern } => {
                let names = self.selections.iter().map(|(name, _)| name.as_str());
                let chosen = Condition::chosen(pattern, names);
                if chosen.is_empty() {
                    let message = format!("no selection is meant by {pattern:?}");
                    return Err(SigmaError::wrong(
                        self.place,
                        message,
                        "Name selections of the detection.",
                    ));
                }
                let items = chosen
                    .iter()
                    .map(|name| self.selection(name))
                    .collect::<Result<Vec<_>, _>>()?;
                if *all { and(items) } else { or(items) }
            }
        })
    }

    fn selection(&self, name: &str) -> Result<Expr, SigmaError> {
        let Some((_, item)) = self.selections.iter().find(|(known, _)| known == name) else {
            let message = format!("there is no selection {name:?}");
            return Err(SigmaError::wrong(
                self.place,
                message,
                "Name selections of the detection.",
            ));
        };
        self.item(item)
    }

    fn item(&self, item: &Item) -> Result<Expr, SigmaError> {
        let each = |items: &[Item]| items.iter().map(|item| self.item(item)).collect::<Result<Vec<_>, _>>();
        match item {
            Item::All(items) => Ok(and(each(items)?)),
            Item::Any(items) => match self.list(items)? {
                Some(list) => Ok(list),
                None => Ok(or(each(items)?)),
            },
            Item::Field { name, test, place } => field(&self.map.path(name), test, *place),
            Item::Keyword { test, place } if self.map.keywords.is_empty() => keyword(test, *place),
            Item::Keyword { test, place } => {
                let test = anywhere(test);
                let items = self.map.keywords.iter().map(|path| field(path, &test, *place));
                Ok(or(items.collect::<Result<Vec<_>, _>>()?))
            }
        }
    }

    /// Several values of one field as a list, which is easier to read than many conditions.
    fn list(&self, items: &[Item]) -> Result<Option<Expr>, SigmaError> {
        let mut field: Option<&str> = None;
        let mut scalars = Vec::new();
        for item in items {
            let Item::Field {
                name,
                test: Test::Texts(texts, false),
                ..
            } = item
            else {
                return Ok(None);
            };
            if field.is_some_and(|field| field != name) {
                return Ok(None);
            }
            field = Some(name);
            for text in texts {
                match value(text) {
                    ValueKind::Equals(scalar) => scalars.push(scalar),
                    _ => return Ok(None),
                }
            }
        }
        let Some(field) = field.filter(|_| scalars.len() > 1 && scalars.len() <= Limits::default().list_items) else {
            return Ok(None);
        };
        Ok(Some(condition(&self.map.path(field), ValueKind::List(scalars))))
    }
}

/// The text of the tree. It is read again: what would come out as another query is refused.
pub(crate) fn text(expr: &Expr, place: Place) -> Result<String, SigmaError> {
    let text = expr.to_string();
    let again = parse(&text, &Limits::default()).map_err(|error| {
        SigmaError::unsupported(
            place,
            format!("the condition as a query ({})", error.message),
            error.hint,
        )
    })?;
    if to_json(&again.expr, Spans::Hidden) != to_json(expr, Spans::Hidden) {
        let hint = "Please report the rule: its query would be read as another one.";
        return Err(SigmaError::unsupported(place, "the condition as a query", hint));
    }
    Ok(text)
}

pub(crate) fn or(items: Vec<Expr>) -> Expr {
    joined(items, false)
}

fn and(items: Vec<Expr>) -> Expr {
    joined(items, true)
}

/// Items of the same kind are taken up, so that nothing is nested without need; what is said twice is said once.
fn joined(items: Vec<Expr>, all: bool) -> Expr {
    let mut different: Vec<Expr> = Vec::new();
    for item in items {
        let inner = match item.kind {
            ExprKind::And(inner) if all => inner,
            ExprKind::Or(inner) if !all => inner,
            kind => vec![expr(kind)],
        };
        for item in inner {
            if !different.contains(&item) {
                different.push(item);
            }
        }
    }
    match different.len() {
        1 => different.remove(0),
        _ if all => expr(ExprKind::And(different)),
        _ => expr(ExprKind::Or(different)),
    }
}

fn not(inner: Expr) -> Expr {
    match inner.kind {
        ExprKind::Not(inner) => *inner,
        kind => expr(ExprKind::Not(Box::new(expr(kind)))),
    }
}

fn expr(kind: ExprKind) -> Expr {
    Expr::new(Span::default(), kind)
}

fn condition(path: &Path, kind: ValueKind) -> Expr {
    expr(ExprKind::Field(path.clone(), Value::new(Span::default(), kind)))
}

fn scalar(parts: &[Part]) -> Scalar {
    let quoted = parts.iter().all(|part| matches!(part, Part::Text(_)));
    Scalar {
        span: Span::default(),
        parts: parts
            .iter()
            .filter(|part| !matches!(part, Part::Text(text) if text.is_empty()))
            .cloned()
            .collect(),
        quoted,
    }
}

fn field(path: &Path, test: &Test, place: Place) -> Result<Expr, SigmaError> {
    if path.segments.is_empty() {
        return Err(SigmaError::wrong(place, "a field has no name", "Write its name."));
    }
    Ok(match test {
        Test::Not(inner) => not(field(path, inner, place)?),
        Test::Exists => condition(path, ValueKind::Exists),
        Test::Network(network) => condition(path, ValueKind::Equals(Scalar::quoted(network, Span::default()))),
        Test::Compare(order, number) => {
            let number = Scalar {
                quoted: false,
                ..Scalar::quoted(number, Span::default())
            };
            condition(path, ValueKind::Compare(*order, number))
        }
        Test::Regex(pattern) => condition(path, regex(format!("(?s:.*)(?:{pattern})(?s:.*)"), false)),
        Test::Texts(texts, cased) => {
            let one = |text: &Vec<Part>| condition(path, if *cased { exact(text) } else { value(text) });
            or(texts.iter().map(one).collect())
        }
    })
}

fn regex(pattern: String, ignore_case: bool) -> ValueKind {
    ValueKind::Regex { pattern, ignore_case }
}

/// A text, without regard to case.
fn value(text: &[Part]) -> ValueKind {
    match text {
        [Part::Many] => ValueKind::Exists,
        // these would be read as a network or a time, whose other spellings are equal to it
        [Part::Text(plain)]
            if is_network(plain) || (parse_interval(plain, &Zone::Utc).is_ok() && Decimal::parse(plain).is_none()) =>
        {
            regex(regex::escape(plain), true)
        }
        text => ValueKind::Equals(scalar(text)),
    }
}

fn is_network(text: &str) -> bool {
    text.split_once('/')
        .is_some_and(|(address, _)| address.parse::<std::net::IpAddr>().is_ok())
}

/// A text with regard to case.
fn exact(text: &[Part]) -> ValueKind {
    let plain = scalar(text);
    if plain.quoted {
        return ValueKind::Exact(plain);
    }
    let pattern: String = text
        .iter()
        .map(|part| match part {
            Part::Text(text) => regex::escape(text),
            Part::Many => ".*".to_owned(),
            Part::One => ".".to_owned(),
        })
        .collect();
    regex(format!("(?s){pattern}"), false)
}

/// Words anywhere in the event.
fn keyword(test: &Test, place: Place) -> Result<Expr, SigmaError> {
    let hint = "Name the field of such texts in the field map: {\"keywords\": \"metadata.message\"}.";
    let Test::Texts(texts, _) = test else {
        return Err(SigmaError::unsupported(place, "a keyword with such a modifier", hint));
    };
    let mut items = Vec::new();
    for text in texts {
        let has_word = |part: &Part| matches!(part, Part::Text(text) if text.chars().any(char::is_alphanumeric));
        if !text.iter().any(has_word) {
            return Err(SigmaError::unsupported(
                place,
                "a keyword without a letter or digit",
                hint,
            ));
        }
        items.push(expr(ExprKind::Text(scalar(text))));
    }
    Ok(or(items))
}

/// A keyword in a field: it may stand anywhere in its value.
fn anywhere(test: &Test) -> Test {
    let Test::Texts(texts, cased) = test else {
        return test.clone();
    };
    let open = |text: &Vec<Part>| {
        let mut text = text.clone();
        if text.first() != Some(&Part::Many) {
            text.insert(0, Part::Many);
        }
        if text.last() != Some(&Part::Many) {
            text.push(Part::Many);
        }
        text
    };
    Test::Texts(texts.iter().map(open).collect(), *cased)
}
