//! The table of contents, and the bookmarks.

use krilla::destination::XyzDestination;
use krilla::geom::Point;
use krilla::outline::{Outline, OutlineNode};
use krilla::tagging::ArtifactType;

use super::escape::label;
use super::fonts::Fonts;
use super::page::{Align, Doc, LinkTo, Mark};
use super::shapes;
use super::style::{BODY, H1, HAIRLINE, LEFT, RIGHT, WIDTH};
use super::tags::Role;

const NUMBER_WIDTH: f32 = 34.0;
const ROW: f32 = 19.0;

/// Draws the table of contents. While pages are only counted, it has as many rows, without their numbers.
pub(crate) fn contents(doc: &mut Doc<'_>, titles: &[String], marks: &[Mark]) {
    doc.new_page();
    let section = doc.node(None, Role::Section);
    let heading = doc.node(Some(section), Role::Heading(2, "Contents".into()));
    let top = doc.y;
    doc.tagged(heading, |doc| {
        doc.text_in("Contents", &H1, LEFT, top, WIDTH, Align::Left);
    });
    doc.y += H1.leading + 10.0;
    let list = doc.node(Some(section), Role::Contents);
    let mut parts = marks.iter().filter(|mark| mark.level == 1);
    for title in titles {
        let mark = parts.next();
        doc.need(ROW);
        let top = doc.y;
        let item = doc.node(Some(list), Role::ContentsItem);
        let link = doc.node(Some(item), Role::Link);
        doc.tagged(link, |doc| {
            doc.text_in(title, &BODY, LEFT, top + 2.0, WIDTH - NUMBER_WIDTH - 6.0, Align::Left);
            if let Some(mark) = mark {
                let number = (mark.page + 1).to_string();
                doc.text_in(
                    &number,
                    &BODY,
                    RIGHT - NUMBER_WIDTH,
                    top + 2.0,
                    NUMBER_WIDTH,
                    Align::Right,
                );
            }
        });
        doc.artifact(ArtifactType::Layout, |doc| {
            doc.stroke(
                shapes::line(LEFT, top + ROW - 0.5, RIGHT, top + ROW - 0.5),
                HAIRLINE,
                0.5,
            );
        });
        if let Some(mark) = mark {
            let alt = format!("Go to {}", label(doc.fonts, title, 300));
            let area = [LEFT, top, RIGHT, top + ROW];
            doc.link(LinkTo {
                node: link,
                area,
                page: mark.page,
                y: mark.y,
                alt,
            });
        }
        doc.y += ROW;
    }
}

/// The bookmarks: parts, and what is in them.
pub(crate) fn bookmarks(fonts: &Fonts, marks: &[Mark]) -> Outline {
    let mut outline = Outline::new();
    let mut part: Option<OutlineNode> = None;
    for mark in marks {
        let place = XyzDestination::new(mark.page, Point::from_xy(0.0, (mark.y - 12.0).max(0.0)));
        let node = OutlineNode::new(label(fonts, &mark.title, 300), place);
        match (&mut part, mark.level) {
            (Some(part), 2) => part.push_child(node),
            _ => {
                if let Some(done) = part.replace(node) {
                    outline.push_child(done);
                }
            }
        }
    }
    if let Some(done) = part {
        outline.push_child(done);
    }
    outline
}
