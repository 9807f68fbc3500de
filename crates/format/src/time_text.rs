//! Moments, whole numbers, hashes and addresses as text.

use std::net::IpAddr;

use auditlog_core::document::{format_inet, format_timestamp};
use auditlog_core::event::Inet;
use chrono::{DateTime, Datelike, Timelike, Utc};

/// The moment, if it is of the years 0000 to 9999, which RFC 3339 can write.
pub(crate) fn moment(us: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_micros(us).filter(|time| (0..=9999).contains(&time.year()))
}

/// Appends a moment as the log's documents write it: RFC 3339 in UTC with none, three or six digits of the second's
/// fraction. Only a row that was touched has one that RFC 3339 cannot write; it is written as
/// [`format_timestamp`] does.
pub(crate) fn shortest(us: i64, out: &mut Vec<u8>) {
    let Some(time) = moment(us) else {
        return out.extend_from_slice(format_timestamp(us).as_bytes());
    };
    let micros = us.rem_euclid(1_000_000);
    let fraction = match micros {
        0 => 0,
        _ if micros % 1000 == 0 => 3,
        _ => 6,
    };
    rfc3339(time, fraction, b"Z", out);
}

/// Appends a moment with `fraction` digits (0 to 6) of the second's fraction, which are cut and not rounded, and the
/// zone's text.
pub(crate) fn rfc3339(time: DateTime<Utc>, fraction: u32, zone: &[u8], out: &mut Vec<u8>) {
    let mut text = *b"0000-00-00T00:00:00.000000";
    put(&mut text[0..4], time.year().unsigned_abs());
    put(&mut text[5..7], time.month());
    put(&mut text[8..10], time.day());
    put(&mut text[11..13], time.hour());
    put(&mut text[14..16], time.minute());
    put(&mut text[17..19], time.second());
    put(&mut text[20..26], time.nanosecond() / 1000);
    let end = if fraction == 0 {
        19
    } else {
        20 + fraction.min(6) as usize
    };
    out.extend_from_slice(&text[..end]);
    out.extend_from_slice(zone);
}

fn put(digits: &mut [u8], mut value: u32) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

/// Appends a whole number.
pub(crate) fn integer(value: i64, out: &mut Vec<u8>) {
    if value < 0 {
        out.push(b'-');
    }
    natural(value.unsigned_abs(), out);
}

/// Appends a whole number that is not negative.
pub(crate) fn natural(mut value: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Appends bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let start = out.len();
    out.resize(start + 2 * bytes.len(), 0);
    for (pair, byte) in out[start..].chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
}

/// The address of an entry's bytes; nothing when they are neither 4 nor 16.
pub(crate) fn inet(bits: u8, address: &[u8]) -> Option<Inet> {
    let address = match address.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(address).ok()?),
        _ => IpAddr::from(<[u8; 16]>::try_from(address).ok()?),
    };
    Some(Inet { address, bits })
}

/// Appends an address as PostgreSQL writes it.
pub(crate) fn address(bits: u8, address: &[u8], out: &mut Vec<u8>) {
    if let (32, &[a, b, c, d]) = (bits, address) {
        for (at, byte) in [a, b, c, d].into_iter().enumerate() {
            if at > 0 {
                out.push(b'.');
            }
            natural(u64::from(byte), out);
        }
    } else if let Some(inet) = inet(bits, address) {
        out.extend_from_slice(format_inet(&inet).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    proptest! {
        #[test]
        fn moments_are_written_as_in_the_log(us in prop_oneof![any::<i64>(), -70_000_000_000_000_000i64..260_000_000_000_000_000], step in prop_oneof![Just(1i64), Just(1000), Just(1_000_000)]) {
            let us = us / step * step;
            prop_assert_eq!(text(|out| shortest(us, out)), format_timestamp(us));
        }

        #[test]
        fn numbers_are_written_as_rust_does(value: i64, natural_value: u64) {
            prop_assert_eq!(text(|out| integer(value, out)), value.to_string());
            prop_assert_eq!(text(|out| natural(natural_value, out)), natural_value.to_string());
        }

        #[test]
        fn addresses_are_written_as_in_the_log(v4: [u8; 4], v6: [u8; 16], bits in 0u8..=32) {
            for (bits, bytes) in [(bits, &v4[..]), (32, &v4[..]), (bits, &v6[..]), (128, &v6[..])] {
                let expected = format_inet(&inet(bits, bytes).unwrap());
                prop_assert_eq!(text(|out| address(bits, bytes, out)), expected);
            }
        }
    }

    #[test]
    fn fractions_are_cut() {
        let time = moment(1_773_153_045_123_999).unwrap();
        assert_eq!(
            text(|out| rfc3339(time, 3, b"+0000", out)),
            "2026-03-10T14:30:45.123+0000"
        );
        assert_eq!(text(|out| rfc3339(time, 1, b"Z", out)), "2026-03-10T14:30:45.1Z");
        assert_eq!(text(|out| rfc3339(time, 0, b"Z", out)), "2026-03-10T14:30:45Z");
        assert_eq!(moment(i64::MAX), None);
        assert_eq!(text(|out| hex(&[0, 0x1f, 0xff], out)), "001fff");
    }
}
