//! `/alerts/new` and `/alerts/{id}/edit`: an alert is written, and tried over the past before it is made.

use maud::{Markup, html};

use super::alert::test;
use crate::components::badge::Tone;
use crate::components::card::{card, page_head};
use crate::components::form::{self, Input};
use crate::components::icon::{Icon, icon};
use crate::components::notice;
use crate::components::query_box::{Problem, QueryBox, query_box};
use crate::layout::{self, Chrome};
use crate::text;

/// Fields of the form; the server makes the definition of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields {
    /// `name`.
    pub name: String,
    /// `description`.
    pub description: String,
    /// `condition`: the query.
    pub condition: String,
    /// `threshold.count`; empty for each event.
    pub count: String,
    /// `threshold.window`, such as `5m`.
    pub window: String,
    /// `threshold.group_by`, separated by commas.
    pub group_by: String,
    /// `notification.severity`.
    pub severity: String,
    /// `notification.channels`.
    pub channels: Vec<String>,
    /// `notification.recipients`, separated by commas.
    pub recipients: String,
}

/// A problem of the definition as a whole.
#[derive(Debug, Clone, Default)]
pub struct Wrong {
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

/// What the page shows.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// The alert that is changed; `None` for a new one.
    pub id: Option<i64>,
    /// The form as it was filled in.
    pub fields: Fields,
    /// The definition as YAML, when it is written as such instead of by the fields.
    pub definition: Option<String>,
    /// Channels that there are.
    pub channels: Vec<String>,
    /// What is wrong with the query.
    pub problem: Option<Problem>,
    /// What is wrong otherwise.
    pub wrong: Option<Wrong>,
    /// What it would have done over the last seven days, line by line.
    pub preview: Option<Vec<String>>,
    /// Step and result of a test.
    pub test: Option<Vec<(String, String)>>,
}

const SEVERITIES: [(&str, &str); 6] = [
    ("critical", "Critical"),
    ("error", "High (error)"),
    ("warning", "Medium (warning)"),
    ("notice", "Low (notice)"),
    ("info", "Info"),
    ("debug", "Debug"),
];

/// The page. Form: `POST /alerts/new` or `/alerts/{id}/edit` with the fields of [`Fields`] or `definition`, and `do`: `preview`, `test` or `save`.
pub fn page(chrome: &Chrome, model: &Model) -> Markup {
    let (title, action) = match model.id {
        Some(id) => ("Edit alert", format!("/alerts/{id}/edit")),
        None => ("New alert", "/alerts/new".to_owned()),
    };
    layout::page(
        chrome,
        title,
        html! {
            nav.crumbs aria-label="Alert" { a href="/alerts" { "Alerts" } }
            (page_head(title, html! { "Try it over the past before anybody is told of anything." }, html! {
                @if model.id.is_none() {
                    @if model.definition.is_some() { a.button href="/alerts/new" { "Use the form" } } @else { a.button href="/alerts/new?as=yaml" { "Write YAML instead" } }
                }
            }))
            @if let Some(wrong) = &model.wrong {
                (notice::notice(Tone::Bad, "The alert cannot be made like this.", html! { (text::long_value(&wrong.message)) @if let Some(hint) = &wrong.hint { ". " (text::value(hint)) } }))
            }
            div.columns {
                (card("alert-form", "Alert", form::post(chrome, &action, "stacked", html! {
                    @match &model.definition { Some(definition) => (yaml(definition)), None => (fields(model)) }
                    div.buttons {
                        button type="submit" name="do" value="preview" { (icon(Icon::Play)) "Preview over 7 days" }
                        button type="submit" name="do" value="test" { "Test" }
                        button.primary type="submit" name="do" value="save" { (if model.id.is_some() { "Save" } else { "Create alert" }) }
                    }
                })))
                div.stack { (preview(model)) }
            }
        },
    )
}

fn yaml(definition: &str) -> Markup {
    form::textarea(
        "definition",
        "definition",
        "Definition (YAML or JSON)",
        definition,
        20,
        "Keys: name, description, condition, threshold, unusual, suppress, resolve_after, schedule, labels, notification, enabled.",
    )
}

fn fields(model: &Model) -> Markup {
    let f = &model.fields;
    html! {
        (form::input(Input { id: "name", name: "name", label: "Name", value: &f.name, required: true, ..Input::default() }))
        (form::input(Input { id: "description", name: "description", label: "What it is for", value: &f.description, ..Input::default() }))
        (query_box(QueryBox { id: "condition", name: "condition", label: "Condition: which events count", value: &f.condition, problem: model.problem.as_ref(), main: false }))
        div.row-group {
            (form::input(Input { id: "count", name: "count", label: "Events", kind: "number", value: &f.count, min: "1", hint: "Empty: each event fires.", ..Input::default() }))
            (form::input(Input { id: "window", name: "window", label: "Within", value: &f.window, hint: "Such as 30s, 5m, 1h30m, 2d.", ..Input::default() }))
            (form::input(Input { id: "group_by", name: "group_by", label: "Separately for each", value: &f.group_by, hint: "Fields, separated by commas: actor.email", ..Input::default() }))
        }
        (form::select("severity", "severity", "Severity", &SEVERITIES, if f.severity.is_empty() { "warning" } else { &f.severity }))
        @if model.channels.is_empty() { p.hint { "There is no channel yet, so nobody is told. " a href="/admin/channels" { "Add one" } } }
        @else { (form::checks("Tell", "channels", "channel", &model.channels.iter().map(|c| (c.as_str(), c.as_str(), f.channels.contains(c))).collect::<Vec<_>>())) }
        (form::input(Input { id: "recipients", name: "recipients", label: "Recipients of e-mail", value: &f.recipients, hint: "Separated by commas.", ..Input::default() }))
    }
}

fn preview(model: &Model) -> Markup {
    html! {
        @if let Some(lines) = &model.preview { (card("preview", "What it would have done", html! { ol.lines { @for line in lines { li { (text::long_value(line)) } } } })) }
        @if let Some(steps) = &model.test { (card("test", "Test", test(steps))) }
        @if model.preview.is_none() && model.test.is_none() {
            (card("preview", "Preview", notice::empty(Icon::Play, "Not tried yet", html! { p { "The preview runs the alert over the events that were sealed in the last 7 days, and says when it would have fired and for whom. Nobody is told." } })))
        }
    }
}
