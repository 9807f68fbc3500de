//! The summary: figures and charts of the whole, and all sections at a glance.

use super::blocks::{heading1, note};
use super::cards::cards;
use super::chart::chart;
use super::page::Doc;
use super::style::{CELL, CELL_HEAD, Type};
use super::table::{Cell, Grid, Head, table};
use super::tags::Role;
use super::verdict::{directness, outcome, severity};
use crate::model::{Finding, Report, Section, Severity};

/// Figures and charts of the whole.
pub(crate) fn summary(doc: &mut Doc<'_>, title: &str, report: &Report) {
    let section = doc.node(None, Role::Section);
    heading1(doc, section, title, 240.0);
    if report.summary.is_empty() && report.charts.is_empty() {
        note(doc, section, "This report has no figures of the whole.");
    }
    cards(doc, section, &report.summary);
    for one in &report.charts {
        chart(doc, section, one);
    }
}

/// A row for each section: its control, title, directness, result and findings.
pub(crate) fn overview(doc: &mut Doc<'_>, title: &str, sections: &[Section]) {
    const STRONG: Type = CELL_HEAD;
    let part = doc.node(None, Role::Section);
    heading1(doc, part, title, 120.0);
    if sections.is_empty() {
        note(doc, part, "This report has no sections.");
        return;
    }
    let columns = ["Control", "Section", "Evidence", "Result", "Findings"].map(Head::left);
    let cell = |row: usize, column: usize| {
        let section = &sections[row];
        match column {
            0 => Cell {
                text: section.control.as_deref().unwrap_or("–").into(),
                style: STRONG,
            },
            1 => Cell {
                text: section.title.as_str().into(),
                style: CELL,
            },
            2 => Cell {
                text: section.directness.as_deref().map_or("–", directness).into(),
                style: CELL,
            },
            3 => {
                let (word, tone) = outcome(section.result);
                Cell {
                    text: word.into(),
                    style: STRONG.colored(tone.text),
                }
            }
            _ => Cell {
                text: tally(&section.findings).into(),
                style: CELL,
            },
        }
    };
    let fixed = [62.0, 0.0, 88.0, 68.0, 120.0];
    let rest = super::style::WIDTH - fixed.iter().sum::<f32>();
    let fixed = fixed.map(|width| if width == 0.0 { rest } else { width });
    table(
        doc,
        part,
        &Grid {
            row_heads: true,
            fixed: Some(&fixed),
            ..Grid::new(&columns, sections.len(), &cell)
        },
    );
}

/// «1 critical, 2 warnings», worst first.
pub(crate) fn tally(findings: &[Finding]) -> String {
    let parts: Vec<String> = [Severity::Critical, Severity::Warning, Severity::Note]
        .into_iter()
        .filter_map(|of| {
            let count = findings.iter().filter(|finding| finding.severity == of).count();
            let (word, _) = severity(of);
            let plural = if count == 1 || of == Severity::Critical {
                ""
            } else {
                "s"
            };
            (count > 0).then(|| format!("{count} {}{plural}", word.to_lowercase()))
        })
        .collect();
    if parts.is_empty() {
        "none".into()
    } else {
        parts.join(", ")
    }
}
