//! What a query may cost.

/// Upper bounds for one query; the extension makes each a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the text.
    pub text_bytes: usize,
    /// Parentheses, groups, nested conditions and negations inside each other.
    pub nesting: usize,
    /// Conditions, those of saved queries included.
    pub terms: usize,
    /// Values of one list.
    pub list_items: usize,
    /// Characters of one regular expression or of one pattern with wildcards.
    pub regex_chars: usize,
    /// Regular expressions: each may cost up to a MiB of memory when it is compiled.
    pub regexes: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            text_bytes: 64 * 1024,
            nesting: 100,
            terms: 2000,
            list_items: 1000,
            regex_chars: 1000,
            regexes: 64,
        }
    }
}
