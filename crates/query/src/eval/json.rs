//! Documents that are [`Json`].

use super::value::{Document, Value, View, walk};
use crate::node::Target;
use auditlog_core::json::Json;
use std::borrow::Cow;

/// Finds the category of an event type in a catalogue.
pub type Categories<'a> = &'a dyn Fn(&str) -> Option<&'a str>;

/// An event's document, or any other.
#[derive(Clone, Copy)]
pub struct JsonDocument<'a> {
    root: &'a Json,
    categories: Option<Categories<'a>>,
}

impl<'a> JsonDocument<'a> {
    /// The category of an event is its type up to the first dot.
    pub fn new(root: &'a Json) -> JsonDocument<'a> {
        JsonDocument { root, categories: None }
    }

    /// The category is looked up; what is not found there is the type up to the first dot.
    pub fn with_categories(root: &'a Json, categories: Categories<'a>) -> JsonDocument<'a> {
        JsonDocument {
            root,
            categories: Some(categories),
        }
    }

    fn category(self) -> Option<&'a str> {
        let event_type = self.root.get("event_type")?.as_str()?;
        let found = self.categories.and_then(|categories| categories(event_type));
        found.or_else(|| event_type.split('.').next())
    }
}

/// A value of a [`JsonDocument`].
#[derive(Debug, Clone, Copy)]
pub enum JsonValue<'a> {
    /// A value of the document.
    Json(&'a Json),
    /// A derived text.
    Text(&'a str),
}

impl<'a> Document<'a> for JsonDocument<'a> {
    type Value = JsonValue<'a>;

    fn any<F: FnMut(JsonValue<'a>) -> bool>(self, target: &Target, test: &mut F) -> bool {
        if target.field.is_some_and(|field| field.path == "category") && self.root.get("category").is_none() {
            return self.category().is_some_and(|category| test(JsonValue::Text(category)));
        }
        walk(JsonValue::Json(self.root), &target.path, test)
    }

    fn any_value<F: FnMut(JsonValue<'a>) -> bool>(self, test: &mut F) -> bool {
        test(JsonValue::Json(self.root))
    }

    fn is_event(self) -> bool {
        matches!(self.root.get("event_type"), Some(Json::String(_)))
    }
}

impl<'a> Value<'a> for JsonValue<'a> {
    fn view(self) -> View<'a> {
        match self {
            JsonValue::Text(text) => View::Text(Cow::Borrowed(text)),
            JsonValue::Json(json) => match json {
                Json::Null => View::Null,
                Json::Bool(b) => View::Bool(*b),
                Json::Number(number) => View::Number(Cow::Borrowed(number)),
                Json::String(text) => View::Text(Cow::Borrowed(text)),
                Json::Array(_) => View::Array,
                Json::Object(_) => View::Object,
            },
        }
    }

    fn member(self, key: &str) -> Option<Self> {
        match self {
            JsonValue::Json(json) => json.get(key).map(JsonValue::Json),
            JsonValue::Text(_) => None,
        }
    }

    fn any_element(self, test: &mut dyn FnMut(Self) -> bool) -> bool {
        match self {
            JsonValue::Json(Json::Array(items)) => items.iter().any(|item| test(JsonValue::Json(item))),
            _ => false,
        }
    }

    fn any_member(self, test: &mut dyn FnMut(Self) -> bool) -> bool {
        match self {
            JsonValue::Json(Json::Object(pairs)) => pairs.iter().any(|(_, value)| test(JsonValue::Json(value))),
            _ => false,
        }
    }
}
