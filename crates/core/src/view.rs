//! What a check needs to see of a JSON value, however it lies in memory: a tree, PostgreSQL's binary
//! form, or an event that came as columns. Looking costs less than building a tree.

use crate::json::Json;
use std::borrow::Cow;

/// A JSON value that can be looked into.
pub trait View<'a>: Copy {
    /// JSON's name for its kind, as [`Json::kind`].
    fn kind(self) -> &'static str;
    /// The member of an object; `None` when this is no object or lacks it.
    fn get(self, key: &str) -> Option<Self>;
    /// Number of members of an object, 0 for everything else.
    fn members(self) -> usize;
    /// The text of a string.
    fn text(self) -> Option<Cow<'a, str>>;
    /// The value of a boolean.
    fn boolean(self) -> Option<bool>;
}

impl<'a> View<'a> for &'a Json {
    fn kind(self) -> &'static str {
        Json::kind(self)
    }

    fn get(self, key: &str) -> Option<Self> {
        Json::get(self, key)
    }

    fn members(self) -> usize {
        match self {
            Json::Object(pairs) => pairs.len(),
            _ => 0,
        }
    }

    fn text(self) -> Option<Cow<'a, str>> {
        self.as_str().map(Cow::Borrowed)
    }

    fn boolean(self) -> Option<bool> {
        match self {
            Json::Bool(b) => Some(*b),
            _ => None,
        }
    }
}
