//! Work on all cores.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use super::CannotJudge;

/// Stack of each thread: JSON is read by recursion.
const STACK: usize = 8 << 20;

/// `work` on each of `0..jobs`, the results in that order.
///
/// # Errors
/// The first error of `work`; then no further job is begun.
pub(super) fn run<T: Send>(
    jobs: usize,
    threads: usize,
    work: impl Fn(usize) -> Result<T, CannotJudge> + Sync,
) -> Result<Vec<T>, CannotJudge> {
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let results = Mutex::new((Vec::with_capacity(jobs), None));
    let worker = || {
        while !stop.load(Ordering::Relaxed) {
            let job = next.fetch_add(1, Ordering::Relaxed);
            if job >= jobs {
                return;
            }
            let result = work(job);
            let mut results = results.lock().expect("no worker panics while it has the lock");
            match result {
                Ok(result) => results.0.push((job, result)),
                Err(error) => {
                    stop.store(true, Ordering::Relaxed);
                    results.1.get_or_insert(error);
                }
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..threads.clamp(1, jobs.max(1)) {
            let started = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, worker);
            if let Err(error) = started {
                stop.store(true, Ordering::Relaxed);
                return Err(CannotJudge::Thread(error));
            }
        }
        Ok(())
    })?;
    let (mut results, error) = results.into_inner().expect("a panic of a worker has gone on");
    if let Some(error) = error {
        return Err(error);
    }
    results.sort_unstable_by_key(|(job, _)| *job);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}
