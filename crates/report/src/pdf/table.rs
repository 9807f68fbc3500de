//! Tables over pages: wrapped cells, a head that comes again on each page, rows that may be longer than a page.

use std::borrow::Cow;

use krilla::tagging::ArtifactType;

use super::columns::widths;
use super::escape::cut;
use super::page::{Align, Doc};
use super::shapes;
use super::style::{ACCENT, CELL_HEAD, HAIRLINE, LEFT, PALE, Tone, Type, WARNING, WIDTH};
use super::tags::{NodeId, Role};
use super::text::{Line, Shaped, shaped};

/// Left and right of a cell's text when nothing else is given.
const PAD_X: f32 = 5.0;
const PAD_Y: f32 = 2.6;
/// Characters of a cell that are drawn; the rest is in the attached JSON.
const CELL_LIMIT: usize = 2_000;
/// A row begins on a page that has so much room, or that it fits on.
const ROOM: f32 = 60.0;
/// Lines of a column's head.
const HEAD_LINES: usize = 3;

/// The head of a column.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub label: String,
    pub align: Align,
    /// Room at the left beside the padding: between blocks of a table.
    pub indent: f32,
}

impl Head {
    /// The head of a column of text.
    pub(crate) fn left(label: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            align: Align::Left,
            indent: 0.0,
        }
    }

    /// The head of a column of numbers.
    pub(crate) fn right(label: impl Into<String>) -> Self {
        Self {
            align: Align::Right,
            ..Self::left(label)
        }
    }
}

/// A cell.
pub(crate) struct Cell<'a> {
    pub text: Cow<'a, str>,
    pub style: Type,
}

/// A table whose cells are made when they are drawn.
pub(crate) struct Grid<'a> {
    pub columns: &'a [Head],
    pub rows: usize,
    pub cell: &'a dyn Fn(usize, usize) -> Cell<'a>,
    /// How many of the first rows are exceptions; they are marked.
    pub exceptions: usize,
    /// Whether the first cell of a row is its head.
    pub row_heads: bool,
    /// Whether there is a row of heads.
    pub headed: bool,
    /// Whether the columns take the whole width.
    pub filled: bool,
    /// Widths that are given.
    pub fixed: Option<&'a [f32]>,
    pub head_type: Type,
    /// Left and right of a cell's text.
    pub pad_x: f32,
}

impl<'a> Grid<'a> {
    /// A table with a row of heads over the whole width.
    pub(crate) fn new(columns: &'a [Head], rows: usize, cell: &'a dyn Fn(usize, usize) -> Cell<'a>) -> Self {
        Self {
            columns,
            rows,
            cell,
            exceptions: 0,
            row_heads: false,
            headed: true,
            filled: true,
            fixed: None,
            head_type: CELL_HEAD,
            pad_x: PAD_X,
        }
    }
}

/// A cell that is broken into lines.
struct Wrapped {
    text: Shaped,
    lines: Vec<Line>,
    style: Type,
}

struct Drawer<'a, 'g> {
    grid: &'a Grid<'g>,
    widths: Vec<f32>,
    head: Vec<Wrapped>,
}

/// Draws a table.
pub(crate) fn table(doc: &mut Doc<'_>, parent: NodeId, grid: &Grid<'_>) {
    if grid.columns.is_empty() {
        return;
    }
    let widths = grid
        .fixed
        .map_or_else(|| widths(doc.fonts, grid, WIDTH), <[f32]>::to_vec);
    let head = grid.columns.iter().zip(&widths).map(|(head, width)| {
        let text = shaped(doc.fonts, &grid.head_type, &super::escape::shortened(&head.label, 200));
        let mut lines = text.lines(grid.head_type.size, width - grid.pad_x * 2.0 - head.indent);
        lines.truncate(HEAD_LINES);
        Wrapped {
            text,
            lines,
            style: grid.head_type,
        }
    });
    let drawer = Drawer {
        grid,
        head: head.collect(),
        widths,
    };
    let node = doc.node(Some(parent), Role::Table);
    if grid.headed {
        // With room for some rows.
        doc.need(drawer.head_height() + 40.0);
        let head = doc.node(Some(node), Role::Head);
        let row = doc.node(Some(head), Role::Row);
        drawer.head(doc, Some(row));
    }
    let body = doc.node(Some(node), Role::Rows);
    for row in 0..grid.rows {
        if grid.exceptions > 0 && row == 0 {
            let more = if grid.exceptions == 1 {
                "1 exception".into()
            } else {
                format!("{} exceptions", grid.exceptions)
            };
            drawer.band(doc, body, &more, WARNING);
        } else if grid.exceptions > 0 && row == grid.exceptions {
            drawer.band(doc, body, "Other rows", super::style::NEUTRAL);
        }
        drawer.row(doc, body, row);
    }
    doc.y += 4.0;
}

impl Drawer<'_, '_> {
    fn total_width(&self) -> f32 {
        self.widths.iter().sum()
    }

    /// Width that a cell's text has.
    fn inner_width(&self, column: usize) -> f32 {
        self.widths[column] - self.grid.pad_x * 2.0 - self.grid.columns[column].indent
    }

    fn head_height(&self) -> f32 {
        let lines = self.head.iter().map(|cell| cell.lines.len()).max().unwrap_or(1);
        lines as f32 * self.grid.head_type.leading + PAD_Y * 2.0
    }

    /// Draws the heads: as content of a row, or as a repetition.
    fn head(&self, doc: &mut Doc<'_>, row: Option<NodeId>) {
        let (top, height) = (doc.y, self.head_height());
        doc.artifact(ArtifactType::Layout, |doc| {
            doc.fill(shapes::rect(LEFT, top, self.total_width(), height), PALE);
            doc.stroke(
                shapes::line(LEFT, top + height, LEFT + self.total_width(), top + height),
                ACCENT,
                0.9,
            );
        });
        let mut x = LEFT;
        for (column, cell) in self.head.iter().enumerate() {
            match row {
                Some(row) => {
                    let node = doc.node(Some(row), Role::ColumnHead);
                    doc.tagged(node, |doc| self.lines(doc, cell, column, x, top, 0..cell.lines.len()));
                }
                None => doc.artifact(ArtifactType::PaginationOther, |doc| {
                    self.lines(doc, cell, column, x, top, 0..cell.lines.len());
                }),
            }
            x += self.widths[column];
        }
        doc.y += height;
    }

    fn break_page(&self, doc: &mut Doc<'_>) {
        doc.new_page();
        if self.grid.headed {
            self.head(doc, None);
        }
    }

    /// A row over all columns that says what the rows below are.
    fn band(&self, doc: &mut Doc<'_>, body: NodeId, text: &str, tone: Tone) {
        let style = self.grid.head_type.colored(tone.text);
        let height = style.leading + PAD_Y * 2.0;
        if doc.left() < height + ROOM {
            self.break_page(doc);
        }
        let top = doc.y;
        doc.artifact(ArtifactType::Layout, |doc| {
            doc.fill(shapes::rect(LEFT, top, self.total_width(), height), tone.back);
        });
        let row = doc.node(Some(body), Role::Row);
        let node = doc.node(Some(row), Role::Band(self.widths.len() as u32));
        doc.tagged(node, |doc| {
            doc.text_in(
                text,
                &style,
                LEFT + self.grid.pad_x,
                top + PAD_Y,
                self.total_width() - self.grid.pad_x * 2.0,
                Align::Left,
            );
        });
        doc.y += height;
    }

    fn row(&self, doc: &mut Doc<'_>, body: NodeId, index: usize) {
        let cells: Vec<Wrapped> = (0..self.widths.len())
            .map(|column| self.wrapped(doc, index, column))
            .collect();
        let row = doc.node(Some(body), Role::Row);
        let nodes: Vec<NodeId> = (0..cells.len())
            .map(|column| {
                let role = if column == 0 && self.grid.row_heads {
                    Role::RowHead
                } else {
                    Role::Cell
                };
                doc.node(Some(row), role)
            })
            .collect();
        let leading = cells.iter().map(|cell| cell.style.leading).fold(0.0, f32::max);
        let count = cells.iter().map(|cell| cell.lines.len()).max().unwrap_or(1);
        let height = count as f32 * leading + PAD_Y * 2.0;
        // A row that is longer than a third of a page may be divided, others go to the next page as a whole.
        if doc.left() < height && (height < 220.0 || doc.left() < ROOM) {
            self.break_page(doc);
        }
        let mut from = 0;
        while from < count {
            let fit = ((doc.left() - PAD_Y * 2.0 + 0.01) / leading).max(1.0) as usize;
            let until = count.min(from + fit);
            let (top, height) = (doc.y, (until - from) as f32 * leading + PAD_Y * 2.0);
            self.rule(doc, index, top, height);
            let mut x = LEFT;
            for (column, cell) in cells.iter().enumerate() {
                let part = from.min(cell.lines.len())..until.min(cell.lines.len());
                if !part.is_empty() {
                    doc.tagged(nodes[column], |doc| self.lines(doc, cell, column, x, top, part));
                }
                x += self.widths[column];
            }
            doc.y += height;
            from = until;
            if from < count {
                self.break_page(doc);
            }
        }
    }

    /// The line below a row, and the mark of an exception.
    fn rule(&self, doc: &mut Doc<'_>, index: usize, top: f32, height: f32) {
        doc.artifact(ArtifactType::Layout, |doc| {
            if index < self.grid.exceptions {
                doc.fill(shapes::rect(LEFT, top, 2.0, height), WARNING.text);
            }
            let y = top + height;
            doc.stroke(shapes::line(LEFT, y, LEFT + self.total_width(), y), HAIRLINE, 0.5);
        });
    }

    fn wrapped(&self, doc: &Doc<'_>, row: usize, column: usize) -> Wrapped {
        let cell = (self.grid.cell)(row, column);
        let text = match cut(&cell.text, CELL_LIMIT) {
            (_, 0) => shaped(doc.fonts, &cell.style, &cell.text),
            (start, more) => {
                let note = format!("{start} … ({more} more characters are in report.json)");
                shaped(doc.fonts, &cell.style, &note)
            }
        };
        let lines = text.lines(cell.style.size, self.inner_width(column));
        Wrapped {
            text,
            lines,
            style: cell.style,
        }
    }

    fn lines(&self, doc: &mut Doc<'_>, cell: &Wrapped, column: usize, x: f32, top: f32, part: std::ops::Range<usize>) {
        let Head { align, indent, .. } = self.grid.columns[column];
        let (x, width) = (x + self.grid.pad_x + indent, self.inner_width(column));
        for (index, line) in cell.lines[part].iter().enumerate() {
            let x = x + align.offset((width - line.width).max(0.0));
            doc.text_line(
                &cell.text,
                *line,
                &cell.style,
                x,
                top + PAD_Y + index as f32 * cell.style.leading,
            );
        }
    }
}
