//! An event in PostgreSQL's binary `jsonb`, as the query language's evaluator sees it: nothing is
//! built for a row.

use crate::store::event_types;
use crate::store::jsonb::Item;
use auditlog_core::view::View as Look;
use auditlog_query::eval::{Document, Value, View, walk};
use auditlog_query::node::Target;
use std::borrow::Cow;

/// An event, or any other JSON document.
#[derive(Clone, Copy)]
pub struct BinaryDocument<'a> {
    root: Item<'a>,
    category: Option<&'a str>,
}

impl<'a> BinaryDocument<'a> {
    /// A document; `category` is that of its event type.
    pub fn new(root: Item<'a>, category: Option<&'a str>) -> BinaryDocument<'a> {
        BinaryDocument { root, category }
    }
}

/// The category of a document's event type: the catalogue's, or the first part of its name.
pub fn category(root: Item<'_>) -> Option<String> {
    let event_type = Look::text(Look::get(root, "event_type")?)?;
    let known = event_types::get(&event_type);
    Some(event_types::category(&event_type, known.as_deref()).to_owned())
}

/// A value of the document.
#[derive(Clone, Copy)]
pub enum BinaryValue<'a> {
    /// As it lies there.
    Item(Item<'a>),
    /// A derived text.
    Text(&'a str),
}

impl<'a> Document<'a> for BinaryDocument<'a> {
    type Value = BinaryValue<'a>;

    fn any<F: FnMut(BinaryValue<'a>) -> bool>(self, target: &Target, test: &mut F) -> bool {
        if target.field.is_some_and(|field| field.path == "category") && Look::get(self.root, "category").is_none() {
            return self.category.is_some_and(|category| test(BinaryValue::Text(category)));
        }
        walk(BinaryValue::Item(self.root), &target.path, test)
    }

    fn any_value<F: FnMut(BinaryValue<'a>) -> bool>(self, test: &mut F) -> bool {
        test(BinaryValue::Item(self.root))
    }

    fn is_event(self) -> bool {
        matches!(Look::get(self.root, "event_type"), Some(Item::String(_)))
    }
}

impl<'a> Value<'a> for BinaryValue<'a> {
    fn view(self) -> View<'a> {
        let item = match self {
            BinaryValue::Text(text) => return View::Text(Cow::Borrowed(text)),
            BinaryValue::Item(item) => item,
        };
        match item {
            Item::Null => View::Null,
            Item::Bool(b) => View::Bool(b),
            Item::Number(_) => View::Number(item.number().unwrap_or_default().into()),
            Item::String(text) => View::Text(String::from_utf8_lossy(text)),
            Item::Container(_) if Look::kind(item) == "array" => View::Array,
            Item::Container(_) => View::Object,
        }
    }

    fn member(self, key: &str) -> Option<Self> {
        match self {
            BinaryValue::Item(item) => Look::get(item, key).map(BinaryValue::Item),
            BinaryValue::Text(_) => None,
        }
    }

    fn any_element(self, test: &mut dyn FnMut(Self) -> bool) -> bool {
        let BinaryValue::Item(item) = self else { return false };
        item.items()
            .is_some_and(|items| items.map_while(Result::ok).any(|item| test(BinaryValue::Item(item))))
    }

    fn any_member(self, test: &mut dyn FnMut(Self) -> bool) -> bool {
        let BinaryValue::Item(item) = self else { return false };
        item.pairs().is_some_and(|pairs| {
            pairs
                .map_while(Result::ok)
                .any(|(_, value)| test(BinaryValue::Item(value)))
        })
    }
}
