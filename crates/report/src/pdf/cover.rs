//! The cover: what the report is, of whom, of which period, and whether its log is intact.

use krilla::tagging::ArtifactType;

use super::blocks::{backdrop, block};
use super::facts::{exact, fact, facts};
use super::page::Doc;
use super::shapes;
use super::style::{ACCENT, BODY, COVER_SUBTITLE, COVER_TITLE, H1, LABEL, LEFT, PAGE_WIDTH, Type, WIDTH};
use super::tags::{NodeId, Role};
use super::values::{day_or_time, time};
use super::verdict::{self, Verdict};
use crate::model::{Kind, Report};

/// Draws the cover.
pub(crate) fn cover(doc: &mut Doc<'_>, report: &Report) {
    let section = doc.node(None, Role::Section);
    doc.artifact(ArtifactType::Layout, |doc| {
        doc.fill(shapes::rect(0.0, 0.0, PAGE_WIDTH, 9.0), ACCENT);
    });
    doc.y = 92.0;
    let kind = match report.kind {
        Kind::Compliance => "COMPLIANCE REPORT",
        Kind::Custom => "AUDIT LOG REPORT",
        Kind::Incident => "INVESTIGATION REPORT",
    };
    put(
        doc,
        section,
        Role::Paragraph,
        kind,
        &Type {
            size: 8.5,
            leading: 12.0,
            color: ACCENT,
            ..LABEL
        },
        1,
    );
    if let Some(organisation) = report.organisation.as_deref().filter(|name| !name.is_empty()) {
        doc.y += 3.0;
        put(doc, section, Role::Paragraph, organisation, &COVER_SUBTITLE, 2);
    }
    doc.y += 30.0;
    let title = super::escape::label(doc.fonts, &report.title, 300);
    put(doc, section, Role::Heading(1, title), &report.title, &COVER_TITLE, 4);
    doc.y += 6.0;
    let definition = match (report.definition.name.as_str(), report.definition.version.as_str()) {
        (name, "") => name.to_owned(),
        (name, version) => format!("{name} · {version}"),
    };
    put(doc, section, Role::Paragraph, &definition, &COVER_SUBTITLE, 3);
    doc.y += 26.0;
    put(doc, section, Role::Paragraph, "PERIOD", &LABEL, 1);
    let period = format!("{} to {}", day_or_time(&report.since), day_or_time(&report.until));
    put(
        doc,
        section,
        Role::Paragraph,
        &period,
        &Type {
            size: 14.0,
            leading: 20.0,
            ..H1
        },
        2,
    );
    doc.y += 22.0;
    panel(doc, section, &verdict::of(&report.integrity));
    doc.y += 20.0;
    let id = format!("No. {} of this database", report.report_id);
    let filters = match &report.filters {
        serde_json::Value::Null => "none: all events of the period".to_owned(),
        serde_json::Value::Object(fields) if fields.is_empty() => "none: all events of the period".to_owned(),
        filters => filters.to_string(),
    };
    facts(
        doc,
        section,
        &[
            fact("Report", id),
            fact("From (inclusive)", time(&report.since)),
            fact("Until (exclusive)", time(&report.until)),
            fact("Time zone", "UTC; all times in this report"),
            fact("Made by", report.made_by.as_str()),
            fact("Asked for at", time(&report.made_at)),
            fact("Database", report.scope.database.as_str()),
            fact("Software", report.scope.software.as_str()),
            fact("Filters", filters),
            fact("Definition", report.definition.id.as_str()),
            exact("Definition SHA-256", report.definition.sha256.as_str()),
        ],
    );
}

fn put(doc: &mut Doc<'_>, section: NodeId, role: Role, text: &str, style: &Type, most: usize) {
    if text.is_empty() {
        return;
    }
    let node = doc.node(Some(section), role);
    let top = doc.y;
    doc.tagged(node, |doc| {
        doc.y += block(doc, text, style, (LEFT, top, WIDTH), most, true)
    });
}

/// The verdict in a coloured box.
pub(crate) fn panel(doc: &mut Doc<'_>, section: NodeId, verdict: &Verdict) {
    const PAD: f32 = 14.0;
    let headline = Type {
        color: verdict.tone.text,
        size: 16.0,
        leading: 21.0,
        ..H1
    };
    let width = WIDTH - PAD * 2.0 - 4.0;
    let text = verdict.sentences.join(" ");
    let style = Type {
        size: 9.0,
        leading: 13.0,
        ..BODY
    };
    let lines = block(doc, &text, &style, (LEFT, 0.0, width), 8, false);
    let height = PAD * 2.0 + LABEL.leading + 2.0 + headline.leading + 4.0 + lines;
    doc.need(height);
    let top = doc.y;
    backdrop(doc, LEFT, top, WIDTH, height, verdict.tone.back);
    doc.artifact(ArtifactType::Layout, |doc| {
        doc.fill(shapes::rect(LEFT, top, 4.0, height), verdict.tone.text)
    });
    let x = LEFT + PAD + 4.0;
    let mut y = top + PAD;
    let label = doc.node(Some(section), Role::Paragraph);
    let heading = doc.node(Some(section), Role::Paragraph);
    let body = doc.node(Some(section), Role::Paragraph);
    doc.tagged(label, |doc| {
        y += block(
            doc,
            "INTEGRITY OF THE LOG",
            &LABEL.colored(verdict.tone.text),
            (x, y, width),
            1,
            true,
        ) + 2.0;
    });
    doc.tagged(heading, |doc| {
        y += block(doc, verdict.headline, &headline, (x, y, width), 1, true) + 4.0
    });
    doc.tagged(body, |doc| {
        block(doc, &text, &style, (x, y, width), 8, true);
    });
    doc.y = top + height;
}
