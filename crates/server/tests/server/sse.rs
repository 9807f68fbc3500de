//! Server-Sent Events as a client reads them.

/// An event of a stream.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Told {
    pub id: Option<i64>,
    pub name: String,
    pub data: String,
}

/// Puts events together out of lines.
#[derive(Debug, Default)]
pub struct Parser {
    begun: Told,
    has_data: bool,
}

impl Parser {
    /// One line; an event when that was its end. Comments and `retry:` are none.
    pub fn take(&mut self, line: &str) -> Option<Told> {
        if let Some(text) = line.strip_prefix("id: ") {
            self.begun.id = Some(text.parse().expect("an id is a number"));
        } else if let Some(text) = line.strip_prefix("event: ") {
            self.begun.name = text.to_owned();
        } else if let Some(text) = line.strip_prefix("data: ") {
            self.begun.data = text.to_owned();
            self.has_data = true;
        } else if line.is_empty() && std::mem::take(&mut self.has_data) {
            return Some(std::mem::take(&mut self.begun));
        }
        None
    }
}
