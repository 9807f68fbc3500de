//! The box for a query: completion by the script, and what is wrong with a query right below it.

use maud::{Markup, html};

use super::icon::{Icon, icon};
use crate::text;

/// What is wrong with a query, as the database tells it.
#[derive(Debug, Clone, Default)]
pub struct Problem {
    /// The character it is about, from 1.
    pub position: usize,
    /// How many characters it is about; at least 1 is shown.
    pub length: usize,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
}

/// A box for a query.
#[derive(Debug, Clone, Copy)]
pub struct QueryBox<'a> {
    /// Unique in the page.
    pub id: &'a str,
    /// Name of the field.
    pub name: &'a str,
    /// What it is for.
    pub label: &'a str,
    /// The query.
    pub value: &'a str,
    /// What is wrong with it.
    pub problem: Option<&'a Problem>,
    /// The box that `/` leads to?
    pub main: bool,
}

/// Renders the box, with its label and the problem.
pub fn query_box(query: QueryBox<'_>) -> Markup {
    let (list, hint, wrong) = (
        format!("{}-list", query.id),
        format!("{}-hint", query.id),
        format!("{}-problem", query.id),
    );
    let deceptive = query.value.chars().any(|c| c != '\n' && text::is_deceptive(c));
    let described = if query.problem.is_some() {
        format!("{wrong} {hint}")
    } else {
        hint.clone()
    };
    html! {
        div.query-box data-suggest="/api/v1/suggest" {
            label class=(if query.main { "unseen" } else { "" }) for=(query.id) { (query.label) }
            div.query-line {
                (icon(Icon::Search))
                textarea.code #(query.id) name=(query.name) rows="1" spellcheck="false" autocomplete="off" autocapitalize="off"
                    placeholder="event_type:authentication.login AND status:failed" maxlength="16384"
                    aria-describedby=(described) aria-invalid=[query.problem.map(|_| "true")] data-main-query[query.main] data-query { "\n" (query.value) }
                @if query.main { kbd.js-only.slash aria-hidden="true" { "/" } }
            }
            ul.suggestions #(list) role="listbox" aria-label="Completions" hidden {}
            p.unseen role="status" data-suggest-status {}
            @if let Some(problem) = query.problem { (caret(&wrong, query.value, problem)) }
            @if deceptive {
                p.problem-note { (icon(Icon::Warning)) span { "This query has characters that nobody sees: " code { (text::block(query.value)) } } }
            }
            p.hint #(hint) {
                code { "field:value" } ", " code { "AND OR NOT ( )" } ", " code { "status:(failed OR denied)" } ", " code { "timestamp:>now-24h" } ", or words. "
                a href="/help/query" { "Query language" }
            }
        }
    }
}

/// The line of the query that is wrong, with a caret below the place, the message and the hint.
fn caret(id: &str, query: &str, problem: &Problem) -> Markup {
    let chars: Vec<char> = query.chars().collect();
    let start = problem.position.saturating_sub(1).min(chars.len());
    let line_start = chars[..start].iter().rposition(|c| *c == '\n').map_or(0, |at| at + 1);
    let line_end = chars[start..]
        .iter()
        .position(|c| *c == '\n')
        .map_or(chars.len(), |at| start + at);
    let end = (start + problem.length.max(1)).clamp(start, line_end);
    // As they are shown, so that the caret stands where it should.
    let shown = |from: usize, to: usize| text::plain(&chars[from..to].iter().collect::<String>());
    let window = line_start.max(start.saturating_sub(60));
    let (before, marked) = (shown(window, start), shown(start, end));
    let after = shown(end, line_end.min(end + 60));
    let lead = if window > line_start { "…" } else { "" };
    html! {
        div.problem #(id) role="alert" {
            pre tabindex="0" role="group" aria-label="The query, and the place that is wrong" { (lead) (before) mark { (marked) } (after) "\n" span aria-hidden="true" {
                (" ".repeat(before.chars().count() + lead.chars().count())) ("^".repeat(marked.chars().count().max(1)))
            } }
            p { (icon(Icon::Cross)) span { strong { (text::value(problem.message.trim_end_matches('.'))) } " at character " (problem.position)
                @if let Some(hint) = &problem.hint { ". " (text::value(hint)) } } }
        }
    }
}
