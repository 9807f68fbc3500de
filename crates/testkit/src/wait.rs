//! Waiting for something that another process does.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Longest time that tests wait for something that normally takes milliseconds. Generous: tests
/// assert what happens, not how fast, and machines that run them may be slow.
pub const LONG: Duration = Duration::from_secs(60);

/// Tries `condition` until it is true.
///
/// # Panics
/// When it isn't within `timeout`; `what` says what was waited for.
pub fn wait_until(what: &str, timeout: Duration, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < timeout, "not within {timeout:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Tries `condition` until it is true, as [`wait_until`] does, and tells what `state` says when it isn't in time.
///
/// # Panics
/// When it isn't within `timeout`.
pub fn wait_until_or_tell(
    what: &str,
    timeout: Duration,
    mut condition: impl FnMut() -> bool,
    state: impl FnOnce() -> String,
) {
    let start = Instant::now();
    while !condition() {
        if start.elapsed() >= timeout {
            panic!("not within {timeout:?}: {what}\n{}", state());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Sets a flag when it goes, also when the test panics: threads that run until the flag is set would
/// otherwise keep a failed test from ending.
#[derive(Debug)]
pub struct SetAtEnd<'a>(pub &'a AtomicBool);

impl Drop for SetAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
