//! Where two texts part.

/// The first line that differs, in the form of a diff; `None` when the texts are the same bytes.
///
/// One line is enough for a hint: who wants the rest has `git diff` after `snapshot write`.
pub fn first_difference(old: &str, new: &str) -> Option<String> {
    if old == new {
        return None;
    }
    // split, not lines(): a missing newline at the end is a difference too.
    let (mut old, mut new) = (old.split('\n'), new.split('\n'));
    let mut number = 1;
    loop {
        let (before, after) = (old.next(), new.next());
        if before != after {
            let mut text = format!("line {number}:");
            text += &before.map_or_else(String::new, |line| format!("\n- {line}"));
            text += &after.map_or_else(String::new, |line| format!("\n+ {line}"));
            return Some(text);
        }
        number += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(old: &str, new: &str, want: Option<&str>) {
        assert_eq!(first_difference(old, new).as_deref(), want, "{old:?} {new:?}");
    }

    #[test]
    fn names_the_first_line_that_differs() {
        check("", "", None);
        check("a\nb\n", "a\nb\n", None);
        check("a\nb\nc\n", "a\nB\nC\n", Some("line 2:\n- b\n+ B"));
        check("a\n", "a\nb\n", Some("line 2:\n- \n+ b"));
        check("a", "a\n", Some("line 2:\n+ "));
        check("a\nb", "a", Some("line 2:\n- b"));
        check("a\r\n", "a\n", Some("line 1:\n- a\r\n+ a"));
    }
}
