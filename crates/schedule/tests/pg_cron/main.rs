//! Schedules as pg_cron itself reads them, asked in a private cluster. «skipped» where Debian's package
//! `postgresql-15-cron` is absent: `apt-get install postgresql-15-cron`.

mod next_runs;
mod taken;
mod texts;

use auditlog_testkit::command::{bin_dir, run};
use auditlog_testkit::{Cluster, Options};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where Debian's packages put the server's programs.
const DEBIAN: &str = "/usr/lib/postgresql/15/bin";

#[test]
fn pg_cron_takes_and_refuses_the_same() {
    beside_pg_cron("pg_cron_takes_and_refuses_the_same", |_| None, taken::compare);
}

#[test]
fn next_runs_are_those_of_pg_cron() {
    beside_pg_cron("next_runs_are_those_of_pg_cron", next_runs::missing, next_runs::compare);
}

/// Runs the body of a test with a server that has pg_cron; `missing` says what else that server lacks.
fn beside_pg_cron(test: &str, missing: impl Fn(&Path) -> Option<String>, body: fn()) {
    let bin = bin_dir();
    let here = version(&bin).is_some();
    // The package is beside Debian's server, not beside the private copy.
    let bin = if here { bin } else { PathBuf::from(DEBIAN) };
    let lacks = match version(&bin) {
        None => Some("postgresql-15-cron is absent".to_owned()),
        Some(_) => missing(&bin),
    };
    if let Some(what) = lacks {
        // past the capture of the test's output
        let _ = writeln!(std::io::stderr(), "{test}: skipped: {what}");
        return;
    }
    if here {
        return body();
    }
    let program = std::env::current_exe().expect("this program");
    let mut again = Command::new(program);
    again.args(["--exact", test, "--nocapture"]);
    let output = run(again.env("PG_BIN", DEBIAN));
    let verdict = output.lines().find(|line| line.starts_with("pg_cron 1"));
    println!("{}", verdict.expect("a comparison"));
}

/// What pg_config says.
fn pg_config(bin: &Path, what: &str) -> Option<PathBuf> {
    let output = Command::new(bin.join("pg_config")).arg(what).output().ok()?;
    Some(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}

/// The version of the pg_cron that lies beside the server: 1.4, 1.4-1, 1.5, 1.6
fn version(bin: &Path) -> Option<String> {
    let control = pg_config(bin, "--sharedir")?.join("extension/pg_cron.control");
    let control = std::fs::read_to_string(control).ok()?;
    let line = control.lines().find(|line| line.starts_with("default_version"))?;
    line.split('\'').nth(1).map(str::to_owned)
}

/// A cluster with pg_cron. No job is ever put into its table for good, since pg_cron would run it on
/// whatever server listens at localhost.
fn cluster() -> Cluster {
    let options = Options {
        preload: false,
        ..Options::default()
    };
    Cluster::start(
        &options
            .set("shared_preload_libraries", "pg_cron")
            .set("cron.database_name", "postgres"),
    )
}
