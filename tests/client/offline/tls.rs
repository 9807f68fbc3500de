//! `auditlog bundle` across a network: who the server is, as far as `sslmode` asks for it.

use super::{Folder, bundle, said};
use crate::program::Program;
use crate::proof::record;
use auditlog_testkit::log::text;
use auditlog_testkit::{Cluster, Options};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;

/// An authority, and a certificate of its for `name` with its key, as PEM.
fn certificates(name: &str) -> (String, String, String) {
    let mut params = CertificateParams::new(Vec::<String>::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority");
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
    let certificate = params.signed_by(&key, &authority).expect("a certificate");
    (authority.as_ref().pem(), certificate.pem(), key.serialize_pem())
}

/// A file that the server's account alone may read.
fn put(cluster: &Cluster, path: &Path, content: &str) {
    let owner = fs::metadata(cluster.data()).expect("the data directory");
    fs::write(path, content).expect("written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("rights");
    chown(path, Some(owner.uid()), Some(owner.gid())).expect("an owner");
}

#[test]
fn a_bundle_comes_over_tls_from_the_server_that_was_asked_for() {
    let cluster = Cluster::start(&Options {
        tcp: true,
        ..Options::default()
    });
    let mut client = cluster.create_database_with_extension("audited");
    if text(&mut client, "SHOW ssl_library").is_empty() {
        // this PostgreSQL was built without TLS: nothing but its refusal is to be seen
        let program = Program::ours();
        let dsn = format!(
            "host=127.0.0.1 port={} user=postgres dbname=audited sslmode=require",
            cluster.port()
        );
        let made = bundle(&program, &dsn, &Folder::new().path("none"), &[]);
        assert_eq!(made.status.code(), Some(2), "{}", said(&made));
        return;
    }
    record(&mut client, 20);
    drop(client);
    let (authority, certificate, key) = certificates("localhost");
    let data = cluster.data();
    put(&cluster, &data.join("server.crt"), &certificate);
    put(&cluster, &data.join("server.key"), &key);
    // nobody gets in over the network without TLS
    let rules = "local all all trust\nhostssl all all 127.0.0.1/32 trust\nhostssl all all ::1/128 trust\n";
    put(&cluster, &data.join("pg_hba.conf"), rules);
    cluster.set("ssl", "on");
    cluster.restart();

    let folder = Folder::new();
    let (ours, other) = (folder.path("ca of ours.pem"), folder.path("other.pem"));
    fs::write(&ours, authority).expect("written");
    fs::write(&other, certificates("localhost").0).expect("written");
    let program = Program::ours();
    let url = |host: &str, options: &str| {
        let options = options.replace("OURS", &ours.display().to_string().replace(' ', "%20"));
        let options = options.replace("OTHER", &other.display().to_string());
        format!("postgresql://postgres@{host}:{}/audited?{options}", cluster.port())
    };
    let port = cluster.port();
    let pairs = format!(
        "host=localhost port={port} user=postgres dbname=audited sslmode=verify-full sslrootcert='{}'",
        ours.display()
    );
    for (number, (dsn, refused)) in [
        (pairs, None),
        (url("localhost", "sslmode=verify-full&sslrootcert=OURS"), None),
        (
            url("127.0.0.1", "sslmode=verify-full&sslrootcert=OURS"),
            Some("certificate"),
        ),
        (url("127.0.0.1", "sslmode=verify-ca&sslrootcert=OURS"), None),
        (
            url("127.0.0.1", "sslmode=verify-ca&sslrootcert=OTHER"),
            Some("certificate"),
        ),
        (
            url("localhost", "sslmode=verify-full&sslrootcert=OTHER"),
            Some("certificate"),
        ),
        // nobody whom the system believes has signed it
        (url("localhost", "sslmode=verify-full"), Some("certificate")),
        (url("localhost", "sslrootcert=system"), Some("certificate")),
        // a file that is named is looked at
        (
            url("127.0.0.1", "sslmode=require&sslrootcert=OTHER"),
            Some("certificate"),
        ),
        (url("127.0.0.1", "sslmode=require"), None),
        (url("127.0.0.1", "connect_timeout=20"), None),
        (url("127.0.0.1", "sslmode=disable"), Some("pg_hba.conf")),
        (
            url("127.0.0.1", "sslmode=verify-full&sslrootcert=/nowhere"),
            Some("/nowhere"),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let made = bundle(&program, &dsn, &folder.path(&format!("bundle-{number}")), &[]);
        let said = said(&made);
        match refused {
            None => assert!(
                made.status.success() && said.starts_with("20 of 20 events"),
                "{dsn}: {said}"
            ),
            Some(why) => {
                assert_eq!(made.status.code(), Some(2), "{dsn}: {said}");
                assert!(said.contains(why), "{dsn}: {said}");
            }
        }
    }
}
