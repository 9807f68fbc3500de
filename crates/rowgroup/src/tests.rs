use super::*;
use proptest::prelude::*;

fn rows_of(bytes: &[u8]) -> Result<Vec<Vec<u8>>, Damaged> {
    let head = header(bytes)?;
    let mut body = vec![0; head.body];
    let mut places = Vec::new();
    unpack(bytes, &head, &mut body, |_, place| places.push(place))?;
    Ok(places.into_iter().map(|place| body[place].to_vec()).collect())
}

fn event(i: usize) -> Vec<u8> {
    format!(
        "evt_{:032x} user.login success 10.0.{}.{} Mozilla/5.0 (X11; Linux x86_64) eu-central-1 session-{}",
        i.wrapping_mul(0x9e37_79b9_7f4a_7c15),
        i % 7,
        i % 251,
        i % 13
    )
    .into_bytes()
}

#[test]
fn rows_of_one_application_take_a_fraction_together() {
    let rows: Vec<Vec<u8>> = (0..MAX_ROWS).map(event).collect();
    let refs: Vec<&[u8]> = rows.iter().map(Vec::as_slice).collect();
    let packed = pack(&refs, 8_000, &mut 64).expect("they fit");
    assert_eq!(packed.rows, MAX_ROWS);
    assert!(packed.bytes.len() * 2 < rows.iter().map(Vec::len).sum::<usize>());
    assert_eq!(rows_of(&packed.bytes), Ok(rows));
}

#[test]
fn a_page_is_filled_whatever_was_guessed() {
    // Nothing of this compresses: 8,000 bytes are some eight rows.
    let mut seed = 1u64;
    let rows: Vec<Vec<u8>> = (0..200)
        .map(|_| {
            (0..1_000)
                .map(|_| {
                    seed = seed
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1_442_695_040_888_963_407);
                    (seed >> 56) as u8
                })
                .collect()
        })
        .collect();
    let refs: Vec<&[u8]> = rows.iter().map(Vec::as_slice).collect();
    for hint in [1, 3, 7, 8, 20, 64, 1_000] {
        let packed = pack(&refs, 8_000, &mut hint.clone()).expect("one fits");
        assert!((6..=7).contains(&packed.rows), "{hint}: {}", packed.rows);
        assert!(packed.bytes.len() <= 8_000);
    }
}

#[test]
fn a_row_that_does_not_fit_is_told_of() {
    let row: Vec<u8> = (0..9_000u32)
        .flat_map(|i| i.wrapping_mul(2_654_435_761).to_le_bytes())
        .collect();
    let error = pack(&[&row], 8_000, &mut 64).expect_err("too large");
    assert_eq!((error.row, error.limit), (36_000, 8_000));
    // Behind one that fits it is no fault yet.
    assert_eq!(pack(&[b"small", &row], 8_000, &mut 64).expect("the first").rows, 1);
}

#[test]
fn what_comes_after_a_group_does_not_matter() {
    for rows in [&[b"one".as_slice(), b"two"][..], &[&[7; 1_000]]] {
        let mut bytes = pack(rows, 8_000, &mut 2).expect("they fit").bytes;
        bytes.resize(bytes.len() + 100, 0);
        assert_eq!(rows_of(&bytes), Ok(rows.iter().map(|row| row.to_vec()).collect()));
    }
}

#[test]
fn nothing_is_a_group_of_nothing() {
    let packed = pack(&[], 8_000, &mut 1).expect("nothing fits");
    assert_eq!(packed.rows, 0);
    assert_eq!(rows_of(&packed.bytes), Ok(Vec::new()));
}

#[test]
fn damaged_bytes_are_refused() {
    let packed = pack(&[b"one".as_slice(), b"two"], 8_000, &mut 2).expect("they fit");
    assert_eq!(rows_of(&packed.bytes[..4]), Err(Damaged::Short(4)));
    assert_eq!(rows_of(&packed.bytes[..20]), Err(Damaged::Short(20)));
    let with = |at: usize, byte: u8| {
        let mut bytes = packed.bytes.clone();
        bytes[at] = byte;
        rows_of(&bytes)
    };
    assert_eq!(with(0, 9), Err(Damaged::Version(9)));
    assert_eq!(with(1, 7), Err(Damaged::Compression(7)));
    assert_eq!(
        with(3, 9),
        Err(Damaged::Sizes {
            rows: 9 * 256 + 2,
            body: 24
        })
    );
    assert_eq!(with(4, 25), Err(Damaged::Body));
}

proptest! {
    #[test]
    fn what_goes_in_comes_out(rows in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..100), hint in 1usize..100) {
        let refs: Vec<&[u8]> = rows.iter().map(Vec::as_slice).collect();
        let (mut done, mut hint) = (0, hint);
        while done < rows.len() {
            let packed = pack(&refs[done..], 8_000, &mut hint).unwrap();
            prop_assert!(packed.rows > 0 && packed.bytes.len() <= 8_000);
            prop_assert_eq!(&rows_of(&packed.bytes).unwrap()[..], &rows[done..done + packed.rows]);
            done += packed.rows;
        }
    }

    #[test]
    fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..200), flips in prop::collection::vec((0usize..200, any::<u8>()), 0..4)) {
        let _ = rows_of(&bytes);
        let rows: Vec<Vec<u8>> = (0..5).map(event).collect();
        let refs: Vec<&[u8]> = rows.iter().map(Vec::as_slice).collect();
        let mut good = pack(&refs, 8_000, &mut 5).unwrap().bytes;
        for (at, byte) in flips {
            let at = at % good.len();
            good[at] = byte;
        }
        let _ = rows_of(&good);
    }
}
