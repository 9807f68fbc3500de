//! Blocks of running text: headings, paragraphs, lists, boxes, badges.

use krilla::tagging::ArtifactType;

use super::escape::{Lines, cut, label, shortened};
use super::page::{Align, Doc};
use super::shapes;
use super::style::{ACCENT, BADGE, BODY, CODE, H1, H2, H3, HAIRLINE, LEFT, PALE, RIGHT, Rgb, SMALL, Tone, Type, WIDTH};
use super::tags::{NodeId, Role};
use super::text::{Line, Shaped};

/// Characters of a running text that are drawn; the rest is in the attached JSON.
const TEXT_LIMIT: usize = 20_000;
/// Characters of a heading that are drawn.
const TITLE_LIMIT: usize = 300;

/// The heading of a part, on a page with room for what follows, with a bookmark.
pub(crate) fn heading1(doc: &mut Doc<'_>, parent: NodeId, title: &str, room: f32) {
    doc.gap(30.0);
    doc.need(room);
    doc.mark(1, title);
    let title = shortened(title, TITLE_LIMIT);
    let node = doc.node(Some(parent), Role::Heading(2, label(doc.fonts, &title, TITLE_LIMIT)));
    flow(doc, node, &title, &H1, LEFT, WIDTH, Lines::Escape);
    doc.y += 3.0;
    let y = doc.y;
    doc.artifact(ArtifactType::Layout, |doc| {
        doc.stroke(shapes::line(LEFT, y, RIGHT, y), HAIRLINE, 0.8);
        doc.stroke(shapes::line(LEFT, y, LEFT + 42.0, y), ACCENT, 2.0);
    });
    doc.y += 12.0;
}

/// A heading in a part, with a bookmark.
pub(crate) fn heading2(doc: &mut Doc<'_>, parent: NodeId, title: &str) {
    doc.gap(14.0);
    // With room for a head of a table and some rows.
    doc.need(112.0);
    doc.mark(2, title);
    let title = shortened(title, TITLE_LIMIT);
    let node = doc.node(Some(parent), Role::Heading(3, label(doc.fonts, &title, TITLE_LIMIT)));
    flow(doc, node, &title, &H2, LEFT, WIDTH, Lines::Escape);
    doc.y += 4.0;
}

/// A small heading, of a chart, without a bookmark.
pub(crate) fn heading3(doc: &mut Doc<'_>, parent: NodeId, title: &str, room: f32) {
    doc.gap(10.0);
    doc.need(room);
    let title = shortened(title, TITLE_LIMIT);
    let node = doc.node(Some(parent), Role::Heading(3, label(doc.fonts, &title, TITLE_LIMIT)));
    flow(doc, node, &title, &H3, LEFT, WIDTH, Lines::Escape);
    doc.y += 3.0;
}

/// A paragraph of the report's text; line feeds in it are kept.
pub(crate) fn paragraph(doc: &mut Doc<'_>, parent: NodeId, text: &str) {
    styled(doc, parent, text, &BODY);
    doc.y += 5.0;
}

/// A note in small type.
pub(crate) fn note(doc: &mut Doc<'_>, parent: NodeId, text: &str) {
    styled(doc, parent, text, &SMALL);
    doc.y += 3.0;
}

/// A paragraph of a type over the whole width.
pub(crate) fn styled(doc: &mut Doc<'_>, parent: NodeId, text: &str, style: &Type) {
    if text.is_empty() {
        return;
    }
    let node = doc.node(Some(parent), Role::Paragraph);
    flow(doc, node, text, style, LEFT, WIDTH, Lines::Keep);
}

/// Lines of a text below each other, over as many pages as they need.
pub(crate) fn flow(doc: &mut Doc<'_>, node: NodeId, text: &str, style: &Type, x: f32, width: f32, keep: Lines) {
    let text = Shaped::new(doc.fonts, style.face, &limited(text), keep);
    let lines = text.lines(style.size, width);
    pages(doc, &lines, style.leading, 0.0, |doc, part| {
        doc.tagged(node, |doc| {
            for line in part {
                doc.text_line(&text, *line, style, x, doc.y);
                doc.y += style.leading;
            }
        });
    });
}

/// Draws lines in parts that fit on a page, `padding` above and below each part.
fn pages(doc: &mut Doc<'_>, lines: &[Line], leading: f32, padding: f32, mut draw: impl FnMut(&mut Doc<'_>, &[Line])) {
    let mut rest = lines;
    while !rest.is_empty() {
        // No single line of a longer text at the end of a page.
        doc.need(padding * 2.0 + leading * rest.len().min(2) as f32);
        let fit = ((doc.left() - padding * 2.0 + 0.01) / leading).max(1.0) as usize;
        let (part, after) = rest.split_at(fit.min(rest.len()));
        draw(doc, part);
        rest = after;
    }
}

fn limited(text: &str) -> std::borrow::Cow<'_, str> {
    match cut(text, TEXT_LIMIT) {
        (text, 0) => text.into(),
        (start, more) => format!("{start} … ({more} more characters are in report.json)").into(),
    }
}

/// A list of sentences.
pub(crate) fn bullets(doc: &mut Doc<'_>, parent: NodeId, items: &[String]) {
    let list = doc.node(Some(parent), Role::List);
    for item in items {
        let node = doc.node(Some(list), Role::Item);
        let bullet = doc.node(Some(node), Role::Label);
        let body = doc.node(Some(node), Role::Body);
        doc.need(BODY.leading);
        let y = doc.y;
        doc.tagged(bullet, |doc| {
            doc.text_in("•", &BODY.colored(ACCENT), LEFT + 2.0, y, 12.0, Align::Left);
        });
        flow(doc, body, item, &BODY, LEFT + 14.0, WIDTH - 14.0, Lines::Escape);
        doc.y += 2.5;
    }
}

/// A query, or a checkpoint, as it is: in a box, in the mono face.
pub(crate) fn code(doc: &mut Doc<'_>, parent: NodeId, text: &str) {
    const PAD: f32 = 7.0;
    let node = doc.node(Some(parent), Role::Code);
    let text = Shaped::new(doc.fonts, CODE.face, &limited(text), Lines::Keep);
    let lines = text.lines(CODE.size, WIDTH - PAD * 2.0 - 4.0);
    pages(doc, &lines, CODE.leading, PAD, |doc, part| {
        let (top, height) = (doc.y, part.len() as f32 * CODE.leading + PAD * 2.0);
        doc.artifact(ArtifactType::Layout, |doc| {
            doc.fill(shapes::rect(LEFT, top, WIDTH, height), PALE);
            doc.fill(shapes::rect(LEFT, top, 2.0, height), ACCENT);
        });
        doc.tagged(node, |doc| {
            for (index, line) in part.iter().enumerate() {
                doc.text_line(
                    &text,
                    *line,
                    &CODE,
                    LEFT + PAD + 4.0,
                    top + PAD + index as f32 * CODE.leading,
                );
            }
        });
        doc.y += height;
    });
    doc.y += 6.0;
}

/// Width of a badge with a text.
pub(crate) fn badge_width(doc: &Doc<'_>, text: &str) -> f32 {
    super::text::shaped(doc.fonts, &BADGE, text).natural_width(BADGE.size) + 12.0
}

/// A word in a coloured, round box: part of what is being drawn. Gives its width.
pub(crate) fn badge(doc: &mut Doc<'_>, text: &str, tone: Tone, x: f32, top: f32) -> f32 {
    let width = badge_width(doc, text);
    doc.fill(shapes::rounded(x, top, width, 13.0, 3.0), tone.back);
    doc.text_in(text, &BADGE.colored(tone.text), x + 6.0, top + 2.0, width, Align::Left);
    width
}

/// A filled box that is no content.
pub(crate) fn backdrop(doc: &mut Doc<'_>, x: f32, y: f32, width: f32, height: f32, color: Rgb) {
    doc.artifact(ArtifactType::Layout, |doc| {
        doc.fill(shapes::rounded(x, y, width, height, 4.0), color)
    });
}

/// At most `most` lines of a text in a width; the last ends with «…» when there is more. Gives their height.
pub(crate) fn block(
    doc: &mut Doc<'_>,
    text: &str,
    style: &Type,
    (x, top, width): (f32, f32, f32),
    most: usize,
    draw: bool,
) -> f32 {
    let text = super::text::shaped(doc.fonts, style, &shortened(text, most * 200));
    let lines = text.lines(style.size, width);
    let shown = lines.len().min(most);
    if draw {
        for (index, line) in lines.iter().take(shown).enumerate() {
            let y = top + index as f32 * style.leading;
            if index + 1 == shown && lines.len() > shown {
                let line = text.trimmed(*line, style.size, width - style.size);
                doc.text_line(&text, line, style, x, y);
                doc.text_in("…", style, x + line.width, y, style.size * 2.0, Align::Left);
            } else {
                doc.text_line(&text, *line, style, x, y);
            }
        }
    }
    shown as f32 * style.leading
}
