//! Pages: where the next block goes, what is drawn on the page at hand, and the running header and footer.
//!
//! The report is laid out twice by the same code: first only counted, so that «page x of y» and the table of contents are known, then
//! drawn. A page is kept as a list of drawing operations until it is full, so memory does not grow with the table.

use krilla::Document;
use krilla::geom::Path;
use krilla::tagging::ArtifactType;

use super::fonts::Fonts;
use super::replay::replay;
use super::style::{BOTTOM, HAIRLINE, LEFT, MUTED, RIGHT, Rgb, SMALL, TOP, Type, WIDTH};
use super::tags::{NodeId, Role, Tags};
use super::text::{Glyph, Line, Shaped, shaped};

/// What is drawn on a page.
pub(crate) enum Op {
    /// What follows is content of a node.
    Begin(NodeId),
    /// What follows is no content.
    Artifact(ArtifactType),
    /// See [`Op::Begin`].
    End,
    Fill(Path, Rgb),
    /// A line of a width.
    Stroke(Path, Rgb, f32),
    Glyphs {
        x: f32,
        y: f32,
        font: u8,
        size: f32,
        color: Rgb,
        glyphs: (u32, u32),
        text: (u32, u32),
    },
}

/// A rectangle that leads to a place of the document.
pub(crate) struct LinkTo {
    pub node: NodeId,
    /// Left, top, right, bottom.
    pub area: [f32; 4],
    pub page: usize,
    pub y: f32,
    pub alt: String,
}

/// A page that is not full yet.
#[derive(Default)]
pub(crate) struct Sheet {
    pub ops: Vec<Op>,
    pub glyphs: Vec<Glyph>,
    pub text: String,
    pub links: Vec<LinkTo>,
}

/// A heading for the bookmarks and the table of contents.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mark {
    pub title: String,
    /// 1 for parts, 2 for what is in them.
    pub level: u8,
    /// From zero.
    pub page: usize,
    pub y: f32,
}

/// What is on every page.
pub(crate) struct Frame {
    /// At the left of the header.
    pub title: String,
    /// At its right.
    pub owner: String,
    /// At the left of the footer.
    pub note: String,
}

/// The finished drawing: only in the second pass.
struct Output {
    document: Document,
    tags: Tags,
    /// Pages of the first pass.
    total: usize,
}

/// A document that is laid out.
pub(crate) struct Doc<'a> {
    pub fonts: &'a Fonts,
    frame: &'a Frame,
    output: Option<Output>,
    sheet: Sheet,
    /// The page at hand, from zero.
    pub page: usize,
    /// Where the next block goes.
    pub y: f32,
    pub marks: Vec<Mark>,
}

impl<'a> Doc<'a> {
    /// A document that only counts.
    pub(crate) fn counting(fonts: &'a Fonts, frame: &'a Frame) -> Self {
        Self {
            fonts,
            frame,
            output: None,
            sheet: Sheet::default(),
            page: 0,
            y: TOP,
            marks: Vec::new(),
        }
    }

    /// A document that draws, with the number of pages that counting has given.
    pub(crate) fn drawing(fonts: &'a Fonts, frame: &'a Frame, document: Document, total: usize) -> Self {
        let output = Some(Output {
            document,
            tags: Tags::new(),
            total,
        });
        Self {
            output,
            ..Self::counting(fonts, frame)
        }
    }

    /// Ends the last page. Gives the number of pages and the headings, and the document with its tags when it was drawn.
    pub(crate) fn finish(mut self) -> (usize, Vec<Mark>, Option<(Document, Tags)>) {
        self.end_page();
        (
            self.page,
            self.marks,
            self.output.map(|output| (output.document, output.tags)),
        )
    }

    /// A new node of the tree of tags.
    pub(crate) fn node(&mut self, parent: Option<NodeId>, role: Role) -> NodeId {
        match &mut self.output {
            Some(output) => output.tags.add(parent, role),
            None => NodeId::default(),
        }
    }

    /// Height that is left on the page.
    pub(crate) fn left(&self) -> f32 {
        BOTTOM - self.y
    }

    /// Is nothing on the page yet?
    pub(crate) fn is_at_top(&self) -> bool {
        self.y <= TOP
    }

    /// Goes to a new page when less than a height is left.
    pub(crate) fn need(&mut self, height: f32) {
        if self.left() < height && !self.is_at_top() {
            self.new_page();
        }
    }

    /// Leaves a gap, but not at the top of a page.
    pub(crate) fn gap(&mut self, height: f32) {
        if !self.is_at_top() {
            self.y += height;
        }
    }

    /// Ends the page and goes to the top of the next.
    pub(crate) fn new_page(&mut self) {
        self.end_page();
        self.y = TOP;
    }

    /// Remembers a heading at the place at hand.
    pub(crate) fn mark(&mut self, level: u8, title: &str) {
        self.marks.push(Mark {
            title: title.to_owned(),
            level,
            page: self.page,
            y: self.y,
        });
    }

    /// Draws content of a node.
    pub(crate) fn tagged(&mut self, node: NodeId, draw: impl FnOnce(&mut Self)) {
        self.op(Op::Begin(node));
        draw(self);
        self.op(Op::End);
    }

    /// Draws what is no content: lines, backgrounds, repeated heads.
    pub(crate) fn artifact(&mut self, kind: ArtifactType, draw: impl FnOnce(&mut Self)) {
        self.op(Op::Artifact(kind));
        draw(self);
        self.op(Op::End);
    }

    /// A filled shape.
    pub(crate) fn fill(&mut self, path: Option<Path>, color: Rgb) {
        if let Some(path) = path {
            self.op(Op::Fill(path, color));
        }
    }

    /// A line along a path.
    pub(crate) fn stroke(&mut self, path: Option<Path>, color: Rgb, width: f32) {
        if let Some(path) = path {
            self.op(Op::Stroke(path, color, width));
        }
    }

    /// A line of text whose top left corner is given.
    pub(crate) fn text_line(&mut self, text: &Shaped, line: Line, style: &Type, x: f32, top: f32) {
        if self.output.is_none() {
            return;
        }
        let mut x = x;
        let y = top + style.ascent();
        let Sheet {
            ops,
            glyphs,
            text: buffer,
            ..
        } = &mut self.sheet;
        text.runs(line, |run| {
            let drawn = &text.glyphs[run.from as usize..run.until as usize];
            let start = drawn.iter().map(|glyph| glyph.start).min().unwrap_or(0);
            let end = drawn.iter().map(|glyph| glyph.end).max().unwrap_or(start);
            let from = glyphs.len() as u32;
            let text_from = buffer.len() as u32;
            buffer.push_str(&text.text[start as usize..end as usize]);
            glyphs.extend(drawn.iter().map(|glyph| Glyph {
                start: glyph.start - start,
                end: glyph.end - start,
                ..*glyph
            }));
            ops.push(Op::Glyphs {
                x,
                y,
                font: run.font,
                size: style.size,
                color: style.color,
                glyphs: (from, glyphs.len() as u32),
                text: (text_from, buffer.len() as u32),
            });
            x += run.width * style.size;
        });
    }

    /// A text on one line that ends with «…» when it is too wide; gives its width.
    pub(crate) fn text_in(&mut self, text: &str, style: &Type, x: f32, top: f32, width: f32, align: Align) -> f32 {
        let text = shaped(self.fonts, style, &super::escape::shortened(text, 400));
        let whole = text.lines(style.size, f32::MAX)[0];
        if whole.width <= width {
            let x = x + align.offset(width - whole.width);
            self.text_line(&text, whole, style, x, top);
            return whole.width;
        }
        let dots = shaped(self.fonts, style, "…");
        let end = dots.lines(style.size, f32::MAX)[0];
        let line = text.trimmed(whole, style.size, width - end.width);
        self.text_line(&text, line, style, x, top);
        self.text_line(&dots, end, style, x + line.width, top);
        line.width + end.width
    }

    /// Makes a rectangle of the page a link; `node` is a [`Role::Link`] that holds its text, too.
    pub(crate) fn link(&mut self, link: LinkTo) {
        if self.output.is_some() {
            self.sheet.links.push(link);
        }
    }

    fn op(&mut self, op: Op) {
        if self.output.is_some() {
            self.sheet.ops.push(op);
        }
    }

    fn end_page(&mut self) {
        if self.output.is_some() {
            self.header_and_footer();
        }
        if let Some(output) = &mut self.output {
            replay(&mut output.document, &mut output.tags, self.fonts, &mut self.sheet);
        }
        self.page += 1;
    }

    fn header_and_footer(&mut self) {
        let frame = self.frame;
        let total = self.output.as_ref().map_or(0, |output| output.total);
        if self.page > 0 {
            self.artifact(ArtifactType::Header, |doc| {
                let strong = super::style::LABEL;
                doc.text_in(&frame.title, &strong, LEFT, 40.0, WIDTH * 0.6, Align::Left);
                doc.text_in(
                    &frame.owner,
                    &SMALL,
                    LEFT + WIDTH * 0.62,
                    39.0,
                    WIDTH * 0.38,
                    Align::Right,
                );
                doc.stroke(super::shapes::line(LEFT, 54.0, RIGHT, 54.0), HAIRLINE, 0.6);
            });
        }
        let number = format!("Page {} of {total}", self.page + 1);
        self.artifact(ArtifactType::Footer, |doc| {
            let style = SMALL.colored(MUTED);
            doc.text_in(&frame.note, &style, LEFT, BOTTOM + 24.0, WIDTH * 0.76, Align::Left);
            doc.text_in(
                &number,
                &style,
                LEFT + WIDTH * 0.78,
                BOTTOM + 24.0,
                WIDTH * 0.22,
                Align::Right,
            );
        });
    }
}

/// Where a text is within its width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Center,
    Right,
}

impl Align {
    /// How far the text is moved when so much width is left.
    pub(crate) fn offset(self, left: f32) -> f32 {
        match self {
            Self::Left => 0.0,
            Self::Center => left / 2.0,
            Self::Right => left,
        }
    }
}
