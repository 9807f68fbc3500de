//! Roles and objects of the database.

use super::table::Row;
use crate::framework::period::Moment;
use serde::{Deserialize, Serialize};

/// A role of the database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogRole {
    /// Its name.
    pub role: String,
    /// Can it log in?
    pub can_login: bool,
    /// Its last login; none when none is known.
    #[serde(default)]
    pub last_login: Option<Moment>,
    /// Days since its last login, or since it was first seen; none when that is not known.
    #[serde(default)]
    pub days_idle: Option<u32>,
    /// By what it can read the log; none when it can't.
    #[serde(default)]
    pub reads_log: Option<Access>,
    /// Roles of the audit log that it is a member of.
    #[serde(default)]
    pub member_of: Vec<String>,
    /// When it got them.
    #[serde(default)]
    pub granted_at: Option<Moment>,
    /// Who gave them.
    #[serde(default)]
    pub granted_by: Option<String>,
    /// When it read the log last.
    #[serde(default)]
    pub last_used: Option<Moment>,
}

impl Row for CatalogRole {
    const TABLE: &'static str = "roles";
    const CAPTION: &'static str = "Roles";
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("role", "Role"),
        ("can_login", "Can log in"),
        ("last_login", "Last login"),
        ("days_idle", "Idle (days)"),
        ("reads_log", "Reads the log by"),
        ("member_of", "Member of"),
        ("granted_at", "Granted"),
        ("granted_by", "Granted by"),
        ("last_used", "Last used"),
    ];
}

/// By what a role can read the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// As a member of a role of the audit log.
    Role,
    /// By a grant on the log's own tables or views, beside its roles.
    Grant,
    /// As a superuser, or as a member of PostgreSQL's role that reads all data.
    Superuser,
}

/// An object of the database with a classification.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogObject {
    /// Its name.
    pub object: String,
    /// Its classifications.
    #[serde(default)]
    pub classification: Vec<String>,
    /// Has it row-level security?
    pub rls: bool,
    /// Are its values masked in the log, and for whom has no right to them?
    pub masking: bool,
    /// How it is audited; none when it is not.
    #[serde(default)]
    pub audit_policy: Option<String>,
}

impl Row for CatalogObject {
    const TABLE: &'static str = "objects";
    const CAPTION: &'static str = "Objects with personal data";
    const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("object", "Object"),
        ("classification", "Classification"),
        ("rls", "Row security"),
        ("masking", "Masked"),
        ("audit_policy", "Audited"),
    ];
}
