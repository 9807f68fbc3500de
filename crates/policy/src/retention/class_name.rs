//! Names of retention classes. They are values of `retention_class` and parts of names of tables and
//! folders: `log_standard_2026_11`.

use super::pattern::Pattern;
use crate::alert::definition::Fault;

/// Longest name, in characters: names of partitions and their indexes have 63 bytes at most.
pub const MAX_CHARS: usize = 20;

/// The class of all events that no policy names.
pub const STANDARD: &str = "standard";

/// The class of the events that proofs depend on, see [`super::policy::EVIDENCE_TYPES`].
pub const EVIDENCE: &str = "evidence";

/// Is the name free to be given? The hint of the fault says what is.
pub fn check(name: &str) -> Result<(), Fault> {
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    if !begins || name.len() > MAX_CHARS || !name.bytes().all(inner) {
        let hint = format!("Write 1 to {MAX_CHARS} of a-z, 0-9 and _, a letter first.");
        return Err(Fault::new(format!("{name:?} can't be the name of a class"), hint));
    }
    if name == STANDARD || name == EVIDENCE {
        let hint = match name {
            STANDARD => "It is the class of all events that no policy names: write its ages under default.",
            _ => "It is the class of the events that proofs depend on, and has no policy. Choose another name.",
        };
        return Err(Fault::new(format!("the class {name:?} is there already"), hint));
    }
    if looks_like_partition(name) {
        let hint = "Tables for months are named so. Choose a name without «before» and without a year after _.";
        return Err(Fault::new(format!("{name:?} can't be the name of a class"), hint));
    }
    Ok(())
}

/// `log_a_2026_11` would be a month of class `a` and the class `a_2026_11`.
fn looks_like_partition(name: &str) -> bool {
    let year = |part: &str| part.len() == 4 && part.bytes().all(|b| b.is_ascii_digit());
    name.split('_').any(|part| part == "before" || year(part))
}

/// The name of a class that has none: the first pattern without `.*`, dots as `_`, cut to 20 characters;
/// `all` for `*`; `class` where that can't be a name. Where it is taken, the first free one of `…_2`, `…_3`.
pub fn derive(patterns: &[Pattern], taken: impl Fn(&str) -> bool) -> String {
    let base = match patterns.first() {
        Some(Pattern::Exact(name) | Pattern::Under(name)) => name.replace(['.', '-'], "_"),
        Some(Pattern::All) | None => "all".to_owned(),
    };
    let base = cut(&base, MAX_CHARS);
    let base = if check(base).is_ok() { base } else { "class" };
    let mut name = base.to_owned();
    let mut number = 1;
    while taken(&name) || check(&name).is_err() {
        number += 1;
        let end = format!("_{number}");
        name = format!("{}{end}", cut(base, MAX_CHARS - end.len()));
    }
    name
}

fn cut(text: &str, most: usize) -> &str {
    text[..text.len().min(most)].trim_matches('_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_that_would_collide_are_refused() {
        for name in ["a", "pci_dss", "a2", "abcdefghij0123456789", "year_20261", "beforehand"] {
            assert_eq!(check(name), Ok(()), "{name}");
        }
        for name in [
            "",
            "A",
            "2a",
            "_a",
            "a-b",
            "a b",
            "ä",
            "abcdefghij01234567890",
            "standard",
            "evidence",
            "before",
            "a_before_2020",
            "a_2026_11",
            "a_2026",
            "before_2020",
        ] {
            let fault = check(name).expect_err(name);
            assert!(fault.hint.ends_with('.'), "{name}");
        }
    }

    #[test]
    fn names_come_from_the_first_pattern() {
        let mut taken: Vec<String> = Vec::new();
        for (pattern, name) in [
            ("authentication.*", "authentication"),
            ("resource.delete", "resource_delete"),
            ("resource_delete", "resource_delete_2"),
            ("resource.view-all", "resource_view_all"),
            ("*", "all"),
            ("all", "all_2"),
            ("standard.*", "class"),
            ("evidence", "class_2"),
            ("a.2026.11", "class_3"),
            ("9lives", "class_4"),
            ("configuration.network.firewall", "configuration_networ"),
            ("configuration.network.dns", "configuration_netw_2"),
        ] {
            let pattern = Pattern::parse(pattern).expect(pattern);
            let found = derive(&[pattern], |name| taken.iter().any(|other| other == name));
            assert_eq!(found, name);
            taken.push(found);
        }
    }

    proptest! {
        #[test]
        fn every_derived_name_is_a_name(text in "[a-z0-9_][a-z0-9_-]{0,8}(\\.[0-9]{4}|\\.[a-z0-9_]{1,30}){0,3}", many in 0..12_usize) {
            let pattern = Pattern::parse(&text).expect("a pattern");
            let mut taken: Vec<String> = Vec::new();
            for _ in 0..=many {
                let name = derive(std::slice::from_ref(&pattern), |name| taken.iter().any(|other| other == name));
                prop_assert_eq!(check(&name), Ok(()));
                prop_assert!(!taken.contains(&name));
                taken.push(name);
            }
        }
    }
}
