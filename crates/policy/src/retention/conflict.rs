//! Where a policy and the requirements that its classes name don't fit together. Conflicts are told, never
//! resolved: which of two laws gives way is nobody's to guess.

use super::policy::{Class, RetentionPolicy};
use super::requirement::{Nature, Requirement};
use super::tier::Tier;

/// How long the ranges of time are that are removed at once, in days: the first event of a range becomes so
/// much older than the age of its class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grain {
    /// Of the log's partitions.
    pub rows_days: u32,
    /// Of the archive's objects.
    pub archive_days: u32,
}

impl Default for Grain {
    /// Months in the log, days in the archive.
    fn default() -> Grain {
        Grain {
            rows_days: 31,
            archive_days: 1,
        }
    }
}

/// What does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConflictKind {
    /// Events are removed before they may be.
    BelowMinimum,
    /// Events leave the log for the archive too early.
    NotAtHand,
    /// Events are kept longer than they may be.
    AboveMaximum,
    /// A requirement has a maximum, and nobody has said which.
    MaximumMissing,
    /// No age can be right: one demands more than another allows.
    Contradiction,
    /// The class names a requirement that is no more.
    Unknown,
}

impl ConflictKind {
    /// `below_minimum`, `not_at_hand`, `above_maximum`, `maximum_missing`, `contradiction`, `unknown`.
    pub fn label(self) -> &'static str {
        match self {
            ConflictKind::BelowMinimum => "below_minimum",
            ConflictKind::NotAtHand => "not_at_hand",
            ConflictKind::AboveMaximum => "above_maximum",
            ConflictKind::MaximumMissing => "maximum_missing",
            ConflictKind::Contradiction => "contradiction",
            ConflictKind::Unknown => "unknown",
        }
    }
}

/// A conflict, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Name of the class.
    pub class: String,
    /// What does not fit.
    pub kind: ConflictKind,
    /// The requirements, one or two; `policy` for a maximum that the policy itself has.
    pub requirements: Vec<String>,
    /// Lower case, no full stop.
    pub message: String,
    /// A sentence that says what to do.
    pub hint: String,
    /// Where it says so, for each of the requirements.
    pub basis: Vec<String>,
}

/// A maximum and who sets it.
struct Most<'a> {
    name: &'a str,
    days: u32,
    basis: String,
}

/// All conflicts, by class in the policy's order, by kind, and in the order of the classification.
pub fn conflicts(policy: &RetentionPolicy, requirements: &[Requirement], grain: Grain) -> Vec<Conflict> {
    let mut found: Vec<Conflict> = Vec::new();
    for class in policy.classes() {
        let mut own = of_class(class, requirements, grain);
        own.sort_by_key(|conflict| conflict.kind);
        found.extend(own);
    }
    found
}

fn of_class(class: &Class, requirements: &[Requirement], grain: Grain) -> Vec<Conflict> {
    let mut found = Vec::new();
    let by_name = |name: &String| requirements.iter().find(|requirement| requirement.id == *name);
    let named: Vec<&Requirement> = class.classification.iter().filter_map(by_name).collect();
    for name in class.classification.iter().filter(|name| by_name(name).is_none()) {
        found.push(Conflict {
            class: class.name.clone(),
            kind: ConflictKind::Unknown,
            requirements: vec![name.clone()],
            message: format!("class {} is classified as {name}, which is no requirement", class.name),
            hint: "Add the requirement again, or take it out of the classification.".to_owned(),
            basis: vec![String::new()],
        });
    }
    for requirement in &named {
        found.extend(below_minimum(class, requirement));
        found.extend(not_at_hand(class, requirement));
        if requirement.nature == Nature::Maximum && requirement.maximum_days.is_none() && class.maximum.is_none() {
            let message = format!(
                "class {} is classified as {}, which has a maximum, but nobody has said how long it is",
                class.name, requirement.id
            );
            let hint =
                "Write how long these events are needed, such as maximum_days: 730, after asking who is responsible.";
            found.push(conflict(
                class,
                ConflictKind::MaximumMissing,
                requirement,
                message,
                hint.to_owned(),
            ));
        }
    }
    let maxima = maxima(class, &named);
    for most in &maxima {
        found.extend(above_maximum(class, most, grain));
        for requirement in &named {
            found.extend(contradiction(class, requirement, most));
        }
    }
    found
}

fn maxima<'a>(class: &Class, named: &[&'a Requirement]) -> Vec<Most<'a>> {
    let mut found: Vec<Most<'a>> = Vec::new();
    for requirement in named {
        if let Some(days) = requirement.maximum_days {
            found.push(Most {
                name: &requirement.id,
                days,
                basis: requirement.basis.to_string(),
            });
        }
    }
    if let Some(age) = class.maximum {
        // its number stands in the policy, its reason in the law
        let law = named.iter().find(|requirement| requirement.nature == Nature::Maximum);
        found.push(Most {
            name: law.map_or("policy", |requirement| &requirement.id),
            days: age.days(),
            basis: law.map_or("maximum in the policy".to_owned(), |requirement| {
                requirement.basis.to_string()
            }),
        });
    }
    found
}

fn conflict(class: &Class, kind: ConflictKind, of: &Requirement, message: String, hint: String) -> Conflict {
    Conflict {
        class: class.name.clone(),
        kind,
        requirements: vec![of.id.to_string()],
        message,
        hint,
        basis: vec![of.basis.to_string()],
    }
}

fn below_minimum(class: &Class, requirement: &Requirement) -> Option<Conflict> {
    let least = requirement.minimum_days?;
    let life = class.tiers.life();
    if life.days() >= least {
        return None;
    }
    let (name, id, last) = (&class.name, &requirement.id, class.tiers.last());
    let message = format!("class {name} keeps events for {life}, {id} demands at least {least} days");
    let hint = format!(
        "Let the last tier of {name} end later, such as {last}_days: {least}, or take {id} out of its classification; until then nothing of it is removed that is younger."
    );
    Some(conflict(class, ConflictKind::BelowMinimum, requirement, message, hint))
}

fn not_at_hand(class: &Class, requirement: &Requirement) -> Option<Conflict> {
    let least = requirement.at_hand_days?;
    let at_hand = class.tiers.at_hand();
    if at_hand.days() >= least {
        return None;
    }
    let (name, id) = (&class.name, &requirement.id);
    let message = format!("class {name} has events at hand for {at_hand}, {id} demands at least {least} days");
    let hint = format!("Let hot or warm of {name} end later, such as warm_days: {least}.");
    Some(conflict(class, ConflictKind::NotAtHand, requirement, message, hint))
}

fn above_maximum(class: &Class, most: &Most<'_>, grain: Grain) -> Option<Conflict> {
    let life = class.tiers.life();
    let late = match class.tiers.last() {
        Tier::Cold => grain.archive_days,
        _ => grain.rows_days,
    };
    let name = &class.name;
    let message = if life.days() > most.days {
        format!(
            "class {name} keeps events for {life}, {} allows at most {} days",
            most.name, most.days
        )
    } else if life.days().saturating_add(late) > most.days {
        format!(
            "class {name} keeps events for {life} and removes {} of events at once, so that the first of them become {} days old; {} allows at most {} days",
            days_in_words(late),
            life.days() + late,
            most.name,
            most.days
        )
    } else {
        return None;
    };
    let hint = match most.days.checked_sub(late).filter(|days| *days > 0) {
        Some(days) => {
            format!("Let the last tier of {name} end at {days} days or earlier, or have the maximum set anew.")
        }
        None => format!(
            "Events are removed {} at once: so short a maximum can't be kept. Have it set anew.",
            days_in_words(late)
        ),
    };
    Some(Conflict {
        class: name.clone(),
        kind: ConflictKind::AboveMaximum,
        requirements: vec![most.name.to_owned()],
        message,
        hint,
        basis: vec![most.basis.clone()],
    })
}

fn days_in_words(days: u32) -> String {
    if days == 1 {
        "1 day".to_owned()
    } else {
        format!("{days} days")
    }
}

fn contradiction(class: &Class, requirement: &Requirement, most: &Most<'_>) -> Option<Conflict> {
    let least = requirement.minimum_days.filter(|least| *least > most.days)?;
    let (name, id) = (&class.name, &requirement.id);
    Some(Conflict {
        class: name.clone(),
        kind: ConflictKind::Contradiction,
        requirements: vec![id.to_string(), most.name.to_owned()],
        message: format!(
            "class {name}: {id} demands at least {least} days, {} allows at most {}", most.name, most.days
        ),
        hint: "No age keeps both. Put the event types into classes with one of them each, or ask who is responsible which one holds.".to_owned(),
        basis: vec![requirement.basis.to_string(), most.basis.clone()],
    })
}

#[cfg(test)]
mod tests;
