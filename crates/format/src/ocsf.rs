//! The format `ocsf`: Open Cybersecurity Schema Framework 1.3.0 (the newest that Amazon Security Lake takes) or 1.8.0.
//!
//! | class | for |
//! | --- | --- |
//! | 3002 Authentication | category `authentication`, but for what changes an account |
//! | 3001 Account Change | `role.*`, `configuration.user_*`, passwords, credentials, locks |
//! | 3005 User Access Management | `grant.*`, `revoke.*`, `default_privileges.*`, `auditlog.role_*`, `configuration.rbac_change` |
//! | 6005 Datastore Activity | categories `data` (but for files) and `schema`, rows of tracked tables, captured policies of rows |
//! | 2004 Detection Finding | `auditlog.alert` |
//! | 6003 API Activity | all others |
//!
//! `metadata.uid` is origin`:`log_index, `metadata.sequence` the index, `metadata.log_name` the origin. What has no
//! attribute is in `unmapped`, an object of texts (a map in Parquet): the key with all hashes, and the event's values,
//! JSON as text. Where the schema limits a text (65,535 characters, the form of e-mail addresses and host names), the
//! attribute has what fits, if anything, and `unmapped` the whole.

mod class;
mod objects;
mod unmapped;

use auditlog_core::event::Severity;

pub(crate) use class::{Activity, is_row};
pub use class::{OCSF_CLASSES, ocsf_class_name};

use crate::error::{FormatError, OptionError};
use crate::fields::{Fields, Outcome, at};
use crate::object::Object;
use crate::option_reader::Reader;
use crate::options::Product;
use crate::source::Source;
use crate::summary::summary;
use crate::time_text;

use self::objects::text;
use auditlog_bundle::Record;

/// How OCSF is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OcsfOptions {
    pub(crate) product: Product,
    pub(crate) version: Version,
}

/// The schema's version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    V1_3,
    V1_8,
}

impl OcsfOptions {
    pub(crate) fn parse(reader: &mut Reader<'_>) -> Result<Self, OptionError> {
        Ok(Self {
            product: Product::parse(reader)?,
            version: reader.choice("version", &[("1.3.0", Version::V1_3), ("1.8.0", Version::V1_8)])?,
        })
    }
}

/// The class of the event that the format `ocsf` writes for a record: one of [`OCSF_CLASSES`]. A source of Amazon
/// Security Lake has one class.
///
/// # Errors
/// [`FormatError::Values`] when the values are no plain entry.
pub fn ocsf_class(record: &Record<'_>) -> Result<u32, FormatError> {
    Ok(class::class(&Fields::read(record)?))
}

/// Appends the event.
pub(crate) fn write(
    fields: &Fields<'_>,
    source: &Source,
    options: &OcsfOptions,
    out: &mut Vec<u8>,
) -> Result<(), FormatError> {
    let class = class::class(fields);
    let activity = class::activity(fields, class, options.version);
    let mut root = Object::begin(out);
    base(fields, class, &activity, &mut root);
    root.object("metadata", |metadata| {
        objects::metadata(fields, source, options, metadata)
    })?;
    if class != class::FINDING {
        status(fields, &mut root);
    }
    match class {
        class::AUTHENTICATION => {
            objects::user(fields, "user", &mut root);
            objects::actor(fields, &mut root);
            objects::service(fields, source, &mut root);
            objects::session(fields, &mut root);
            objects::peer(fields, source, &mut root);
            if fields.event_type() == b"authentication.mfa_verify" {
                root.name("is_mfa").extend_from_slice(b"true");
            }
        }
        class::ACCOUNT => {
            objects::target(fields, &mut root);
            objects::actor(fields, &mut root);
            objects::peer(fields, source, &mut root);
        }
        class::ACCESS => {
            objects::target(fields, &mut root);
            objects::privileges(fields, &mut root);
            objects::granted(fields, options.version, &mut root);
            if options.version == Version::V1_8 {
                objects::actor(fields, &mut root);
            }
            objects::peer(fields, source, &mut root);
        }
        class::DATASTORE => {
            objects::actor(fields, &mut root);
            objects::peer(fields, source, &mut root);
            objects::datastore(fields, source, &mut root);
        }
        class::FINDING => objects::finding(fields, source, &mut root),
        _ => {
            objects::actor(fields, &mut root);
            objects::peer(fields, source, &mut root);
            objects::api(fields, &mut root);
            objects::resources(fields, &mut root);
        }
    }
    if class != class::FINDING {
        objects::request(fields, &mut root);
    }
    root.object("unmapped", |unmapped| {
        unmapped::write(fields, source, class, options, unmapped)
    })?;
    root.end();
    Ok(())
}

fn base(fields: &Fields<'_>, class: u32, activity: &Activity, root: &mut Object<'_>) {
    let category = class / 1000;
    root.natural("category_uid", u64::from(category));
    root.text(
        "category_name",
        match category {
            2 => "Findings",
            3 => "Identity & Access Management",
            _ => "Application Activity",
        },
    );
    let name = ocsf_class_name(class);
    root.natural("class_uid", u64::from(class));
    root.text("class_name", name);
    root.natural("activity_id", u64::from(activity.id));
    text(root, "activity_name", activity.name.as_bytes());
    root.natural("type_uid", u64::from(class) * 100 + u64::from(activity.id));
    text(root, "type_name", format!("{name}: {}", activity.name).as_bytes());
    root.integer("time", fields.time().div_euclid(1000));
    let (id, caption) = match fields.severity() {
        Severity::Debug | Severity::Info => (1, "Informational"),
        Severity::Notice => (2, "Low"),
        Severity::Warning => (3, "Medium"),
        Severity::Error => (4, "High"),
        Severity::Critical => (5, "Critical"),
    };
    root.natural("severity_id", id);
    root.text("severity", caption);
    root.text("message", summary(fields));
}

fn status(fields: &Fields<'_>, root: &mut Object<'_>) {
    let given = fields.word(at::STATUS);
    match fields.outcome() {
        Outcome::Success => {
            root.natural("status_id", 1);
            root.text("status", "Success");
        }
        Outcome::Failure => {
            root.natural("status_id", 2);
            root.text("status", "Failure");
        }
        Outcome::Other => {
            root.natural("status_id", 99);
            if let Some(given) = given {
                text(root, "status", given);
            }
        }
        Outcome::Unknown => {
            root.natural("status_id", 0);
            root.text("status", "Unknown");
        }
    }
    if let Some(given) = given {
        text(root, "status_code", given);
    }
    if let Some(why) = fields.metadata("error") {
        text(root, "status_detail", why);
    }
}

/// Appends milliseconds since 1970.
fn milliseconds(us: i64, out: &mut Vec<u8>) {
    time_text::integer(us.div_euclid(1000), out);
}
