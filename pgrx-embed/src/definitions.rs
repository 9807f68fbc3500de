//! What `definitions.sql` says about a database, and how two databases differ.

use crate::difference::first_difference;
use crate::failure::{Failure, Result};
use std::collections::{BTreeMap, BTreeSet};

/// The query, relative to the root of the project.
pub const QUERY: &str = "pgrx-embed/definitions.sql";
/// Between the columns of a row: function bodies hold every printable character.
pub const FIELD_SEPARATOR: char = '\u{1f}';
/// At the end of a row.
pub const RECORD_SEPARATOR: char = '\0';

/// Kind and name of everything that is defined, with its definition.
#[derive(Debug, PartialEq, Eq)]
pub struct Definitions(BTreeMap<(String, String), String>);

impl Definitions {
    /// Reads the rows that psql printed.
    pub fn parse(output: &str) -> Result<Self> {
        let mut all = BTreeMap::new();
        for row in output.split_terminator(RECORD_SEPARATOR) {
            let mut fields = row.splitn(3, FIELD_SEPARATOR).map(str::to_owned);
            let (Some(kind), Some(name), Some(definition)) = (fields.next(), fields.next(), fields.next()) else {
                return Err(Failure::new(format!("{QUERY}: a row without three columns")).detail(row));
            };
            if kind == "unknown" {
                return Err(Failure::new(format!("{QUERY} can't describe {name}"))
                    .hint("Add a section for this kind of object to the query."));
            }
            let key = (kind, name);
            if all.contains_key(&key) {
                return Err(Failure::new(format!("{QUERY}: two rows for {} {}", key.0, key.1)));
            }
            all.insert(key, definition);
        }
        if all.is_empty() {
            return Err(Failure::new(format!("{QUERY} found nothing")));
        }
        Ok(Self(all))
    }

    /// How many things are defined.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// One entry for each definition that is not the same in `other`: - here, + there.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let names: BTreeSet<_> = self.0.keys().chain(other.0.keys()).collect();
        let difference = |key: &(String, String)| {
            let (kind, name) = key;
            match (self.0.get(key), other.0.get(key)) {
                (Some(here), Some(there)) => {
                    first_difference(here, there).map(|difference| format!("{kind} {name}, {difference}"))
                }
                (Some(_), None) => Some(format!("- {kind} {name}")),
                (None, _) => Some(format!("+ {kind} {name}")),
            }
        };
        names.into_iter().filter_map(difference).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[[&str; 3]]) -> String {
        rows.iter().map(|row| row.join("\u{1f}") + "\0").collect()
    }

    fn parsed(all: &[[&str; 3]]) -> Definitions {
        Definitions::parse(&rows(all)).expect("rows")
    }

    #[test]
    fn the_same_rows_have_no_differences() {
        let both = [["function", "a.f()", "BEGIN\n\nEND"], ["table", "a.t", ""]];
        assert_eq!(parsed(&both).len(), 2);
        assert_eq!(parsed(&both).differences(&parsed(&both)), Vec::<String>::new());
    }

    #[test]
    fn names_what_is_missing_new_and_changed() {
        let old = parsed(&[
            ["function", "a.f()", "BEGIN\nold\nEND"],
            ["policy", "p on a.t", "x"],
            ["table", "a.t", ""],
        ]);
        let new = parsed(&[
            ["function", "a.f()", "BEGIN\nnew\nEND"],
            ["table", "a.t", ""],
            ["view", "a.v", "SELECT"],
        ]);
        assert_eq!(
            old.differences(&new),
            [
                "function a.f(), line 2:\n- old\n+ new",
                "- policy p on a.t",
                "+ view a.v"
            ]
        );
    }

    #[test]
    fn refuses_rows_that_would_hide_something() {
        for (output, want) in [
            (String::new(), "found nothing"),
            ("table\u{1f}a.t\0".to_owned(), "without three columns"),
            (
                rows(&[["table", "a.t", "1"], ["table", "a.t", "2"]]),
                "two rows for table a.t",
            ),
            (
                rows(&[["unknown", "cast from a to b", ""]]),
                "can't describe cast from a to b",
            ),
        ] {
            let failure = Definitions::parse(&output).expect_err(want).to_string();
            assert!(failure.contains(want), "{failure}");
        }
    }
}
