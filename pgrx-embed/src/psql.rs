//! Databases of a running cluster, reached through psql as its environment (PGHOST, PGPORT, PGUSER …) says.

use crate::definitions::{Definitions, FIELD_SEPARATOR, QUERY};
use crate::failure::{Failure, Result};
use crate::project::Project;
use std::process::{Command, Stdio};

/// A piece of a psql session.
pub enum Step<'a> {
    /// SQL text.
    Sql(&'a str),
    /// A file, relative to the root of the project.
    File(&'a str),
}

/// Runs the steps in one session of a database, stops at the first error, returns what was printed.
fn psql(project: &Project, database: Option<&str>, steps: &[Step]) -> Result<String> {
    let mut command = Command::new("psql");
    command.args(["-X", "-q", "-A", "-t", "-0", "-v", "ON_ERROR_STOP=1", "-F"]);
    command
        .arg(FIELD_SEPARATOR.to_string())
        .current_dir(&project.root)
        .stdin(Stdio::null());
    command.env("PGCLIENTENCODING", "UTF8").env("PGAPPNAME", "pgrx-embed");
    if let Some(database) = database {
        command.args(["-d", database]);
    } else if std::env::var_os("PGDATABASE").is_none() {
        command.args(["-d", "postgres"]);
    }
    for step in steps {
        match step {
            Step::Sql(sql) => command.args(["-c", sql]),
            Step::File(file) => command.args(["-f", file]),
        };
    }
    let output = command.output().map_err(|e| {
        Failure::new(format!("psql doesn't start: {e}")).hint("It must be in PATH: . scripts/env.sh sets it.")
    })?;
    if !output.status.success() {
        let failure = Failure::new(format!(
            "psql failed in database {}",
            database.unwrap_or("of the cluster")
        ));
        return Err(failure.detail(String::from_utf8_lossy(&output.stderr).trim_end()));
    }
    String::from_utf8(output.stdout).map_err(|e| Failure::new(format!("psql printed no UTF-8: {e}")))
}

/// One value from the cluster.
pub fn value(project: &Project, sql: &str) -> Result<String> {
    let output = psql(project, None, &[Step::Sql(sql)])?;
    Ok(output.trim_end_matches(['\0', '\n']).to_owned())
}

/// A database of its own that goes when this does.
pub struct Database<'a> {
    project: &'a Project,
    name: String,
}

impl<'a> Database<'a> {
    /// Makes it, without the extension.
    pub fn create(project: &'a Project, purpose: &str) -> Result<Self> {
        let name = format!("auditlog_embed_{}_{purpose}", std::process::id());
        // template0: what somebody put into template1 doesn't count.
        psql(
            project,
            None,
            &[Step::Sql(&format!("CREATE DATABASE {name} TEMPLATE template0"))],
        )?;
        Ok(Self { project, name })
    }

    /// Makes it, with the extension in this version.
    pub fn install(project: &'a Project, purpose: &str, version: &str) -> Result<Self> {
        let database = Self::create(project, purpose)?;
        database.run(&[Step::Sql(&format!("CREATE EXTENSION pg_auditlog VERSION '{version}'"))])?;
        Ok(database)
    }

    /// Runs the steps in one session; returns what they print.
    pub fn run(&self, steps: &[Step]) -> Result<String> {
        psql(self.project, Some(&self.name), steps)
    }

    /// What the extension defines here.
    pub fn definitions(&self) -> Result<Definitions> {
        Definitions::parse(&self.run(&[Step::File(QUERY)])?)
    }
}

impl Drop for Database<'_> {
    fn drop(&mut self) {
        // FORCE: the sealer of this database may be at work.
        let sql = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        if let Err(failure) = psql(self.project, None, &[Step::Sql(&sql)]) {
            eprintln!("{failure}");
        }
    }
}
