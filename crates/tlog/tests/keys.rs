//! Key files, also against the openssl command where there is one.

mod support;

use std::io::Write;
use std::process::{Command, Stdio};

use auditlog_tlog::SigningKey;
use auditlog_tlog::key::KeyFileError;
use support::{base64, hex, hex_hash};

/// RFC 8410 §10.3.
const VERSION_1: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
";
const VERSION_2: &str = "-----BEGIN PRIVATE KEY-----
MHICAQEwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
oB8wHQYKKoZIhvcNAQkJFDEPDA1DdXJkbGUgQ2hhaXJzgSEAGb9ECWmEzf6FQbrB
Z9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PRIVATE KEY-----
";
const SEED: &str = "d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842";
const PUBLIC: &str = "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1";

fn pem(der: &[u8]) -> String {
    use ::base64::Engine;
    let text = ::base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
}

fn der(pem: &str) -> Vec<u8> {
    base64(&pem.lines().filter(|line| !line.starts_with('-')).collect::<String>())
}

#[test]
fn both_versions_are_read_and_the_first_is_written() {
    for text in [VERSION_1, VERSION_2] {
        let key = SigningKey::from_pem(text).unwrap();
        assert_eq!(key.public(), hex_hash(PUBLIC));
        assert_eq!(*key.to_pem(), VERSION_1);
    }
    assert_eq!(*SigningKey::from_seed(&hex_hash(SEED)).to_pem(), VERSION_1);
    // As some libraries write version 2: no attributes, the public key tagged explicitly.
    let explicit = hex(&format!("3053020101300506032b657004220420{SEED}a123032100{PUBLIC}"));
    assert_eq!(
        SigningKey::from_pem(&pem(&explicit)).unwrap().public(),
        hex_hash(PUBLIC)
    );
}

#[test]
fn line_ends_and_remarks_do_not_matter() {
    for text in [
        VERSION_1.replace('\n', "\r\n"),
        format!("# The key of the log\n\n{VERSION_1}\n# end\n"),
        VERSION_1.replace("IN", "IN\n  ").replace("BEGIN\n  ", "BEGIN"),
        VERSION_1.trim_end().to_owned(),
    ] {
        assert_eq!(
            SigningKey::from_pem(&text).unwrap().public(),
            hex_hash(PUBLIC),
            "{text}"
        );
    }
}

#[test]
fn the_message_says_what_the_file_is() {
    let with_label = |label: &str| VERSION_1.replace("PRIVATE KEY", label);
    for (text, message) in [
        (String::new(), "the file has no line «-----BEGIN PRIVATE KEY-----»"),
        (SEED.to_owned(), "the file has no line «-----BEGIN PRIVATE KEY-----»"),
        (
            with_label("PUBLIC KEY"),
            "the file has the PEM «PUBLIC KEY», not «PRIVATE KEY»: this is the public key",
        ),
        (
            with_label("OPENSSH PRIVATE KEY"),
            "the file has the PEM «OPENSSH PRIVATE KEY», not «PRIVATE KEY»: this is a key of ssh",
        ),
        (
            with_label("CERTIFICATE"),
            "the file has the PEM «CERTIFICATE», not «PRIVATE KEY»",
        ),
        (
            VERSION_1.replace("-----END", "----END"),
            "the PEM has no line «-----END PRIVATE KEY-----»",
        ),
        (VERSION_1.repeat(2), "the file has more than one PEM block"),
        (VERSION_1.replace("MC4C", "MC4?"), "the PEM is not base64"),
        (VERSION_1.replace("hC\n", "h\n"), "the PEM is not base64"),
    ] {
        assert_eq!(SigningKey::from_pem(&text).unwrap_err().to_string(), message, "{text}");
    }
    let encrypted = SigningKey::from_pem(&with_label("ENCRYPTED PRIVATE KEY")).unwrap_err();
    assert!(encrypted.to_string().contains("protected by a password"), "{encrypted}");
}

#[test]
fn damaged_keys_are_refused() {
    let (one, two) = (der(VERSION_1), der(VERSION_2));
    for whole in [&one, &two] {
        for end in 0..whole.len() {
            assert!(SigningKey::from_pem(&pem(&whole[..end])).is_err(), "{end} bytes");
        }
        let longer = SigningKey::from_pem(&pem(&[&whole[..], &[0]].concat()));
        assert_eq!(
            longer.unwrap_err(),
            KeyFileError::Der("bytes follow that do not belong to it")
        );
    }
    // In version 1 everything but the key itself has one value; in version 2 the public key tells on the private.
    for place in 0..one.len() {
        let mut changed = one.clone();
        changed[place] ^= 1;
        let read = SigningKey::from_pem(&pem(&changed));
        match place {
            // A key of version 2 need not have its public key.
            4 => assert_eq!(read.unwrap().public(), hex_hash(PUBLIC)),
            16.. => assert_ne!(read.unwrap().public(), hex_hash(PUBLIC)),
            _ => assert!(read.is_err(), "byte {place}"),
        }
    }
    let public = two.len() - 32;
    for place in (16..48).chain(public..two.len()) {
        let mut changed = two.clone();
        changed[place] ^= 1;
        assert_eq!(
            SigningKey::from_pem(&pem(&changed)).unwrap_err(),
            KeyFileError::Public,
            "byte {place}"
        );
    }
}

#[test]
fn a_key_does_not_print_its_secret() {
    let key = SigningKey::from_seed(&[0xab; 32]);
    let debug = format!("{key:?}");
    assert!(
        debug.starts_with("SigningKey(") && !debug.contains("171, 171"),
        "{debug}"
    );
}

/// Runs openssl; `None` when there is none.
fn openssl(args: &[&str], input: &[u8]) -> Option<Vec<u8>> {
    let child = Command::new("openssl")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = child.ok()?;
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "openssl {args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(output.stdout)
}

#[test]
fn openssl_agrees() {
    let Some(made) = openssl(&["genpkey", "-algorithm", "ed25519"], b"") else {
        println!("skipped: there is no openssl");
        return;
    };
    let made = String::from_utf8(made).unwrap();
    let key = SigningKey::from_pem(&made).unwrap();
    assert_eq!(*key.to_pem(), made, "the file is the same to the byte");
    // It reads ours, and sees the same public key.
    let public = openssl(&["pkey", "-pubout", "-outform", "DER"], key.to_pem().as_bytes()).unwrap();
    assert_eq!(public[public.len() - 32..], key.public());

    // It verifies a signature of a checkpoint.
    let folder = std::env::temp_dir().join(format!("auditlog-tlog-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let [public, message, signature] = ["public.pem", "message", "signature"].map(|name| folder.join(name));
    let [public, message, signature] = [&public, &message, &signature].map(|path| path.to_str().unwrap());
    std::fs::write(public, openssl(&["pkey", "-pubout"], key.to_pem().as_bytes()).unwrap()).unwrap();
    std::fs::write(message, "origin\n1\nhash\n").unwrap();
    std::fs::write(signature, key.sign(b"origin\n1\nhash\n")).unwrap();
    let args = [
        "pkeyutl", "-verify", "-pubin", "-inkey", public, "-rawin", "-in", message, "-sigfile", signature,
    ];
    openssl(&args, b"").unwrap();
    std::fs::remove_dir_all(&folder).unwrap();

    for (args, expected) in [
        (
            &["genpkey", "-algorithm", "x25519"][..],
            KeyFileError::Algorithm("X25519"),
        ),
        (&["genpkey", "-algorithm", "ed448"], KeyFileError::Algorithm("Ed448")),
        (
            &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
            KeyFileError::Algorithm("ECDSA"),
        ),
        (&["genpkey", "-algorithm", "RSA"], KeyFileError::Algorithm("RSA")),
    ] {
        let other = String::from_utf8(openssl(args, b"").unwrap()).unwrap();
        assert_eq!(SigningKey::from_pem(&other).unwrap_err(), expected, "{args:?}");
    }
}
