//! Files of released versions never change: users have run them.
//!
//! Each of their scripts has a copy beside the list, made on the day of the release: `<version>.released`,
//! and `<old>--<version>.released` for upgrades. An edit of a script then needs an edit of its copy,
//! which nobody does by accident.

use crate::difference::first_difference;
use crate::failure::{Failure, Result};
use crate::project::{Project, install_script};
use crate::snapshot;
use std::collections::BTreeSet;

/// One released version a line; `#` starts a comment.
pub const LIST: &str = "sql/install/RELEASED";
const FIXTURES: &str = "tests/upgrade";
const UPGRADE_SCRIPTS: &str = "sql";

/// Folder of what a release leaves for the upgrade tests.
pub fn fixtures(version: &str) -> String {
    format!("{FIXTURES}/{version}")
}

/// All released versions, oldest first, as they are listed.
pub fn versions(project: &Project) -> Result<Vec<String>> {
    parse(&project.read(LIST)?)
}

/// Compares every script of every released version with its copy; returns the versions.
pub fn check(project: &Project) -> Result<Vec<String>> {
    let versions = versions(project)?;
    let mut problems = Vec::new();
    for version in &versions {
        problems.append(&mut changes(project, version)?);
    }
    if problems.is_empty() {
        check_paths(&versions, &upgrade_scripts(project)?, &project.version)?;
        return Ok(versions);
    }
    let failure = Failure::new("files of released versions changed (- released, + now)")
        .hint("Put the released text back. Changes of the schema go into a new version and its upgrade script.");
    Err(problems.into_iter().fold(failure, Failure::detail))
}

/// Upgrade scripts of the project, by name.
pub fn upgrade_scripts(project: &Project) -> Result<Vec<String>> {
    let mut names = project.files(UPGRADE_SCRIPTS, ".sql")?;
    names.retain(|name| step(name).is_some());
    Ok(names)
}

/// Where an upgrade script lies.
pub fn upgrade_script(name: &str) -> String {
    format!("{UPGRADE_SCRIPTS}/{name}")
}

/// Fails where `ALTER EXTENSION … UPDATE` would find no way from a released version to the current one.
fn check_paths(versions: &[String], scripts: &[String], current: &str) -> Result<()> {
    let mut reach = BTreeSet::from([current]);
    loop {
        let before = reach.len();
        let steps = scripts.iter().filter_map(|name| step(name));
        let found: Vec<&str> = steps
            .filter(|(_, to)| reach.contains(to))
            .map(|(from, _)| from)
            .collect();
        reach.extend(found);
        if reach.len() == before {
            break;
        }
    }
    match versions.iter().find(|version| !reach.contains(version.as_str())) {
        None => Ok(()),
        Some(old) => Err(Failure::new(format!(
            "no upgrade script leads from released version {old} to {current}"
        ))
        .hint(format!("Write sql/pg_auditlog--{old}--{current}.sql."))),
    }
}

fn changes(project: &Project, version: &str) -> Result<Vec<String>> {
    let mut names = upgrade_scripts(project)?;
    names.extend(
        project
            .files(snapshot::FOLDER, ".released")?
            .iter()
            .map(|copy| copied(copy)),
    );
    names.retain(|name| step(name).is_some_and(|(_, to)| to == version));
    names.push(install_script(version));
    names.sort();
    names.dedup();
    let mut problems = Vec::new();
    for name in names {
        let file = if step(&name).is_none() {
            snapshot::file(version)
        } else {
            upgrade_script(&name)
        };
        let copy = copy_of(&name);
        match (project.read_if_there(&copy)?, project.read_if_there(&file)?) {
            (Some(then), Some(now)) => {
                problems.extend(first_difference(&then, &now).map(|difference| format!("{file}, {difference}")));
            }
            (Some(_), None) => problems.push(format!("{file} is missing")),
            (None, _) => problems.push(format!("{file} has no copy {copy}")),
        }
    }
    Ok(problems)
}

/// The copy of a script that was released.
fn copy_of(script: &str) -> String {
    let versions = script.trim_start_matches("pg_auditlog--").trim_end_matches(".sql");
    format!("{}/{versions}.released", snapshot::FOLDER)
}

/// The script that `<versions>.released` is a copy of.
fn copied(copy: &str) -> String {
    format!("pg_auditlog--{}.sql", copy.trim_end_matches(".released"))
}

fn parse(list: &str) -> Result<Vec<String>> {
    let mut versions: Vec<String> = Vec::new();
    for line in list.lines() {
        let version = line.split('#').next().unwrap_or_default().trim();
        // Goes into file names and SQL: PostgreSQL's own rules, and nothing that needs quoting.
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+');
        if version.is_empty() {
            continue;
        } else if !version.chars().all(plain) || version.contains("--") || version.starts_with(['-', '.']) {
            return Err(Failure::new(format!("{LIST}: \"{version}\" is not a version")));
        } else if versions.iter().any(|other| other == version) {
            return Err(Failure::new(format!("{LIST}: {version} is listed twice")));
        }
        versions.push(version.to_owned());
    }
    Ok(versions)
}

/// The two versions of an upgrade script `pg_auditlog--A--B.sql`.
fn step(name: &str) -> Option<(&str, &str)> {
    name.strip_prefix("pg_auditlog--")?
        .strip_suffix(".sql")?
        .split_once("--")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_list() {
        assert_eq!(parse("# none yet\n\n"), Ok(vec![]));
        assert_eq!(
            parse("0.1.0 # first\n  0.2.0-rc1\n"),
            Ok(vec!["0.1.0".to_owned(), "0.2.0-rc1".to_owned()])
        );
    }

    #[test]
    fn refuses_what_is_no_version() {
        for (list, want) in [
            ("1.0\n1.0", "1.0 is listed twice"),
            ("1.0 1.1", "\"1.0 1.1\" is not a version"),
            ("1.0--1.1", "is not a version"),
            ("../../etc", "is not a version"),
            ("1'; DROP", "is not a version"),
        ] {
            let failure = parse(list).expect_err(list).to_string();
            assert!(failure.contains(want), "{failure}");
        }
    }

    #[test]
    fn knows_scripts_and_copies_by_name() {
        let script = "pg_auditlog--0.1.0--0.2.0.sql";
        assert_eq!(step(script), Some(("0.1.0", "0.2.0")));
        assert_eq!(step("pg_auditlog--0.1.0.sql"), None);
        assert_eq!(step("setup.sql"), None);
        assert_eq!(copy_of(script), "sql/install/0.1.0--0.2.0.released");
        assert_eq!(copied("0.1.0--0.2.0.released"), script);
        assert_eq!(copy_of("pg_auditlog--0.1.0.sql"), "sql/install/0.1.0.released");
    }

    #[test]
    fn wants_a_way_from_each_released_version() {
        let list = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let versions = list(&["1", "2", "3"]);
        let steps = ["pg_auditlog--1--2.sql", "pg_auditlog--2--3.sql"];
        assert_eq!(check_paths(&versions, &list(&steps), "3"), Ok(()));
        let failure = check_paths(&versions, &list(&steps[1..]), "3")
            .expect_err("1 is cut off")
            .to_string();
        assert!(failure.contains("from released version 1 to 3"), "{failure}");
        let failure = check_paths(&versions, &list(&steps), "4")
            .expect_err("nothing leads to 4")
            .to_string();
        assert!(failure.contains("to 4"), "{failure}");
    }
}
