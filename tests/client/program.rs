//! The command line tool `auditlog`, as `run.sh` built it.

use auditlog_testkit::Cluster;
use auditlog_testkit::command::run;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// The program.
pub struct Program(PathBuf);

impl Program {
    /// As ourselves.
    pub fn ours() -> Program {
        let path = std::env::var_os("AUDITLOG_PROGRAM").expect("AUDITLOG_PROGRAM: run tests/client/run.sh");
        Program(PathBuf::from(path))
    }

    /// Where the account that runs servers may use it: the build's folder may be closed to it.
    pub fn for_server(cluster: &Cluster) -> Program {
        let copy = cluster.dir().join("auditlog");
        run(Command::new("install")
            .args(["-m", "755"])
            .arg(Program::ours().0)
            .arg(&copy));
        Program(copy)
    }

    /// To be run as that account, whose cluster this is. Not through another program: what is killed must
    /// be this one.
    pub fn as_server(&self, cluster: &Cluster) -> Command {
        let owner = std::fs::metadata(cluster.data()).expect("the data directory");
        let mut command = Command::new(&self.0);
        command
            .uid(owner.uid())
            .gid(owner.gid())
            .current_dir("/tmp")
            .stdin(Stdio::null());
        command
    }

    /// Runs it to its end, as ourselves.
    pub fn output(&self, arguments: &[&str]) -> Output {
        Command::new(&self.0)
            .args(arguments)
            .output()
            .unwrap_or_else(|e| panic!("cannot run {}: {e}", self.0.display()))
    }
}
