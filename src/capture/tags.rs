//! Event types of definitions, by command tag.

/// The event type for what a command did to an object, when it is a definition. `None`: it defines nothing.
pub fn event_type(tag: &str) -> Option<&'static str> {
    let (verb, object) = tag.split_once(' ').unwrap_or((tag, ""));
    let types = match object {
        "EXTENSION" => ["extension.create", "extension.update", "extension.drop"],
        "POLICY" => ["policy.create", "policy.alter", "policy.drop"],
        "FUNCTION" | "PROCEDURE" => ["function.create", "ddl.alter", "ddl.drop"],
        "TRIGGER" | "EVENT TRIGGER" => ["trigger.create", "ddl.alter", "ddl.drop"],
        _ => ["ddl.create", "ddl.alter", "ddl.drop"],
    };
    match verb {
        "CREATE" | "SELECT" => Some(types[0]),
        "ALTER" => Some(types[1]),
        "DROP" => Some(types[2]),
        "COMMENT" | "SECURITY" | "IMPORT" => Some("ddl.alter"),
        _ => None,
    }
}

/// The kind of object that a tag speaks of, as PostgreSQL names it in event triggers.
pub fn object_type(tag: &str) -> String {
    let object = tag.split_once(' ').map_or("object", |(_, object)| object);
    object.trim_end_matches(" AS").to_ascii_lowercase()
}
