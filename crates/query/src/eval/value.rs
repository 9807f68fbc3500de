//! What the evaluator asks of documents.

use crate::node::Target;
use auditlog_core::event::Inet;
use std::borrow::Cow;

/// What a value is, and a scalar's content.
#[derive(Debug, Clone)]
pub enum View<'a> {
    /// JSON null.
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number's decimal text.
    Number(Cow<'a, str>),
    /// A string.
    Text(Cow<'a, str>),
    /// A moment of a column, microseconds since the epoch.
    Time(i64),
    /// An address of a column.
    Address(Inet),
    /// An array.
    Array,
    /// An object.
    Object,
}

/// A value of a document, cheap to copy.
pub trait Value<'a>: Copy {
    /// What it is.
    fn view(self) -> View<'a>;

    /// The member of an object; none of anything else.
    fn member(self, key: &str) -> Option<Self>;

    /// Is the test true for any element of the array? False for anything else.
    fn any_element(self, test: &mut dyn FnMut(Self) -> bool) -> bool;

    /// Is the test true for any member's value of the object? False for anything else.
    fn any_member(self, test: &mut dyn FnMut(Self) -> bool) -> bool;
}

/// A scalar by itself: the value of a column. Arrays and objects have nothing in them.
impl<'a> Value<'a> for &View<'a> {
    fn view(self) -> View<'a> {
        self.clone()
    }

    fn member(self, _: &str) -> Option<Self> {
        None
    }

    fn any_element(self, _: &mut dyn FnMut(Self) -> bool) -> bool {
        false
    }

    fn any_member(self, _: &mut dyn FnMut(Self) -> bool) -> bool {
        false
    }
}

/// A document, cheap to copy.
pub trait Document<'a>: Copy {
    /// Its values.
    type Value: Value<'a>;

    /// Is the test true for any value at the target? Arrays at the end of the path are handed over
    /// whole, arrays on the way are walked through; see [`walk`].
    fn any<F: FnMut(Self::Value) -> bool>(self, target: &Target, test: &mut F) -> bool;

    /// Is it an event: has it a text at `event_type`? Short names mean no keys there, and what is
    /// stored as text counts as text.
    fn is_event(self) -> bool;

    /// Is the test true for any of the values that free text is searched in? Objects and arrays are
    /// handed over whole.
    fn any_value<F: FnMut(Self::Value) -> bool>(self, test: &mut F) -> bool;
}

/// Is the test true for any value at the path below `value`?
pub fn walk<'a, V: Value<'a>, F: FnMut(V) -> bool>(value: V, path: &[String], test: &mut F) -> bool {
    let Some((key, rest)) = path.split_first() else {
        return test(value);
    };
    if let Some(member) = value.member(key) {
        return walk(member, rest, test);
    }
    value.any_element(&mut |item| walk(item, path, test))
}
