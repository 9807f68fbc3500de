//! A chart's numbers as a small table.

use super::super::escape::shortened;
use super::super::page::Doc;
use super::super::style::{CELL, CELL_HEAD, Type, WIDTH};
use super::super::table::{Cell, Grid, Head, table};
use super::super::tags::NodeId;
use super::super::values::number;
use super::Data;
use crate::model::{Chart, Form};

const SMALL: Type = Type {
    size: 6.6,
    leading: 8.6,
    ..CELL
};
const SMALL_HEAD: Type = Type {
    size: 6.6,
    leading: 8.6,
    ..CELL_HEAD
};
/// Tables that are laid side by side at most.
const BLOCKS: usize = 4;

/// Draws the numbers: a heat map as it is, other charts with a row for each label, in as many blocks as fit side by side.
pub(super) fn numbers(doc: &mut Doc<'_>, parent: NodeId, chart: &Chart, data: &Data<'_>) {
    if chart.form == Form::Heat && data.labels.len() <= 24 {
        matrix(doc, parent, data);
    } else {
        list(doc, parent, data);
    }
}

fn matrix(doc: &mut Doc<'_>, parent: NodeId, data: &Data<'_>) {
    const NAME: f32 = 54.0;
    let tight = Type {
        size: 5.8,
        leading: 7.8,
        ..SMALL
    };
    let mut columns = vec![Head::left("")];
    columns.extend(data.labels.iter().map(|label| Head::right(*label)));
    let cell = |row: usize, column: usize| match column {
        0 => Cell {
            text: shortened(data.series[row].0, 60),
            style: tight,
        },
        column => Cell {
            text: number(data.series[row].1[column - 1]).into(),
            style: tight,
        },
    };
    let mut fixed = vec![NAME];
    fixed.extend(data.labels.iter().map(|_| (WIDTH - NAME) / data.labels.len() as f32));
    let head_type = Type {
        size: 5.8,
        leading: 7.8,
        ..SMALL_HEAD
    };
    let grid = Grid {
        row_heads: true,
        fixed: Some(&fixed),
        head_type,
        pad_x: 1.5,
        ..Grid::new(&columns, data.series.len(), &cell)
    };
    table(doc, parent, &grid);
}

fn list(doc: &mut Doc<'_>, parent: NodeId, data: &Data<'_>) {
    // A label and its values; more series than fit are only in the JSON.
    let shown = data.series.len().min(8);
    let wide = (shown + 1) as f32 * 54.0;
    let blocks = ((WIDTH / wide) as usize)
        .clamp(1, BLOCKS)
        .min(data.labels.len().div_ceil(4));
    let rows = data.labels.len().div_ceil(blocks);
    let mut columns = Vec::new();
    for block in 0..blocks {
        columns.push(Head {
            indent: if block > 0 { 18.0 } else { 0.0 },
            ..Head::left("")
        });
        columns.extend(data.series.iter().take(shown).map(|(name, _)| Head::right(*name)));
    }
    let cell = |row: usize, column: usize| {
        let (block, column) = (column / (shown + 1), column % (shown + 1));
        let index = block * rows + row;
        let text = match data.labels.get(index) {
            None => "".into(),
            Some(label) if column == 0 => shortened(label, 60),
            Some(_) => number(data.series[column - 1].1[index]).into(),
        };
        Cell { text, style: SMALL }
    };
    let grid = Grid {
        row_heads: blocks == 1,
        head_type: SMALL_HEAD,
        ..Grid::new(&columns, rows, &cell)
    };
    table(doc, parent, &grid);
}
