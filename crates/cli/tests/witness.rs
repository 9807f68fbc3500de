//! The witness over real HTTP: what c2sp.org/tlog-witness asks for, and that its state survives.

mod support;

use auditlog_tlog::VerifierKey;
use auditlog_tlog::witness::{MAX_BODY_BYTES, parse_conflict, parse_cosignatures};
use support::{Server, Tree, http, keygen};
use tempfile::TempDir;

const ORIGIN: &str = "example.org/log";

struct Setup {
    folder: TempDir,
    tree: Tree,
    witness: VerifierKey,
}

impl Setup {
    fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        let vkey = keygen(&folder.path().join("key.pem"), "witness.example/w", true);
        Self {
            folder,
            tree: Tree::new(ORIGIN, 600, 0, 0),
            witness: vkey.parse().expect("a key"),
        }
    }

    fn arguments(&self) -> Vec<String> {
        let path = |name: &str| self.folder.path().join(name).display().to_string();
        [
            "witness",
            "--listen",
            "127.0.0.1:0",
            "--name",
            "witness.example/w",
            "--key",
            &path("key.pem"),
            "--state",
            &path("state"),
            "--log",
            &self.tree.vkey().to_string(),
        ]
        .map(str::to_owned)
        .to_vec()
    }

    fn start(&self) -> Server {
        let arguments = self.arguments();
        Server::start(&arguments.iter().map(String::as_str).collect::<Vec<_>>(), 2)
    }
}

fn address(server: &Server) -> String {
    server.said("listening at http://")
}

fn add(server: &Server, body: &str) -> (u16, String, String) {
    http(&address(server), "POST /add-checkpoint", body.as_bytes())
}

#[test]
fn it_cosigns_what_extends_what_it_has_cosigned() {
    let setup = Setup::new();
    let tree = &setup.tree;
    let server = setup.start();
    assert_eq!(server.said("vkey: "), setup.witness.to_string());
    let (status, _, about) = http(&address(&server), "GET /", b"");
    assert_eq!(status, 200);
    assert!(about.contains(&setup.witness.to_string()) && about.contains(&tree.vkey().to_string()));
    for (old, new) in [(0, 1), (1, 256), (256, 256), (256, 600)] {
        let (status, _, body) = add(&server, &tree.body(old, new));
        assert_eq!(status, 200, "{old} to {new}: {body}");
        let found = parse_cosignatures(body.as_bytes(), &tree.note(new), std::slice::from_ref(&setup.witness));
        assert_eq!(found.expect("cosignatures").len(), 1);
    }
}

#[test]
fn it_refuses_with_the_status_that_the_protocol_wants() {
    let setup = Setup::new();
    let tree = &setup.tree;
    let server = setup.start();
    assert_eq!(add(&server, &tree.body(0, 300)).0, 200);
    // 409: another size is on record, which the answer tells
    for (old, new) in [(0, 500), (200, 500)] {
        let (status, head, body) = add(&server, &tree.body(old, new));
        assert_eq!(status, 409);
        assert!(head.contains("content-type: text/x.tlog.size"), "{head}");
        assert_eq!(
            parse_conflict("text/x.tlog.size", body.as_bytes()).expect("a size"),
            300
        );
    }
    // 409 without a size: another tree of the same size
    let fork = Tree::new(ORIGIN, 600, 1, 100);
    let (status, head, _) = add(&server, &fork.body(300, 300));
    assert!(status == 409 && head.contains("text/plain"), "{status} {head}");
    // 422: it is not proven to extend that
    assert_eq!(add(&server, &fork.body(300, 500)).0, 422);
    let other_proof =
        tree.body(300, 500)
            .replacen(&proof_line(&tree.body(300, 500)), &proof_line(&tree.body(250, 500)), 1);
    assert_eq!(add(&server, &other_proof).0, 422);
    // 404: a log that it does not know
    assert_eq!(add(&server, &Tree::new("example.org/other", 5, 0, 0).body(0, 5)).0, 404);
    // 403: not signed by the log's key
    let mut impostor = Tree::new(ORIGIN, 600, 0, 0);
    impostor.log.key = auditlog_tlog::SigningKey::from_seed(&[6; 32]);
    assert_eq!(add(&server, &impostor.body(300, 500)).0, 403);
    // 400: no request
    for body in ["", "old 0\n", "old 300\n\nhello\n", "old 300\nAAAA\n\nx\n"] {
        assert_eq!(add(&server, body).0, 400, "{body:?}");
    }
    assert_eq!(
        add(&server, &tree.body(300, 500).replacen("old 300", "old 501", 1)).0,
        400
    );
    let long = vec![b'x'; MAX_BODY_BYTES + 1000];
    assert_eq!(http(&address(&server), "POST /add-checkpoint", &long).0, 400);
    assert_eq!(http(&address(&server), "GET /add-checkpoint", b"").0, 405);
    assert_eq!(http(&address(&server), "GET /nothing", b"").0, 404);
    // and it still cosigns what is right
    assert_eq!(add(&server, &tree.body(300, 500)).0, 200);
}

fn proof_line(body: &str) -> String {
    body.lines().nth(1).expect("a proof").to_owned()
}

#[test]
fn its_state_survives_a_crash_and_a_restart() {
    let setup = Setup::new();
    let server = setup.start();
    assert_eq!(add(&server, &setup.tree.body(0, 300)).0, 200);
    server.kill();
    let server = setup.start();
    assert_eq!(add(&server, &setup.tree.body(0, 400)).0, 409);
    assert_eq!(add(&server, &setup.tree.body(300, 400)).0, 200);
    assert_eq!(server.terminate(), Some(0), "it ends by itself");
    let server = setup.start();
    assert_eq!(add(&server, &setup.tree.body(300, 500)).0, 409);
    assert_eq!(add(&server, &setup.tree.body(400, 500)).0, 200);
}

#[test]
fn only_one_process_has_the_state_and_a_damaged_one_is_no_empty_one() {
    let setup = Setup::new();
    let server = setup.start();
    assert_eq!(add(&server, &setup.tree.body(0, 300)).0, 200);
    let arguments = setup.arguments();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let second = support::auditlog(&arguments);
    assert_eq!(support::code(&second), 2);
    assert!(
        support::stderr(&second).contains("another process"),
        "{}",
        support::stderr(&second)
    );
    server.kill();
    for entry in std::fs::read_dir(setup.folder.path().join("state")).expect("the state") {
        let path = entry.expect("an entry").path();
        if path.file_name().is_some_and(|name| name != "lock") {
            std::fs::write(path, "").expect("written");
        }
    }
    assert_eq!(support::code(&support::auditlog(&arguments)), 2);
}

#[test]
fn of_two_requests_at_once_one_decides_first() {
    let setup = Setup::new();
    let server = setup.start();
    assert_eq!(add(&server, &setup.tree.body(0, 100)).0, 200);
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let requests: Vec<_> = (101..140)
            .map(|size| {
                let (server, tree) = (&server, &setup.tree);
                scope.spawn(move || add(server, &tree.body(100, size)).0)
            })
            .collect();
        requests
            .into_iter()
            .map(|request| request.join().expect("an answer"))
            .collect()
    });
    assert_eq!(
        statuses.iter().filter(|status| **status == 200).count(),
        1,
        "{statuses:?}"
    );
    assert_eq!(
        statuses.iter().filter(|status| **status == 409).count(),
        38,
        "{statuses:?}"
    );
}
