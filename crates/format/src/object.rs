//! Writing JSON objects member by member.

use auditlog_core::decode::JsonError;

use crate::json_text;
use crate::time_text;

/// An object that is being written. Names are ours: nothing in them needs escaping.
pub(crate) struct Object<'o> {
    out: &'o mut Vec<u8>,
    first: usize,
}

impl<'o> Object<'o> {
    /// Begins an object.
    pub(crate) fn begin(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        let first = out.len();
        Self { out, first }
    }

    /// Ends it.
    pub(crate) fn end(self) {
        self.out.push(b'}');
    }

    /// Has it no members yet?
    pub(crate) fn is_empty(&self) -> bool {
        self.out.len() == self.first
    }

    /// The name of a member whose value the caller writes next.
    pub(crate) fn name(&mut self, name: &str) -> &mut Vec<u8> {
        if self.out.len() > self.first {
            self.out.push(b',');
        }
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    /// A member whose name comes from the event.
    pub(crate) fn foreign_name(&mut self, name: &[u8]) -> &mut Vec<u8> {
        if self.out.len() > self.first {
            self.out.push(b',');
        }
        json_text::string(name, self.out);
        self.out.push(b':');
        self.out
    }

    /// A text of ours or of the event.
    pub(crate) fn text(&mut self, name: &str, text: impl AsRef<[u8]>) {
        json_text::string(text.as_ref(), self.name(name));
    }

    /// A text, if it is there.
    pub(crate) fn some_text(&mut self, name: &str, text: Option<&[u8]>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    /// A whole number.
    pub(crate) fn integer(&mut self, name: &str, value: i64) {
        time_text::integer(value, self.name(name));
    }

    /// A whole number that is not negative.
    pub(crate) fn natural(&mut self, name: &str, value: u64) {
        time_text::natural(value, self.name(name));
    }

    /// A moment as the log's documents write it.
    pub(crate) fn moment(&mut self, name: &str, us: i64) {
        let out = self.name(name);
        out.push(b'"');
        time_text::shortest(us, out);
        out.push(b'"');
    }

    /// Bytes as hexadecimal digits.
    pub(crate) fn hex(&mut self, name: &str, bytes: &[u8]) {
        let out = self.name(name);
        out.push(b'"');
        time_text::hex(bytes, out);
        out.push(b'"');
    }

    /// An address as PostgreSQL writes it.
    pub(crate) fn address(&mut self, name: &str, bits: u8, address: &[u8]) {
        let out = self.name(name);
        out.push(b'"');
        time_text::address(bits, address, out);
        out.push(b'"');
    }

    /// Canonical JSON.
    pub(crate) fn canonical(&mut self, name: &str, value: &[u8]) -> Result<(), JsonError> {
        json_text::canonical(value, self.name(name)).map(drop)
    }

    /// A list of texts, from its payload.
    pub(crate) fn list(&mut self, name: &str, payload: &[u8]) -> Result<(), JsonError> {
        json_text::list(payload, self.name(name))
    }

    /// A list of texts of ours.
    pub(crate) fn texts(&mut self, name: &str, texts: &[&str]) {
        let out = self.name(name);
        out.push(b'[');
        for (at, text) in texts.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            json_text::string(text.as_bytes(), out);
        }
        out.push(b']');
    }

    /// An object inside whose members cannot fail; left out when `write` gives it none.
    pub(crate) fn part(&mut self, name: &str, write: impl FnOnce(&mut Object<'_>)) {
        let before = self.out.len();
        let mut inner = Object::begin(self.name(name));
        write(&mut inner);
        if inner.is_empty() {
            self.out.truncate(before);
        } else {
            inner.end();
        }
    }

    /// An object inside; left out when `write` gives it no members.
    pub(crate) fn object<E>(
        &mut self,
        name: &str,
        write: impl FnOnce(&mut Object<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let before = self.out.len();
        let mut inner = Object::begin(self.name(name));
        write(&mut inner)?;
        if inner.is_empty() {
            self.out.truncate(before);
        } else {
            inner.end();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_without_members_are_left_out() {
        let mut out = Vec::new();
        let mut object = Object::begin(&mut out);
        let empty = object.object("empty", |inner| inner.object("deeper", |_| Ok::<(), ()>(())));
        assert_eq!(empty, Ok(()));
        object.part("empty", |inner| inner.part("deeper", |_| {}));
        assert!(object.is_empty());
        object.text("a", "\"");
        object.part("b", |inner| inner.integer("c", -7));
        object.part("empty", |_| {});
        object.texts("d", &["x", "y"]);
        object.foreign_name(b"e\n").extend_from_slice(b"1");
        object.end();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"a":"\"","b":{"c":-7},"d":["x","y"],"e\n":1}"#
        );
    }
}
