//! Events as lines.

use auditlog_notify::Failure;

use crate::item::Item;
use crate::outcome::Outcome;

/// Each body and a newline.
pub(crate) fn lines<'a>(batch: impl IntoIterator<Item = &'a Item<'a>, IntoIter: Clone>) -> Vec<u8> {
    let items = batch.into_iter();
    let size = items.clone().map(|item| item.body.len() + 1).sum();
    let mut lines = Vec::with_capacity(size);
    for item in items {
        lines.extend_from_slice(item.body);
        lines.push(b'\n');
    }
    lines
}

/// Refuses the first event that would be more than one line, or none: in its place others could be forged.
pub(crate) fn newline(batch: &[Item<'_>]) -> Option<Outcome> {
    let index = batch
        .iter()
        .position(|item| item.body.is_empty() || item.body.iter().any(|byte| matches!(byte, b'\n' | b'\r')))?;
    Some(Outcome::Reject {
        index,
        error: Failure::new("the event is not one line").hint("Choose a format that writes each event as one line."),
    })
}
