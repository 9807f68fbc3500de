//! [`RetentionPolicy`] → a line for each class.

use super::{Class, RetentionPolicy};
use crate::retention::class_name::STANDARD;
use crate::retention::tier::{Tier, Tiers};

/// As many patterns are listed; more are counted.
const SHOWN: usize = 6;

pub(super) fn explain(policy: &RetentionPolicy) -> Vec<String> {
    policy.classes.iter().map(class).collect()
}

fn class(class: &Class) -> String {
    let mut line = format!("{}: {} {}", class.name, events(class), life(&class.tiers));
    if !class.classification.is_empty() {
        line += &format!(" Classified as {}.", class.classification.join(", "));
    }
    if let Some(age) = class.maximum {
        line += &format!(" They may be kept for {age}.");
    }
    line
}

fn events(class: &Class) -> String {
    if class.name == STANDARD {
        return "all other events".to_owned();
    }
    let mut names: Vec<String> = class.event_types.iter().take(SHOWN).map(ToString::to_string).collect();
    let more = class.event_types.len() - names.len();
    if more > 0 {
        names.push(format!("{more} more"));
    }
    match names.as_slice() {
        [one] if one == "*" => "all events that no policy before has".to_owned(),
        [one] => format!("events {one}"),
        [first @ .., last] => format!("events {} and {last}", first.join(", ")),
        [] => "no events".to_owned(),
    }
}

/// «are hot for 90 days, warm until 1 year and in the archive until 7 years, then they are removed.»
fn life(tiers: &Tiers) -> String {
    let steps = tiers.schedule(Tier::Hot, 0);
    let stays = Tier::KEEPING.into_iter().filter(|tier| {
        let begins = *tier == Tier::Hot || steps.iter().any(|step| step.to == *tier);
        begins && !tiers.end(*tier).is_none()
    });
    let mut parts: Vec<String> = Vec::new();
    for tier in stays {
        let place = match tier {
            Tier::Cold => "in the archive",
            tier => tier.label(),
        };
        let end = tiers.end(tier);
        parts.push(match end.after(0) {
            None => format!("{place} for ever"),
            Some(_) if parts.is_empty() => format!("{place} for {end}"),
            Some(_) => format!("{place} until {end}"),
        });
    }
    let list = match parts.as_slice() {
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
        [] => String::new(),
    };
    match tiers.life().after(0) {
        Some(_) => format!("are {list}, then they are removed."),
        None => format!("are {list}."),
    }
}
