//! `/integrity`: the evidence behind the badge.

use maud::{Markup, html};

use crate::components::badge::{self, Tone};
use crate::components::card::{card, card_with, page_head};
use crate::components::fields;
use crate::components::icon::{Icon, icon};
use crate::components::notice;
use crate::components::seal;
use crate::components::table::table;
use crate::layout::{self, Chrome};
use crate::time::Moment;
use crate::{format, text, time};

/// A signed checkpoint.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    /// Events that it covers.
    pub size: u64,
    /// The root of the tree, hexadecimal.
    pub root: String,
    /// When it was signed.
    pub made_at: Moment,
    /// Witnesses that have cosigned it.
    pub cosignatures: u64,
}

/// A verification in the background.
#[derive(Debug, Clone)]
pub struct Run {
    /// When it came to its end.
    pub ended_at: Moment,
    /// The first place.
    pub from: u64,
    /// The first place that it did not look at.
    pub to: u64,
    /// Places that do not fit.
    pub findings: u64,
    /// The first of them.
    pub first_finding: Option<String>,
}

/// Where checkpoints go.
#[derive(Debug, Clone)]
pub struct Receiver {
    /// Its name.
    pub name: String,
    /// `file`, `http`, `witness`, ….
    pub kind: String,
    /// `ok`, `waiting` or `retrying`.
    pub state: String,
    /// Events of the last checkpoint that arrived there.
    pub delivered: u64,
    /// When that was.
    pub delivered_at: Option<Moment>,
    /// The last error.
    pub error: Option<String>,
}

/// What the page shows.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// The newest checkpoints.
    pub checkpoints: Vec<Checkpoint>,
    /// The newest verifications.
    pub runs: Vec<Run>,
    /// Where checkpoints go.
    pub receivers: Vec<Receiver>,
}

/// The page.
pub fn page(chrome: &Chrome, model: &Model) -> Markup {
    layout::page(
        chrome,
        "Integrity",
        html! {
            (page_head("Integrity", html! { "What shows that no event was changed, removed, put in or moved, and what does not." },
                html! { a.button href="/api/v1/log/checkpoint" download="checkpoint" { (icon(Icon::Download)) "Newest checkpoint" } }))
            div.columns {
                (card("state", "State", html! {
                    @match &chrome.integrity {
                        Some(integrity) => { p.verdict-line { (badge::badge_with(integrity.verdict().0, Icon::Seal, integrity.verdict().1)) } (seal::details(integrity, chrome.now)) },
                        None => (notice::empty(Icon::Lock, "Not for your roles", html! { p { "Analysts, compliance officers and administrators see the state of the whole log." } })),
                    }
                }))
                (own_check(chrome))
            }
            (card("checkpoints", "Checkpoints", checkpoints(chrome, model)))
            (card("runs", "Verifications in the background", runs(model)))
            (card_with("receivers", "Where checkpoints go", html! {}, receivers(model)))
        },
    )
}

fn own_check(chrome: &Chrome) -> Markup {
    let key = chrome
        .integrity
        .as_ref()
        .and_then(|integrity| integrity.public_key.as_deref());
    card(
        "own",
        "Check it yourself",
        html! {
            p { "A page can claim anything. These two commands believe neither this server nor its database, only the public key that you got on another way:" }
            pre.wrap { code { "auditlog bundle --dsn \"…\" --out bundle\nauditlog verify bundle --key @log.key" } }
            @if let Some(key) = key {
                p.label { "Public key, to be compared with your own copy" }
                div.command { div.command-head { span { "vkey" } (fields::copy(key, "Copy")) } pre.wrap { code { (text::block(key)) } } }
            }
            p.hint { "No verification can say whether what was recorded is true, and whether everything was." }
        },
    )
}

fn checkpoints(chrome: &Chrome, model: &Model) -> Markup {
    html! {
        @if model.checkpoints.is_empty() {
            (notice::empty(Icon::Seal, "Nothing was signed yet", html! { p { code { "SELECT auditlog.checkpoint();" } " signs the first checkpoint; then the publisher goes on by itself." } }))
        } @else {
            (table("Checkpoints", &["Signed", "#Events", "Root", "#Witnesses"], html! {
                @for checkpoint in &model.checkpoints { tr {
                    td { (time::full(checkpoint.made_at)) " " span.none { (time::relative(chrome.now, checkpoint.made_at)) } }
                    td.num { (format::count(checkpoint.size)) } td { code { (text::short_value(&checkpoint.root, 64)) } } td.num { (checkpoint.cosignatures) }
                } }
            }))
        }
    }
}

fn runs(model: &Model) -> Markup {
    html! {
        @if model.runs.is_empty() { p.hint { "None has come to the log's end yet." } } @else {
            (table("Verifications", &["Result", "Ended", "#From place", "#To place", "First finding"], html! {
                @for run in &model.runs { tr {
                    td { @if run.findings == 0 { (badge::badge(Tone::Ok, "no finding")) } @else { (badge::badge(Tone::Bad, &format::plural(run.findings, "finding", "findings"))) } }
                    td { (time::full(run.ended_at)) } td.num { (format::count(run.from)) } td.num { (format::count(run.to.saturating_sub(1))) }
                    td.wrap { @match &run.first_finding { Some(finding) => (text::long_value(finding)), None => span.none { "–" } } }
                } }
            }))
        }
    }
}

fn receivers(model: &Model) -> Markup {
    html! {
        @if model.receivers.is_empty() {
            (notice::empty(Icon::Warning, "Checkpoints stay in this database", html! {
                p { "Whoever has the database and the key could rewrite both. Send checkpoints to a place that its administrators do not control:" }
                pre.wrap { code { "SELECT auditlog.add_checkpoint_sink('vault', 'file', '/mnt/worm/checkpoints');" } }
            }))
        } @else {
            (table("Receivers of checkpoints", &["State", "Name", "Kind", "#Delivered", "When", "Last error"], html! {
                @for receiver in &model.receivers { tr {
                    td { (badge::state(&receiver.state)) } th scope="row" { (text::value(&receiver.name)) } td { (text::value(&receiver.kind)) }
                    td.num { (format::count(receiver.delivered)) } td { (time::optional(receiver.delivered_at)) }
                    td.wrap { @match &receiver.error { Some(error) => (text::long_value(error)), None => span.none { "–" } } }
                } }
            }))
        }
    }
}
