//! Draws a page.

use std::ops::Range;

use krilla::Document;
use krilla::annotation::{Annotation, LinkAnnotation, Target};
use krilla::color::rgb;
use krilla::destination::XyzDestination;
use krilla::geom::{Point, Rect};
use krilla::num::NormalizedF32;
use krilla::page::PageSettings;
use krilla::paint::{Fill, FillRule, Stroke};
use krilla::surface::Location;
use krilla::tagging::{Artifact, ContentTag, SpanTag};
use krilla::text::GlyphId;

use super::fonts::Fonts;
use super::page::{LinkTo, Op, Sheet};
use super::style::{PAGE_HEIGHT, PAGE_WIDTH, Rgb};
use super::tags::Tags;
use super::text::Glyph;

impl krilla::text::Glyph for Glyph {
    fn glyph_id(&self) -> GlyphId {
        GlyphId::new(u32::from(self.id))
    }

    fn text_range(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    fn x_advance(&self, size: f32) -> f32 {
        self.advance * size
    }

    fn x_offset(&self, size: f32) -> f32 {
        self.dx * size
    }

    fn y_offset(&self, size: f32) -> f32 {
        self.dy * size
    }

    fn y_advance(&self, _size: f32) -> f32 {
        0.0
    }

    fn location(&self) -> Option<Location> {
        None
    }
}

/// Draws a page, and empties it for the next.
pub(crate) fn replay(document: &mut Document, tags: &mut Tags, fonts: &Fonts, sheet: &mut Sheet) {
    let Some(settings) = PageSettings::from_wh(PAGE_WIDTH, PAGE_HEIGHT) else {
        return;
    };
    let mut page = document.start_page_with(settings);
    let mut surface = page.surface();
    for op in sheet.ops.drain(..) {
        match op {
            Op::Begin(node) => {
                let content = surface.start_tagged(ContentTag::Span(SpanTag::empty()));
                tags.content(node, content);
            }
            Op::Artifact(kind) => {
                surface.start_tagged(ContentTag::Artifact(Artifact::with_kind(kind)));
            }
            Op::End => surface.end_tagged(),
            Op::Fill(path, color) => {
                surface.set_stroke(None);
                surface.set_fill(Some(fill(color)));
                surface.draw_path(&path);
            }
            Op::Stroke(path, color, width) => {
                surface.set_fill(None);
                surface.set_stroke(Some(Stroke {
                    paint: paint(color).into(),
                    width,
                    ..Stroke::default()
                }));
                surface.draw_path(&path);
            }
            Op::Glyphs {
                x,
                y,
                font,
                size,
                color,
                glyphs,
                text,
            } => {
                surface.set_stroke(None);
                surface.set_fill(Some(fill(color)));
                surface.draw_glyphs(
                    Point::from_xy(x, y),
                    &sheet.glyphs[glyphs.0 as usize..glyphs.1 as usize],
                    fonts.pdf(font).clone(),
                    &sheet.text[text.0 as usize..text.1 as usize],
                    size,
                    false,
                );
            }
        }
    }
    surface.finish();
    for LinkTo {
        node,
        area: [left, top, right, bottom],
        page: target,
        y,
        alt,
    } in sheet.links.drain(..)
    {
        let Some(area) = Rect::from_ltrb(left, top, right, bottom) else {
            continue;
        };
        let destination = XyzDestination::new(target, Point::from_xy(0.0, (y - 12.0).max(0.0)));
        let link = LinkAnnotation::new(area, Target::Destination(destination.into()));
        let content = page.add_tagged_annotation(Annotation::new_link(link, Some(alt)));
        tags.content(node, content);
    }
    page.finish();
    sheet.glyphs.clear();
    sheet.text.clear();
}

fn paint(color: Rgb) -> rgb::Color {
    rgb::Color::new(color.0, color.1, color.2)
}

fn fill(color: Rgb) -> Fill {
    Fill {
        paint: paint(color).into(),
        opacity: NormalizedF32::ONE,
        rule: FillRule::NonZero,
    }
}
