//! The values of a certificate in JSON: numbers, times and hashes as texts, each in one way only.

use std::fmt::Display;

use auditlog_core::document::{format_timestamp, parse_timestamp};
use auditlog_core::encode::parse_hex;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::report::hex as to_hex;

fn read<'de, T, D: Deserializer<'de>>(
    deserializer: D,
    what: impl Display,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text).ok_or_else(|| D::Error::custom(format_args!("«{}» is no {what}", text.escape_debug())))
}

/// Decimal digits: JSON's own numbers end at 2⁵³ for some readers.
#[derive(Serialize, Deserialize)]
struct Number(#[serde(with = "decimal")] u64);

pub(super) mod decimal {
    use super::*;

    pub(in super::super) fn serialize<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(number)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        read(deserializer, "number in decimal digits", |text| {
            let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
            plain.then(|| text.parse().ok()).flatten()
        })
    }
}

pub(super) mod ranges {
    use super::super::Range;
    use super::*;

    pub(in super::super) fn serialize<S: Serializer>(ranges: &[Range], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(ranges.iter().map(|(first, last)| (Number(*first), Number(*last))))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Range>, D::Error> {
        let ranges = Vec::<(Number, Number)>::deserialize(deserializer)?;
        Ok(ranges.into_iter().map(|(first, last)| (first.0, last.0)).collect())
    }
}

pub(super) mod time {
    use super::*;

    pub(in super::super) fn serialize<S: Serializer>(time: &i64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format_timestamp(*time))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
        read(deserializer, "time of RFC 3339", parse_timestamp)
    }
}

pub(super) mod hash {
    use super::*;
    use auditlog_tlog::Hash;

    pub(in super::super) fn serialize<S: Serializer>(hash: &Hash, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&to_hex(hash))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Hash, D::Error> {
        read(deserializer, "hash of 64 hexadecimal digits", parse_hex)
    }
}
