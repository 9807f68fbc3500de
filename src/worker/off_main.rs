//! The only place that starts threads. A thread may compute, or wait for the network, and nothing else:
//! PostgreSQL belongs to the main thread, which alone serves signals, errors and interrupts.

use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex};

/// Jobs that may wait for each thread: the main thread goes on reading meanwhile.
const QUEUE: usize = 4;

/// Threads that are at work.
pub struct Pool<T, R> {
    jobs: SyncSender<T>,
    done: Receiver<R>,
    open: usize,
}

impl<T, R> Pool<T, R> {
    /// Hands a job over; waits while all threads have enough to do.
    pub fn give(&mut self, job: T) {
        // Fails only when every thread has panicked; the missing results are then noticed by `rest`.
        if self.jobs.send(job).is_ok() {
            self.open += 1;
        }
    }

    /// A result that is there already.
    pub fn ready(&mut self) -> Option<R> {
        let result = self.done.try_recv().ok()?;
        self.open -= 1;
        Some(result)
    }

    /// Waits for a result; `None` when all have been taken.
    ///
    /// # Panics
    /// When a thread has panicked: its result would be missing.
    pub fn rest(&mut self) -> Option<R> {
        if self.open == 0 {
            return None;
        }
        let result = self.done.recv().expect("a helper thread panicked");
        self.open -= 1;
        Some(result)
    }
}

/// Runs `body` beside `threads` threads that do `work`; they have ended when it returns, also by an error.
pub fn beside<T: Send, R: Send, O>(
    threads: usize,
    work: impl Fn(T) -> R + Sync,
    body: impl FnOnce(&mut Pool<T, R>) -> O,
) -> O {
    let (jobs, taken) = sync_channel::<T>(threads * QUEUE);
    let taken = Mutex::new(taken);
    let (finished, done) = channel::<R>();
    std::thread::scope(|scope| {
        let signals = BlockedSignals::all();
        for _ in 0..threads {
            let (taken, work, finished) = (&taken, &work, finished.clone());
            scope.spawn(move || serve(taken, work, &finished));
        }
        drop(signals);
        drop(finished);
        // Dropped at the end of this closure, or while an error unwinds it: the threads then end.
        let mut pool = Pool { jobs, done, open: 0 };
        body(&mut pool)
    })
}

fn serve<T, R>(taken: &Mutex<Receiver<T>>, work: &impl Fn(T) -> R, finished: &Sender<R>) {
    loop {
        let Ok(job) = taken.lock().map_or_else(|e| e.into_inner().recv(), |jobs| jobs.recv()) else {
            return;
        };
        if finished.send(work(job)).is_err() {
            return;
        }
    }
}

/// Bytes of a thread's stack: JSON as deep as it may be is read recursively. Only what is used takes memory.
const STACK: usize = 16 << 20;

/// A thread that takes a job at a time while this one goes on; it ends with the process.
pub struct Background<T, R> {
    jobs: Sender<T>,
    done: Receiver<R>,
}

impl<T: Send + 'static, R: Send + 'static> Background<T, R> {
    /// Starts `threads` threads that do `work`.
    pub fn start(threads: usize, work: impl Fn(T) -> R + Send + Sync + 'static) -> Background<T, R> {
        let (jobs, taken) = channel::<T>();
        let taken = Arc::new(Mutex::new(taken));
        let work = Arc::new(work);
        let (finished, done) = channel::<R>();
        let signals = BlockedSignals::all();
        for _ in 0..threads {
            let (taken, work, finished) = (taken.clone(), work.clone(), finished.clone());
            let builder = std::thread::Builder::new().stack_size(STACK);
            let thread = builder.spawn(move || serve(&taken, &*work, &finished));
            thread.expect("a thread can be started");
        }
        drop(signals);
        Background { jobs, done }
    }

    /// Hands a job over.
    pub fn give(&self, job: T) {
        // Fails only when every thread has panicked: nothing comes back then.
        let _ = self.jobs.send(job);
    }

    /// A result that is there already.
    pub fn ready(&self) -> Option<R> {
        self.done.try_recv().ok()
    }

    /// A result that comes within this time.
    pub fn wait(&self, time: std::time::Duration) -> Option<R> {
        self.done.recv_timeout(time).ok()
    }
}

/// Threads inherit the mask: a signal that one of them took would run PostgreSQL's handlers there.
struct BlockedSignals(libc::sigset_t);

impl BlockedSignals {
    fn all() -> BlockedSignals {
        // SAFETY: plain C sets, filled before they are read.
        unsafe {
            let mut every = std::mem::zeroed();
            let mut before = std::mem::zeroed();
            libc::sigfillset(&mut every);
            libc::pthread_sigmask(libc::SIG_SETMASK, &every, &mut before);
            BlockedSignals(before)
        }
    }
}

impl Drop for BlockedSignals {
    fn drop(&mut self) {
        // SAFETY: restores what `all` found.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &self.0, std::ptr::null_mut()) };
    }
}
