//! What a transaction says about all its events: actor, session, request, tenant.

use crate::document::{DocumentError, ErrorKind, extra_contradicts, extract, parse_inet, to_document};
use crate::event::Event;
use crate::json::Json;
use std::net::SocketAddr;

/// Values for the events that lack them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    /// Keys as in an event's document.
    values: Vec<(String, Json)>,
}

/// Keys of the actor that say who it is.
const IDENTITY: [&str; 3] = ["type", "id", "email"];

impl Context {
    /// The context in the argument of `auditlog.set_context`; null counts as nothing.
    ///
    /// # Errors
    /// [`DocumentError`] as for an event with these values, and for keys that no context has.
    pub fn from_json(json: Json) -> Result<Context, DocumentError> {
        if json == Json::Null {
            return Ok(Context::default());
        }
        if let Json::Object(pairs) = &json {
            let allowed = ["actor", "resource", "action", "metadata", "tenant"];
            if let Some((key, _)) = pairs.iter().find(|(key, _)| !allowed.contains(&key.as_str())) {
                let path = format!("$.{key}");
                return Err(DocumentError::new(
                    ErrorKind::BadValue,
                    &path,
                    format!("a context has no key {}", crate::document::quoted(key)),
                    format!("The value at {path} cannot be given for all events of a transaction."),
                    "Use actor, resource, action, metadata or tenant; put anything else under metadata.",
                ));
            }
        }
        extract(json.clone())?;
        match json {
            Json::Object(values) => Ok(Context { values }),
            _ => Ok(Context::default()),
        }
    }

    /// The context in the settings of a PostgREST-style gateway: the claims of a verified token and
    /// the request's headers (keys in lower case). What cannot be used is passed over: a strange
    /// token must not stop the application's writes.
    pub fn from_gateway(claims: Option<Json>, headers: Option<Json>) -> Context {
        let claims = claims.unwrap_or(Json::Null);
        let headers = headers.unwrap_or(Json::Null);
        let claim = |keys: &[&str]| keys.iter().find_map(|key| scalar(claims.get(key)?));
        let header = |keys: &[&str]| keys.iter().find_map(|key| scalar(headers.get(key)?));
        let string = |text: &str| Json::String(text.to_owned());

        let subject = claim(&["sub"]);
        let mut actor = Vec::new();
        if subject.is_some() {
            actor.push(("type", string("user")));
        }
        actor.extend(subject.map(|v| ("id", v)));
        actor.extend(claim(&["email"]).map(|v| ("email", v)));
        actor.extend(claim(&["session_id", "sid"]).map(|v| ("session_id", v)));
        let address = ["x-forwarded-for", "x-real-ip"]
            .iter()
            .find_map(|key| first_address(headers.get(key)?.as_str()?));
        actor.extend(address.map(|v| ("ip_address", Json::String(v))));
        actor.extend(header(&["user-agent"]).map(|v| ("user_agent", v)));

        let mut metadata = Vec::new();
        metadata.extend(header(&["x-request-id", "x-correlation-id"]).map(|v| ("request_id", v)));
        metadata.extend(claim(&["role"]).map(|v| ("role", v)));

        let mut values = Vec::new();
        for (key, members) in [("actor", actor), ("metadata", metadata)] {
            if !members.is_empty() {
                let members = members
                    .into_iter()
                    .map(|(key, value)| (key.to_owned(), value))
                    .collect();
                values.push((key.to_owned(), Json::Object(members)));
            }
        }
        values.extend(claim(&["tenant", "tenant_id", "org_id"]).map(|v| ("tenant".to_owned(), v)));
        Context { values }
    }

    /// The actor's id, when it is a text.
    pub fn actor_id(&self) -> Option<&str> {
        let (_, actor) = self.values.iter().find(|(key, _)| key == "actor")?;
        actor.get("id")?.as_str()
    }

    /// The change that the transaction carries out, `metadata.change_ref`, when it is a text.
    pub fn change_ref(&self) -> Option<&str> {
        let (_, metadata) = self.values.iter().find(|(key, _)| key == "metadata")?;
        metadata.get("change_ref")?.as_str()
    }

    /// Does it say who acts?
    pub fn names_actor(&self) -> bool {
        let actor = self
            .values
            .iter()
            .find(|(key, _)| key == "actor")
            .map(|(_, actor)| actor);
        let given = |key: &str| actor.and_then(|a| a.get(key)).is_some_and(|value| *value != Json::Null);
        given("id") || given("email")
    }

    /// Has it nothing to give?
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Both contexts; where they differ the stronger one holds. The weaker one's actor is dropped
    /// whole when the stronger one names somebody else. A null in `stronger` hides the value in
    /// `self`.
    #[must_use]
    pub fn overlay(self, stronger: Context) -> Context {
        let mut both = Json::Object(stronger.values);
        self.merge(&mut both);
        match both {
            Json::Object(values) => Context { values },
            _ => Context::default(),
        }
    }

    /// Fills what `document` lacks. A key that is there, also with null, stays as it is, and an
    /// event that names another actor gets nothing of this context's actor: a false attribution is
    /// worse than a gap.
    pub fn merge(&self, document: &mut Json) {
        let Json::Object(pairs) = document else { return };
        for (key, value) in &self.values {
            let existing = pairs.iter_mut().find(|(k, _)| k == key).map(|(_, v)| v);
            match existing {
                Some(existing) if key == "actor" && names_another(existing, value) => {}
                Some(existing) => fill(existing, value),
                None => pairs.extend(without_nulls(value).map(|value| (key.clone(), value))),
            }
        }
    }

    /// [`Context::merge`] for an event given as columns. One that
    /// [`check_columns`](crate::document::check_columns) refuses for what it says twice stays as it
    /// is, whichever of the two is called first.
    pub fn merge_event(&self, event: &mut Event) {
        if self.is_empty() || extra_contradicts(event) {
            return;
        }
        let mut document = to_document(event);
        self.merge(&mut document);
        // the way through the document loses nothing; it fails for events that are refused anyway
        if let Ok(merged) = extract(document) {
            *event = merged;
        }
    }
}

/// Text, number or boolean as it is; anything else is no use.
fn scalar(value: &Json) -> Option<Json> {
    match value {
        Json::String(text) if text.is_empty() => None,
        Json::String(_) | Json::Number(_) | Json::Bool(_) => Some(value.clone()),
        _ => None,
    }
}

/// The first address of a list like X-Forwarded-For, without port or brackets.
fn first_address(list: &str) -> Option<String> {
    let first = list.split(',').next()?.trim();
    if parse_inet(first).is_some() {
        return Some(first.to_owned());
    }
    if let Ok(with_port) = first.parse::<SocketAddr>() {
        return Some(with_port.ip().to_string());
    }
    let bare = first.strip_prefix('[')?.strip_suffix(']')?;
    parse_inet(bare).map(|_| bare.to_owned())
}

/// Does `given` say of its identity something else than `offered`? Null says «nobody known».
fn names_another(given: &Json, offered: &Json) -> bool {
    IDENTITY.iter().any(|key| match (given.get(key), offered.get(key)) {
        (Some(_), None | Some(Json::Null)) | (None, _) => false,
        (Some(given), Some(offered)) => match (identity_text(given), identity_text(offered)) {
            (Some(given), Some(offered)) if *key == "email" => !given.eq_ignore_ascii_case(offered),
            (given, offered) => given != offered,
        },
    })
}

fn identity_text(value: &Json) -> Option<&str> {
    match value {
        Json::String(text) | Json::Number(text) => Some(text),
        Json::Bool(b) => Some(if *b { "true" } else { "false" }),
        _ => None,
    }
}

fn fill(existing: &mut Json, offered: &Json) {
    let (Json::Object(pairs), Json::Object(offered)) = (existing, offered) else {
        return;
    };
    for (key, value) in offered {
        match pairs.iter_mut().find(|(k, _)| k == key) {
            Some((_, existing)) => fill(existing, value),
            None => pairs.extend(without_nulls(value).map(|value| (key.clone(), value))),
        }
    }
}

/// A copy without members that are null; `None` when nothing is left.
fn without_nulls(value: &Json) -> Option<Json> {
    match value {
        Json::Null => None,
        Json::Object(pairs) => {
            let left: Vec<(String, Json)> = pairs
                .iter()
                .filter_map(|(key, value)| Some((key.clone(), without_nulls(value)?)))
                .collect();
            (!left.is_empty()).then_some(Json::Object(left))
        }
        other => Some(other.clone()),
    }
}
