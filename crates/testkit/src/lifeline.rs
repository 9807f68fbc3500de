//! Ends a server when its test ends, however that ends: a helper process waits for the end of a
//! pipe that only the test's process holds.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

/// The pipe and the helper behind it.
#[derive(Debug)]
pub(crate) struct Lifeline {
    helper: Child,
    pipe: Option<ChildStdin>,
}

/// Waits for the pipe's end, stops the server at once, removes the directory.
const HELPER: &str = r#"
read -r _
pid=$(head -n 1 "$0/data/postmaster.pid" 2>/dev/null) && kill -QUIT "$pid" && {
    i=0
    while kill -0 "$pid" && [ "$i" -lt 100 ]; do sleep 0.05; i=$((i + 1)); done
}
rm -rf "$0"
"#;

impl Lifeline {
    /// Guards the cluster in `dir`.
    pub(crate) fn new(dir: &Path) -> Lifeline {
        let mut command = Command::new("sh");
        command.arg("-c").arg(HELPER).arg(dir);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.process_group(0); // Ctrl-C ends the test, not the helper
        let mut helper = command.spawn().expect("sh starts");
        let pipe = helper.stdin.take();
        Lifeline { helper, pipe }
    }

    /// Stops the server now and waits until all is gone.
    pub(crate) fn cut(&mut self) {
        drop(self.pipe.take());
        let _ = self.helper.wait();
    }
}
