//! `upgrade check`: every released version, upgraded, must define what a fresh install defines.

use crate::definitions::Definitions;
use crate::failure::{Failure, Result};
use crate::project::{Project, install_script};
use crate::psql::{self, Database, Step};
use crate::{probes, released, share, snapshot};
use std::path::Path;

/// Runs every comparison, prints a line for each, and fails when one of them failed.
pub fn check(project: &Project) -> Result<()> {
    check_server(project)?;
    let folder = share::folder(project)?;
    let fresh = Database::install(project, "fresh", &project.version)?.definitions()?;

    let mut tally = Tally::default();
    tally.add(
        &format!(
            "two fresh installs of {} are the same ({} definitions)",
            project.version,
            fresh.len()
        ),
        || {
            let again = Database::install(project, "again", &project.version)?.definitions()?;
            same(&fresh, &again)
        },
    );
    tally.add("the comparison sees a change of each kind", || {
        probes::check(&Database::install(project, "probes", &project.version)?).map(drop)
    });
    tally.add(
        &format!("{} installs the same", snapshot::file(&project.version)),
        || same(&fresh, &from_snapshot(project, &folder)?),
    );
    let mut released = released::check(project)?;
    // The one that is being worked on can be a released one: on the day of a release.
    released.retain(|version| *version != project.version);
    if released.is_empty() {
        println!("no released version yet, nothing to compare");
    }
    for old in &released {
        tally.add(&format!("{old} upgraded to {} is the same", project.version), || {
            same(&fresh, &upgraded(project, &folder, old)?)
        });
    }
    tally.finish()
}

/// The server must offer the version of the checkout, or the check would be about another one.
fn check_server(project: &Project) -> Result<()> {
    let sql = "SELECT default_version FROM pg_catalog.pg_available_extensions WHERE name = 'pg_auditlog'";
    let offered = psql::value(project, sql)?;
    if offered == project.version {
        return Ok(());
    }
    let offered = if offered.is_empty() {
        "no pg_auditlog".to_owned()
    } else {
        format!("version {offered}")
    };
    Err(Failure::new(format!(
        "the server offers {offered}, the checkout is version {}",
        project.version
    ))
    .hint("Build and install the checkout: scripts/build.sh"))
}

/// What the committed snapshot installs. Under a version of its own, because the server has a script
/// for the real one: the one that the build generated, which is what the others were installed from.
fn from_snapshot(project: &Project, folder: &Path) -> Result<Definitions> {
    let version = format!("{}-snapshot{}", project.version, std::process::id());
    let text = project.read(&snapshot::file(&project.version))?;
    let _script = share::place(folder, &install_script(&version), &text)?;
    Database::install(project, "snapshot", &version)?.definitions()
}

/// What a released version defines after the upgrade. Before and after it the fixtures of that
/// release check that the new library works with the old schema, and that its data live on.
fn upgraded(project: &Project, folder: &Path, old: &str) -> Result<Definitions> {
    let fixtures = released::fixtures(old);
    let (setup, check) = (format!("{fixtures}/setup.sql"), format!("{fixtures}/check.sql"));
    for file in [&setup, &check] {
        if !project.root.join(file).is_file() {
            return Err(Failure::new(format!("there is no {file}")).hint("tests/upgrade/README.md says what it holds."));
        }
    }
    let mut scripts = vec![share::place(
        folder,
        &install_script(old),
        &project.read(&snapshot::file(old))?,
    )?];
    for name in released::upgrade_scripts(project)? {
        scripts.push(share::place(
            folder,
            &name,
            &project.read(&released::upgrade_script(&name))?,
        )?);
    }
    let database = Database::install(project, "old", old)?;
    database.run(&[Step::File(&setup)])?;
    database.run(&[Step::File(&check)])?;
    database.run(&[Step::Sql(&format!(
        "ALTER EXTENSION pg_auditlog UPDATE TO '{}'",
        project.version
    ))])?;
    database.run(&[Step::File(&check)])?;
    database.definitions()
}

fn same(fresh: &Definitions, other: &Definitions) -> Result<()> {
    let differences = fresh.differences(other);
    if differences.is_empty() {
        return Ok(());
    }
    let failure = Failure::new(format!(
        "{} definitions differ (- fresh install, + here)",
        differences.len()
    ));
    Err(differences.into_iter().fold(failure, Failure::detail))
}

/// Counts, in the form that scripts/count_tests.py adds up.
#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
}

impl Tally {
    fn add(&mut self, name: &str, check: impl FnOnce() -> Result<()>) {
        match check() {
            Ok(()) => {
                self.passed += 1;
                println!("ok      {name}");
            }
            Err(failure) => {
                self.failed += 1;
                println!("FAILED  {name}\n{failure}");
            }
        }
    }

    fn finish(self) -> Result<()> {
        println!("{} passed, {} failed", self.passed, self.failed);
        if self.failed == 0 {
            Ok(())
        } else {
            Err(Failure::new("upgrade check failed"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_goes_on_after_a_failure() {
        let mut tally = Tally::default();
        tally.add("first", || Err(Failure::new("no")));
        tally.add("second", || Ok(()));
        assert_eq!((tally.passed, tally.failed), (1, 1));
        assert!(tally.finish().is_err());
        assert!(Tally { passed: 1, failed: 0 }.finish().is_ok());
    }

    #[test]
    fn lists_every_difference() {
        let definitions = |names: &[&str]| {
            let rows: String = names.iter().map(|name| format!("table\u{1f}{name}\u{1f}\0")).collect();
            Definitions::parse(&rows).expect("rows")
        };
        assert_eq!(same(&definitions(&["a"]), &definitions(&["a"])), Ok(()));
        let failure = same(&definitions(&["a", "b"]), &definitions(&["a", "c"]))
            .expect_err("differ")
            .to_string();
        assert_eq!(
            failure,
            "error: 2 definitions differ (- fresh install, + here)\n  - table b\n  + table c"
        );
    }
}
