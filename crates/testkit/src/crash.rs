//! Ending servers the hard way.

use crate::cluster::Cluster;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long a process may take to stop.
const STOPPED: Duration = Duration::from_secs(5);

/// Whom `kill -9` hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Victim {
    /// The postmaster; its children find out by themselves.
    Postmaster,
    /// The postmaster and all its children at once, as the kernel's OOM killer of a container does.
    Everybody,
}

impl Cluster {
    /// Kills the server with signal 9, waits until no process of it is left. [`Cluster::go`] starts
    /// it again.
    pub fn kill9(&self, victim: Victim) {
        let postmaster = self.postmaster_pid();
        // One that is stopped makes no further children, which nobody would wait for.
        signal("-STOP", postmaster);
        let start = Instant::now();
        while stat(postmaster).is_some_and(|(state, _)| !"TtZX".contains(state)) && start.elapsed() < STOPPED {
            std::thread::sleep(Duration::from_millis(1));
        }
        let children = children_of(postmaster);
        kill9(postmaster);
        if victim == Victim::Everybody {
            children.iter().for_each(|child| kill9(*child));
        }
        // A child that is busy may go on, and even commit, for a while. That is part of the test; but
        // a new postmaster refuses to start while one is left.
        let start = Instant::now();
        while is_alive(postmaster) || children.iter().any(|child| is_alive(*child)) {
            if start.elapsed() > Duration::from_secs(10) {
                children
                    .iter()
                    .filter(|child| is_alive(**child))
                    .for_each(|child| kill9(*child));
            }
            assert!(
                start.elapsed() < Duration::from_secs(30),
                "processes of the killed server do not end"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        // A zombie that nobody reaps (a container's pid 1 may be slow at it, or never do it) still
        // looks alive to the next postmaster when it reads these.
        let _ = std::fs::remove_file(self.data().join("postmaster.pid"));
        let _ = std::fs::remove_file(self.dir().join(format!(".s.PGSQL.{}.lock", self.port())));
    }

    /// Process id of the postmaster.
    pub fn postmaster_pid(&self) -> u32 {
        let text = std::fs::read_to_string(self.data().join("postmaster.pid")).expect("the server runs");
        text.lines()
            .next()
            .and_then(|line| line.parse().ok())
            .expect("postmaster.pid begins with the pid")
    }
}

/// Kills one process with signal 9; one that is gone already is no error.
pub fn kill9(pid: u32) {
    signal("-9", pid);
}

fn signal(which: &str, pid: u32) {
    let _ = Command::new("kill")
        .args([which, &pid.to_string()])
        .stderr(Stdio::null())
        .status();
}

/// State and parent of a process.
fn stat(pid: u32) -> Option<(char, u32)> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // "pid (name) state ppid …", and the name may hold anything
    let rest = text.rsplit_once(") ")?.1;
    let mut words = rest.split(' ');
    Some((words.next()?.chars().next()?, words.next()?.parse().ok()?))
}

/// Is the process there, and not just waiting to be reaped?
pub fn is_alive(pid: u32) -> bool {
    stat(pid).is_some_and(|(state, _)| state != 'Z' && state != 'X')
}

fn children_of(parent: u32) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").expect("/proc is there");
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid| stat(*pid).is_some_and(|(_, ppid)| ppid == parent))
        .collect()
}
