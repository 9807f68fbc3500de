//! The values of a manifest in JSON, as certificates write them: numbers, times and hashes are texts, each in one
//! way only.

use std::fmt::Display;

use auditlog_core::document::{format_timestamp, parse_timestamp};
use auditlog_core::encode::parse_hex;
use auditlog_core::erase::hex;
use auditlog_tlog::Hash;
use chrono::NaiveDate;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

fn wrong<E: Error>(text: &str, what: impl Display) -> E {
    E::custom(format_args!("«{}» is no {what}", text.escape_debug()))
}

fn number(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    plain.then(|| text.parse().ok()).flatten()
}

#[derive(Serialize, Deserialize)]
struct Number(#[serde(with = "decimal")] u64);

pub(super) mod decimal {
    use super::*;

    pub(in super::super) fn serialize<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(number)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let text = String::deserialize(deserializer)?;
        number(&text).ok_or_else(|| wrong(&text, "number in decimal digits"))
    }
}

pub(super) mod ranges {
    use super::*;
    use auditlog_bundle::certificate::Range;

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

    pub(in super::super) fn serialize<S: Serializer>(time: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
        time.map(format_timestamp).serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
        let Some(text) = Option::<String>::deserialize(deserializer)? else {
            return Ok(None);
        };
        let time = parse_timestamp(&text).ok_or_else(|| wrong(&text, "time of RFC 3339"))?;
        Ok(Some(time))
    }
}

pub(super) mod day {
    use super::*;

    pub(in super::super) fn serialize<S: Serializer>(day: &NaiveDate, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(day)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveDate, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|_| wrong(&text, "day of ISO 8601"))
    }
}

pub(super) mod hash {
    use super::*;

    pub(in super::super) fn serialize<S: Serializer>(hash: &Hash, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex(hash))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Hash, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_hex(&text).ok_or_else(|| wrong(&text, "hash of 64 hexadecimal digits"))
    }
}

pub(super) mod optional_hash {
    use super::*;

    pub(in super::super) fn serialize<S: Serializer>(hash: &Option<Hash>, serializer: S) -> Result<S::Ok, S::Error> {
        hash.as_ref().map(|hash| hex(hash)).serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Hash>, D::Error> {
        let Some(text) = Option::<String>::deserialize(deserializer)? else {
            return Ok(None);
        };
        let hash = parse_hex(&text).ok_or_else(|| wrong(&text, "hash of 64 hexadecimal digits"))?;
        Ok(Some(hash))
    }
}
