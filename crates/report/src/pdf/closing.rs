//! The end of a report: lines to sign on, and what is attached.

use std::fmt::Write as _;

use krilla::tagging::ArtifactType;
use sha2::{Digest as _, Sha256};

use super::Attachment;
use super::blocks::{heading1, note, paragraph};
use super::page::{Align, Doc};
use super::shapes;
use super::style::{CELL, CELL_CODE, LABEL, LEFT, MUTED, SMALL, WIDTH};
use super::table::{Cell, Grid, Head, table};
use super::tags::Role;
use super::values::bytes;

/// Lines for who made, reviewed and accepted the report.
pub(crate) fn sign_off(doc: &mut Doc<'_>, title: &str) {
    const GAP: f32 = 18.0;
    const FIELDS: [(&str, f32); 3] = [("Name and role", 0.36), ("Signature", 0.40), ("Date", 0.24)];
    let section = doc.node(None, Role::Section);
    heading1(doc, section, title, 250.0);
    paragraph(
        doc,
        section,
        "Signing confirms that the report was read, that its findings were assessed, and where the assessment is kept.",
    );
    for who in ["Prepared by", "Reviewed by", "Accepted by"] {
        doc.need(62.0);
        doc.y += 8.0;
        let node = doc.node(Some(section), Role::Paragraph);
        let top = doc.y;
        let room = WIDTH - GAP * 2.0;
        doc.tagged(node, |doc| {
            doc.text_in(who, &LABEL, LEFT, top, WIDTH, Align::Left);
            let mut x = LEFT;
            for (field, share) in FIELDS {
                doc.text_in(field, &SMALL, x, top + 40.0, room * share, Align::Left);
                x += room * share + GAP;
            }
        });
        doc.artifact(ArtifactType::Layout, |doc| {
            let mut x = LEFT;
            for (_, share) in FIELDS {
                doc.stroke(shapes::line(x, top + 38.0, x + room * share, top + 38.0), MUTED, 0.7);
                x += room * share + GAP;
            }
        });
        doc.y = top + 56.0;
    }
}

/// The attached files with their hashes.
pub(crate) fn attachments(doc: &mut Doc<'_>, title: &str, files: &[Attachment<'_>], hashes: &[String]) {
    let section = doc.node(None, Role::Section);
    heading1(doc, section, title, 165.0);
    if files.is_empty() {
        note(doc, section, "No files are attached.");
        return;
    }
    let mut text = "These files are inside of this PDF; readers of PDF show them as attachments.".to_owned();
    if files.iter().any(|file| file.name == "report.json") {
        text.push_str(" Everything in the pages is in report.json, and auditlog verify checks it.");
    }
    paragraph(doc, section, &text);
    let columns = [
        Head::left("File"),
        Head::left("What it is"),
        Head::left("Type"),
        Head::right("Size"),
        Head::left("SHA-256"),
    ];
    let cell = |row: usize, column: usize| {
        let file = &files[row];
        match column {
            0 => Cell {
                text: file.name.into(),
                style: CELL_CODE,
            },
            1 => Cell {
                text: file.description.into(),
                style: CELL,
            },
            2 => Cell {
                text: file.mime.into(),
                style: CELL,
            },
            3 => Cell {
                text: bytes(file.bytes.len()).into(),
                style: CELL,
            },
            _ => Cell {
                text: hashes[row].as_str().into(),
                style: CELL_CODE,
            },
        }
    };
    table(
        doc,
        section,
        &Grid {
            row_heads: true,
            ..Grid::new(&columns, files.len(), &cell)
        },
    );
}

/// SHA-256 in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// Bytes in hexadecimal.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
            // Writing to a string does not fail.
            let _ = write!(out, "{byte:02x}");
            out
        })
}
