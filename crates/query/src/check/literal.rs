//! Types of literals (§1.2.3 to §1.2.7).

use super::Checker;
use crate::ast::Scalar;
use crate::dates::{DateError, Interval, TimeRange, parse_interval};
use crate::decimal::Decimal;
use crate::error::{Notice, QueryError, quoted};
use crate::fields::Kind;
use crate::fold::{equals, fold};
use crate::node::{End, Equals, Literal, Range, Target, Test};
use crate::pattern::Pattern;
use auditlog_core::document::parse_inet;
use auditlog_core::event::{Inet, Severity};
use std::net::{IpAddr, Ipv4Addr};

const DATE_HINT: &str = "Write a date like 2026-11-21, 2026-11-21T10:00:00Z, now-24h or now/d.";

const INTEGER_HINT: &str = "The field holds whole numbers: write field:1000 or field:[1000 TO 2000}.";

/// An end of a range as it was written.
type Written<'a> = Option<(&'a Scalar, bool)>;

impl Checker<'_> {
    pub(super) fn equals(&mut self, targets: &[Target], scalar: &Scalar) -> Result<Test, Box<QueryError>> {
        if scalar.is_null() {
            return Ok(Test::Null);
        }
        let kind = kind(targets);
        let text = scalar.text();
        if scalar.is_pattern() {
            self.check_pattern(scalar, &text)?;
            let pattern = Test::Pattern(Pattern::new(&scalar.parts));
            return Ok(match (kind, octets(&text).filter(|_| !scalar.quoted)) {
                (Some(Kind::Ip), Some(network)) => Test::Network(network),
                (None | Some(Kind::Json), Some(network)) => Test::Any(vec![Test::Network(network), pattern]),
                _ => pattern,
            });
        }
        let open = matches!(kind, None | Some(Kind::Json));
        if kind == Some(Kind::Time) {
            return Ok(Test::Time(self.date(scalar, &text)?.inside()));
        }
        if kind == Some(Kind::Ip) || open {
            match network(&text) {
                Some(Ok(network)) => return Ok(Test::Network(network)),
                Some(Err(())) => return Err(self.no_network(scalar, &text)),
                None => {}
            }
        }
        if kind == Some(Kind::Severity) && severity(&text).is_none() {
            let labels = Severity::ALL.map(Severity::label).join(", ");
            let message = format!("no severity {}", quoted(&text));
            self.notices
                .push(Notice::new(scalar.span, message, format!("Severities are {labels}.")));
        }
        let folded = fold(&text).into_owned();
        let is_number = Decimal::parse(&text).is_some();
        if kind == Some(Kind::Integer) && !is_number {
            self.notices.push(Notice::new(
                scalar.span,
                format!("{} is no number", quoted(&text)),
                INTEGER_HINT,
            ));
        }
        let address = if kind == Some(Kind::Ip) || open {
            text.parse().ok()
        } else {
            None
        };
        let time = match parse_interval(&text, &self.options.zone) {
            // 2024 is a number, not a year, when nothing says that it is a date
            Ok(interval) if open && !is_number => Some(interval.inside()),
            _ => None,
        };
        Ok(Test::Equals(Equals {
            text,
            folded,
            is_number,
            address,
            time,
        }))
    }

    fn check_pattern(&self, scalar: &Scalar, text: &str) -> Result<(), Box<QueryError>> {
        let most = self.options.limits.regex_chars;
        if text.chars().count() > most {
            let message = format!("pattern is longer than {most} characters");
            return Err(self.limit(scalar.span, message, "Shorten it, or quote the text."));
        }
        Ok(())
    }

    fn date(&self, scalar: &Scalar, text: &str) -> Result<Interval, Box<QueryError>> {
        parse_interval(text, &self.options.zone).map_err(|error| {
            let message = match error {
                DateError::NotADate => format!("{} is not a date", quoted(text)),
                DateError::NoSuchDate => format!("there is no date {}", quoted(text)),
            };
            self.bad_value(scalar.span, message, DATE_HINT)
        })
    }

    fn no_network(&self, scalar: &Scalar, text: &str) -> Box<QueryError> {
        let message = format!("{} is not a network", quoted(text));
        let hint = "The prefix length is 0 to 32 for IPv4, 0 to 128 for IPv6.";
        self.bad_value(scalar.span, message, hint)
    }

    pub(super) fn range(
        &self,
        targets: &[Target],
        low: Written<'_>,
        high: Written<'_>,
    ) -> Result<Test, Box<QueryError>> {
        let Some(any) = low.or(high) else {
            return Ok(Test::Exists);
        };
        let kind = kind(targets);
        for (scalar, _) in low.into_iter().chain(high) {
            self.check_ordered(kind, scalar)?;
        }
        let texts = (low.map(|(s, _)| s.text()), high.map(|(s, _)| s.text()));
        let both =
            |test: &dyn Fn(&str) -> bool| texts.0.as_deref().is_none_or(test) && texts.1.as_deref().is_none_or(test);
        let date = |text: &str| parse_interval(text, &self.options.zone).is_ok();
        let number = |text: &str| Decimal::parse(text).is_some();
        // §1.2.5 goes by the literal; only where the field leaves no choice it is not asked
        let typed = matches!(kind, Some(Kind::Severity | Kind::Ip | Kind::Integer));
        let is_time = kind == Some(Kind::Time) || (!typed && both(&date) && !both(&number));
        if is_time {
            let low = low.map(|(s, inclusive)| self.date(s, &s.text()).map(|date| date.above(inclusive)));
            let high = high.map(|(s, inclusive)| self.date(s, &s.text()).map(|date| date.below(inclusive)));
            return Ok(Test::Time(TimeRange {
                low: low.transpose()?,
                high: high.transpose()?,
            }));
        }
        let literal: &dyn Fn(&str) -> Literal = if kind == Some(Kind::Severity) {
            &|text| severity(text).map_or_else(|| folded(text), Literal::Severity)
        } else if both(&number) {
            &|text| Literal::Number(text.to_owned())
        } else if both(&|text| text.parse::<IpAddr>().is_ok()) {
            &|text| text.parse().map_or_else(|_| folded(text), Literal::Address)
        } else if kind == Some(Kind::Ip) {
            let hint = "Write single addresses, or the network as «field:10.0.0.0/8».";
            return Err(self.bad_value(any.0.span, "an address can only be compared with addresses", hint));
        } else {
            &folded
        };
        let end = |written: Written<'_>| {
            written.map(|(scalar, inclusive)| End {
                inclusive,
                literal: literal(&scalar.text()),
            })
        };
        Ok(Test::Range(Range {
            low: end(low),
            high: end(high),
        }))
    }

    /// Is this a literal that has an order for the field?
    fn check_ordered(&self, kind: Option<Kind>, scalar: &Scalar) -> Result<(), Box<QueryError>> {
        let text = scalar.text();
        if kind == Some(Kind::Severity) && severity(&text).is_none() {
            let labels = Severity::ALL.map(Severity::label).join(", ");
            let message = format!("no severity {}", quoted(&text));
            return Err(self.bad_value(scalar.span, message, format!("Severities are, in order, {labels}.")));
        }
        if kind == Some(Kind::Integer) && Decimal::parse(&text).is_none() {
            return Err(self.bad_value(scalar.span, format!("{} is no number", quoted(&text)), INTEGER_HINT));
        }
        // «now-5x» compared as text would hide a typing error
        let math = text
            .strip_prefix("now")
            .is_some_and(|rest| rest.starts_with(['+', '-', '/']))
            || text.contains("||");
        if math && !matches!(kind, Some(Kind::Severity | Kind::Ip | Kind::Integer)) {
            self.date(scalar, &text)?;
        }
        Ok(())
    }
}

fn folded(text: &str) -> Literal {
    Literal::Text(fold(text).into_owned())
}

fn severity(text: &str) -> Option<Severity> {
    Severity::ALL
        .into_iter()
        .find(|severity| equals(text, severity.label()))
}

/// The type that literals take from the field; none for paths that the table does not know.
fn kind(targets: &[Target]) -> Option<Kind> {
    let known = targets
        .iter()
        .find_map(|target| target.field.filter(|_| target.below().is_empty()));
    known.map(|field| field.kind)
}

/// `address/length`; an error when the length does not fit, nothing when it is something else.
fn network(text: &str) -> Option<Result<Inet, ()>> {
    let (address, bits) = text.split_once('/')?;
    address.parse::<IpAddr>().ok()?;
    let digits = !bits.is_empty() && bits.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| parse_inet(text).ok_or(()))
}

/// `203.0.113.*`: whole octets and stars.
fn octets(text: &str) -> Option<Inet> {
    let mut octets = [0; 4];
    let mut known = 0;
    let mut stars = 0;
    for part in text.split('.') {
        if part == "*" {
            stars += 1;
        } else if stars > 0 || known == 4 || part.len() > 3 || (part.len() > 1 && part.starts_with('0')) {
            return None;
        } else {
            octets[known] = part.parse().ok()?;
            known += 1;
        }
    }
    (stars > 0 && known > 0 && known + stars <= 4).then(|| Inet {
        address: IpAddr::V4(Ipv4Addr::from(octets)),
        bits: known as u8 * 8,
    })
}
