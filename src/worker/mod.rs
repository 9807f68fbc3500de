//! Background workers: a launcher for the cluster, a sealer for each database with the extension.

pub mod discovery;
pub mod job;
pub mod launcher;
pub mod origin;
pub mod sealer;
pub mod upkeep;

use std::cell::Cell;

thread_local! {
    static SEALER: Cell<bool> = const { Cell::new(false) };
}

/// Is this process the sealer? Kept in this process' memory, so no SQL can claim it.
pub fn is_sealer() -> bool {
    SEALER.get()
}

/// Makes this process the sealer; called by its main function only.
fn become_sealer() {
    SEALER.set(true);
}
