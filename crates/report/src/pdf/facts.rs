//! Names with their values, below each other.

use std::borrow::Cow;

use super::page::Doc;
use super::style::{BODY, CELL_HEAD, MUTED, Type, WIDTH};
use super::table::{Cell, Grid, Head, table};
use super::tags::NodeId;

const LABEL: Type = Type {
    size: 8.5,
    leading: 12.5,
    color: MUTED,
    ..CELL_HEAD
};
const VALUE: Type = Type {
    size: 8.5,
    leading: 12.5,
    ..BODY
};
const MONO: Type = Type {
    face: super::fonts::Face::Mono,
    size: 7.8,
    ..VALUE
};
const LABEL_WIDTH: f32 = 128.0;

/// A name with its value.
pub(crate) struct Fact<'a> {
    name: &'static str,
    value: Cow<'a, str>,
    style: Type,
}

/// A fact in words.
pub(crate) fn fact<'a>(name: &'static str, value: impl Into<Cow<'a, str>>) -> Fact<'a> {
    Fact {
        name,
        value: value.into(),
        style: VALUE,
    }
}

/// A fact that is a hash or an identifier.
pub(crate) fn exact<'a>(name: &'static str, value: impl Into<Cow<'a, str>>) -> Fact<'a> {
    Fact {
        style: MONO,
        ..fact(name, value)
    }
}

/// Draws facts as a table without a head.
pub(crate) fn facts(doc: &mut Doc<'_>, parent: NodeId, facts: &[Fact<'_>]) {
    let columns = ["Name", "Value"].map(Head::left);
    let cell = |row: usize, column: usize| {
        let fact: &Fact<'_> = &facts[row];
        match column {
            0 => Cell {
                text: fact.name.into(),
                style: LABEL,
            },
            _ if fact.value.is_empty() => Cell {
                text: "–".into(),
                style: fact.style,
            },
            _ => Cell {
                text: Cow::Borrowed(&*fact.value),
                style: fact.style,
            },
        }
    };
    let fixed = [LABEL_WIDTH, WIDTH - LABEL_WIDTH];
    let grid = Grid {
        row_heads: true,
        headed: false,
        fixed: Some(&fixed),
        ..Grid::new(&columns, facts.len(), &cell)
    };
    table(doc, parent, &grid);
}
