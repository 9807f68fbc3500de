//! Which event types a policy is about: `resource.delete`, `authentication.*`, `*`.

use crate::alert::definition::Fault;
use std::fmt;

/// Longest event type in bytes, as in the log.
pub const MAX_BYTES: usize = 200;

/// Event types. They have lower case letters, so nothing is folded.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Pattern {
    /// This type and no other.
    Exact(String),
    /// All types that begin with this name and a dot; the name itself is none of them.
    Under(String),
    /// All types.
    All,
}

impl Pattern {
    /// Reads a pattern.
    pub fn parse(text: &str) -> Result<Pattern, Fault> {
        let hint = "Write an event type (resource.delete), all below a name (authentication.*), or * for all.";
        if text == "*" {
            return Ok(Pattern::All);
        }
        let name = text.strip_suffix(".*").unwrap_or(text);
        if name.len() > MAX_BYTES {
            return Err(Fault::new(
                format!("an event type has at most {MAX_BYTES} bytes"),
                "Shorten it.",
            ));
        }
        if !is_event_type(name) {
            let meant = [text.to_lowercase(), text.replace('*', ".*").replace("..", ".")]
                .into_iter()
                .find(|meant| *meant != text && is_event_type(meant.strip_suffix(".*").unwrap_or(meant)));
            let hint = meant.map_or(hint.to_owned(), |meant| format!("Did you mean «{meant}»? {hint}"));
            return Err(Fault::new(format!("{text:?} names no event types"), hint));
        }
        Ok(if name.len() < text.len() {
            Pattern::Under(name.to_owned())
        } else {
            Pattern::Exact(name.to_owned())
        })
    }

    /// Is this type one of them?
    pub fn matches(&self, event_type: &str) -> bool {
        match self {
            Pattern::All => true,
            Pattern::Exact(name) => name == event_type,
            Pattern::Under(name) => event_type
                .strip_prefix(name.as_str())
                .is_some_and(|rest| rest.starts_with('.')),
        }
    }

    /// Has this pattern every type that the other has?
    pub fn covers(&self, other: &Pattern) -> bool {
        match (self, other) {
            (Pattern::All, _) => true,
            (_, Pattern::All) => false,
            (Pattern::Exact(one), Pattern::Exact(other)) => one == other,
            (Pattern::Exact(_), Pattern::Under(_)) => false,
            (Pattern::Under(_), Pattern::Exact(name)) => self.matches(name),
            (Pattern::Under(one), Pattern::Under(name)) => one == name || self.matches(name),
        }
    }
}

/// `^[a-z0-9_][a-z0-9_-]*(\.[a-z0-9_][a-z0-9_-]*)*$`, as `auditlog-core` has it.
fn is_event_type(text: &str) -> bool {
    text.split('.').all(|part| {
        let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
        !part.is_empty() && !part.starts_with('-') && part.bytes().all(inner)
    })
}

impl fmt::Display for Pattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pattern::All => out.write_str("*"),
            Pattern::Exact(name) => out.write_str(name),
            Pattern::Under(name) => write!(out, "{name}.*"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn patterns_are_read_and_match() {
        for (text, yes, no) in [
            ("resource.delete", "resource.delete", "resource.delete.all"),
            ("authentication.*", "authentication.login", "authentication"),
            ("a.b.*", "a.b.c.d", "a.bc"),
            ("*", "anything", "-"),
        ] {
            let pattern = Pattern::parse(text).expect(text);
            assert_eq!(pattern.to_string(), text);
            assert!(pattern.matches(yes));
            assert!(!pattern.matches(no) || pattern == Pattern::All, "{text} {no}");
        }
    }

    #[test]
    fn other_texts_are_refused_with_what_was_meant() {
        for (text, hint) in [
            ("Authentication.*", "Did you mean «authentication.*»?"),
            ("authentication*", "Did you mean «authentication.*»?"),
            ("authentication.**", "Write an event type"),
            ("*.login", "Write an event type"),
            ("", "Write an event type"),
            (".*", "Write an event type"),
            ("a..b", "Did you mean «a.b»?"),
            ("a b", "Write an event type"),
        ] {
            let fault = Pattern::parse(text).expect_err(text);
            assert!(fault.hint.starts_with(hint), "{text}: {}", fault.hint);
        }
        assert!(Pattern::parse(&"a".repeat(201)).is_err());
    }

    fn pattern() -> impl Strategy<Value = Pattern> {
        prop_oneof![
            1 => Just(Pattern::All),
            4 => "[ab](\\.[ab]){0,2}".prop_map(Pattern::Exact),
            4 => "[ab](\\.[ab]){0,2}".prop_map(Pattern::Under),
        ]
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_again(pattern in pattern()) {
            prop_assert_eq!(Pattern::parse(&pattern.to_string()).expect("a pattern"), pattern);
        }

        #[test]
        fn who_covers_has_all_types_of_the_other(one in pattern(), other in pattern()) {
            // every type of up to five parts
            let mut types = vec![String::from("a"), String::from("b")];
            for at in 0..30 {
                let longer: Vec<String> = ["a", "b"].iter().map(|part| format!("{}.{part}", types[at])).collect();
                types.extend(longer);
            }
            let all = types.iter().all(|name| !other.matches(name) || one.matches(name));
            // a longest name has no types below it among these; patterns have three parts at most
            prop_assert_eq!(one.covers(&other), all && (one == Pattern::All || other != Pattern::All));
        }
    }
}
