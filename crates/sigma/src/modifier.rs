//! A value with its modifiers → a test.

use crate::error::SigmaError;
use auditlog_policy::yaml::{Node, Place, Value};
use auditlog_query::ast::{Order, Part};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What a value must be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Test {
    /// One of these texts, which may have wildcards; does case matter?
    Texts(Vec<Vec<Part>>, bool),
    /// An expression found in the value, flags in front.
    Regex(String),
    Network(String),
    Exists,
    Compare(Order, String),
    Not(Box<Test>),
}

/// Most texts that one value may become (`windash`, `base64offset`).
const MAX_VARIANTS: usize = 125;

/// Where wildcards are put.
#[derive(Default)]
struct Around {
    before: bool,
    behind: bool,
}

/// The test of one value; `place` is that of the key.
pub(crate) fn test(modifiers: &[&str], value: &Node, place: Place) -> Result<Test, SigmaError> {
    if modifiers.contains(&"neq") {
        let rest: Vec<&str> = modifiers
            .iter()
            .copied()
            .filter(|modifier| *modifier != "neq")
            .collect();
        return Ok(Test::Not(Box::new(test(&rest, value, place)?)));
    }
    match modifiers {
        // a value that is missing, or null
        [] if value.value == Value::Null => return Ok(Test::Not(Box::new(Test::Exists))),
        ["exists"] => {
            return match value.value {
                Value::Bool(true) => Ok(Test::Exists),
                Value::Bool(false) => Ok(Test::Not(Box::new(Test::Exists))),
                _ => Err(SigmaError::wrong(
                    value.place,
                    "exists is neither true nor false",
                    "Write true or false.",
                )),
            };
        }
        ["cidr"] => return network(value),
        ["re", flags @ ..] => return regex(flags, value, place),
        [order @ ("lt" | "lte" | "gt" | "gte")] => return compare(order, value),
        _ => {}
    }
    texts(modifiers, value, place)
}

fn texts(modifiers: &[&str], value: &Node, place: Place) -> Result<Test, SigmaError> {
    let mut texts = vec![parts(text(value)?)];
    let mut around = Around::default();
    let mut cased = false;
    let mut wide: Option<Wide> = None;
    for modifier in modifiers {
        match *modifier {
            "contains" => (around.before, around.behind) = (true, true),
            "startswith" => around.behind = true,
            "endswith" => around.before = true,
            "cased" => cased = true,
            "windash" => texts = windash(&texts, place)?,
            "wide" | "utf16le" => wide = Some(Wide::Little),
            "utf16be" => wide = Some(Wide::Big),
            "utf16" => wide = Some(Wide::Marked),
            "base64" => {
                let encode = |text: &Vec<Part>| Ok(vec![Part::Text(STANDARD.encode(bytes(text, wide, place)?))]);
                texts = texts.iter().map(encode).collect::<Result<_, _>>()?;
                wide = None;
            }
            "base64offset" => {
                let encode = |text: &Vec<Part>| {
                    let encoded = offsets(&bytes(text, wide, place)?);
                    let hint = "Write at least two characters: of fewer nothing stays the same at every offset.";
                    encoded.ok_or_else(|| SigmaError::unsupported(place, "base64offset of so short a value", hint))
                };
                let all = texts.iter().map(encode).collect::<Result<Vec<_>, SigmaError>>()?;
                texts = all.concat();
                wide = None;
            }
            "fieldref" => {
                let hint = "A condition can't compare two fields of an event; leave the selection out by hand if it only filters.";
                return Err(SigmaError::unsupported(place, "the modifier fieldref", hint));
            }
            "expand" => {
                let hint = "Write the values in the place of the placeholder.";
                return Err(SigmaError::unsupported(place, "the modifier expand", hint));
            }
            name @ ("minute" | "hour" | "day" | "week" | "month" | "year") => {
                let hint = "Give the imported alert a schedule instead.";
                return Err(SigmaError::unsupported(place, format!("the modifier {name}"), hint));
            }
            name @ ("i" | "m" | "s" | "re" | "cidr" | "exists" | "lt" | "lte" | "gt" | "gte") => {
                let message = format!("the modifier {name} does not go together with {}", modifiers.join("|"));
                return Err(SigmaError::wrong(place, message, "Write it alone."));
            }
            name => {
                let hint = "Known are contains, startswith, endswith, all, re, cidr, exists, cased, neq, lt, lte, gt, gte, base64, base64offset, wide, windash.";
                return Err(SigmaError::unsupported(place, format!("the modifier {name:?}"), hint));
            }
        }
    }
    if wide.is_some() {
        let hint = "Events hold texts, not UTF-16: put base64 or base64offset behind it.";
        return Err(SigmaError::unsupported(
            place,
            format!("the modifier {} by itself", modifiers.join("|")),
            hint,
        ));
    }
    for text in &mut texts {
        if around.before {
            text.insert(0, Part::Many);
        }
        if around.behind {
            text.push(Part::Many);
        }
        text.dedup_by(|a, b| *a == Part::Many && *b == Part::Many);
    }
    Ok(Test::Texts(texts, cased))
}

fn text(value: &Node) -> Result<&str, SigmaError> {
    value.scalar().ok_or_else(|| {
        let message = format!("a value is {}, not a text or number", value.kind());
        SigmaError::wrong(value.place, message, "Write texts, numbers, or a list of them.")
    })
}

/// `*` and `?` are wildcards; a backslash before one of them, or before a backslash, takes its meaning.
pub(crate) fn parts(text: &str) -> Vec<Part> {
    let mut out = Vec::new();
    let mut plain = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let wildcard = match c {
            '*' => Part::Many,
            '?' => Part::One,
            c => {
                let escaped = (c == '\\').then(|| chars.next_if(|next| matches!(next, '*' | '?' | '\\')));
                plain.push(escaped.flatten().unwrap_or(c));
                continue;
            }
        };
        if !plain.is_empty() {
            out.push(Part::Text(std::mem::take(&mut plain)));
        }
        if !(wildcard == Part::Many && out.last() == Some(&Part::Many)) {
            out.push(wildcard);
        }
    }
    if !plain.is_empty() {
        out.push(Part::Text(plain));
    }
    out
}

fn network(value: &Node) -> Result<Test, SigmaError> {
    let network = text(value)?;
    let is_network = network.contains('/') && auditlog_core::document::parse_inet(network).is_some();
    if !is_network {
        let message = format!("{network:?} is not a network");
        return Err(SigmaError::wrong(
            value.place,
            message,
            "Write it as 10.0.0.0/8 or 2001:db8::/32.",
        ));
    }
    Ok(Test::Network(network.to_owned()))
}

fn regex(flags: &[&str], value: &Node, place: Place) -> Result<Test, SigmaError> {
    if let Some(other) = flags.iter().find(|flag| !matches!(**flag, "i" | "m" | "s")) {
        let what = format!("the modifier {other:?} behind re");
        return Err(SigmaError::unsupported(place, what, "Known flags are i, m and s."));
    }
    let pattern = text(value)?;
    let pattern = match flags {
        [] => pattern.to_owned(),
        flags => format!("(?{}){pattern}", flags.concat()),
    };
    if let Err(error) = regex::Regex::new(&pattern) {
        let what = error.to_string();
        let what = what
            .lines()
            .last()
            .unwrap_or("")
            .trim_start_matches("error: ")
            .to_owned();
        let hint = format!("The syntax is that of Rust's regex crate, without look-around: {what}.");
        return Err(SigmaError::unsupported(value.place, "this regular expression", hint));
    }
    Ok(Test::Regex(pattern))
}

fn compare(order: &str, value: &Node) -> Result<Test, SigmaError> {
    let number = text(value)?;
    if auditlog_query::decimal::Decimal::parse(number).is_none() {
        let message = format!("{number:?} is not a number");
        return Err(SigmaError::wrong(value.place, message, "Compare with a number."));
    }
    let order = match order {
        "lt" => Order::Less,
        "lte" => Order::LessOrEqual,
        "gt" => Order::Greater,
        _ => Order::GreaterOrEqual,
    };
    Ok(Test::Compare(order, number.to_owned()))
}

/// All the ways to write the dashes that begin options.
fn windash(texts: &[Vec<Part>], place: Place) -> Result<Vec<Vec<Part>>, SigmaError> {
    const DASHES: [char; 5] = ['-', '/', '–', '—', '―'];
    let mut out: Vec<Vec<Part>> = Vec::new();
    for text in texts {
        let mut variants: Vec<Vec<Part>> = vec![Vec::new()];
        let mut before = None;
        for part in text {
            let Part::Text(plain) = part else {
                variants.iter_mut().for_each(|variant| variant.push(part.clone()));
                before = None;
                continue;
            };
            variants
                .iter_mut()
                .for_each(|variant| variant.push(Part::Text(String::new())));
            let mut chars = plain.chars().peekable();
            while let Some(c) = chars.next() {
                let word = |c: &char| c.is_alphanumeric() || *c == '_';
                let begins =
                    DASHES[..2].contains(&c) && !before.is_some_and(|c| word(&c)) && chars.peek().is_some_and(word);
                before = Some(c);
                let choices: &[char] = if begins { &DASHES } else { std::slice::from_ref(&c) };
                let with = |choice: &char| {
                    variants
                        .iter()
                        .map(|variant| pushed(variant, *choice))
                        .collect::<Vec<_>>()
                };
                variants = choices.iter().flat_map(with).collect();
                if variants.len() + out.len() > MAX_VARIANTS {
                    let hint = "Split the value at its options.";
                    return Err(SigmaError::unsupported(place, "windash with so many dashes", hint));
                }
            }
        }
        out.extend(variants);
    }
    Ok(out)
}

fn pushed(variant: &[Part], c: char) -> Vec<Part> {
    let mut variant = variant.to_vec();
    if let Some(Part::Text(text)) = variant.last_mut() {
        text.push(c);
    }
    variant
}

#[derive(Clone, Copy)]
enum Wide {
    Little,
    Big,
    Marked,
}

/// The bytes that are encoded: wildcards have none.
fn bytes(text: &[Part], wide: Option<Wide>, place: Place) -> Result<Vec<u8>, SigmaError> {
    let text = match text {
        [] => "",
        [Part::Text(text)] => text,
        _ => {
            let hint = "Write the value without * and ?.";
            return Err(SigmaError::unsupported(place, "an encoded value with wildcards", hint));
        }
    };
    let units = || text.encode_utf16();
    Ok(match wide {
        None => text.as_bytes().to_vec(),
        Some(Wide::Little) => units().flat_map(u16::to_le_bytes).collect(),
        Some(Wide::Big) => units().flat_map(u16::to_be_bytes).collect(),
        Some(Wide::Marked) => [0xff, 0xfe]
            .into_iter()
            .chain(units().flat_map(u16::to_le_bytes))
            .collect(),
    })
}

/// The three encodings of bytes inside of others: what depends on the neighbours is cut off. None when nothing is
/// left of one of them.
fn offsets(bytes: &[u8]) -> Option<Vec<Vec<Part>>> {
    let encoded = (0..3usize).map(|shift| {
        let shifted: Vec<u8> = std::iter::repeat_n(b' ', shift).chain(bytes.iter().copied()).collect();
        let text = STANDARD.encode(&shifted);
        let start = [0, 2, 3][shift];
        let end = text.len() - [0, 3, 2][shifted.len() % 3];
        let inside = text.get(start..end).filter(|inside| !inside.is_empty())?;
        Some(vec![Part::Text(inside.to_owned())])
    });
    encoded.collect()
}

#[cfg(test)]
mod tests;
