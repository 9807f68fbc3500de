//! Running PostgreSQL's programs, as the account that may run a server.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Directory of the server's programs: `PG_BIN`, else Debian's PostgreSQL 15.
pub fn bin_dir() -> PathBuf {
    std::env::var_os("PG_BIN").map_or_else(|| PathBuf::from("/usr/lib/postgresql/15/bin"), PathBuf::from)
}

/// Are we root? PostgreSQL refuses to run as root, so servers then run as the account `postgres`.
pub fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|m| m.uid() == 0)
}

/// `program` as the account that runs servers.
pub fn as_server(program: impl AsRef<Path>) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program.as_ref());
        command
    } else {
        Command::new(program.as_ref())
    };
    command.current_dir("/tmp"); // the caller's may be closed to that account
    clean_environment(&mut command);
    command
}

/// A client program (`psql`, `pg_dump` …) as ourselves, so that it reads what we can read.
pub fn client_program(name: &str) -> Command {
    let mut command = Command::new(bin_dir().join(name));
    clean_environment(&mut command);
    command
}

/// Settings of libpq must not lead a test to another server.
fn clean_environment(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PG") {
            command.env_remove(name);
        }
    }
    command.env("LC_ALL", "C.UTF-8");
}

/// One of the server's programs (`initdb`, `pg_ctl`, `psql` …) as the account that runs servers.
pub fn server_program(name: &str) -> Command {
    as_server(bin_dir().join(name))
}

/// Runs `command` to its end.
///
/// # Panics
/// When it can't be started or fails; the message has its whole output.
pub fn run(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|e| panic!("cannot run {command:?}: {e}"));
    assert!(
        output.status.success(),
        "{command:?} failed: {}\n{}",
        output.status,
        both(&output)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Standard output and standard error together, for messages.
pub fn both(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
