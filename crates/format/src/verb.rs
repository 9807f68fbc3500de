//! What kind of thing an operation does, from the words of its name.

use crate::fields::{Fields, at};

/// What an event did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Create,
    Read,
    Update,
    Delete,
    /// Its words say none of these.
    Other,
}

/// The words of operations and event types, each in lower case.
const WORDS: [(Verb, &[&str]); 4] = [
    (
        Verb::Create,
        &[
            "create",
            "created",
            "add",
            "added",
            "insert",
            "new",
            "register",
            "invite",
            "upload",
            "import",
            "issue",
            "generate",
            "write",
            "put",
            "post",
            "copy",
            "merge",
            "launch",
            "run",
            "open",
            "allocate",
            "provision",
            "backup",
            "ingestion",
        ],
    ),
    (
        Verb::Read,
        &[
            "read",
            "view",
            "viewed",
            "get",
            "list",
            "select",
            "search",
            "query",
            "describe",
            "download",
            "export",
            "show",
            "head",
            "lookup",
            "check",
            "fetch",
            "watch",
            "access",
            "statement",
            "report",
        ],
    ),
    (
        Verb::Update,
        &[
            "update", "updated", "modify", "modified", "change", "changed", "alter", "set", "edit", "rename", "patch",
            "enable", "disable", "stop", "start", "restart", "reboot", "attach", "detach", "replace", "move", "tag",
            "untag", "lock", "unlock", "assign", "grant", "resume", "pause", "restore", "rotate", "reset",
        ],
    ),
    (
        Verb::Delete,
        &[
            "delete",
            "deleted",
            "remove",
            "removed",
            "drop",
            "dropped",
            "destroy",
            "purge",
            "truncate",
            "revoke",
            "terminate",
            "erase",
            "erasure",
            "deregister",
            "unset",
        ],
    ),
];

/// The verb of an event: of the first word that says one, in its operation and then from the end of its type.
pub(crate) fn verb(fields: &Fields<'_>) -> Verb {
    let operation = fields
        .word(at::OPERATION)
        .and_then(|text| std::str::from_utf8(text).ok());
    let kind = std::str::from_utf8(fields.event_type()).unwrap_or_default();
    operation
        .into_iter()
        .flat_map(words)
        .chain(kind.rsplit('.').flat_map(words))
        .find_map(meaning)
        .unwrap_or(Verb::Other)
}

fn meaning(word: &str) -> Option<Verb> {
    let is = |known: &&&str| known.eq_ignore_ascii_case(word);
    let listed = |(_, words): &&(Verb, &[&str])| words.iter().any(|known| is(&known));
    WORDS.iter().find(listed).map(|(verb, _)| *verb)
}

/// `RunInstances`, `stop_instance` and `alter table` alike.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|c: char| !c.is_alphanumeric());
        if rest.is_empty() {
            return None;
        }
        let mut before = ' ';
        let end = rest.char_indices().find(|(at, c)| {
            let ends = !c.is_alphanumeric() || *at > 0 && before.is_lowercase() && c.is_uppercase();
            before = *c;
            ends
        });
        let (word, after) = rest.split_at(end.map_or(rest.len(), |(at, _)| at));
        rest = after;
        Some(word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_told_apart() {
        let of = |text| words(text).collect::<Vec<_>>();
        assert_eq!(of("RunInstances"), ["Run", "Instances"]);
        assert_eq!(of("stop_instance"), ["stop", "instance"]);
        assert_eq!(of("  alter  table "), ["alter", "table"]);
        assert_eq!(of("--"), [""; 0]);
        assert_eq!(of("éÉa"), ["é", "Éa"]);
    }

    #[test]
    fn words_have_one_meaning() {
        for (_, words) in WORDS {
            for word in words {
                let lists = WORDS.iter().filter(|(_, others)| others.contains(word)).count();
                assert_eq!(lists, 1, "{word}");
            }
        }
        assert_eq!(meaning("Describe"), Some(Verb::Read));
        assert_eq!(meaning("instance"), None);
    }
}
