//! Which class an event is of, and which activity of it.

use super::Version;
use crate::fields::{Fields, at};
use crate::verb::{Verb, verb};

pub(crate) const FINDING: u32 = 2004;
pub(crate) const ACCOUNT: u32 = 3001;
pub(crate) const AUTHENTICATION: u32 = 3002;
pub(crate) const ACCESS: u32 = 3005;
pub(crate) const API: u32 = 6003;
pub(crate) const DATASTORE: u32 = 6005;

/// The classes of events that are written.
pub const OCSF_CLASSES: [u32; 6] = [FINDING, ACCOUNT, AUTHENTICATION, ACCESS, API, DATASTORE];

/// The name of one of [`OCSF_CLASSES`]; `API Activity` for all other numbers.
pub fn ocsf_class_name(class: u32) -> &'static str {
    match class {
        FINDING => "Detection Finding",
        ACCOUNT => "Account Change",
        AUTHENTICATION => "Authentication",
        ACCESS => "User Access Management",
        DATASTORE => "Datastore Activity",
        _ => "API Activity",
    }
}

/// The class of an event.
pub(crate) fn class(fields: &Fields<'_>) -> u32 {
    let event_type = fields.event_type();
    let begins = |prefix: &str| event_type.starts_with(prefix.as_bytes());
    if event_type == b"auditlog.alert" {
        return FINDING;
    }
    if begins("auditlog.role_")
        || begins("grant.")
        || begins("revoke.")
        || begins("default_privileges.")
        || event_type == b"configuration.rbac_change"
    {
        return ACCESS;
    }
    if begins("role.") || begins("configuration.user_") {
        return ACCOUNT;
    }
    match fields.text(at::CATEGORY).unwrap_or_default() {
        b"authentication" => match event_type.strip_prefix(b"authentication.").unwrap_or_default() {
            b"password_change" | b"credential_change" | b"account_locked" | b"account_unlocked" => ACCOUNT,
            _ => AUTHENTICATION,
        },
        b"data" if !begins("file.") => DATASTORE,
        b"schema" => DATASTORE,
        b"policy" if fields.metadata("object_kind").is_some() => DATASTORE,
        _ if is_row(fields) => DATASTORE,
        _ => API,
    }
}

/// Is this a row of a tracked table? Their types are chosen by whoever tracks the table. Their operations are
/// PostgreSQL's, they have no method, and the resource's type is schema and name of the table.
pub(crate) fn is_row(fields: &Fields<'_>) -> bool {
    let table = fields.text(at::RESOURCE_TYPE).unwrap_or_default();
    matches!(
        fields.text(at::OPERATION),
        Some(b"insert" | b"update" | b"delete" | b"truncate")
    ) && fields.text(at::METHOD).is_none()
        && table.contains(&b'.')
        && !table.iter().any(|byte| matches!(byte, b'/' | b':'))
}

/// What was done, in the words of the class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Activity {
    pub(crate) id: u32,
    pub(crate) name: String,
}

/// The activity of an event of `class`.
pub(crate) fn activity(fields: &Fields<'_>, class: u32, version: Version) -> Activity {
    let (id, name) = match class {
        FINDING => (1, "Create"),
        AUTHENTICATION => authentication(fields, version),
        ACCOUNT => account(fields, version),
        ACCESS => access(fields),
        DATASTORE => datastore(fields),
        _ => match verb(fields) {
            Verb::Create => (1, "Create"),
            Verb::Read => (2, "Read"),
            Verb::Update => (3, "Update"),
            Verb::Delete => (4, "Delete"),
            Verb::Other => (99, ""),
        },
    };
    let name = match id {
        // the source's own word
        99 => {
            let word = fields.word(at::OPERATION).unwrap_or_else(|| fields.event_type());
            let word = String::from_utf8_lossy(word);
            if word.is_empty() {
                "Other".to_owned()
            } else {
                word.into_owned()
            }
        }
        _ => name.to_owned(),
    };
    Activity { id, name }
}

const OTHER: (u32, &str) = (99, "");

fn authentication(fields: &Fields<'_>, version: Version) -> (u32, &'static str) {
    match fields.event_type().strip_prefix(b"authentication.").unwrap_or_default() {
        b"logout" | b"session_expire" | b"session_expired" => (2, "Logoff"),
        b"token_issue" => (3, "Authentication Ticket"),
        b"assume_role" if version == Version::V1_8 => (7, "Account Switch"),
        kind if kind.starts_with(b"login") => (1, "Logon"),
        b"hba_rejected" | b"method_weak" | b"assume_role" => (1, "Logon"),
        _ => OTHER,
    }
}

fn account(fields: &Fields<'_>, version: Version) -> (u32, &'static str) {
    match fields.event_type() {
        b"authentication.password_change" => (3, "Password Change"),
        b"authentication.account_locked" => (9, "Lock"),
        b"authentication.account_unlocked" if version == Version::V1_8 => (12, "Unlock"),
        b"authentication.account_unlocked" => (2, "Enable"),
        b"authentication.credential_change" => OTHER,
        b"role.create" | b"configuration.user_create" => (1, "Create"),
        b"role.drop" | b"configuration.user_delete" => (6, "Delete"),
        _ => OTHER,
    }
}

fn access(fields: &Fields<'_>) -> (u32, &'static str) {
    let event_type = fields.event_type();
    let word = fields.word(at::OPERATION).unwrap_or_default();
    if event_type.starts_with(b"grant.") || event_type == b"auditlog.role_grant" || word == b"grant" {
        (1, "Assign Privileges")
    } else if event_type.starts_with(b"revoke.") || event_type == b"auditlog.role_revoke" || word == b"revoke" {
        (2, "Revoke Privileges")
    } else {
        OTHER
    }
}

fn datastore(fields: &Fields<'_>) -> (u32, &'static str) {
    let schema = fields.text(at::CATEGORY) != Some(b"data") && !is_row(fields);
    if fields.event_type() == b"database.statement" {
        return (4, "Query");
    }
    match (fields.word(at::OPERATION).unwrap_or_default(), verb(fields)) {
        (b"insert" | b"merge", _) => (5, "Write"),
        (_, Verb::Read) => (1, "Read"),
        (_, Verb::Update) => (2, "Update"),
        (_, Verb::Delete) => (7, "Delete"),
        (_, Verb::Create) if schema => (6, "Create"),
        (_, Verb::Create) => match fields.event_type() {
            b"data.copy_to" => (1, "Read"),
            _ => (5, "Write"),
        },
        (_, Verb::Other) => OTHER,
    }
}
