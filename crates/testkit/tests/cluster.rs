//! The kit itself, against a server without the extension.

use auditlog_testkit::{Cluster, Options, Stop, Victim, crash, wait_until};
use std::time::Duration;

fn plain() -> Cluster {
    Cluster::start(&Options {
        preload: false,
        ..Options::default()
    })
}

#[test]
fn a_cluster_survives_what_we_do_to_it_and_leaves_nothing_behind() {
    let cluster = plain();
    let mut client = cluster.connect("postgres");
    client
        .batch_execute("CREATE TABLE t (i int); INSERT INTO t VALUES (1)")
        .expect("DDL");
    for victim in [Victim::Postmaster, Victim::Everybody] {
        let pid = cluster.postmaster_pid();
        cluster.kill9(victim);
        assert!(!crash::is_alive(pid), "{victim:?}");
        assert!(
            client.batch_execute("SELECT 1").is_err(),
            "the connection outlived {victim:?}"
        );
        cluster.go();
        client = cluster.connect("postgres");
    }
    cluster.restart();
    assert_eq!(cluster.psql("postgres", "SELECT i FROM t"), "1\n");

    let dir = cluster.dir().to_owned();
    let pid = cluster.postmaster_pid();
    drop(cluster);
    assert!(!crash::is_alive(pid), "the postmaster lives on");
    wait_until("the directory is gone", Duration::from_secs(10), || !dir.exists());
}

#[test]
fn a_base_backup_is_a_cluster_of_its_own_and_a_dump_loads_elsewhere() {
    let cluster = plain();
    cluster.psql("postgres", "CREATE TABLE t AS SELECT generate_series(1, 10) AS i");
    let copy = Cluster::from_base_backup(&cluster, false);
    assert_eq!(copy.psql("postgres", "SELECT count(*) FROM t"), "10\n");
    copy.psql("postgres", "CREATE DATABASE second");
    cluster.dump_into("postgres", &copy, "second");
    assert_eq!(copy.psql("second", "SELECT count(*) FROM t"), "10\n");

    let standby = Cluster::from_base_backup(&cluster, true);
    assert_eq!(standby.psql("postgres", "SELECT pg_is_in_recovery()"), "t\n");
    cluster.stop(Stop::Fast);
    assert_eq!(standby.psql("postgres", "SELECT pg_promote()"), "t\n");
}
