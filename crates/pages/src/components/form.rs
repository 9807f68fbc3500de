//! Forms. Every one that changes something is sent by POST and bears the token against forgery; every input has a label.

use maud::{Markup, html};

use crate::layout::Chrome;
use crate::text;

/// The name of the field with the token.
pub const CSRF_FIELD: &str = "csrf_token";

/// A form that changes something.
pub fn post(chrome: &Chrome, action: &str, class: &str, body: Markup) -> Markup {
    html! {
        form class=(class) method="post" action=(action) {
            input type="hidden" name=(CSRF_FIELD) value=(chrome.csrf);
            (body)
        }
    }
}

/// What was filled in, when a form comes back because something in it is wrong; empty for a new one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filled(pub Vec<(String, String)>);

impl Filled {
    /// Is there something?
    pub fn is_some(&self) -> bool {
        !self.0.is_empty()
    }

    /// The value of a field; empty for a new form.
    pub fn get(&self, name: &str) -> &str {
        self.or(name, "")
    }

    /// The value of a field, or what a new form has there.
    pub fn or<'a>(&'a self, name: &str, usual: &'a str) -> &'a str {
        let found = self.0.iter().find(|(other, _)| other == name);
        found.map_or(usual, |(_, value)| value.as_str())
    }
}

/// A form with one button only, for an action on something.
pub fn action(chrome: &Chrome, action: &str, label: &str, class: &str) -> Markup {
    post(
        chrome,
        action,
        "inline",
        html! { button class=(class) type="submit" { (label) } },
    )
}

/// A hidden field.
pub fn hidden(name: &str, value: &str) -> Markup {
    html! { input type="hidden" name=(name) value=(value); }
}

/// An input with its label, a hint and what is wrong with it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Input<'a> {
    /// Unique in the page.
    pub id: &'a str,
    /// Name of the field.
    pub name: &'a str,
    /// What it is.
    pub label: &'a str,
    /// The `type`; `text` when empty.
    pub kind: &'a str,
    /// The value.
    pub value: &'a str,
    /// How to fill it in.
    pub hint: &'a str,
    /// Must it be filled in?
    pub required: bool,
    /// For `autocomplete`.
    pub autocomplete: &'a str,
    /// For numbers.
    pub min: &'a str,
}

fn hint_id(id: &str, hint: &str) -> Option<String> {
    (!hint.is_empty()).then(|| format!("{id}-hint"))
}

/// A row with an input.
pub fn input(input: Input<'_>) -> Markup {
    let hint = hint_id(input.id, input.hint);
    html! {
        div.row {
            label for=(input.id) { (input.label) @if !input.required && input.kind != "hidden" { span.optional { " optional" } } }
            input #(input.id) name=(input.name) type=(if input.kind.is_empty() { "text" } else { input.kind }) value=(input.value)
                required[input.required] aria-describedby=[hint.as_ref()] step=[(input.kind == "datetime-local").then_some("1")]
                autocomplete=(if input.autocomplete.is_empty() { "off" } else { input.autocomplete }) min=[(!input.min.is_empty()).then_some(input.min)];
            @if let Some(hint) = hint { p.hint #(hint) { (input.hint) } }
        }
    }
}

/// A row with a text of several lines, in the typeface of code.
pub fn textarea(id: &str, name: &str, label: &str, value: &str, rows: u8, hint: &str) -> Markup {
    let hint_id = hint_id(id, hint);
    html! {
        div.row {
            label for=(id) { (label) }
            textarea.code #(id) name=(name) rows=(rows) spellcheck="false" autocomplete="off" required aria-describedby=[hint_id.as_ref()] { "\n" (value) }
            @if let Some(hint_id) = hint_id { p.hint #(hint_id) { (hint) } }
        }
    }
}

/// A row with a choice: value, label.
pub fn select(id: &str, name: &str, label: &str, options: &[(&str, &str)], chosen: &str) -> Markup {
    html! {
        div.row {
            label for=(id) { (label) }
            select #(id) name=(name) {
                @for (value, text) in options { option value=(value) selected[*value == chosen] { (text::plain(text)) } }
            }
        }
    }
}

/// A group of boxes to be ticked: value, label, ticked.
pub fn checks(legend: &str, name: &str, prefix: &str, options: &[(&str, &str, bool)]) -> Markup {
    html! {
        fieldset.checks {
            legend { (legend) }
            @for (i, (value, text, ticked)) in options.iter().enumerate() {
                @let id = format!("{prefix}-{i}");
                div.check { input #(id) type="checkbox" name=(name) value=(value) checked[*ticked]; label for=(id) { (text::value(text)) } }
            }
        }
    }
}

/// A form behind a button: closed until somebody wants it. Works without the script.
pub fn behind(summary: &str, class: &str, body: Markup) -> Markup {
    behind_or_open(summary, class, false, body)
}

/// The same, open from the beginning when it comes back.
pub fn behind_or_open(summary: &str, class: &str, open: bool, body: Markup) -> Markup {
    html! { details class=(format!("behind {class}")) open[open] { summary { (summary) } div.behind-body { (body) } } }
}
