//! The parts of the install script, in the order in which `src/lib.rs` lists them.

use crate::failure::{Failure, Result};
use crate::project::Project;

const LIST: &str = "src/lib.rs";
const FOLDER: &str = "sql/schema";
const MACRO: &str = "extension_sql_file!(";

/// One `extension_sql_file!` of `src/lib.rs`.
#[derive(Debug, PartialEq, Eq)]
struct Part {
    file: String,
    name: String,
    requires: Vec<String>,
    /// Comes before all others, whatever they require.
    bootstrap: bool,
    /// Comes after all others.
    finalize: bool,
}

/// File and text of every part.
pub fn parts(project: &Project) -> Result<Vec<(String, String)>> {
    let list = parse(&project.read(LIST)?)?;
    check_order(&list)?;
    for name in project.files(FOLDER, ".sql")? {
        let file = format!("{FOLDER}/{name}");
        if !list.iter().any(|part| part.file == file) {
            return Err(Failure::new(format!("{file} is not part of the install script"))
                .hint(format!("List it in {LIST} with extension_sql_file!, or remove it.")));
        }
    }
    let text = |part: Part| project.read(&part.file).map(|text| (part.file, text));
    list.into_iter().map(text).collect()
}

/// Reads the list. No parser of Rust: the macro takes literals only, and its lines are ours.
fn parse(rust: &str) -> Result<Vec<Part>> {
    let code: Vec<&str> = rust
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect();
    let code = code.join("\n");
    let mut list = Vec::new();
    for call in code.split(MACRO).skip(1) {
        let fail = |what| Failure::new(format!("{LIST}: extension_sql_file! number {} {what}", list.len() + 1));
        let call = call.split(");").next().unwrap_or_default();
        let path = quoted(call).next().ok_or_else(|| fail("names no file"))?;
        let name = after(call, "name").and_then(|rest| quoted(rest).next());
        let requires = after(call, "requires")
            .and_then(|rest| rest.split(']').next())
            .unwrap_or_default();
        let flag = |word| call.split(',').any(|argument| argument.trim() == word);
        list.push(Part {
            file: path
                .strip_prefix("../")
                .ok_or_else(|| fail("names a file outside the project"))?
                .to_owned(),
            name: name.ok_or_else(|| fail("has no name"))?.to_owned(),
            requires: quoted(requires).map(str::to_owned).collect(),
            bootstrap: flag("bootstrap"),
            finalize: flag("finalize"),
        });
    }
    if list.is_empty() {
        return Err(Failure::new(format!("{LIST} lists no extension_sql_file!")));
    }
    Ok(list)
}

/// The generated script is sorted by a graph of what requires what. Where each part requires what
/// stands before it, that order and the order of the list are the same.
fn check_order(list: &[Part]) -> Result<()> {
    for (i, part) in list.iter().enumerate() {
        let problem = if part.bootstrap && i > 0 {
            "is bootstrap, so it runs first: list it first"
        } else if part.finalize && i + 1 < list.len() {
            "is finalize, so it runs last: list it last"
        } else if !part.bootstrap && i > 0 && !part.requires.contains(&list[i - 1].name) {
            "must require the part listed before it, so that there is one order only"
        } else {
            continue;
        };
        return Err(Failure::new(format!("{LIST}: part \"{}\" {problem}", part.name)));
    }
    Ok(())
}

/// The string literals in a piece of code; none of ours holds an escape.
fn quoted(code: &str) -> impl Iterator<Item = &str> {
    code.split('"').skip(1).step_by(2)
}

/// What follows `key =`.
fn after<'a>(code: &'a str, key: &str) -> Option<&'a str> {
    code.split_once(&format!("{key} = ")).map(|(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUST: &str = r#"
//! extension_sql_file!("../sql/schema/00_comment.sql", name = "comment");
extension_sql_file!("../sql/schema/10_roles.sql", name = "roles", bootstrap);
extension_sql_file!(
    "../sql/schema/20_tables.sql",
    name = "tables",
    requires = ["roles"]
);
extension_sql_file!("../sql/schema/70_grants.sql", name = "grants", requires = ["roles", "tables"], finalize);
fn other() {}
"#;

    fn part(name: &str, requires: &[&str]) -> Part {
        Part {
            file: format!("sql/schema/{name}.sql"),
            name: name.to_owned(),
            requires: requires.iter().map(ToString::to_string).collect(),
            bootstrap: false,
            finalize: false,
        }
    }

    #[test]
    fn reads_the_list_in_either_layout_without_comments() {
        let list = parse(RUST).expect("list");
        let files: Vec<&str> = list.iter().map(|part| part.file.as_str()).collect();
        assert_eq!(
            files,
            [
                "sql/schema/10_roles.sql",
                "sql/schema/20_tables.sql",
                "sql/schema/70_grants.sql"
            ]
        );
        assert_eq!(
            (list[0].bootstrap, list[0].finalize, list[0].requires.len()),
            (true, false, 0)
        );
        assert_eq!(
            (list[1].name.as_str(), list[1].requires[0].as_str()),
            ("tables", "roles")
        );
        assert_eq!(
            (list[2].finalize, &list[2].requires[..]),
            (true, &["roles".to_owned(), "tables".to_owned()][..])
        );
        assert_eq!(check_order(&list), Ok(()));
    }

    #[test]
    fn refuses_what_it_cannot_read() {
        for (code, want) in [
            ("fn main() {}", "lists no"),
            ("extension_sql_file!();", "number 1 names no file"),
            (
                r#"extension_sql_file!("/etc/x.sql", name = "x");"#,
                "outside the project",
            ),
            (r#"extension_sql_file!("../sql/x.sql");"#, "has no name"),
        ] {
            let failure = parse(code).expect_err(code).to_string();
            assert!(failure.contains(want), "{failure}");
        }
    }

    #[test]
    fn refuses_lists_that_leave_the_order_open() {
        let text = |list: &[Part]| check_order(list).expect_err("refused").to_string();
        assert!(text(&[part("a", &[]), part("b", &["a"]), part("c", &["a"])]).contains("\"c\" must require"));
        let bootstrap = Part {
            bootstrap: true,
            ..part("b", &["a"])
        };
        assert!(text(&[part("a", &[]), bootstrap]).contains("\"b\" is bootstrap"));
        let finalize = Part {
            finalize: true,
            ..part("a", &[])
        };
        assert!(text(&[finalize, part("b", &["a"])]).contains("\"a\" is finalize"));
    }
}
