//! The event that a line tells of.

use crate::line::Line;
use crate::{Entry, Text, csv};
use auditlog_core::json::Json;
use auditlog_redact::Strings;

fn text(value: &str) -> Json {
    Json::String(value.to_owned())
}

fn number(value: u64) -> Json {
    Json::Number(value.to_string())
}

fn object(pairs: Vec<(&str, Option<Json>)>) -> Json {
    Json::Object(
        pairs
            .into_iter()
            .filter_map(|(k, v)| Some((k.to_owned(), v?)))
            .collect(),
    )
}

impl Entry {
    /// The event type of the catalogue.
    pub fn event_type(&self) -> &'static str {
        let command = self.command.as_str();
        let (verb, of) = command.split_once(' ').unwrap_or((command, ""));
        match (self.class.as_str(), verb) {
            ("READ", "COPY") => "data.copy_to",
            ("READ", _) => "data.select",
            ("WRITE", "INSERT") => "data.insert",
            ("WRITE", "DELETE") => "data.delete",
            ("WRITE", "MERGE") => "data.merge",
            ("WRITE", "TRUNCATE") => "data.truncate",
            ("WRITE", "COPY") => "data.copy_from",
            ("WRITE", _) => "data.update",
            ("FUNCTION", _) => "function.execute",
            (_, "GRANT") if of == "ROLE" => "grant.role",
            (_, "REVOKE") if of == "ROLE" => "revoke.role",
            (_, "GRANT") => "grant.privilege",
            (_, "REVOKE") => "revoke.privilege",
            (_, "REASSIGN") => "owner.change",
            (_, "COMMENT" | "SECURITY") => "ddl.alter",
            (_, "CREATE" | "ALTER" | "DROP") => definition(verb, of),
            (_, "VACUUM" | "ANALYZE" | "REINDEX" | "CLUSTER" | "CHECKPOINT" | "REFRESH") => "system.maintenance",
            (_, "LOAD") => "library.load",
            _ => "database.statement",
        }
    }
}

fn definition(verb: &str, of: &str) -> &'static str {
    let pick = |create, alter, drop| match verb {
        "CREATE" => create,
        "ALTER" => alter,
        _ => drop,
    };
    match of {
        "ROLE" | "USER" | "GROUP" => pick("role.create", "role.alter", "role.drop"),
        "EXTENSION" => pick("extension.create", "extension.update", "extension.drop"),
        "POLICY" => pick("policy.create", "policy.alter", "policy.drop"),
        "FUNCTION" | "PROCEDURE" => pick("function.create", "ddl.alter", "ddl.drop"),
        "TRIGGER" => pick("trigger.create", "ddl.alter", "ddl.drop"),
        "SYSTEM" => "config.alter_system",
        "DEFAULT PRIVILEGES" => "default_privileges.alter",
        _ => pick("ddl.create", "ddl.alter", "ddl.drop"),
    }
}

impl Line {
    /// The event, without its time, which only the server can read ([`crate::Origin::time`]).
    pub fn document(&self) -> Json {
        let (entry, origin) = (&self.entry, &self.origin);
        let given = |value: &Option<String>| value.as_deref().map(text);
        let logged = |value: &Text| match value {
            Text::Given(_) => None,
            Text::None => None,
            Text::NotLogged => Some(text("not logged")),
            Text::PreviouslyLogged => Some(text("previously logged")),
        };
        let statement = match &entry.statement {
            Text::Given(sql) => Some(text(&auditlog_redact::sql(sql, Strings::Standard))),
            other => logged(other),
        };
        let parameters = match &entry.parameter {
            Text::Given(list) => Some(parameters(list, &entry.statement)),
            other => logged(other),
        };
        let audit = object(vec![
            (
                "type",
                Some(text(if entry.object_audit { "OBJECT" } else { "SESSION" })),
            ),
            ("class", Some(text(&entry.class))),
            ("command", Some(text(&entry.command))),
            ("statement_id", Some(number(entry.statement_id))),
            ("substatement_id", Some(number(entry.substatement_id))),
            ("session_line", origin.line.map(number)),
            ("process", origin.process.map(number)),
            ("transaction", origin.transaction.map(number)),
        ]);
        let actor = object(vec![
            ("type", origin.user.as_ref().map(|_| text("user"))),
            ("id", given(&origin.user)),
            (
                "ip_address",
                given(&origin.host.clone().filter(|host| host != "[local]")),
            ),
            ("session_id", given(&origin.session)),
        ]);
        let resource = object(vec![
            ("type", entry.object_type.as_ref().map(|t| text(&t.to_lowercase()))),
            ("id", given(&entry.object_name)),
        ]);
        let metadata = object(vec![
            ("source", Some(text("pgaudit"))),
            ("database", given(&origin.database)),
            ("application", given(&origin.application)),
            ("statement", statement),
            ("parameters", parameters),
            ("row_count", entry.rows.map(number)),
            ("pgaudit", Some(audit)),
        ]);
        // pgaudit writes before the statement has run: how it ended it does not say.
        let action = object(vec![
            ("operation", Some(text(&entry.command.to_lowercase()))),
            ("status", Some(text("attempted"))),
        ]);
        let filled = |part: Json| Some(part).filter(|p| *p != Json::Object(Vec::new()));
        object(vec![
            ("event_type", Some(text(entry.event_type()))),
            ("actor", filled(actor)),
            ("resource", filled(resource)),
            ("action", Some(action)),
            ("metadata", Some(metadata)),
        ])
    }

    /// What names this line among all: the same line read again has the same. Only whole records have it.
    pub fn key(&self) -> Option<String> {
        let (session, line) = (self.origin.session.as_ref()?, self.origin.line?);
        Some(format!("pgaudit {session} {line}")).filter(|key| key.len() <= 255)
    }
}

/// Parameters of a statement that speaks of secrets are not kept: nothing says which of them is one.
fn parameters(list: &str, statement: &Text) -> Json {
    let hidden = match statement {
        Text::Given(sql) => auditlog_redact::mentions_secret(sql),
        _ => false,
    };
    if hidden {
        return text(auditlog_redact::REDACTED);
    }
    let values = csv::fields(list).unwrap_or_else(|_| vec![list.to_owned()]);
    Json::Array(values.iter().map(|v| text(&auditlog_redact::value("", v))).collect())
}
