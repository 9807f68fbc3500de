//! Writes and checks the snapshot of the install script: see README.md beside this crate.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let result = match std::env::args().nth(1).as_deref() {
        Some("write") => write(&root),
        Some("check") => check(&root),
        _ => Err("usage: auditlog-pgrx-embed write|check".to_owned()),
    };
    match result {
        Ok(message) => {
            println!("{message}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))
}

/// The version that the control file installs.
fn version(control: &str) -> Option<String> {
    let line = control.lines().find(|l| l.starts_with("default_version"))?;
    Some(line.split('\'').nth(1)?.to_owned())
}

/// The schema files that `src/lib.rs` lists, in its order.
fn listed(lib: &str) -> Vec<String> {
    lib.split("\"../")
        .skip(1)
        .filter_map(|l| l.split('"').next())
        .filter(|l| l.ends_with(".sql"))
        .map(str::to_owned)
        .collect()
}

/// Path and text of the snapshot that the sources give.
fn snapshot(root: &Path) -> Result<(PathBuf, String), String> {
    let version =
        version(&read(&root.join("pg_auditlog.control"))?).ok_or("the control file has no default_version")?;
    let files = listed(&read(&root.join("src/lib.rs"))?);
    let on_disk = fs::read_dir(root.join("sql/schema"))
        .map_err(|e| e.to_string())?
        .count();
    if files.is_empty() || files.len() != on_disk {
        return Err(format!(
            "src/lib.rs lists {} schema files, sql/schema/ has {on_disk}",
            files.len()
        ));
    }
    let mut text = format!("-- pg_auditlog {version}: the whole install script. Written by pgrx-embed; do not edit.\n");
    for file in files {
        text.push_str(&format!("\n-- {file}\n"));
        text.push_str(&read(&root.join(&file))?);
    }
    Ok((root.join(format!("sql/install/pg_auditlog--{version}.sql")), text))
}

fn write(root: &Path) -> Result<String, String> {
    let (path, text) = snapshot(root)?;
    fs::write(&path, text).map_err(|e| e.to_string())?;
    Ok(format!("written: {}", path.display()))
}

fn check(root: &Path) -> Result<String, String> {
    let (path, text) = snapshot(root)?;
    if read(&path)? != text {
        return Err(format!(
            "{} is out of date: cargo run -p auditlog-pgrx-embed -- write",
            path.display()
        ));
    }
    let current = version(&read(&root.join("pg_auditlog.control"))?).unwrap_or_default();
    for old in read(&root.join("sql/install/RELEASED"))?
        .lines()
        .filter(|l| !l.is_empty() && !l.starts_with('#'))
    {
        let script = read(&root.join(format!("sql/install/pg_auditlog--{old}.sql")))?;
        if script != read(&root.join(format!("sql/install/{old}.released")))? {
            return Err(format!("the install script of released version {old} was changed"));
        }
        if old != current && !root.join(format!("sql/pg_auditlog--{old}--{current}.sql")).exists() {
            return Err(format!("there is no upgrade script from {old} to {current}"));
        }
    }
    Ok(format!("the snapshot of {current} is what the sources say"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_in_the_order_of_the_library() {
        let lib = "extension_sql_file!(\"../sql/schema/b.sql\", name = \"b\");\n\nextension_sql_file!(\"../sql/schema/a.sql\");";
        assert_eq!(listed(lib), ["sql/schema/b.sql", "sql/schema/a.sql"]);
    }

    #[test]
    fn the_version_is_the_control_files() {
        assert_eq!(
            version("comment = 'x'\ndefault_version = '0.1.0'\n").as_deref(),
            Some("0.1.0")
        );
        assert_eq!(version("comment = 'x'"), None);
    }

    #[test]
    fn the_snapshot_is_up_to_date() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        check(&root).unwrap();
    }
}
