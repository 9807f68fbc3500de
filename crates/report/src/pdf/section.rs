//! A section: what is asked for, the question, the result, findings, figures, tables, the sample.

use super::Limits;
use super::blocks::{badge, badge_width, code, flow, heading1, heading2, paragraph};
use super::cards::cards;
use super::chart::chart;
use super::escape::{Lines, shortened};
use super::overview::tally;
use super::page::{Align, Doc};
use super::rows::rows;
use super::sample::sample;
use super::style::{BODY, INFORM, LABEL, LEFT, RIGHT, SMALL, Tone, WIDTH};
use super::tags::{NodeId, Role};
use super::values::{counted, whole};
use super::verdict::{directness, outcome, severity};
use crate::model::{Finding, Outcome, Section};

/// The title of a section with the number of its control.
pub(crate) fn title(section: &Section) -> String {
    match section.control.as_deref() {
        Some(control) if !control.is_empty() => format!("{control}  {}", section.title),
        _ => section.title.clone(),
    }
}

/// Draws a section.
pub(crate) fn section(doc: &mut Doc<'_>, section: &Section, limits: &Limits) {
    let node = doc.node(None, Role::Section);
    heading1(doc, node, &title(section), 250.0);
    badges(doc, node, section);
    if !section.asks.is_empty() {
        small_label(doc, node, "WHAT IS ASKED FOR");
        paragraph(doc, node, &section.asks);
    }
    if !section.notes.is_empty() {
        small_label(doc, node, "NOTES");
        paragraph(doc, node, &section.notes);
    }
    if let Some(query) = &section.query {
        small_label(doc, node, "QUERY");
        code(doc, node, query);
    }
    findings(doc, node, section);
    if !section.metrics.is_empty() {
        heading2(doc, node, "Metrics");
        cards(doc, node, &section.metrics);
    }
    for one in &section.charts {
        chart(doc, node, one);
    }
    for table in &section.tables {
        rows(doc, node, table, limits);
    }
    if let Some(drawn) = &section.sample {
        sample(doc, node, section, drawn, limits);
    }
}

/// The result and how directly the log proves it, side by side.
fn badges(doc: &mut Doc<'_>, parent: NodeId, section: &Section) {
    let (word, tone) = outcome(section.result);
    let mut shown: Vec<(String, Tone)> = vec![(format!("Result: {word}"), tone)];
    if let Some(word) = &section.directness {
        shown.push((shortened(directness(word), 60).into_owned(), INFORM));
    }
    if let Some(worst) = section.findings.iter().map(|finding| finding.severity).max() {
        shown.push((tally(&section.findings), severity(worst).1));
    }
    let node = doc.node(Some(parent), Role::Paragraph);
    let mut x = LEFT;
    let top = doc.y;
    doc.tagged(node, |doc| {
        for (text, tone) in shown {
            if x + badge_width(doc, &text) > RIGHT && x > LEFT {
                break;
            }
            x += badge(doc, &text, tone, x, top) + 6.0;
        }
    });
    doc.y += 22.0;
}

fn small_label(doc: &mut Doc<'_>, parent: NodeId, text: &str) {
    doc.gap(4.0);
    doc.need(40.0);
    let node = doc.node(Some(parent), Role::Paragraph);
    let top = doc.y;
    doc.tagged(node, |doc| {
        doc.text_in(text, &LABEL, LEFT, top, WIDTH, Align::Left);
    });
    doc.y += LABEL.leading + 2.0;
}

fn findings(doc: &mut Doc<'_>, parent: NodeId, section: &Section) {
    heading2(doc, parent, "Findings");
    if section.findings.is_empty() {
        let text = match section.result {
            Outcome::Clean => "None: the evidence is there, and nothing in it needs a look.",
            Outcome::NoEvidence => "None: nothing happened in the period, or nothing was recorded.",
            Outcome::Findings | Outcome::Information => "None.",
        };
        paragraph(doc, parent, text);
        return;
    }
    let list = doc.node(Some(parent), Role::List);
    for one in &section.findings {
        finding(doc, list, one);
    }
    doc.y += 2.0;
}

fn finding(doc: &mut Doc<'_>, list: NodeId, finding: &Finding) {
    const INDENT: f32 = 62.0;
    doc.need(36.0);
    let item = doc.node(Some(list), Role::Item);
    let mark = doc.node(Some(item), Role::Label);
    let body = doc.node(Some(item), Role::Body);
    let (word, tone) = severity(finding.severity);
    let top = doc.y;
    doc.tagged(mark, |doc| {
        badge(doc, word, tone, LEFT, top);
    });
    flow(
        doc,
        body,
        &finding.text,
        &BODY,
        LEFT + INDENT,
        WIDTH - INDENT,
        Lines::Escape,
    );
    let mut about = format!("{} · {}", finding.kind, counted(finding.count, "item", "items"));
    if !finding.log_indexes.is_empty() {
        let listed: Vec<String> = finding.log_indexes.iter().map(u64::to_string).collect();
        about.push_str(" · log_index ");
        about.push_str(&listed.join(", "));
        let more = finding.count.saturating_sub(finding.log_indexes.len() as u64);
        if more > 0 {
            about.push_str(&format!(" and {} more", whole(more)));
        }
    }
    flow(doc, body, &about, &SMALL, LEFT + INDENT, WIDTH - INDENT, Lines::Escape);
    doc.y += 6.0;
}
