//! Values that pass a test, with choices where there are several.

use auditlog_core::document::{format_inet, format_timestamp};
use auditlog_core::event::Severity;
use auditlog_core::json::Json;
use auditlog_query::ast::Part;
use auditlog_query::dates::{TimeRange, Zone};
use auditlog_query::decimal::Decimal;
use auditlog_query::node::{End, Literal, Range, Test, Word, Words};
use auditlog_query::pattern::Pattern;
use regex_syntax::hir::{Class, Hir, HirKind};

/// Most repetitions of a part of an expression that are written out.
const MAX_REPEATS: u32 = 100;

/// A way through all choices: the digits of a number, each to the base of what there is to choose.
pub(super) struct Choices<'a> {
    seed: u64,
    now_us: i64,
    zone: &'a Zone,
}

impl<'a> Choices<'a> {
    pub fn new(seed: u64, now_us: i64, zone: &'a Zone) -> Choices<'a> {
        Choices { seed, now_us, zone }
    }

    /// One of so many; none of none.
    pub fn one(&mut self, count: usize) -> Option<usize> {
        let count = u64::try_from(count).ok().filter(|count| *count > 0)?;
        let chosen = self.seed % count;
        self.seed /= count;
        usize::try_from(chosen).ok()
    }

    /// A value that passes the test, as far as that can be told.
    pub fn value(&mut self, test: &Test) -> Option<Json> {
        Some(match test {
            Test::Null => Json::Null,
            Test::Exists => text("sample"),
            Test::Equals(equals) => text(&equals.text),
            Test::Exact(exact) => text(exact),
            Test::Pattern(pattern) => Json::String(self.pattern(pattern)),
            Test::Regex(regex) => Json::String(written(regex.as_str())?),
            Test::Network(network) => {
                let single = auditlog_core::event::Inet {
                    bits: if network.address.is_ipv4() { 32 } else { 128 },
                    ..*network
                };
                Json::String(format_inet(&single))
            }
            Test::Range(range) => self.between(range)?,
            Test::Time(range) => Json::String(format_timestamp(self.time(range)?)),
            Test::Any(tests) => {
                let chosen = self.one(tests.len())?;
                return self.value(&tests[chosen]);
            }
        })
    }

    /// Words that follow each other.
    pub fn words(&mut self, words: &Words) -> String {
        let word = |word: &Word| match word {
            Word::Is(word) => word.clone(),
            Word::Matches(pattern) => self.pattern(pattern),
        };
        words.words.iter().map(word).collect::<Vec<_>>().join(" ")
    }

    fn pattern(&mut self, pattern: &Pattern) -> String {
        let many = ["", "x", "sample"];
        let stars = many[self.one(many.len()).unwrap_or(0)];
        let piece = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::One => "x".to_owned(),
            Part::Many => stars.to_owned(),
        };
        pattern.parts().iter().map(piece).collect()
    }

    fn between(&mut self, range: &Range) -> Option<Json> {
        let ends: Vec<&End> = range.low.iter().chain(&range.high).collect();
        let end = ends[self.one(ends.len())?];
        Some(match &end.literal {
            Literal::Number(number) => {
                let whole = |number: &str| number.split('.').next().and_then(|whole| whole.parse::<i64>().ok());
                let near = [Some(0), Some(1), Some(-1)];
                let step = near[self.one(near.len())?]?;
                match whole(number) {
                    Some(_) if step == 0 && Decimal::parse(number).is_some() => Json::Number(number.clone()),
                    Some(whole) => Json::Number(whole.saturating_add(step).to_string()),
                    None => Json::Number(number.clone()),
                }
            }
            Literal::Severity(_) => text(Severity::ALL[self.one(Severity::ALL.len())?].label()),
            Literal::Address(address) => text(&address.to_string()),
            Literal::Text(written) => {
                let last = ["", "x", "\u{10fffd}"];
                Json::String(format!("{written}{}", last[self.one(last.len())?]))
            }
        })
    }

    fn time(&mut self, range: &TimeRange) -> Option<i64> {
        let ends = range
            .low
            .iter()
            .chain(&range.high)
            .map(|end| end.instant.at(self.now_us, self.zone));
        let around = ends.flat_map(|us| [us, us.saturating_add(1), us.saturating_sub(1)]);
        let times: Vec<i64> = std::iter::once(self.now_us).chain(around).collect();
        Some(times[self.one(times.len())?])
    }
}

fn text(text: &str) -> Json {
    Json::String(text.to_owned())
}

/// A text that the expression matches; none when that is not so simple.
fn written(regex: &str) -> Option<String> {
    let mut out = Vec::new();
    write(&regex_syntax::parse(regex).ok()?, &mut out)?;
    String::from_utf8(out).ok().filter(|text| !text.contains('\0'))
}

fn write(hir: &Hir, out: &mut Vec<u8>) -> Option<()> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Some(()),
        HirKind::Literal(literal) => {
            out.extend_from_slice(&literal.0);
            Some(())
        }
        HirKind::Class(class) => {
            out.extend_from_slice(one_of(class)?.to_string().as_bytes());
            Some(())
        }
        HirKind::Repetition(repetition) => {
            (repetition.min <= MAX_REPEATS).then_some(())?;
            (0..repetition.min).try_for_each(|_| write(&repetition.sub, out))
        }
        HirKind::Capture(capture) => write(&capture.sub, out),
        HirKind::Concat(items) => items.iter().try_for_each(|item| write(item, out)),
        HirKind::Alternation(items) => write(items.first()?, out),
    }
}

/// A character of the class, one that can be read where there is such.
fn one_of(class: &Class) -> Option<char> {
    let Class::Unicode(class) = class else { return None };
    let has = |c: &char| class.iter().any(|range| (range.start()..=range.end()).contains(c));
    ('a'..='z')
        .chain('0'..='9')
        .chain('!'..='~')
        .find(has)
        .or_else(|| class.iter().next().map(|range| range.start()))
}
