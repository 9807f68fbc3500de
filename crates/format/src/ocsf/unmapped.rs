//! What has no attribute in OCSF: an object of texts.

use auditlog_core::decode::JsonError;

use super::class::{ACCESS, ACCOUNT, API, DATASTORE, FINDING};
use super::objects::{MOST_CHARACTERS, is_email};
use super::{OcsfOptions, Version};
use crate::ecs::json_as_text;
use crate::fields::{Fields, at};
use crate::json;
use crate::object::Object;
use crate::source::Source;

pub(super) fn write(
    fields: &Fields<'_>,
    source: &Source,
    class: u32,
    options: &OcsfOptions,
    unmapped: &mut Object<'_>,
) -> Result<(), JsonError> {
    unmapped.text("origin", &source.origin);
    unmapped.text("log_index", fields.record.log_index.to_string());
    unmapped.hex("entry_hash", &fields.record.entry_hash);
    unmapped.hex("prev_hash", &fields.record.prev_hash);
    unmapped.hex("hash", &fields.record.hash);
    unmapped.moment("sealed_at", fields.record.sealed_at);
    if let Some(xid) = fields.integer(at::DB_XID) {
        unmapped.text("db_xid", xid.to_string());
    }
    if let Some((bits, address)) = fields.address(at::DB_CLIENT_ADDR) {
        unmapped.address("db_client_addr", bits, address);
    }
    if let Some((bits, address)) = fields
        .address(at::ACTOR_IP)
        .filter(|_| fields.host(at::ACTOR_IP).is_none())
    {
        unmapped.address("actor_ip", bits, address);
    }
    for (name, column) in [
        ("event_id", at::EVENT_ID),
        ("category", at::CATEGORY),
        ("severity", at::SEVERITY),
        ("idempotency_key", at::IDEMPOTENCY_KEY),
        ("cloud_provider", at::CLOUD_PROVIDER),
        ("account_id", at::ACCOUNT_ID),
        ("region", at::REGION),
        ("method", at::METHOD),
        ("db_session_user", at::DB_SESSION_USER),
        ("db_current_user", at::DB_CURRENT_USER),
    ] {
        unmapped.some_text(name, fields.text(column));
    }
    for (name, column) in places(class, options.version) {
        unmapped.some_text(name, fields.text(*column));
    }
    for (name, column) in ATTRIBUTES {
        let listed = |(other, _): &(&str, usize)| *other == name;
        if let Some(text) = fields.text(column)
            && (text.len() > MOST_CHARACTERS || column == at::ACTOR_EMAIL && !is_email(text))
            && !places(class, options.version).iter().any(listed)
        {
            unmapped.text(name, text);
        }
    }
    json_as_text(fields, unmapped, "resource_tags", at::RESOURCE_TAGS)?;
    json_as_text(fields, unmapped, "before", at::BEFORE)?;
    json_as_text(fields, unmapped, "after", at::AFTER)?;
    json_as_text(fields, unmapped, "extra", at::EXTRA)?;
    if let Some(bytes) = fields.record.redacted {
        let mut text = Vec::new();
        json::paths(bytes, &mut text)?;
        unmapped.text("redacted", text);
    }
    Ok(())
}

/// Columns that are attributes in every class, but which the schema may limit.
const ATTRIBUTES: [(&str, usize); 13] = [
    ("operation", at::OPERATION),
    ("status", at::STATUS),
    ("tenant", at::TENANT),
    ("request_id", at::REQUEST_ID),
    ("actor_type", at::ACTOR_TYPE),
    ("actor_id", at::ACTOR_ID),
    ("actor_email", at::ACTOR_EMAIL),
    ("actor_user_agent", at::ACTOR_USER_AGENT),
    ("actor_session_id", at::ACTOR_SESSION_ID),
    ("resource_type", at::RESOURCE_TYPE),
    ("resource_id", at::RESOURCE_ID),
    ("db_application", at::DB_APPLICATION),
    ("event_type", at::EVENT_TYPE),
];

/// Columns that are no attributes in a class.
fn places(class: u32, version: Version) -> &'static [(&'static str, usize)] {
    const RESOURCE: [(&str, usize); 3] = [
        ("operation", at::OPERATION),
        ("resource_type", at::RESOURCE_TYPE),
        ("resource_id", at::RESOURCE_ID),
    ];
    const WITHOUT_ACTOR: [(&str, usize); 9] = [
        ("operation", at::OPERATION),
        ("actor_type", at::ACTOR_TYPE),
        ("actor_id", at::ACTOR_ID),
        ("actor_email", at::ACTOR_EMAIL),
        ("actor_user_agent", at::ACTOR_USER_AGENT),
        ("actor_session_id", at::ACTOR_SESSION_ID),
        ("db_application", at::DB_APPLICATION),
        ("status", at::STATUS),
        ("resource_type", at::RESOURCE_TYPE),
    ];
    match class {
        API => &[],
        FINDING => &WITHOUT_ACTOR,
        ACCESS if version == Version::V1_3 => &WITHOUT_ACTOR,
        ACCESS | ACCOUNT | DATASTORE => &RESOURCE,
        _ => &RESOURCE,
    }
}
