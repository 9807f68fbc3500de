//! The checkout: where it is, its version, its files.

use crate::failure::{Failure, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// A checkout of pg_auditlog.
#[derive(Debug)]
pub struct Project {
    /// Folder of `pg_auditlog.control`.
    pub root: PathBuf,
    /// The version that is being worked on.
    pub version: String,
}

impl Project {
    /// The project that a folder lies in.
    pub fn find(from: &Path) -> Result<Self> {
        let root = from
            .ancestors()
            .find(|folder| folder.join("pg_auditlog.control").is_file())
            .ok_or_else(|| Failure::new("not inside a checkout of pg_auditlog").hint("Run it from the checkout."))?;
        let mut project = Self {
            root: root.to_owned(),
            version: String::new(),
        };
        let control = project.read("pg_auditlog.control")?;
        let toml = project.read("Cargo.toml")?;
        project.version = agreed_version(&control, &toml)?;
        Ok(project)
    }

    /// The text of a file, named relative to the root.
    pub fn read(&self, file: &str) -> Result<String> {
        fs::read_to_string(self.root.join(file)).map_err(|e| Failure::new(format!("{file}: {e}")))
    }

    /// The text of a file, or `None` where there is no such file.
    pub fn read_if_there(&self, file: &str) -> Result<Option<String>> {
        if self.root.join(file).exists() {
            self.read(file).map(Some)
        } else {
            Ok(None)
        }
    }

    /// Names of the files in a folder that end so, sorted; none where the folder is missing.
    pub fn files(&self, folder: &str, ending: &str) -> Result<Vec<String>> {
        let path = self.root.join(folder);
        if !path.exists() {
            return Ok(Vec::new());
        }
        let fail = |e: std::io::Error| Failure::new(format!("{folder}: {e}"));
        let mut names = Vec::new();
        for entry in fs::read_dir(path).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.ends_with(ending) && entry.path().is_file() {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }
}

/// Name of the script that installs a version from nothing.
pub fn install_script(version: &str) -> String {
    format!("pg_auditlog--{version}.sql")
}

/// The version, which control file and workspace both name: PostgreSQL reads one, cargo the other.
fn agreed_version(control: &str, toml: &str) -> Result<String> {
    let of_control = value(control.lines(), "default_version", '\'')
        .ok_or_else(|| Failure::new("pg_auditlog.control has no default_version"))?;
    let package = toml
        .lines()
        .skip_while(|line| line.trim() != "[workspace.package]")
        .skip(1);
    let of_cargo = value(package.take_while(|line| !line.starts_with('[')), "version", '"')
        .ok_or_else(|| Failure::new("Cargo.toml has no version in [workspace.package]"))?;
    if of_control == of_cargo {
        return Ok(of_control.to_owned());
    }
    Err(
        Failure::new("pg_auditlog.control and Cargo.toml name different versions")
            .detail(format!(
                "default_version is {of_control}, version in [workspace.package] is {of_cargo}."
            ))
            .hint("Change both in the same commit."),
    )
}

/// The quoted value of `key = …`.
fn value<'a>(mut lines: impl Iterator<Item = &'a str>, key: &str, quote: char) -> Option<&'a str> {
    lines.find_map(|line| {
        let rest = line.trim_start().strip_prefix(key)?.trim_start().strip_prefix('=')?;
        rest.trim_start().strip_prefix(quote)?.split(quote).next()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOML: &str =
        "[package]\nversion = \"9\"\n\n[workspace.package]\nedition = \"2024\"\nversion = \"0.1.0\"\n[x]\n";

    #[test]
    fn takes_the_version_that_both_files_name() {
        let control = "comment = 'x'\ndefault_version = '0.1.0'\n";
        assert_eq!(agreed_version(control, TOML).as_deref(), Ok("0.1.0"));
    }

    #[test]
    fn refuses_versions_that_differ_or_are_missing() {
        let text = |control, toml| agreed_version(control, toml).unwrap_err().to_string();
        assert!(text("default_version = '0.2.0'\n", TOML).contains("default_version is 0.2.0"));
        assert!(text("", TOML).contains("has no default_version"));
        assert!(text("default_version = '1'", "[workspace.package]\n[y]\nversion = \"1\"").contains("has no version"));
    }
}
