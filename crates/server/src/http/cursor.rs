//! Cursors of lists: where the next page begins, signed, so that they are what this server has given out for the same
//! question.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;

use super::Problem;

/// Bytes of the signature.
const TAG: usize = 32;
/// Bytes of the question's hash that are kept.
const QUESTION: usize = 8;
/// Longest cursor that is looked at.
const LONGEST: usize = 4_096;

/// Makes and reads cursors.
pub struct Cursors(hmac::Key);

impl Cursors {
    /// With the server's secret.
    pub fn new(secret: &[u8]) -> Cursors {
        Cursors(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// A cursor for the place behind an event, in the answer to a question.
    pub fn seal(&self, place: &str, question: &[u8]) -> String {
        let mut bytes = question_hash(question).to_vec();
        bytes.extend_from_slice(place.as_bytes());
        let tag = hmac::sign(&self.0, &bytes);
        bytes.extend_from_slice(tag.as_ref());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The place of a cursor.
    ///
    /// # Errors
    /// When this server has not made it, or for another question.
    pub fn open(&self, cursor: &str, question: &[u8]) -> Result<String, Problem> {
        let wrong = |detail: &str| Problem::bad_request("cursor", detail);
        let strange = || wrong("The cursor is none that this server has given out.");
        if cursor.len() > LONGEST {
            return Err(strange());
        }
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| strange())?;
        let (signed, tag) = bytes
            .split_at_checked(bytes.len().saturating_sub(TAG))
            .ok_or_else(strange)?;
        hmac::verify(&self.0, signed, tag).map_err(|_| strange())?;
        let (hash, place) = signed.split_at_checked(QUESTION).ok_or_else(strange)?;
        if hash != question_hash(question) {
            return Err(wrong(
                "The cursor belongs to another query, other filters or another order.",
            ));
        }
        String::from_utf8(place.to_vec()).map_err(|_| strange())
    }
}

fn question_hash(question: &[u8]) -> [u8; QUESTION] {
    let digest = ring::digest::digest(&ring::digest::SHA256, question);
    let mut hash = [0; QUESTION];
    hash.copy_from_slice(digest.as_ref().get(..QUESTION).unwrap_or_default());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_for_the_same_question() {
        let cursors = Cursors::new(&[1; 32]);
        let cursor = cursors.seal("place", b"q");
        assert_eq!(cursors.open(&cursor, b"q").as_deref(), Ok("place"));
        assert!(cursors.open(&cursor, b"other").is_err());
        assert!(Cursors::new(&[2; 32]).open(&cursor, b"q").is_err());
        for at in 0..cursor.len() {
            let mut changed = cursor.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).expect("ASCII");
            assert!(changed == cursor || cursors.open(&changed, b"q").is_err(), "{at}");
        }
        for wrong in ["", "A", "%", &"A".repeat(5_000)] {
            assert!(cursors.open(wrong, b"q").is_err());
        }
    }
}
