//! Alerts that everybody wants: the kinds of the product's documentation (failed authentication, privilege
//! escalation, suspicious activity, policy violations, resource tampering) and the audit log itself.
//!
//! Each is a definition as a user would write it, to be installed and then tuned: none names a channel. They
//! speak of the event types of the built-in catalogue, which the mappings in `examples/` use, too.

use crate::alert::definition::{Definition, DefinitionError};

/// A built-in alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Builtin {
    /// A short name that stays, for `install` and for upgrades.
    pub key: &'static str,
    /// The definition, YAML with a description.
    pub text: &'static str,
}

macro_rules! builtin {
    ($($key:literal),* $(,)?) => {
        &[$(Builtin { key: $key, text: include_str!(concat!("builtin/", $key, ".yaml")) }),*]
    };
}

/// All of them, by kind.
pub const BUILTIN: &[Builtin] = builtin![
    "failed_logins",
    "password_spraying",
    "second_factor_refused",
    "accounts_locked",
    "privileged_role_granted",
    "many_permission_changes",
    "emergency_access",
    "code_with_more_rights",
    "many_denials",
    "many_addresses",
    "bulk_export",
    "root_account_used",
    "outside_of_hours",
    "new_address",
    "new_user_agent",
    "unusually_many_events",
    "policy_violation",
    "policy_weakened",
    "many_deletions",
    "unauthorized_modification",
    "recovery_destroyed",
    "logging_switched_off",
    "audit_log_attacked",
    "audit_log_weakened",
    "audit_log_refused",
];

impl Builtin {
    /// The alert of this name.
    pub fn find(key: &str) -> Option<&'static Builtin> {
        BUILTIN.iter().find(|alert| alert.key == key)
    }

    /// The definition.
    ///
    /// # Errors
    /// None that a test has not found.
    pub fn definition(&self) -> Result<Definition, DefinitionError> {
        Definition::parse(self.text)
    }
}

#[cfg(test)]
mod tests;
