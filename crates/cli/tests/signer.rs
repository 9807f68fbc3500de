//! The signer over a real socket: it signs one history only, also after a crash.

mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use auditlog_bundle::signer::{Answer, request, sign_with};
use auditlog_tlog::{SignedNote, VerifierKey};
use support::{Server, Tree, keygen};
use tempfile::TempDir;

const ORIGIN: &str = "example.org/log";

struct Setup {
    folder: TempDir,
    key: VerifierKey,
}

impl Setup {
    fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        let vkey = keygen(&folder.path().join("key.pem"), ORIGIN, false);
        Self {
            folder,
            key: vkey.parse().expect("a key"),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn arguments(&self, socket: &str) -> Vec<String> {
        let path = |name: &str| self.path(name).display().to_string();
        let (socket, key, state) = (path(socket), path("key.pem"), path("state"));
        [
            "signer", "--socket", &socket, "--key", &key, "--state", &state, "--origin", ORIGIN,
        ]
        .map(str::to_owned)
        .to_vec()
    }

    fn start(&self) -> Server {
        let arguments = self.arguments("socket");
        Server::start(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), 3)
    }

    fn ask(&self, request: &str) -> Answer {
        sign_with(&self.path("socket"), request, Duration::from_secs(20)).expect("an answer")
    }

    fn sign(&self, tree: &Tree, old: u64, new: u64) -> Answer {
        self.ask(&request(old, &tree.consistency(old, new), &tree.text(new)))
    }

    fn signed(&self, tree: &Tree, old: u64, new: u64) {
        let Answer::Signed(signature) = self.sign(tree, old, new) else {
            panic!("{old} to {new} is not signed");
        };
        let mut note = SignedNote::new(&tree.text(new)).expect("a text");
        note.add(signature);
        note.verify(std::slice::from_ref(&self.key))
            .expect("the key's signature");
    }
}

#[test]
fn it_signs_one_history_only() {
    let setup = Setup::new();
    let tree = Tree::new(ORIGIN, 600, 0, 0);
    let server = setup.start();
    assert_eq!(server.said("vkey: "), setup.key.to_string());
    assert_eq!(server.said("on record: "), "nothing");
    let mode = std::fs::metadata(setup.path("socket"))
        .expect("the socket")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    for (old, new) in [(0, 0), (0, 1), (1, 300), (300, 300), (300, 500)] {
        setup.signed(&tree, old, new);
    }
    // one that bears signatures already
    let signed = format!("old 500\n\n{}", tree.note(500));
    assert!(matches!(setup.ask(&signed), Answer::Signed(_)));
    // smaller, another of the same size, another that goes on, without proof, of another log
    let fork = Tree::new(ORIGIN, 600, 1, 100);
    assert_eq!(setup.sign(&tree, 300, 600), Answer::Conflict(500));
    assert_eq!(setup.sign(&tree, 0, 300), Answer::Conflict(500));
    assert!(matches!(
        setup.ask(&request(500, &[], &tree.text(300))),
        Answer::BadRequest(_)
    ));
    assert!(matches!(setup.sign(&fork, 500, 500), Answer::Refused(_)));
    assert!(matches!(setup.sign(&fork, 500, 600), Answer::Refused(_)));
    assert!(matches!(
        setup.ask(&request(500, &[], &tree.text(600))),
        Answer::Refused(_)
    ));
    let other = Tree::new("example.org/other", 600, 0, 0);
    assert!(matches!(setup.sign(&other, 500, 600), Answer::Refused(_)));
    for bad in ["", "old 500\n", "new 1\n\nx\n", "old 500\n\nnothing\n"] {
        assert!(matches!(setup.ask(bad), Answer::BadRequest(_)), "{bad:?}");
    }
    setup.signed(&tree, 500, 600);
}

#[test]
fn it_refuses_a_rollback_after_a_crash() {
    let setup = Setup::new();
    let tree = Tree::new(ORIGIN, 600, 0, 0);
    let fork = Tree::new(ORIGIN, 600, 1, 350);
    let server = setup.start();
    setup.signed(&tree, 0, 400);
    server.kill();
    // the socket of the killed one is in the way of nobody
    let server = setup.start();
    assert_eq!(server.said("on record: "), "size 400");
    assert_eq!(setup.sign(&tree, 0, 300), Answer::Conflict(400));
    assert!(matches!(setup.sign(&fork, 400, 500), Answer::Refused(_)));
    setup.signed(&tree, 400, 500);
    server.terminate();
    std::fs::write(setup.path("state"), "damaged").expect("written");
    let arguments = setup.arguments("socket");
    let output = support::auditlog(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(support::code(&output), 2, "a damaged record is no empty one");
}

#[test]
fn only_one_process_has_the_state_and_the_socket() {
    let setup = Setup::new();
    let _server = setup.start();
    for socket in ["socket", "other"] {
        let arguments = setup.arguments(socket);
        let output = support::auditlog(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(support::code(&output), 2, "{}", support::stderr(&output));
    }
}

#[test]
fn a_client_waits_no_longer_than_it_wants() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("socket");
    let _nobody_answers = std::os::unix::net::UnixListener::bind(&path).expect("a socket");
    let start = std::time::Instant::now();
    let error = sign_with(&path, "old 0\n\n", Duration::from_millis(300)).expect_err("no answer");
    assert!(start.elapsed() < Duration::from_secs(10), "{error}");
    assert!(sign_with(&folder.path().join("none"), "", Duration::from_secs(1)).is_err());
}
