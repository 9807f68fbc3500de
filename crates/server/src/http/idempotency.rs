//! `Idempotency-Key`: a request that is sent twice is done once, and the same answer comes twice.
//!
//! Events keep their key in the database. For what else is made (reports, exports to files) the answers of the last 24
//! hours are in this process' memory: a restart of the server forgets them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::{HeaderMap, StatusCode};

use super::Problem;

const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
const MOST: usize = 20_000;
const LONGEST_KEY: usize = 200;

type Key = [u8; 32];

struct Answer {
    request: Key,
    /// None while the first request is going on.
    number: Option<i64>,
    at: Instant,
}

/// Answers that were given.
#[derive(Default)]
pub struct Answers(Mutex<HashMap<Key, Answer>>);

/// What is to be done with a request.
pub enum Turn<'a> {
    /// Do it, and tell by [`First::keep`].
    First(First<'a>),
    /// It was done, and made this number.
    Again(i64),
}

/// The first request with a key. When it fails or is given up, the next one may be the first.
pub struct First<'a> {
    answers: &'a Answers,
    key: Key,
    is_kept: bool,
}

impl First<'_> {
    /// The request was done, and made this number.
    pub fn keep(mut self, number: i64) {
        let mut answers = self.answers.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = answers.get_mut(&self.key) {
            answer.number = Some(number);
        }
        self.is_kept = true;
    }
}

impl Drop for First<'_> {
    fn drop(&mut self) {
        if !self.is_kept {
            let mut answers = self.answers.0.lock().unwrap_or_else(PoisonError::into_inner);
            answers.remove(&self.key);
        }
    }
}

impl Answers {
    /// The number that a request makes, or that the same one with this key has made.
    ///
    /// # Errors
    /// As [`Answers::turn`], and what goes wrong while it is made.
    pub async fn once(
        &self,
        key: Option<Key>,
        request: Key,
        made: impl Future<Output = Result<i64, Problem>>,
    ) -> Result<i64, Problem> {
        let Some(key) = key else {
            return made.await;
        };
        match self.turn(key, request)? {
            Turn::Again(number) => Ok(number),
            Turn::First(first) => {
                let number = made.await?;
                first.keep(number);
                Ok(number)
            }
        }
    }

    /// Whose turn a request is.
    ///
    /// # Errors
    /// When the key was used for another request (422), or the first one is not done yet (409).
    pub fn turn(&self, key: Key, request: Key) -> Result<Turn<'_>, Problem> {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() >= MOST {
            answers.retain(|_, answer| answer.at.elapsed() < KEPT);
        }
        match answers.get(&key) {
            Some(answer) if answer.at.elapsed() < KEPT => {
                if answer.request != request {
                    return Err(Problem::new(
                        StatusCode::UNPROCESSABLE_ENTITY,
                        "idempotency-key",
                        "The key was used for another request",
                    ));
                }
                answer.number.map(Turn::Again).ok_or_else(|| {
                    Problem::new(StatusCode::CONFLICT, "idempotency-key", "The same request is going on").retry_after(1)
                })
            }
            _ => {
                let first = Answer {
                    request,
                    number: None,
                    at: Instant::now(),
                };
                answers.insert(key, first);
                Ok(Turn::First(First {
                    answers: self,
                    key,
                    is_kept: false,
                }))
            }
        }
    }
}

/// The key of a request.
///
/// # Errors
/// When it is no key.
pub fn key_of(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    if value.is_empty() {
        return Ok(None);
    }
    match value.to_str() {
        Ok(key) if !key.is_empty() && key.len() <= LONGEST_KEY => Ok(Some(key.to_owned())),
        _ => Err(Problem::bad_request(
            "Idempotency-Key",
            "The key has 1 to 200 visible characters of ASCII.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(answers: &Answers, request: u8) -> First<'_> {
        match answers.turn([1; 32], [request; 32]) {
            Ok(Turn::First(first)) => first,
            _ => panic!("not the first"),
        }
    }

    #[test]
    fn once() {
        let answers = Answers::default();
        let going_on = first(&answers, 9);
        assert_eq!(
            answers.turn([1; 32], [9; 32]).err().map(|problem| problem.status),
            Some(409)
        );
        drop(going_on);
        first(&answers, 9).keep(4);
        assert!(matches!(answers.turn([1; 32], [9; 32]), Ok(Turn::Again(4))));
        assert_eq!(
            answers.turn([1; 32], [8; 32]).err().map(|problem| problem.status),
            Some(422)
        );
    }
}
