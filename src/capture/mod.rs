//! Events that the database records by itself (`auditlog.capture`): what is switched on, and how statements,
//! sessions and errors become events. The hooks that call this are in `hooks/`, the event triggers in `trigger/`.
//!
//! What changes the database is recorded in the transaction that changes it; what has no transaction, or one that
//! is rolled back, goes through the queue (`crate::queue`).

pub mod definition;
pub mod document;
pub mod nodes;
pub mod person;
pub mod privilege;
pub mod record;
pub mod role;
pub mod setting;
pub mod tags;

use std::sync::atomic::{AtomicU32, Ordering};

/// What can be captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Kind {
    /// Logins, failed logins and the ends of sessions.
    Login = 1,
    /// Definitions of objects.
    Ddl = 2,
    /// Roles and privileges.
    Role = 4,
    /// Settings.
    Config = 8,
    /// Statements that were refused for want of a privilege.
    Permission = 16,
}

const NAMES: [(&str, Kind); 5] = [
    ("login", Kind::Login),
    ("ddl", Kind::Ddl),
    ("role", Kind::Role),
    ("config", Kind::Config),
    ("permission", Kind::Permission),
];

// One for each process, which has the postmaster's value from its birth. An atomic, because every hook reads it first.
static SWITCHED_ON: AtomicU32 = AtomicU32::new(0);

/// Is this kind switched on?
pub fn is_on(kind: Kind) -> bool {
    SWITCHED_ON.load(Ordering::Relaxed) & kind as u32 != 0
}

/// Is anything switched on?
pub fn is_any_on() -> bool {
    SWITCHED_ON.load(Ordering::Relaxed) != 0
}

/// Switches on what a checked list names, and the rest off.
pub fn switch(list: &str) {
    SWITCHED_ON.store(parse(list).unwrap_or(0), Ordering::Relaxed);
}

/// The kinds that a list names; `Err` is the first word that names none.
pub fn parse(list: &str) -> Result<u32, String> {
    let mut kinds = 0;
    for word in list.split(',').map(str::trim) {
        let known = NAMES.iter().find(|(name, _)| word.eq_ignore_ascii_case(name));
        match known {
            Some((_, kind)) => kinds |= *kind as u32,
            None if word.eq_ignore_ascii_case("all") => {
                kinds |= NAMES.iter().map(|(_, kind)| *kind as u32).sum::<u32>()
            }
            None if word.is_empty() && list.trim().is_empty() => {}
            None if word.eq_ignore_ascii_case("none") && list.trim() == word => {}
            None => return Err(word.to_owned()),
        }
    }
    Ok(kinds)
}
