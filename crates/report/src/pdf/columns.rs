//! Widths of a table's columns by what is in them.

use super::escape::shortened;
use super::fonts::Fonts;
use super::table::Grid;
use super::text::{Shaped, shaped};

/// Rows that are measured.
const MEASURED: usize = 120;
/// A column is never narrower.
pub(crate) const NARROWEST: f32 = 34.0;

/// A column that others give way to is not made narrower than this when it wants more.
const READABLE: f32 = 64.0;
/// What a wrapped cell costs beside its lines: long values are better in one column than in all.
const WRAPPED: f32 = 0.12;

/// Widths in points with padding, together at most `width`; exactly that when the grid is to be filled.
///
/// When not all columns get what they want, several ways to share are tried on some rows, and the one with the least lines is taken.
pub(crate) fn widths(fonts: &Fonts, grid: &Grid<'_>, width: f32) -> Vec<f32> {
    let columns = grid.columns.len();
    let measured = grid.rows.min(MEASURED);
    // From all over the table: exceptions are first and may not be like the rest.
    let rows: Vec<Vec<Measured>> = (0..measured)
        .map(|index| {
            (0..columns)
                .map(|column| Measured::of(fonts, grid, index * grid.rows / measured, column))
                .collect()
        })
        .collect();
    let padding: Vec<f32> = grid
        .columns
        .iter()
        .map(|head| grid.pad_x * 2.0 + head.indent + 0.5)
        .collect();
    let heads = grid
        .columns
        .iter()
        .map(|head| shaped(fonts, &grid.head_type, &shortened(&head.label, 60)));
    let heads: Vec<Shaped> = heads.collect();
    let least = |column: usize, head: f32, cell: &dyn Fn(&Measured) -> f32| {
        let widest = rows.iter().map(|row| cell(&row[column])).fold(head, f32::max);
        (widest + padding[column]).max(NARROWEST)
    };
    let size = grid.head_type.size;
    let wanted: Vec<f32> = (0..columns)
        .map(|column| {
            least(column, heads[column].natural_width(size), &|cell| {
                cell.text.natural_width(cell.size)
            })
        })
        .collect();
    let total: f32 = wanted.iter().sum();
    if total <= width {
        let grow = if grid.filled && total > 0.0 { width / total } else { 1.0 };
        return wanted.iter().map(|wanted| wanted * grow).collect();
    }
    let words: Vec<f32> = (0..columns)
        .map(|column| {
            least(column, heads[column].widest_word(size), &|cell| {
                cell.text.widest_word(cell.size)
            })
        })
        .collect();
    let cost = |widths: &[f32]| -> f32 {
        let row = |row: &Vec<Measured>| {
            let lines = |(column, cell): (usize, &Measured)| cell.lines(widths[column] - padding[column]);
            let lines: Vec<usize> = row.iter().enumerate().map(lines).collect();
            let wrapped = lines.iter().filter(|lines| **lines > 1).count();
            lines.iter().copied().max().unwrap_or(1) as f32 + wrapped as f32 * WRAPPED
        };
        rows.iter().map(row).sum()
    };
    let ways = [&wanted, &words].into_iter().flat_map(|others| {
        let wanted = &wanted;
        (1..columns).filter_map(move |giving_way| squeeze(wanted, others, width, giving_way))
    });
    let equal = share(&wanted, width);
    let first = (cost(&equal), equal);
    ways.fold(first, |best, widths| match cost(&widths) {
        cost if cost < best.0 => (cost, widths),
        _ => best,
    })
    .1
}

/// The beginning of a cell, to try widths with.
struct Measured {
    text: Shaped,
    size: f32,
}

impl Measured {
    fn of(fonts: &Fonts, grid: &Grid<'_>, row: usize, column: usize) -> Self {
        let cell = (grid.cell)(row, column);
        Self {
            text: shaped(fonts, &cell.style, &shortened(&cell.text, 400)),
            size: cell.style.size,
        }
    }

    fn lines(&self, width: f32) -> usize {
        if self.text.natural_width(self.size) <= width {
            1
        } else {
            self.text.lines(self.size, width).len()
        }
    }
}

/// Gives each column what it wants, or an equal share of what is left when that is less.
fn share(wanted: &[f32], width: f32) -> Vec<f32> {
    let mut widths = vec![0.0; wanted.len()];
    let mut left = width;
    for (done, column) in by_width(wanted).into_iter().enumerate() {
        let equal = left / (wanted.len() - done) as f32;
        widths[column] = wanted[column].min(equal);
        left -= widths[column];
    }
    widths
}

/// The widest few share what the others leave; none when that is too little to be read.
fn squeeze(wanted: &[f32], others: &[f32], width: f32, giving_way: usize) -> Option<Vec<f32>> {
    let order = by_width(wanted);
    let (whole, squeezed) = order.split_at(wanted.len() - giving_way);
    let left = width - whole.iter().map(|column| others[*column]).sum::<f32>();
    if left < READABLE * giving_way as f32 {
        return None;
    }
    let mut widths = others.to_vec();
    let shares = share(
        &squeezed.iter().map(|column| wanted[*column]).collect::<Vec<f32>>(),
        left,
    );
    // What they do not want is left to the widest.
    let over = left - shares.iter().sum::<f32>();
    for (column, share) in squeezed.iter().zip(shares) {
        widths[*column] = share;
    }
    if let Some(widest) = squeezed.last() {
        widths[*widest] += over;
    }
    Some(widths)
}

/// The columns, the narrowest first.
fn by_width(wanted: &[f32]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|a, b| wanted[*a].total_cmp(&wanted[*b]));
    order
}

#[cfg(test)]
mod tests {
    use super::{share, squeeze};

    #[test]
    fn narrow_columns_get_what_they_want() {
        assert_eq!(share(&[50.0, 400.0, 300.0], 450.0), [50.0, 200.0, 200.0]);
        assert_eq!(share(&[], 300.0), [] as [f32; 0]);
    }

    #[test]
    fn the_widest_give_way() {
        let wanted = [110.0, 400.0, 100.0];
        assert_eq!(squeeze(&wanted, &wanted, 300.0, 1), Some(vec![110.0, 90.0, 100.0]));
        assert_eq!(squeeze(&wanted, &wanted, 300.0, 2), Some(vec![100.0, 100.0, 100.0]));
        assert_eq!(squeeze(&wanted, &wanted, 260.0, 1), None);
        assert_eq!(
            squeeze(&wanted, &[60.0, 90.0, 50.0], 300.0, 1),
            Some(vec![60.0, 190.0, 50.0])
        );
    }
}
