//! Words of a text, the same for queries, values and (by a later stage) the keyword index.

/// The words of a text: its longest runs of letters and digits. Not folded yet, so that nothing is
/// allocated: compare with [`crate::fold`].
pub fn tokens(text: &str) -> impl Iterator<Item = &str> + Clone {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
}

/// Longest text, in characters, that is found as a whole.
const VALUE_CHARS: usize = 200;

/// Is the text one that the word index knows as a whole, beside its words? A single word is known
/// anyway; long texts are prose. Folding changes neither.
pub fn is_value(text: &str) -> bool {
    text.len() <= 4 * VALUE_CHARS && text.chars().any(|c| !c.is_alphanumeric()) && text.chars().count() <= VALUE_CHARS
}
