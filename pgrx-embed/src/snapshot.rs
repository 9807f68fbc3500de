//! `snapshot write` and `snapshot check`: the install script of the version that is being worked on.

use crate::difference::first_difference;
use crate::failure::{Failure, Result};
use crate::project::{Project, install_script};
use crate::{released, schema};
use std::fmt::Write as _;
use std::fs;

/// Folder of the install scripts of all versions.
pub const FOLDER: &str = "sql/install";

/// Writes the snapshot, unless it would change the script of a released version.
pub fn write(project: &Project) -> Result<()> {
    let file = file(&project.version);
    let text = text(project)?;
    let committed = project.read_if_there(&file)?;
    if committed.as_ref() == Some(&text) {
        println!("{file} is up to date");
        return Ok(());
    }
    if released::versions(project)?.contains(&project.version) {
        let change = first_difference(&committed.unwrap_or_default(), &text).unwrap_or_default();
        return Err(Failure::new(format!(
            "version {} is released: its install script stays as it is",
            project.version
        ))
        .detail(change)
        .hint("Raise the version in Cargo.toml and pg_auditlog.control, and write an upgrade script."));
    }
    fs::create_dir_all(project.root.join(FOLDER))
        .and_then(|()| fs::write(project.root.join(&file), text))
        .map_err(|e| Failure::new(format!("{file}: {e}")))?;
    println!("wrote {file}");
    Ok(())
}

/// Fails when the snapshot is not what `write` would write, or a file of a released version changed.
pub fn check(project: &Project) -> Result<()> {
    let released = released::check(project)?;
    let file = file(&project.version);
    let hint = "Read the change, then: cargo run -p auditlog-pgrx-embed -- snapshot write";
    let text = text(project)?;
    let Some(committed) = project.read_if_there(&file)? else {
        return Err(Failure::new(format!("{file} is missing")).hint(hint));
    };
    if let Some(difference) = first_difference(&committed, &text) {
        return Err(
            Failure::new(format!("{file} is not what sql/schema/ makes (- committed, + made)"))
                .detail(difference)
                .hint(hint),
        );
    }
    for name in project.files(FOLDER, ".sql")? {
        if name != install_script(&project.version) && !released.iter().any(|old| name == install_script(old)) {
            return Err(Failure::new(format!("{FOLDER}/{name} belongs to no released version"))
                .hint(format!("Remove it, or list its version in {}.", released::LIST)));
        }
    }
    println!("{file} is up to date; {} released version(s) untouched", released.len());
    Ok(())
}

/// The committed snapshot of a version.
pub fn file(version: &str) -> String {
    format!("{FOLDER}/{}", install_script(version))
}

fn text(project: &Project) -> Result<String> {
    Ok(assemble(&project.version, &schema::parts(project)?))
}

/// MODULE_PATHNAME stays: PostgreSQL replaces it with the control file's `module_pathname`.
fn assemble(version: &str, parts: &[(String, String)]) -> String {
    let mut script =
        format!("-- pg_auditlog {version}: the whole install script. Written by pgrx-embed; do not edit.\n");
    for (file, text) in parts {
        write!(script, "\n-- {file}\n{text}").expect("a String takes everything");
    }
    script
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_the_parts_in_order_and_leaves_their_text_alone() {
        let part = |file: &str, text: &str| (file.to_owned(), text.to_owned());
        let script = assemble(
            "1.2.3",
            &[
                part("b.sql", "AS 'MODULE_PATHNAME', 'x';\n"),
                part("a.sql", "SELECT 1;\n"),
            ],
        );
        let (header, rest) = script.split_once("\n\n").expect("header");
        assert!(header.starts_with("-- pg_auditlog 1.2.3: ") && !header.contains('\n'));
        assert_eq!(rest, "-- b.sql\nAS 'MODULE_PATHNAME', 'x';\n\n-- a.sql\nSELECT 1;\n");
    }
    #[test]
    fn the_committed_snapshot_is_up_to_date() {
        let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        Project::find(here).and_then(|project| check(&project)).unwrap();
    }
}
