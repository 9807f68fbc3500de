//! Places in YAML.

/// Is it a line of the text, and a character of it or the end?
pub fn is_within(text: &str, line: usize, column: usize) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
    let lines: Vec<&str> = text.split(['\n', '\r']).collect();
    assert!((1..=lines.len()).contains(&line), "line {line} of {}", lines.len());
    let length = lines[line - 1].chars().count();
    assert!(
        (1..=length + 1).contains(&column),
        "column {column} of line {line}, which has {length}"
    );
}
