//! The report as PDF/A-3a: pages for people, with the files for machines attached.
//!
//! Drawn with [krilla](https://docs.rs/krilla), whose validator refuses what is not PDF/A; the layout is ours. A pure function: the same
//! report gives the same bytes.

mod blocks;
mod cards;
mod chart;
mod closing;
mod columns;
mod cover;
mod escape;
mod facts;
mod file;
mod fonts;
mod integrity;
mod overview;
mod page;
mod replay;
mod rows;
mod sample;
mod section;
mod shapes;
mod shaping;
mod style;
mod table;
mod tags;
mod text;
mod toc;
mod values;
mod verdict;

use fonts::Fonts;
use page::{Doc, Frame, Mark};

use crate::model::Report;

/// A file in the PDF.
#[derive(Debug, Clone, Copy)]
pub struct Attachment<'a> {
    /// Its name, unique: `report.json`.
    pub name: &'a str,
    /// Its media type: `application/json`.
    pub mime: &'a str,
    /// What it is, for people.
    pub description: &'a str,
    /// Its content.
    pub bytes: &'a [u8],
}

/// How much is drawn; everything is in the attached files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Rows of a table.
    pub rows: usize,
}

impl Default for Limits {
    /// 5,000 rows: about a hundred pages, a second, and 4 MB.
    fn default() -> Self {
        Self { rows: 5_000 }
    }
}

/// Why no PDF was made.
#[derive(Debug, thiserror::Error)]
pub enum PdfError {
    /// A font in the crate cannot be read.
    #[error("a font of the report cannot be read; build the extension again")]
    Font,
    /// An attachment is not what PDF allows.
    #[error("attachment {name:?} {problem}")]
    Attachment {
        /// Its name.
        name: String,
        /// What is wrong, and what to do.
        problem: &'static str,
    },
    /// The document is not PDF/A, or it exceeds what a PDF can hold.
    #[error("the report cannot be written as PDF/A: {0}; draw fewer rows, and report this with the report's JSON")]
    Invalid(String),
}

/// Renders a report with the default [`Limits`].
///
/// # Errors
///
/// See [`PdfError`]; no text of the report leads to one.
pub fn render(report: &Report, attachments: &[Attachment<'_>]) -> Result<Vec<u8>, PdfError> {
    render_with(report, attachments, &Limits::default())
}

/// Renders a report.
///
/// # Errors
///
/// See [`PdfError`]; no text of the report leads to one.
pub fn render_with(report: &Report, attachments: &[Attachment<'_>], limits: &Limits) -> Result<Vec<u8>, PdfError> {
    let fonts = Fonts::read().ok_or(PdfError::Font)?;
    let frame = frame(report);
    let hashes: Vec<String> = attachments.iter().map(|file| closing::sha256(file.bytes)).collect();
    let content = Content {
        report,
        attachments,
        hashes: &hashes,
        limits,
        titles: titles(report),
    };

    let mut counted = Doc::counting(&fonts, &frame);
    content.lay_out(&mut counted, &[]);
    let (total, marks, _) = counted.finish();

    let mut document = file::open();
    file::attach(&mut document, report, attachments)?;
    let mut drawn = Doc::drawing(&fonts, &frame, document, total);
    content.lay_out(&mut drawn, &marks);
    let (_, marks, output) = drawn.finish();
    let (document, tags) = output.ok_or(PdfError::Font)?;
    file::close(
        document,
        report,
        &hashes,
        toc::bookmarks(&fonts, &marks),
        tags.finish(),
        &fonts,
    )
}

/// What is laid out, twice.
struct Content<'a> {
    report: &'a Report,
    attachments: &'a [Attachment<'a>],
    hashes: &'a [String],
    limits: &'a Limits,
    /// Of the parts, in their order.
    titles: Vec<String>,
}

/// Titles of the parts before the sections.
const BEFORE: [&str; 4] = ["Scope and limits", "Integrity", "Summary", "Overview of sections"];
/// Titles of the parts after them.
const AFTER: [&str; 2] = ["Sign-off", "Attachments"];

fn titles(report: &Report) -> Vec<String> {
    let mut titles: Vec<String> = BEFORE.map(String::from).to_vec();
    titles.extend(report.sections.iter().map(section::title));
    titles.extend(AFTER.map(String::from));
    titles
}

fn frame(report: &Report) -> Frame {
    let period = format!(
        "{} to {}",
        values::day_or_time(&report.since),
        values::day_or_time(&report.until)
    );
    Frame {
        title: report.title.clone(),
        owner: report.organisation.clone().unwrap_or_default(),
        note: format!(
            "Report {} · {} · {period} UTC",
            report.report_id,
            escape::shortened(&report.definition.name, 60)
        ),
    }
}

impl Content<'_> {
    /// The envelope: cover, contents, scope, integrity, summary, overview, sections, sign-off, attachments.
    fn lay_out(&self, doc: &mut Doc<'_>, marks: &[Mark]) {
        let report = self.report;
        cover::cover(doc, report);
        toc::contents(doc, &self.titles, marks);
        doc.new_page();
        integrity::scope(doc, BEFORE[0], &report.scope);
        integrity::integrity(doc, BEFORE[1], &report.integrity);
        overview::summary(doc, BEFORE[2], report);
        overview::overview(doc, BEFORE[3], &report.sections);
        doc.new_page();
        for section in &report.sections {
            section::section(doc, section, self.limits);
        }
        closing::sign_off(doc, AFTER[0]);
        closing::attachments(doc, AFTER[1], self.attachments, self.hashes);
    }
}
