//! Reads a row of inbox or log and computes its entry, straight from the stored bytes: what was
//! hashed is what is in the table, not what somebody meant to write.

use super::columns::{ENTRY_HASH, HASHED, REDACTED, SALT, at};
use super::jsonb;
use auditlog_core::chain::{self, Hash};
use auditlog_core::columns::{COLUMNS, Kind};
use auditlog_core::encode::{Hiding, Value, canonical_json, commit_column, encode_entry, parse_hex, text_array};
use auditlog_core::erase::redact_json;
use auditlog_core::json::Json;
use auditlog_core::personal::{Commitment, Committer};
use pgrx::pg_sys;
use pgrx::pg_sys::Datum;

/// Why a row has no entry hash.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RowError {
    /// The stored bytes are no value of the column's type.
    #[error("column {0} holds bytes that are no value of its type")]
    Corrupt(&'static str),
    /// The entry cannot be built.
    #[error(transparent)]
    Encode(#[from] auditlog_core::encode::EncodeError),
}

/// What erasure puts in the place of a row's personal values.
#[derive(Debug, Default)]
pub struct Erasure {
    /// Columns that become NULL, by position.
    pub columns: Vec<usize>,
    /// Their commitments by path, together with those of earlier erasures.
    pub redacted: Vec<(String, Commitment)>,
    /// JSON columns, by position, with placeholders in them.
    pub json: Vec<(usize, Json)>,
    /// How many placeholders.
    pub inside: usize,
}

/// What hides a row's personal values.
struct Secrets {
    paths: Option<Vec<String>>,
    redacted: Vec<(String, Commitment)>,
    committer: Option<Committer>,
}

impl Secrets {
    /// # Safety
    /// As [`Hasher::entry_hash`].
    unsafe fn of(values: &[Datum], nulls: &[bool]) -> Result<Secrets, RowError> {
        let personal = HASHED - 1;
        // SAFETY: as the caller promises.
        unsafe {
            Ok(Secrets {
                paths: if nulls[personal] {
                    None
                } else {
                    Some(text_items(bytes(values[personal]), COLUMNS[personal].name)?)
                },
                redacted: if nulls[REDACTED] {
                    Vec::new()
                } else {
                    redactions(bytes(values[REDACTED]))?
                },
                committer: (!nulls[SALT]).then(|| Committer::new(bytes(values[SALT]))),
            })
        }
    }
}

/// Reusable buffers for computing entries.
#[derive(Default)]
pub struct Hasher {
    payloads: Vec<u8>,
    entry: Vec<u8>,
    severities: Option<[pg_sys::Oid; 6]>,
}

impl Hasher {
    /// One that asks PostgreSQL nothing, for values that are neither compressed nor elsewhere: may be
    /// used on any thread. `severities` are the catalogue's.
    pub fn detached(severities: [pg_sys::Oid; 6]) -> Hasher {
        Hasher {
            severities: Some(severities),
            ..Hasher::default()
        }
    }
}

/// A varlena's bytes, fetched and decompressed if it must be.
///
/// # Safety
/// `datum` is a valid varlena datum; the result lives as long as it or the memory context.
pub unsafe fn bytes<'a>(datum: Datum) -> &'a [u8] {
    // SAFETY: as the caller promises; the packed form has a 1 or 4 byte header.
    unsafe {
        let mut plain: *mut pg_sys::varlena = datum.cast_mut_ptr();
        // Each call into PostgreSQL costs a sigsetjmp, and nearly every value lies there as it is.
        if pgrx::varatt_is_1b_e(plain) || pgrx::varatt_is_4b_c(plain) {
            plain = pg_sys::pg_detoast_datum_packed(plain);
        }
        let size = pgrx::varsize_any_exhdr(plain);
        std::slice::from_raw_parts(pgrx::vardata_any(plain).cast(), size)
    }
}

/// A text datum where it lies; `None` when it is no UTF-8 (a database with another encoding).
///
/// # Safety
/// As [`bytes`].
pub unsafe fn str<'a>(datum: Datum) -> Option<&'a str> {
    // SAFETY: as the caller promises.
    std::str::from_utf8(unsafe { bytes(datum) }).ok()
}

/// A text datum as UTF-8; the database's encoding guarantees it for rows that nobody edited.
///
/// # Safety
/// As [`bytes`].
pub unsafe fn text(datum: Datum) -> String {
    // SAFETY: as the caller promises.
    String::from_utf8_lossy(unsafe { bytes(datum) }).into_owned()
}

/// What becomes of a value whose bytes are none of its type.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Corrupt {
    /// There is no entry.
    Refused,
    /// Its bytes go into the entry.
    AsItLies,
}

#[derive(Clone, Copy)]
enum Slot<'a> {
    Ready(Value<'a>),
    Payload(usize, usize),
}

impl Hasher {
    /// The entry hash of a row given as datums in column order.
    ///
    /// # Safety
    /// `values` and `nulls` hold at least the inbox's columns, with the types of the tables.
    pub unsafe fn entry_hash(&mut self, values: &[Datum], nulls: &[bool]) -> Result<Hash, RowError> {
        // SAFETY: as the caller promises, here and below.
        let Secrets {
            paths,
            redacted,
            committer,
        } = unsafe { Secrets::of(values, nulls)? };
        let hiding = Hiding {
            paths: paths.as_deref(),
            committer,
            redacted: &redacted,
        };
        // SAFETY: as the caller promises.
        unsafe {
            self.with_fields(values, nulls, &hiding, |fields, entry| {
                encode_entry(fields, &hiding, entry)
            })?
        }?;
        Ok(chain::entry_hash(&self.entry))
    }

    /// The row's values as an entry that hides nothing: what a bundle holds (docs/format.md). A value whose bytes
    /// are none of its type goes in as it lies: no verifier takes that for what was sealed, and the others of
    /// the row still say which event it was.
    ///
    /// # Safety
    /// As [`Hasher::entry_hash`].
    pub unsafe fn plain_entry(&mut self, values: &[Datum], nulls: &[bool]) -> Result<&[u8], RowError> {
        let nothing = Hiding {
            paths: Some(&[]),
            committer: None,
            redacted: &[],
        };
        // SAFETY: as the caller promises.
        unsafe {
            self.read_fields(values, nulls, &nothing, Corrupt::AsItLies, |fields, entry| {
                encode_entry(fields, &nothing, entry)
            })?
        }?;
        Ok(&self.entry)
    }

    /// What erasure does to the row; `None` when it has no salt, so that nothing is left to erase.
    ///
    /// # Safety
    /// As [`Hasher::entry_hash`].
    pub unsafe fn erasure(&mut self, values: &[Datum], nulls: &[bool]) -> Result<Option<Erasure>, RowError> {
        // SAFETY: as the caller promises, here and below.
        let Secrets {
            paths,
            redacted,
            committer,
        } = unsafe { Secrets::of(values, nulls)? };
        let hiding = Hiding {
            paths: paths.as_deref(),
            committer,
            redacted: &redacted,
        };
        let Some(committer) = &hiding.committer else {
            return Ok(None);
        };
        let mut erasure = Erasure {
            redacted: redacted.clone(),
            ..Erasure::default()
        };
        // SAFETY: as the caller promises.
        unsafe {
            self.with_fields(values, nulls, &hiding, |fields, _| {
                for (i, column) in COLUMNS.iter().enumerate() {
                    let known = redacted.iter().any(|(path, _)| path == column.path);
                    if fields[i] != Value::Null && !column.path.is_empty() && hiding.hides(column.path) && !known {
                        let commitment = commit_column(i, &fields[i], committer)?;
                        erasure.columns.push(i);
                        erasure.redacted.push((column.path.to_owned(), commitment));
                    }
                }
                Ok::<(), RowError>(())
            })??;
        }
        for (i, column) in COLUMNS.iter().enumerate() {
            if column.kind == Kind::Json
                && !nulls[i]
                && !erasure.columns.contains(&i)
                && hiding.hides_below(column.path)
            {
                // SAFETY: a jsonb column.
                let data = unsafe { bytes(values[i]) };
                let mut json = jsonb::tree(data).map_err(|_| RowError::Corrupt(column.name))?;
                let replaced = redact_json(&mut json, column.path, &hiding)?;
                if replaced > 0 {
                    erasure.json.push((i, json));
                    erasure.inside += replaced;
                }
            }
        }
        Ok(Some(erasure))
    }

    /// Calls `f` with the row's values, of which nothing is hidden.
    ///
    /// # Errors
    /// When a value's bytes are none of its type.
    ///
    /// # Safety
    /// As [`Hasher::entry_hash`].
    pub unsafe fn plain_values<R>(
        &mut self,
        values: &[Datum],
        nulls: &[bool],
        f: impl FnOnce(&[Value<'_>; HASHED]) -> R,
    ) -> Result<R, RowError> {
        let nothing = Hiding {
            paths: Some(&[]),
            committer: None,
            redacted: &[],
        };
        // SAFETY: as the caller promises.
        unsafe { self.with_fields(values, nulls, &nothing, |fields, _| f(fields)) }
    }

    /// Calls `f` with the row's values in the order of [`COLUMNS`], and a buffer for the entry.
    unsafe fn with_fields<R>(
        &mut self,
        values: &[Datum],
        nulls: &[bool],
        hiding: &Hiding<'_>,
        f: impl FnOnce(&[Value<'_>; HASHED], &mut Vec<u8>) -> R,
    ) -> Result<R, RowError> {
        // SAFETY: as the caller promises.
        unsafe { self.read_fields(values, nulls, hiding, Corrupt::Refused, f) }
    }

    /// The same, with a choice of what becomes of corrupt values.
    unsafe fn read_fields<R>(
        &mut self,
        values: &[Datum],
        nulls: &[bool],
        hiding: &Hiding<'_>,
        corrupt: Corrupt,
        f: impl FnOnce(&[Value<'_>; HASHED], &mut Vec<u8>) -> R,
    ) -> Result<R, RowError> {
        self.payloads.clear();
        self.entry.clear();
        let mut slots = [Slot::Ready(Value::Null); HASHED];
        for i in 0..HASHED {
            if nulls[i] {
                continue;
            }
            let start = self.payloads.len();
            // SAFETY: as the caller promises.
            slots[i] = match unsafe { self.slot(i, values[i], hiding) } {
                Err(RowError::Corrupt(_)) if corrupt == Corrupt::AsItLies => {
                    self.payloads.truncate(start);
                    // SAFETY: as the caller promises.
                    unsafe { self.as_it_lies(i, values[i]) }
                }
                slot => slot?,
            };
        }
        let payloads = &self.payloads;
        let mut fields = [Value::Null; HASHED];
        for ((field, slot), column) in fields.iter_mut().zip(slots).zip(&COLUMNS) {
            *field = match slot {
                Slot::Ready(value) => value,
                Slot::Payload(from, to) if column.kind == Kind::Json => Value::Json(&payloads[from..to]),
                Slot::Payload(from, to) => Value::TextArray(&payloads[from..to]),
            };
        }
        Ok(f(&fields, &mut self.entry))
    }

    /// One value, not NULL, of the column at position `i`.
    unsafe fn slot<'a>(&mut self, i: usize, value: Datum, hiding: &Hiding<'_>) -> Result<Slot<'a>, RowError> {
        let column = &COLUMNS[i];
        let corrupt = || RowError::Corrupt(column.name);
        Ok(match column.kind {
            // a touched row may hold infinity
            Kind::Time => Slot::Ready(Value::Int((value.value() as i64).wrapping_add(super::POSTGRES_EPOCH))),
            Kind::Int => Slot::Ready(Value::Int(value.value() as i64)),
            Kind::Text if i == at!("severity") => {
                // SAFETY: plain oid datum.
                let oid = unsafe { pg_sys::Oid::from_datum_unchecked(value) };
                let label = match &self.severities {
                    Some(known) => super::catalog::label_of(oid, known),
                    None => super::catalog::severity_label(oid),
                };
                let label = label.ok_or_else(corrupt)?;
                Slot::Ready(Value::Text(label.as_bytes()))
            }
            // SAFETY: varlena columns.
            Kind::Text => Slot::Ready(Value::Text(unsafe { bytes(value) })),
            Kind::Inet => {
                // SAFETY: varlena column.
                let raw: &[u8] = unsafe { bytes(value) };
                match raw {
                    [2, bits, address @ ..] if address.len() >= 4 => Slot::Ready(Value::Inet(*bits, &address[..4])),
                    [3, bits, address @ ..] if address.len() >= 16 => Slot::Ready(Value::Inet(*bits, &address[..16])),
                    _ => return Err(corrupt()),
                }
            }
            Kind::TextArray => {
                // SAFETY: varlena column.
                let items = array_items(unsafe { bytes(value) }).ok_or_else(corrupt)?;
                let start = self.payloads.len();
                text_array(items.into_iter(), &mut self.payloads);
                Slot::Payload(start, self.payloads.len())
            }
            Kind::Json => {
                // SAFETY: varlena column.
                let data = unsafe { bytes(value) };
                let start = self.payloads.len();
                if hiding.hides_below(column.path) {
                    let tree = jsonb::tree(data).map_err(|_| corrupt())?;
                    canonical_json(&tree, column.path, hiding, &mut self.payloads)?;
                } else {
                    jsonb::canonical(data, &mut self.payloads).map_err(|_| corrupt())?;
                }
                Slot::Payload(start, self.payloads.len())
            }
        })
    }

    /// The bytes of a corrupt value, under its column's type.
    unsafe fn as_it_lies<'a>(&mut self, i: usize, value: Datum) -> Slot<'a> {
        // SAFETY: as the caller promises: all but the numbers, which are never corrupt, and the severity are varlenas.
        let raw = || unsafe { bytes(value) };
        match COLUMNS[i].kind {
            Kind::Time | Kind::Int => Slot::Ready(Value::Int(value.value() as i64)),
            Kind::Text if COLUMNS[i].name == "severity" => Slot::Ready(Value::Text(b"?")),
            Kind::Text => Slot::Ready(Value::Text(raw())),
            Kind::Inet => Slot::Ready(Value::Inet(u8::MAX, raw())),
            Kind::TextArray | Kind::Json => {
                let start = self.payloads.len();
                self.payloads.extend_from_slice(raw());
                Slot::Payload(start, self.payloads.len())
            }
        }
    }

    /// Does the row's stored `entry_hash` fit its content? `Err` says why it cannot be told.
    ///
    /// # Safety
    /// As [`Hasher::entry_hash`].
    pub unsafe fn matches(&mut self, values: &[Datum], nulls: &[bool]) -> Result<bool, RowError> {
        // SAFETY: as the caller promises.
        unsafe {
            let computed = self.entry_hash(values, nulls)?;
            Ok(!nulls[ENTRY_HASH] && bytes(values[ENTRY_HASH]) == computed)
        }
    }
}

/// 32 bytes of a hash column.
///
/// # Safety
/// A `bytea` datum.
pub unsafe fn hash(datum: Datum) -> Option<Hash> {
    // SAFETY: as the caller promises.
    unsafe { bytes(datum).try_into().ok() }
}

fn text_items(data: &[u8], name: &'static str) -> Result<Vec<String>, RowError> {
    array_items(data)
        .and_then(|items| items.into_iter().map(|i| String::from_utf8(i.to_vec()).ok()).collect())
        .ok_or(RowError::Corrupt(name))
}

fn redactions(data: &[u8]) -> Result<Vec<(String, Commitment)>, RowError> {
    let Ok(Json::Object(pairs)) = jsonb::tree(data) else {
        return Err(RowError::Corrupt("redacted"));
    };
    pairs
        .into_iter()
        .map(|(path, value)| Some((path, parse_hex(value.as_str()?)?)))
        .collect::<Option<Vec<_>>>()
        .ok_or(RowError::Corrupt("redacted"))
}

/// The items of a one-dimensional `text[]` without NULLs; `None` when it is something else. The
/// layout is that of PostgreSQL's `utils/array.h`, offsets counted after the 4 byte varlena header.
pub fn array_items(data: &[u8]) -> Option<Vec<&[u8]>> {
    let int = |at: usize| Some(i32::from_ne_bytes(data.get(at..at + 4)?.try_into().ok()?));
    match int(0)? {
        0 => return Some(Vec::new()),
        1 if int(4)? == 0 => {}
        _ => return None,
    }
    let count = usize::try_from(int(12)?).ok()?;
    // Positions inside a full varlena are four more than in `data`, and items are aligned there.
    let mut at = 24usize;
    let mut items = Vec::with_capacity(count.min(1024));
    for _ in 0..count {
        let first = *data.get(at - 4)?;
        let (start, len) = if first != 0 && first & 1 == 1 && cfg!(target_endian = "little") {
            (at - 3, (first >> 1) as usize - 1)
        } else {
            at = at.next_multiple_of(4);
            let word = u32::from_ne_bytes(data.get(at - 4..at)?.try_into().ok()?);
            let size = if cfg!(target_endian = "little") {
                word >> 2
            } else {
                word & 0x3FFF_FFFF
            };
            (at, (size as usize).checked_sub(4)?)
        };
        items.push(data.get(start..start.checked_add(len)?)?);
        at = (start + len + 4).next_multiple_of(4);
    }
    Some(items)
}

trait FromDatumUnchecked {
    unsafe fn from_datum_unchecked(datum: Datum) -> Self;
}

impl FromDatumUnchecked for pg_sys::Oid {
    unsafe fn from_datum_unchecked(datum: Datum) -> pg_sys::Oid {
        pg_sys::Oid::from_u32(datum.value() as u32)
    }
}
