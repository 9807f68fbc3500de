//! Text → [`RetentionPolicy`].

use super::{
    Class, DefinitionError, EVIDENCE_TYPES, Fault, MAX_DESCRIPTION_BYTES, MAX_PATTERNS, MAX_POLICIES, RetentionPolicy,
    Warning, plain,
};
use crate::alert::definition::keys::{Keys, each, nearest, text, wrong};
use crate::retention::age::{Age, MAX_DAYS, Unit};
use crate::retention::class_name::{self, STANDARD};
use crate::retention::pattern::Pattern;
use crate::retention::tier::{Tier, Tiers};
use crate::yaml::{self, Node, Place, Value};

/// Most patterns of all policies together: each is compared with each.
const MAX_ALL_PATTERNS: usize = 2_000;

/// The keys of a tier, longest unit last.
const AGES: [[&str; 4]; 4] = [
    ["hot_days", "hot_weeks", "hot_months", "hot_years"],
    ["warm_days", "warm_weeks", "warm_months", "warm_years"],
    ["cold_days", "cold_weeks", "cold_months", "cold_years"],
    ["maximum_days", "maximum_weeks", "maximum_months", "maximum_years"],
];

type Read<T> = Result<T, DefinitionError>;

pub(super) fn policy(source: &str, known: &[&str]) -> Read<(RetentionPolicy, Vec<Warning>)> {
    let root = yaml::read(source).map_err(|error| {
        let hint = "Write YAML or JSON with the key retention_policies, a list of policies; * goes in quotes.";
        Fault::new(error.message, hint).at(error.place)
    })?;
    let keys = Keys::new(&root, "the definition", &["retention_policies", "default"])?;
    if keys.get("retention_policies").is_none() && keys.get("default").is_none() {
        let hint =
            "Write retention_policies: with a list of policies, default: with the ages of all other events, or both.";
        return Err(Fault::new("the definition has no policies", hint).at(keys.place));
    }
    let standard = match keys.get("default") {
        Some(node) => {
            let entry = Entry::new(node, "default", false)?;
            entry.class(STANDARD.to_owned(), Vec::new(), &Tiers::DEFAULT, known)?
        }
        None => plain(STANDARD, Tiers::DEFAULT),
    };
    let mut entries = Vec::new();
    if let Some(node) = keys.get("retention_policies") {
        let Value::List(items) = &node.value else {
            let hint = "Begin each policy with a dash, such as - event_types: [authentication.*].";
            return Err(wrong(node, "retention_policies", "a list of policies", hint));
        };
        if items.len() > MAX_POLICIES {
            let message = format!("there are {} policies", items.len());
            let hint = format!("Join those that have the same ages: at most {MAX_POLICIES} are taken.");
            return Err(Fault::new(message, hint).at(node.place));
        }
        for item in items {
            entries.push(Entry::new(item, "a policy", true)?);
        }
    }
    let mut rules: Vec<(Pattern, Place)> = Vec::new();
    let mut warnings = Vec::new();
    let mut patterns = Vec::new();
    for entry in &entries {
        let found = entry.patterns()?;
        for (pattern, place) in &found {
            warnings.extend(unreachable(pattern, *place, &rules));
            rules.push((pattern.clone(), *place));
            if rules.len() > MAX_ALL_PATTERNS {
                let message = format!("there are more than {MAX_ALL_PATTERNS} event types");
                return Err(Fault::new(message, "Write what they have in common, such as resource.*.").at(*place));
            }
        }
        patterns.push(found.into_iter().map(|(pattern, _)| pattern).collect::<Vec<_>>());
    }
    let mut names = given_names(&entries)?;
    let mut classes = Vec::new();
    for (at, (entry, patterns)) in entries.iter().zip(patterns).enumerate() {
        let name = match names[at].take() {
            Some(name) => name,
            None => class_name::derive(&patterns, |name| {
                names.iter().flatten().any(|other| other == name)
                    || classes.iter().any(|class: &Class| class.name == name)
            }),
        };
        classes.push(entry.class(name, patterns, &standard.tiers, known)?);
    }
    Ok((RetentionPolicy::new(classes, standard), warnings))
}

/// The names that were given: they win over derived ones, wherever they stand.
fn given_names(entries: &[Entry<'_>]) -> Read<Vec<Option<String>>> {
    let mut names: Vec<Option<String>> = Vec::new();
    for entry in entries {
        let Some(node) = entry.keys.get("name") else {
            names.push(None);
            continue;
        };
        let name = text(node, "the name", false)?;
        class_name::check(&name).map_err(|fault| fault.at(node.place))?;
        if names.iter().flatten().any(|other| *other == name) {
            let hint = "Give each policy a name of its own, or put all of its event types into one policy.";
            return Err(Fault::new(format!("two policies have the name {name:?}"), hint).at(node.place));
        }
        names.push(Some(name));
    }
    Ok(names)
}

/// Says so when an earlier pattern has all types of this one.
fn unreachable(pattern: &Pattern, place: Place, earlier: &[(Pattern, Place)]) -> Option<Warning> {
    let warning = |message: String, hint: &str| Warning {
        line: place.line,
        column: place.column,
        message,
        hint: hint.to_owned(),
    };
    if let Pattern::Exact(name) = pattern
        && EVIDENCE_TYPES.contains(&name.as_str())
    {
        let message = format!("{name} has no effect: the class «evidence» has it, which is kept as long as the log");
        return Some(warning(message, "Remove it: proofs depend on these events."));
    }
    let (first, at) = earlier.iter().find(|(other, _)| other.covers(pattern))?;
    let message = format!(
        "{pattern} has no effect: {first} in line {} comes first and has it already",
        at.line
    );
    Some(warning(message, "Move it before the other, or remove it."))
}

/// A policy, or `default`.
struct Entry<'a> {
    keys: Keys<'a>,
}

impl<'a> Entry<'a> {
    fn new(node: &'a Node, what: &str, named: bool) -> Read<Entry<'a>> {
        let mut known: Vec<&str> = if named { vec!["event_types", "name"] } else { vec![] };
        known.extend(AGES.as_flattened());
        known.extend(["classification", "description"]);
        let keys = Keys::new(node, what, &known)?;
        Ok(Entry { keys })
    }

    fn patterns(&self) -> Read<Vec<(Pattern, Place)>> {
        let hint = "Say which events it is about, such as event_types: [authentication.*].";
        let node = self.keys.need("event_types", hint)?;
        let found = each(node, |item| {
            let Some(text) = item.scalar() else {
                return Err(wrong(item, "an event type", "a text", hint));
            };
            let pattern = Pattern::parse(text).map_err(|fault| fault.at(item.place))?;
            Ok((pattern, item.place))
        })?;
        if found.is_empty() || found.len() > MAX_PATTERNS {
            let message = format!("event_types has {} event types", found.len());
            let hint = format!("Write 1 to {MAX_PATTERNS}; name.* has all below a name, \"*\" all.");
            return Err(Fault::new(message, hint).at(node.place));
        }
        Ok(found)
    }

    fn class(&self, name: String, event_types: Vec<Pattern>, otherwise: &Tiers, known: &[&str]) -> Read<Class> {
        let description = self.keys.get("description").map(|node| {
            let found = text(node, "the description", true)?;
            if found.len() > MAX_DESCRIPTION_BYTES {
                let message = format!("the description is longer than {MAX_DESCRIPTION_BYTES} bytes");
                return Err(Fault::new(message, "Shorten it.").at(node.place));
            }
            Ok(found)
        });
        Ok(Class {
            name,
            event_types,
            tiers: self.tiers(otherwise)?,
            classification: self.classification(known)?,
            maximum: self.maximum()?,
            description: description.transpose()?,
        })
    }

    /// The age under one of the keys, and where it stands.
    fn age(&self, keys: &[&str; 4]) -> Read<Option<(Age, Place)>> {
        let mut found: Option<(Age, Place, &str)> = None;
        for (key, unit) in keys.iter().zip(Unit::WRITTEN) {
            let Some(node) = self.keys.get(key) else { continue };
            if let Some((.., other)) = found {
                let message = format!("there is both {other} and {key}");
                return Err(Fault::new(message, "Write one of them.").at(node.place));
            }
            found = Some((age(node, key, unit)?, node.place, key));
        }
        Ok(found.map(|(age, place, _)| (age, place)))
    }

    fn tiers(&self, otherwise: &Tiers) -> Read<Tiers> {
        let given = [self.age(&AGES[0])?, self.age(&AGES[1])?, self.age(&AGES[2])?];
        let age = |at: usize, tier: Tier| given[at].map_or(otherwise.end(tier), |(age, _)| age);
        let tiers = Tiers {
            hot: age(0, Tier::Hot),
            warm: age(1, Tier::Warm),
            cold: age(2, Tier::Cold),
        };
        let mut before: Option<usize> = None;
        for (at, tier) in Tier::KEEPING.into_iter().enumerate() {
            let age = tiers.end(tier);
            if age.is_none() {
                continue;
            }
            if let Some(earlier) = before {
                let other = tiers.end(Tier::KEEPING[earlier]);
                if other.days() > age.days() {
                    let place = given[at].or(given[earlier]).map_or(self.keys.place, |(_, place)| place);
                    return Err(
                        out_of_order((tier, age), (Tier::KEEPING[earlier], other), given[at].is_none()).at(place),
                    );
                }
            }
            before = Some(at);
        }
        if before.is_none() {
            let place = given
                .iter()
                .flatten()
                .next()
                .map_or(self.keys.place, |(_, place)| *place);
            let hint = "An event must be somewhere for a while: write at least hot_days: 1. What must not be kept is better not recorded.";
            return Err(Fault::new("hot, warm and cold are all 0", hint).at(place));
        }
        Ok(tiers)
    }

    fn maximum(&self) -> Read<Option<Age>> {
        match self.age(&AGES[3])? {
            Some((age, place)) if age.is_none() => {
                let hint = "Write how long these events may be kept, such as maximum_days: 365.";
                Err(Fault::new("the maximum is 0", hint).at(place))
            }
            found => Ok(found.map(|(age, _)| age)),
        }
    }

    fn classification(&self, known: &[&str]) -> Read<Vec<String>> {
        let Some(node) = self.keys.get("classification") else {
            return Ok(Vec::new());
        };
        let mut found: Vec<String> = Vec::new();
        each(node, |item| {
            let name = text(item, "a classification", false)?;
            if !known.contains(&name.as_str()) {
                let list = format!("Requirements are {}.", known.join(", "));
                let hint = match nearest(&name, known) {
                    Some(near) => format!("Did you mean «{near}»? {list}"),
                    None => list,
                };
                return Err(Fault::new(format!("there is no requirement {name:?}"), hint).at(item.place));
            }
            // twice is once
            if !found.contains(&name) {
                found.push(name);
            }
            Ok(())
        })?;
        Ok(found)
    }
}

fn age(node: &Node, key: &str, unit: Unit) -> Read<Age> {
    let hint = format!("Write a whole number, at most {MAX_DAYS} days in all; 0 leaves the tier out.");
    let Value::Number(number) = &node.value else {
        return Err(wrong(node, key, "a number", &hint));
    };
    let found = number.parse().ok().and_then(|count| Age::new(count, unit));
    found.ok_or_else(|| Fault::new(format!("{key} is {number}"), hint).at(node.place))
}

fn out_of_order(late: (Tier, Age), early: (Tier, Age), by_default: bool) -> Fault {
    let ((tier, age), (earlier, other)) = (late, early);
    let message = format!("{tier} ends at {age}, before {earlier} ends at {other}");
    let given = if by_default {
        format!(" {tier} was not given, so it is {age}.")
    } else {
        String::new()
    };
    let days = other.days();
    let hint = format!(
        "Each number is the age of the event at which the tier ends: make {tier} at least {days} days, or {tier}_days: 0 for no such tier.{given}"
    );
    Fault::new(message, hint)
}
