//! All that free text is searched in: what the word index is built from.

use super::test::scalar;
use super::value::{Value, View};
use auditlog_core::document::{format_inet, format_timestamp};

/// Calls `each` with the text of every scalar at or below the value; keys are not among them.
pub fn each_text<'a, V: Value<'a>>(value: V, each: &mut dyn FnMut(&str)) {
    match value.view() {
        View::Null => {}
        View::Array => {
            value.any_element(&mut |item| {
                each_text(item, each);
                false
            });
        }
        View::Object => {
            value.any_member(&mut |member| {
                each_text(member, each);
                false
            });
        }
        View::Bool(b) => each(scalar(b)),
        View::Number(number) => each(&number),
        View::Text(string) => each(&string),
        View::Time(us) => each(&format_timestamp(us)),
        View::Address(inet) => each(&format_inet(&inet)),
    }
}
