//! Words of a text, the same for queries, values and (by a later stage) the keyword index.

/// The words of a text: its longest runs of letters and digits. Not folded yet, so that nothing is
/// allocated: compare with [`crate::fold`].
pub fn tokens(text: &str) -> impl Iterator<Item = &str> + Clone {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
}
