//! Bytes that are no chunk give an error or wrong postings, never a panic, a loop or much memory.

mod support;

use auditlog_index::chunk::VERSION;
use auditlog_index::{Corrupt, Merge, Run, postings};
use support::{Numbers, build, merge, model};

/// Looks at a chunk in each way there is.
fn read(bytes: &[u8], terms: &[u32]) {
    let mut out = Vec::new();
    for term in terms {
        if let Ok(Some(list)) = postings(bytes, u64::MAX - 500, *term) {
            assert!(list.count() <= 8 * bytes.len() as u64);
            let _ = list.collect_into(&mut out);
            assert!(out.capacity() <= 32 * bytes.len() + 64);
            out = Vec::new();
        }
    }
    let head = build(0, &[vec![1], vec![2]]).head();
    let other = auditlog_index::RunHead {
        first: 2,
        end: 900,
        ..head
    };
    let mut merge = Merge::new(&[head, other]).expect("the heads are adjacent");
    let _ = merge.chunk(0, &mut |_, _| Ok::<_, Corrupt>(bytes.to_vec()));
}

fn sample() -> (Run, Vec<u32>) {
    let mut numbers = Numbers(3);
    let events: Vec<Vec<u32>> = (0..120).map(|_| (0..6).map(|_| numbers.term()).collect()).collect();
    let terms = model(0, &events).into_keys().collect();
    (build(0, &events), terms)
}

#[test]
fn changed_bytes_never_panic() {
    let (run, terms) = sample();
    let mut numbers = Numbers(4);
    for _ in 0..6_000 {
        let mut bytes = run.chunks[0].clone();
        for _ in 0..=numbers.next() % 3 {
            let place = numbers.next() as usize % bytes.len();
            bytes[place] = match numbers.next() % 4 {
                0 => 0xff,
                1 => bytes[place] ^ 1,
                _ => numbers.next() as u8,
            };
        }
        let few: Vec<u32> = (0..8).map(|_| terms[numbers.next() as usize % terms.len()]).collect();
        read(&bytes, &few);
    }
}

#[test]
fn random_bytes_never_panic() {
    let mut numbers = Numbers(5);
    for _ in 0..20_000 {
        let length = 6 + numbers.next() as usize % 60;
        let mut bytes: Vec<u8> = (0..length).map(|_| numbers.next() as u8).collect();
        bytes[..6].copy_from_slice(&[VERSION, 1 + numbers.next() as u8 % 4, length as u8, 0, 0, 0]);
        let term = numbers.next() as u32 >> (numbers.next() % 32);
        read(&bytes, &[term, 0, 1, 5, u32::MAX]);
    }
}

#[test]
fn a_shorter_or_longer_chunk_is_an_error() {
    let (run, terms) = sample();
    for length in 0..run.chunks[0].len() {
        assert!(
            postings(&run.chunks[0][..length], 0, terms[0]).is_err(),
            "{length} bytes"
        );
    }
    let mut longer = run.chunks[0].clone();
    longer.push(0);
    assert!(postings(&longer, 0, terms[0]).is_err());
    let mut newer = run.chunks[0].clone();
    newer[0] = VERSION + 1;
    assert_eq!(
        postings(&newer, 0, terms[0]).err(),
        Some(Corrupt("the version is unknown"))
    );
}

#[test]
fn a_list_that_promises_more_than_it_has_is_an_error() {
    let chunk = |body: &[u8]| {
        let mut bytes = vec![VERSION, 1, 8 + body.len() as u8, 0, 0, 0, 1, body.len() as u8];
        bytes.extend(body);
        bytes
    };
    let read = |body: &[u8]| {
        let bytes = chunk(body);
        let mut out = vec![7];
        let result = postings(&bytes, 0, 0)?
            .expect("the term is there")
            .collect_into(&mut out);
        assert_eq!(out[0], 7);
        assert!(
            result.is_ok() || out.len() == 1,
            "a list with an error leaves nothing behind"
        );
        result.map(|()| out.split_off(1))
    };
    assert_eq!(read(&[4, 3, 0]), Ok(vec![3, 4]));
    assert_eq!(read(&[5, 1, 0b101]), Ok(vec![8, 10]));
    assert!(read(&[]).is_err());
    assert!(read(&[0]).is_err());
    assert!(read(&[4, 3]).is_err());
    assert!(read(&[2, 3, 0]).is_err());
    assert!(read(&[4, 0xff, 0xff, 0xff, 0xff, 0x7f, 0]).is_err());
    assert!(read(&[7, 1, 0b101]).is_err());
    assert!(read(&[3, 0xff, 0xff, 0xff, 0xff, 0x7f, 1]).is_err());
    assert!(read(&[0xfe, 0xff, 0xff, 0xff, 0x7f, 1]).is_err());
}

#[test]
fn a_merge_refuses_postings_that_are_not_its_runs() {
    let runs = [build(0, &[vec![1, 2], vec![1]]), build(2, &[vec![1], vec![3]])];
    assert_eq!(merge(&runs).postings, 5);
    let mut heads = runs.each_ref().map(Run::head);
    (heads[0].end, heads[1].first) = (1, 1);
    let mut merge = Merge::new(&heads).expect("the heads are adjacent");
    let chunk = merge.chunk(0, &mut |run, _| Ok(runs[run].chunks[0].clone()));
    assert_eq!(chunk, Err(Corrupt("an offset is not in the run")));
}

#[test]
fn the_bytes_are_pinned() {
    let events: Vec<Vec<u32>> = (0..300)
        .map(|place| if place % 100 == 7 { vec![5, 6] } else { vec![6] })
        .collect();
    let mut events = events;
    events[299].push(u32::MAX);
    let mut expected = vec![VERSION, 2, 62, 0, 0, 0];
    expected.extend([5 << 1 | 1, 4, 3 << 1, 7, 99, 99]);
    expected.extend([1, 41, 0xd9, 0x04, 0]);
    expected.extend([0xff; 37]);
    expected.push(0x0f);
    expected.extend([0xf0, 0xff, 0xff, 0xff, 0x1f, 43, 1]);
    assert_eq!(build(0, &events).chunks, [expected]);
}
