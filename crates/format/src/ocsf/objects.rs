//! The objects of OCSF's dictionary.

use auditlog_core::decode::JsonError;

use super::{OcsfOptions, Version, milliseconds};
use crate::ecs::is_http;
use crate::fields::{Fields, at};
use crate::json_text::string;
use crate::object::Object;
use crate::plain::shortened;
use crate::source::Source;
use crate::summary::title;
use crate::time_text;

/// The most characters of a text in OCSF 1.3.
pub(super) const MOST_CHARACTERS: usize = 65_535;

/// A text as long as the schema allows.
pub(super) fn text(object: &mut Object<'_>, name: &str, text: &[u8]) {
    if text.len() <= MOST_CHARACTERS {
        object.text(name, text);
        return;
    }
    // what is not UTF-8 takes three bytes for each
    let lossy = String::from_utf8_lossy(text);
    let end = lossy
        .char_indices()
        .nth(MOST_CHARACTERS)
        .map_or(lossy.len(), |(at, _)| at);
    object.text(name, &lossy[..end]);
}

fn some(object: &mut Object<'_>, name: &str, value: Option<&[u8]>) {
    if let Some(value) = value {
        text(object, name, value);
    }
}

pub(super) fn metadata(
    fields: &Fields<'_>,
    source: &Source,
    options: &OcsfOptions,
    metadata: &mut Object<'_>,
) -> Result<(), JsonError> {
    metadata.text(
        "version",
        match options.version {
            Version::V1_3 => "1.3.0",
            Version::V1_8 => "1.8.0",
        },
    );
    let uid = metadata.name("uid");
    uid.push(b'"');
    crate::json_text::escaped(source.origin.as_bytes(), uid);
    uid.push(b':');
    time_text::natural(fields.record.log_index, uid);
    uid.push(b'"');
    // OCSF's integer has 32 bits; the whole one is in uid and in unmapped
    if fields.record.log_index <= i32::MAX as u64 {
        metadata.natural("sequence", fields.record.log_index);
    }
    text(metadata, "log_name", source.origin.as_bytes());
    text(metadata, "event_code", fields.event_type());
    if let Some(us) = fields.integer(at::RECORDED_AT) {
        milliseconds(us, metadata.name("logged_time"));
    }
    milliseconds(fields.record.sealed_at, metadata.name("processed_time"));
    metadata.moment("original_time", fields.time());
    some(metadata, "tenant_uid", fields.word(at::TENANT));
    some(metadata, "correlation_uid", fields.word(at::REQUEST_ID));
    if let Some(payload) = fields.list(at::TAGS) {
        metadata.list("labels", payload)?;
    }
    metadata.part("product", |product| {
        product.text("name", &options.product.product);
        product.text("vendor_name", &options.product.vendor);
        product.text("version", &source.version);
    });
    Ok(())
}

/// The event's actor as a user. One is always written: the database's role stands in for an actor without name.
pub(super) fn user(fields: &Fields<'_>, name: &str, object: &mut Object<'_>) {
    object.part(name, |user| {
        let shown = fields.first_word(&[at::ACTOR_ID, at::ACTOR_EMAIL, at::DB_SESSION_USER]);
        text(user, "name", shown.unwrap_or(b"unknown"));
        some(user, "uid", fields.word(at::ACTOR_ID));
        if let Some(email) = fields.word(at::ACTOR_EMAIL).filter(|email| is_email(email)) {
            user.text("email_addr", email);
        }
        if let Some(kind) = fields.word(at::ACTOR_TYPE) {
            let (id, caption) = match kind {
                b"user" | b"database_role" => (1, "User"),
                b"admin" | b"administrator" => (2, "Admin"),
                b"system" | b"service" => (3, "System"),
                _ => (99, ""),
            };
            user.natural("type_id", id);
            if id == 99 {
                text(user, "type", kind);
            } else {
                user.text("type", caption);
            }
        }
    })
}

pub(super) fn actor(fields: &Fields<'_>, root: &mut Object<'_>) {
    root.part("actor", |actor| {
        user(fields, "user", actor);
        session(fields, actor);
        some(actor, "app_name", fields.word(at::DB_APPLICATION));
    })
}

pub(super) fn session(fields: &Fields<'_>, object: &mut Object<'_>) {
    object.part("session", |session| {
        some(session, "uid", fields.word(at::ACTOR_SESSION_ID));
    })
}

/// Where it came from: the actor's address, or else that of the database's client, or else the machine itself.
pub(super) fn peer(fields: &Fields<'_>, source: &Source, root: &mut Object<'_>) {
    root.part("src_endpoint", |peer| {
        match fields.host(at::ACTOR_IP).or_else(|| fields.host(at::DB_CLIENT_ADDR)) {
            Some((bits, address)) => peer.address("ip", bits, address),
            None => {
                peer.text("name", "[local]");
                if is_hostname(&source.hostname) {
                    peer.text("hostname", &source.hostname);
                }
            }
        }
    })
}

/// What somebody logged in to: the resource, if it has a name, or else the database.
pub(super) fn service(fields: &Fields<'_>, source: &Source, root: &mut Object<'_>) {
    root.part("service", |service| {
        let database = Some(source.database.as_bytes()).filter(|name| !name.is_empty());
        let named = fields
            .first_word(&[at::RESOURCE_ID, at::RESOURCE_TYPE])
            .or_else(|| fields.metadata("database"))
            .or(database);
        text(service, "name", named.unwrap_or(b"postgresql"));
    })
}

/// Whose account or rights are changed: the grantee, or else the resource, or else the actor itself.
pub(super) fn target(fields: &Fields<'_>, root: &mut Object<'_>) {
    let granting = fields.metadata("grantee");
    let Some(name) = granting.or_else(|| fields.word(at::RESOURCE_ID)) else {
        return user(fields, "user", root);
    };
    root.part("user", |user| {
        text(user, "name", name);
        some(
            user,
            "type",
            fields.word(at::RESOURCE_TYPE).filter(|_| granting.is_none()),
        );
    })
}

pub(super) fn privileges(fields: &Fields<'_>, root: &mut Object<'_>) {
    let named = fields
        .metadata("privilege")
        .or_else(|| fields.first_word(&[at::RESOURCE_ID, at::OPERATION]));
    let shown = shortened(named.unwrap_or_else(|| fields.event_type()), MOST_CHARACTERS);
    let out = root.name("privileges");
    out.push(b'[');
    string(shown.as_bytes(), out);
    out.push(b']');
}

/// What rights are on.
pub(super) fn granted(fields: &Fields<'_>, version: Version, root: &mut Object<'_>) {
    match version {
        Version::V1_3 => root.part("resource", |object| resource(fields, object)),
        Version::V1_8 => resources(fields, root),
    }
}

pub(super) fn resources(fields: &Fields<'_>, root: &mut Object<'_>) {
    if fields.first_word(&[at::RESOURCE_ID, at::RESOURCE_TYPE]).is_none() {
        return;
    }
    let out = root.name("resources");
    out.push(b'[');
    let mut object = Object::begin(out);
    resource(fields, &mut object);
    object.end();
    out.push(b']');
}

fn resource(fields: &Fields<'_>, object: &mut Object<'_>) {
    some(object, "name", fields.first_word(&[at::RESOURCE_ID, at::RESOURCE_TYPE]));
    some(object, "uid", fields.word(at::RESOURCE_ID));
    some(object, "type", fields.word(at::RESOURCE_TYPE));
}

pub(super) fn api(fields: &Fields<'_>, root: &mut Object<'_>) {
    root.part("api", |api| {
        let operation = fields.word(at::OPERATION).unwrap_or_else(|| fields.event_type());
        text(
            api,
            "operation",
            if operation.is_empty() { b"unknown" } else { operation },
        );
        api.part("request", |request| {
            some(request, "uid", fields.word(at::REQUEST_ID));
        })
    })
}

pub(super) fn datastore(fields: &Fields<'_>, source: &Source, root: &mut Object<'_>) {
    let own = Some(source.database.as_bytes()).filter(|name| !name.is_empty());
    let database = fields.metadata("database").or(own).unwrap_or(b"postgresql");
    root.part("database", |object| {
        text(object, "name", database);
        object.natural("type_id", 1);
        object.text("type", "Relational");
    });
    let table = fields.word(at::RESOURCE_TYPE).filter(|kind| kind.contains(&b'.'));
    let table = table.or_else(|| {
        let is_table = matches!(fields.text(at::RESOURCE_TYPE), Some(b"table"));
        fields.word(at::RESOURCE_ID).filter(|_| is_table)
    });
    root.natural("type_id", if table.is_some() { 3 } else { 1 });
    root.text("type", if table.is_some() { "Table" } else { "Database" });
    root.part("table", |object| {
        some(object, "name", table);
    });
    root.part("query_info", |query| {
        if let Some(statement) = fields.metadata("statement") {
            text(query, "query_string", statement);
            let uid = fields
                .metadata("statement_digest")
                .or_else(|| fields.word(at::EVENT_ID));
            text(query, "uid", uid.unwrap_or(b"unknown"));
        }
    })
}

pub(super) fn finding(fields: &Fields<'_>, source: &Source, root: &mut Object<'_>) {
    root.natural("status_id", 1);
    root.text("status", "New");
    root.part("finding_info", |finding| {
        let title = title(fields);
        text(finding, "title", fields.metadata("alert").unwrap_or(&title));
        some(finding, "desc", fields.metadata("reason"));
        let uid = format!("{}:{}", source.origin, fields.record.log_index);
        text(finding, "uid", fields.word(at::EVENT_ID).unwrap_or(uid.as_bytes()));
        milliseconds(fields.time(), finding.name("created_time"));
    });
    resources(fields, root)
}

pub(super) fn request(fields: &Fields<'_>, root: &mut Object<'_>) {
    root.part("http_request", |request| {
        some(request, "user_agent", fields.word(at::ACTOR_USER_AGENT));
        if let Some(method) = fields.word(at::METHOD).filter(|method| is_http(method)) {
            request.text("http_method", method);
        }
    })
}

/// Does the text have the form that the schema asks of e-mail addresses? Stricter than its expression, which lets
/// `+-/` be a range.
pub(super) fn is_email(text: &[u8]) -> bool {
    let Some(at) = text.iter().position(|byte| *byte == b'@') else {
        return false;
    };
    let (local, domain) = (&text[..at], &text[at + 1..]);
    let Some(dot) = domain.iter().position(|byte| *byte == b'.') else {
        return false;
    };
    let of_local = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(byte);
    let of_domain = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    !local.is_empty()
        && local.iter().all(of_local)
        && dot > 0
        && domain[..dot].iter().all(of_domain)
        && dot + 1 < domain.len()
        && domain[dot + 1..].iter().all(|byte| of_domain(byte) || *byte == b'.')
}

/// Does the text have the form that the schema asks of host names?
pub(super) fn is_hostname(text: &str) -> bool {
    text.split('.').all(|part| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !part.starts_with('-')
            && !part.ends_with('-')
    })
}
