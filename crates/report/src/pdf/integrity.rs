//! Scope and limits, and the integrity block: what an auditor tests first.

use super::blocks::{bullets, code, heading1, heading2, note};
use super::cover::panel;
use super::facts::{exact, fact, facts};
use super::page::Doc;
use super::style::{CELL, CELL_CODE};
use super::table::{Cell, Grid, Head, table};
use super::tags::{NodeId, Role};
use super::values::{counted, number, time, whole};
use super::verdict;
use crate::model::{Integrity, Scope};

/// What the report covers, and what it does not.
pub(crate) fn scope(doc: &mut Doc<'_>, title: &str, scope: &Scope) {
    let section = doc.node(None, Role::Section);
    heading1(doc, section, title, 200.0);
    facts(
        doc,
        section,
        &[
            fact("Database", scope.database.as_str()),
            fact("Software", scope.software.as_str()),
        ],
    );
    if !scope.covers.is_empty() {
        heading2(doc, section, "What this report covers");
        bullets(doc, section, &scope.covers);
    }
    if !scope.limits.is_empty() {
        heading2(doc, section, "What it does not cover or prove");
        bullets(doc, section, &scope.limits);
    }
}

/// Is the log complete and unchanged?
pub(crate) fn integrity(doc: &mut Doc<'_>, title: &str, integrity: &Integrity) {
    let section = doc.node(None, Role::Section);
    heading1(doc, section, title, 320.0);
    panel(doc, section, &verdict::of(integrity));
    doc.y += 10.0;
    let range = match (integrity.first_log_index, integrity.last_log_index) {
        (Some(first), Some(last)) => format!("{} to {}", whole(first), whole(last)),
        _ => "none: no event is in the period".to_owned(),
    };
    let verified = match (&integrity.verified_at, integrity.verified_events) {
        (Some(at), Some(events)) => format!("{}, {}", time(at), counted(events, "event", "events")),
        (Some(at), None) => time(at).into_owned(),
        (None, _) => "not run".to_owned(),
    };
    let offset = integrity
        .clock_offset_ms
        .map_or("not measured".to_owned(), |offset| format!("{} ms", number(offset)));
    facts(
        doc,
        section,
        &[
            exact("Log", integrity.origin.as_str()),
            fact("Size of the log", counted(integrity.log_size, "event", "events")),
            fact("log_index of the period", range),
            fact("Events of the period", whole(integrity.events)),
            fact("Unexplained gaps", whole(integrity.gaps)),
            fact("Removed under certificate", whole(integrity.certified)),
            exact("Hash of the chain's head", integrity.head_hash.as_str()),
            fact("Last verification", verified),
            fact("Its result", integrity.verified_result.as_str()),
            fact("Offset of the clock", offset),
        ],
    );
    heading2(doc, section, "Signed checkpoint");
    match &integrity.checkpoint {
        Some(checkpoint) => {
            note(
                doc,
                section,
                "A signed note (C2SP): name of the log, its size, its root hash, and the signatures.",
            );
            code(doc, section, checkpoint.trim_end());
        }
        None => note(
            doc,
            section,
            "There is none: samples of this report cannot be proven against a signature.",
        ),
    }
    heading2(doc, section, "Places outside that hold checkpoints");
    if integrity.anchors.is_empty() {
        note(
            doc,
            section,
            "There are none: that the log was not replaced as a whole rests on the signing key alone.",
        );
    } else {
        anchors(doc, section, integrity);
    }
}

fn anchors(doc: &mut Doc<'_>, section: NodeId, integrity: &Integrity) {
    let columns = [
        Head::left("Name"),
        Head::left("Kind"),
        Head::left("State"),
        Head::right("Events covered"),
    ];
    let cell = |row: usize, column: usize| {
        let anchor = &integrity.anchors[row];
        match column {
            0 => Cell {
                text: anchor.name.as_str().into(),
                style: CELL_CODE,
            },
            1 => Cell {
                text: anchor.kind.as_str().into(),
                style: CELL,
            },
            2 => Cell {
                text: anchor.state.as_str().into(),
                style: CELL,
            },
            _ => Cell {
                text: anchor.size.map_or("–".into(), |size| whole(size).into()),
                style: CELL,
            },
        }
    };
    table(
        doc,
        section,
        &Grid {
            row_heads: true,
            ..Grid::new(&columns, integrity.anchors.len(), &cell)
        },
    );
}
