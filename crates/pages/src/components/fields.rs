//! Lists of fields with their values.

use maud::{Markup, html};

use crate::text;

/// A list of names with values.
pub fn list(rows: Markup) -> Markup {
    html! { dl.fields { (rows) } }
}

/// A row of the list; the value is markup.
pub fn row(name: &str, value: Markup) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

/// A row with a value of the log; nothing where there is none.
pub fn text_row(name: &str, value: Option<&str>) -> Markup {
    html! { @if let Some(value) = value { (row(name, text::long_value(value))) } }
}

/// A row with an id or a hash.
pub fn code_row(name: &str, value: Option<&str>) -> Markup {
    html! { @if let Some(value) = value { (row(name, html! { div.mono { (text::long_value(value)) } })) } }
}

/// A button that copies a text; the script shows it.
pub fn copy(text: &str, label: &str) -> Markup {
    html! {
        button.quiet.copy.js-only type="button" data-copy=(text) { (super::icon::icon(super::icon::Icon::Copy)) span { (label) } }
    }
}

/// A button that copies the address of this page, as the script finds it in the address bar.
pub fn copy_address(label: &str) -> Markup {
    html! {
        button.quiet.copy.js-only type="button" data-copy-address { (super::icon::icon(super::icon::Icon::Copy)) span { (label) } }
    }
}

/// The same as an icon, for rows.
pub fn copy_icon(text: &str, label: &str) -> Markup {
    html! {
        button.quiet.copy.only-icon.js-only type="button" data-copy=(text) title="Copy" { (super::icon::icon(super::icon::Icon::Copy)) span.unseen { (label) } }
    }
}
