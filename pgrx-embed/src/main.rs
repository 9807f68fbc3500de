//! Keeps the install script of every version of pg_auditlog, and checks that upgrades end where a
//! fresh install does. `pgrx-embed/README.md` says when to run what.
#![forbid(unsafe_code)]

mod definitions;
mod difference;
mod failure;
mod probes;
mod project;
mod psql;
mod released;
mod schema;
mod share;
mod snapshot;
mod upgrade;

use failure::{Failure, Result};
use project::Project;
use std::process::ExitCode;

const USAGE: &str = "\
usage: pgrx-embed snapshot write    write sql/install/pg_auditlog--<version>.sql from sql/schema/
       pgrx-embed snapshot check    is it up to date, and are the files of released versions untouched?
       pgrx-embed upgrade check     released version + upgrade scripts = fresh install? (cluster: PGHOST, PGPORT, PGUSER …)
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let command: fn(&Project) -> Result<()> = match words[..] {
        ["snapshot", "write"] => snapshot::write,
        ["snapshot", "check"] => snapshot::check,
        ["upgrade", "check"] => upgrade::check,
        ["help" | "-h" | "--help"] => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    let here = std::env::current_dir().map_err(|e| Failure::new(format!("no current folder: {e}")));
    match here
        .and_then(|here| Project::find(&here))
        .and_then(|project| command(&project))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}
