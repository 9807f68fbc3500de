//! Policies: their text and what it asks for.

use auditlog_tlog::note::{KeyName, VerifierKey};
use auditlog_tlog::policy::{PolicyError, PolicyProblem};
use auditlog_tlog::{Policy, SigningKey};
use proptest::prelude::*;

fn name(text: &str) -> KeyName {
    KeyName::new(text).unwrap()
}

fn log(number: u8) -> VerifierKey {
    SigningKey::from_seed(&[number; 32]).vkey(name(&format!("log.example/{number}")))
}

fn witness(number: u8) -> VerifierKey {
    SigningKey::from_seed(&[number; 32]).cosigner_vkey(name(&format!("witness.example/{number}")))
}

/// The specification's example: two of three X and one of three Y.
fn example() -> String {
    let [x1, x2, x3, y1, y2, y3] = [1, 2, 3, 4, 5, 6].map(witness);
    format!(
        "log {}\n\nwitness X1 {x1}\nwitness X2 {x2}\nwitness X3 {x3}\ngroup X-witnesses 2 X1 X2 X3\n\n# The others\n\
         witness Y1 {y1}\nwitness Y2 {y2}\nwitness Y3 {y3}\ngroup Y-witnesses any Y1 Y2 Y3\n\n\
         group X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n",
        log(1)
    )
}

#[test]
fn the_example_of_the_specification() {
    let policy = Policy::parse(&example()).unwrap();
    assert_eq!(policy.log_keys(), [log(1)]);
    assert_eq!(
        policy.witnesses().map(|(name, _)| name).collect::<Vec<_>>(),
        ["X1", "X2", "X3", "Y1", "Y2", "Y3"]
    );
    for set in 0u8..64 {
        let cosigners: Vec<VerifierKey> = (0..6).filter(|n| set >> n & 1 == 1).map(|n| witness(n + 1)).collect();
        let expected = (set & 7).count_ones() >= 2 && set >> 3 != 0;
        assert_eq!(policy.satisfied(&cosigners), expected, "{set:06b}");
        // Neither twice the same nor a stranger counts.
        let more = cosigners.iter().chain(&cosigners).cloned().chain([witness(9), log(1)]);
        assert_eq!(policy.satisfied(&more.collect::<Vec<_>>()), expected);
    }
    let renamed: Vec<VerifierKey> = (1..=6)
        .map(|number| SigningKey::from_seed(&[number; 32]).cosigner_vkey(name("elsewhere")))
        .collect();
    assert!(!policy.satisfied(&renamed));
    assert_eq!(Policy::parse(&policy.to_string()).unwrap(), policy);
}

#[test]
fn nobody_or_one() {
    let none = Policy::parse("quorum none\n").unwrap();
    assert_eq!(none, Policy::none());
    assert!(none.satisfied([]));
    assert_eq!(none.to_string(), "quorum none\n");
    let one = Policy::parse(&format!("witness W {}\nquorum W\n", witness(1))).unwrap();
    assert!(!one.satisfied([]) && one.satisfied([&witness(1)]) && !one.satisfied([&witness(2)]));
}

#[test]
fn spaces_remarks_and_urls() {
    let text = format!(
        "  # a remark\n\t\n \tlog\t{}  https://log.example/ \nlog {}\nwitness  é {} https://w.example/\n#quorum none\nquorum é",
        log(1),
        log(2),
        witness(1)
    );
    let policy = Policy::parse(&text).unwrap();
    assert_eq!(policy.logs()[0].url.as_deref(), Some("https://log.example/"));
    assert_eq!(policy.logs()[1].url, None);
    let (name, line) = policy.witnesses().next().unwrap();
    assert_eq!((name, line.url.as_deref()), ("é", Some("https://w.example/")));
    let printed = format!(
        "log {} https://log.example/\nlog {}\nwitness é {} https://w.example/\nquorum é\n",
        log(1),
        log(2),
        witness(1)
    );
    assert_eq!(policy.to_string(), printed);
    assert_eq!(Policy::parse(&printed).unwrap(), policy);
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    use PolicyProblem as P;
    let (w1, w2) = (witness(1), witness(2));
    let two = format!("witness A {w1}\nwitness B {w2}\n");
    let same = SigningKey::from_seed(&[1; 32]);
    let (renamed_log, renamed) = (same.vkey(name("x")), same.cosigner_vkey(name("x")));
    let group = "group <name> <threshold> <name>...";
    for (text, line, problem) in [
        (String::new(), 0, P::NoQuorum),
        (two.clone(), 2, P::NoQuorum),
        ("quorum none\n\nquorum none\n".into(), 3, P::SecondQuorum),
        ("quorum\n".into(), 1, P::Form("quorum <name>")),
        ("quorum a b\n".into(), 1, P::Form("quorum <name>")),
        ("quorum A\n".into(), 1, P::Undefined("«A»".into())),
        (format!("quorum A\n{two}"), 1, P::Undefined("«A»".into())),
        ("\nlogs x\n".into(), 2, P::Keyword("«logs»".into())),
        ("Log x\n".into(), 1, P::Keyword("«Log»".into())),
        ("quorum none\r\n".into(), 1, P::Control(b'\r')),
        ("# \u{7f}\n".into(), 1, P::Control(0x7f)),
        ("log\n".into(), 1, P::Form("log <vkey> [<url>]")),
        (format!("log {} u v\n", log(1)), 1, P::Form("log <vkey> [<url>]")),
        (format!("log {w1}\n"), 1, P::Kind("log", 1)),
        (format!("witness A {}\n", log(1)), 1, P::Kind("witness", 4)),
        (format!("log {}\nlog {renamed_log}\n", log(1)), 2, P::DuplicateKey),
        (format!("{two}witness C {renamed}\n"), 3, P::DuplicateKey),
        ("witness A\n".into(), 1, P::Form("witness <name> <vkey> [<url>]")),
        (
            format!("witness A {w1} u v\n"),
            1,
            P::Form("witness <name> <vkey> [<url>]"),
        ),
        (format!("{two}witness A {}\n", witness(3)), 3, P::Taken("«A»".into())),
        (format!("witness none {w1}\n"), 1, P::Taken("«none»".into())),
        (format!("{two}group A any B\n"), 3, P::Taken("«A»".into())),
        (format!("{two}group none any B\n"), 3, P::Taken("«none»".into())),
        (format!("{two}group G any\n"), 3, P::Form(group)),
        (format!("{two}group G\n"), 3, P::Form(group)),
        (format!("{two}group G 0 A B\n"), 3, P::Threshold("«0»".into())),
        (format!("{two}group G 3 A B\n"), 3, P::Threshold("«3»".into())),
        (format!("{two}group G +1 A B\n"), 3, P::Threshold("«+1»".into())),
        (format!("{two}group G most A B\n"), 3, P::Threshold("«most»".into())),
        (
            format!("{two}group G 99999999999999999999 A B\n"),
            3,
            P::Threshold("«99999999999999999999»".into()),
        ),
        (format!("{two}group G any A A\n"), 3, P::Member("«A»".into())),
        (
            format!("{two}group G any A\ngroup H any A B\n"),
            4,
            P::Member("«A»".into()),
        ),
        (format!("{two}group G any G\n"), 3, P::Undefined("«G»".into())),
        (format!("{two}group G any none\n"), 3, P::Undefined("«none»".into())),
        (
            format!("{two}group G any H\ngroup H any A\n"),
            3,
            P::Undefined("«H»".into()),
        ),
    ] {
        assert_eq!(Policy::parse(&text), Err(PolicyError { line, problem }), "{text}");
    }
    let error = Policy::parse("# keys\nlog x+y\n").unwrap_err().to_string();
    assert_eq!(
        error,
        "line 2: «x+y» is no public key: its form is name+id+key, with the id as 8 hexadecimal digits and the key in base64"
    );
    let windows = Policy::parse("quorum none\r\n").unwrap_err().to_string();
    assert!(
        windows.ends_with("(the file has the line ends of Windows)"),
        "{windows}"
    );
}

/// A policy's text, and its quorum as a function of the set of cosigners, written down independently.
#[derive(Debug, Clone)]
struct Model {
    witnesses: usize,
    groups: Vec<(usize, Vec<usize>)>,
}

impl Model {
    fn text(&self) -> String {
        let name = |place: usize| match place.checked_sub(self.witnesses) {
            None => format!("w{place}"),
            Some(group) => format!("g{group}"),
        };
        let mut text: String = (0..self.witnesses)
            .map(|n| format!("witness w{n} {}\n", witness(n as u8)))
            .collect();
        for (number, (threshold, members)) in self.groups.iter().enumerate() {
            let members: Vec<String> = members.iter().map(|place| name(*place)).collect();
            text += &format!("group g{number} {threshold} {}\n", members.join(" "));
        }
        text + &format!("quorum {}\n", name(self.witnesses + self.groups.len() - 1))
    }

    fn satisfied(&self, place: usize, set: u32) -> bool {
        match place.checked_sub(self.witnesses) {
            None => set >> place & 1 == 1,
            Some(group) => {
                let (threshold, members) = &self.groups[group];
                members.iter().filter(|member| self.satisfied(**member, set)).count() >= *threshold
            }
        }
    }
}

/// Groups of witnesses and of groups before them, nobody in two.
fn models() -> impl Strategy<Value = Model> {
    (
        1usize..7,
        prop::collection::vec((any::<u32>(), any::<prop::sample::Index>()), 1..6),
    )
        .prop_map(|(witnesses, choices)| {
            let mut free: Vec<usize> = (0..witnesses).collect();
            let mut groups = Vec::new();
            for (choice, threshold) in choices {
                let (mut members, rest): (Vec<usize>, Vec<usize>) =
                    free.iter().partition(|place| choice >> **place & 1 == 1);
                free = rest;
                if members.is_empty() {
                    members.push(free.remove(0));
                }
                free.push(witnesses + groups.len());
                groups.push((threshold.index(members.len()) + 1, members));
            }
            Model { witnesses, groups }
        })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_policy_asks_for_what_it_says(model in models()) {
        let policy = Policy::parse(&model.text()).unwrap();
        prop_assert_eq!(Policy::parse(&policy.to_string()).unwrap(), policy.clone());
        let quorum = model.witnesses + model.groups.len() - 1;
        for set in 0..1u32 << model.witnesses {
            let cosigners: Vec<_> = (0..model.witnesses).filter(|n| set >> n & 1 == 1).map(|n| witness(n as u8)).collect();
            prop_assert_eq!(policy.satisfied(&cosigners), model.satisfied(quorum, set), "{:b}", set);
        }
    }
}
