//! Any text is a schedule or a positioned error; the normal form is the same schedule; the next run comes after now.
//! `cp -r corpus/schedule /tmp/corpus && cargo +nightly fuzz run schedule /tmp/corpus`
#![no_main]

use auditlog_schedule::{Schedule, Zone};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

const MINUTE_US: i64 = 60_000_000;

/// 2026-11-25T12:00:00Z
const NOW: i64 = 1_795_608_000_000_000;

static ZONES: LazyLock<Vec<Zone>> = LazyLock::new(|| {
    let names = ["UTC", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "-12:00"];
    names.map(|name| name.parse().expect("a zone")).into()
});

/// Some moment within 200 years, by the text.
fn moment(text: &str) -> i64 {
    let mixed = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    (mixed % (200 * 365 * 1440 * 60_000_000)) as i64 - 100 * 365 * 1440 * MINUTE_US
}

fn runs(schedule: &Schedule, after_us: i64, zone: &Zone) {
    let next = schedule.next(after_us, zone);
    assert!(next.is_none_or(|next| next > after_us), "{schedule} after {after_us}");
    if schedule.at_start() || schedule.interval().is_some() {
        return;
    }
    if let Some(next) = next {
        assert_eq!(next % MINUTE_US, 0);
        assert!(schedule.contains(next, zone), "{schedule} at {next}");
    }
    // none was passed over
    let Some(minute) = (after_us.div_euclid(MINUTE_US) + 1).checked_mul(MINUTE_US) else {
        return;
    };
    assert_eq!(
        schedule.contains(minute, zone),
        next == Some(minute),
        "{schedule} at {minute}"
    );
}

fuzz_target!(|text: &str| {
    match Schedule::parse(text) {
        Err(error) => {
            assert!((1..=text.chars().count() + 1).contains(&error.position), "{error:?}");
            assert!(!error.message.is_empty() && !error.hint.is_empty(), "{error:?}");
        }
        Ok(schedule) => {
            let normal = schedule.to_string();
            assert_eq!(Schedule::parse(&normal).as_ref(), Ok(&schedule), "{normal:?}");
            assert!(!schedule.describe().is_empty());
            for zone in ZONES.iter() {
                for after_us in [NOW, moment(text), 0, i64::MIN, i64::MAX] {
                    runs(&schedule, after_us, zone);
                }
            }
        }
    }
});
