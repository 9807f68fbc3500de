//! Who may use what: the model of the matrix. Another object of the extension fails the test until it has a
//! line here.
//!
//! Letters: `A`dministrator, a`N`alyst, `C`ompliance officer, `M`anager, `U`ser, `W`riter, `O`wner, pg_`P`monitor,
//! pg_read_all_data (`R`), `E`verybody, and `S`uperuser. Owner and superuser: what no trigger refuses.

/// Roles by their letters; owner and superuser are no groups that one is put into.
pub const GROUPS: [(char, &str); 8] = [
    ('A', "auditlog_administrator"),
    ('N', "auditlog_analyst"),
    ('C', "auditlog_compliance"),
    ('M', "auditlog_manager"),
    ('U', "auditlog_user"),
    ('W', "auditlog_writer"),
    ('P', "pg_monitor"),
    ('R', "pg_read_all_data"),
];

/// A relation and who may SELECT, INSERT, UPDATE, DELETE and TRUNCATE. `-` is nobody. The relations of the
/// schema auditlog_data are closed to all roles but R, whose SELECT finds no rows there. Where R has none, the
/// view calls functions that R may not.
pub const RELATIONS: &str = "
auditlog.access_log             ANCMUOS  OS    -    -    -
auditlog.alert_firings          ANCROS   -     -    -    -
auditlog.alerts                 ANCROS   -     -    -    -
auditlog.channels               ANCROS   -     -    -    -
auditlog.checkpoint_sinks       ANCROS   -     -    -    -
auditlog.checkpoints            ANCROS   -     -    -    -
auditlog.dead_letters           ANCROS   -     -    -    -
auditlog.event_types            ANCMUWROS AOS  AOS  AOS  OS
auditlog.events                 ANCMUROS AWOS  -    -    -
auditlog.incarnations           ANCROS   -     -    -    -
auditlog.job                    ANCOS    -     -    -    -
auditlog.job_run_details        ANCOS    -     -    -    -
auditlog.my_events              ANCMUOS  OS    -    -    -
auditlog.notifications          ANCROS   -     -    -    -
auditlog.principals             ANCMUROS -     -    -    -
auditlog.saved_queries          ANCMUROS OS    OS   OS   OS
auditlog.signing_keys           ANCROS   -     -    -    -
auditlog.stat_access            ANCPOS   -     -    -    -
auditlog.stat_alerts            ANCPOS   -     -    -    -
auditlog.stat_channels          ANCPROS  -     -    -    -
auditlog.stat_ingest            ANCPOS   -     -    -    -
auditlog.stat_seal              ANCPOS   -     -    -    -
auditlog.stat_verify            ANCPOS   -     -    -    -
auditlog.stat_word_index        ANCPOS   -     -    -    -
auditlog.stat_workers           ANCPOS   -     -    -    -
auditlog.team_events            ANCMUOS  OS    -    -    -
auditlog.token_keys             AROS     -     -    -    -
auditlog.tokens                 ANCMUOS  -     -    -    -
auditlog.tracked_tables         ANCPOS   -     -    -    -
auditlog_data.checkpoint        ROS      -     -    -    -
auditlog_data.notification      ROS      -     -    -    -
auditlog_data.notification_id_seq ROS      -     -    -    -
auditlog_data.firing            ROS      -     -    -    -
auditlog_data.firing_id_seq     ROS      -     -    -    -
auditlog_data.evaluator         ROS      -     -    -    -
auditlog_data.channel_state     ROS      -     -    -    -
auditlog_data.channel           ROS      -     -    -    -
auditlog_data.alert_state       ROS      -     -    -    -
auditlog_data.alert             ROS      -     -    -    -
auditlog_data.alert_id_seq      ROS      -     -    -    -
auditlog_data.checkpoint_sink   ROS      -     -    -    -
auditlog_data.cosignature       ROS      -     -    -    -
auditlog_data.head              ROS      -     -    -    -
auditlog_data.idempotency       ROS      OS    OS   OS   OS
auditlog_data.inbox             ROS      -     -    -    -
auditlog_data.inbox_0           ROS      OS    -    -    -
auditlog_data.inbox_1           ROS      OS    -    -    -
auditlog_data.inbox_2           ROS      OS    -    -    -
auditlog_data.inbox_3           ROS      OS    -    -    -
auditlog_data.incarnation       ROS      -     -    -    -
auditlog_data.job               ROS      -     -    -    -
auditlog_data.job_jobid_seq     ROS      -     -    -    -
auditlog_data.job_run           ROS      -     -    -    -
auditlog_data.job_run_runid_seq ROS      -     -    -    -
auditlog_data.key_rotation      ROS      -     -    -    -
auditlog_data.log               ROS      -     -    -    -
auditlog_data.log_standard      ROS      -     -    -    -
auditlog_data.log_standard_*    ROS      -     -    -    -
auditlog_data.principal         ROS      -     -    -    -
auditlog_data.api_token         ROS      -     -    -    -
auditlog_data.api_token_id_seq  ROS      -     -    -    -
auditlog_data.publisher         ROS      -     -    -    -
auditlog_data.signing_key       ROS      -     -    -    -
auditlog_data.tile              ROS      -     -    -    -
auditlog_data.token_keys        ROS      -     -    -    -
auditlog_data.tracked_table     ROS      -     -    -    -
auditlog_data.word_chunk        ROS      -     -    -    -
auditlog_data.word_run          ROS      -     -    -    -
auditlog.retention_policies     ANCROS   -     -    -    -
auditlog.exports                ANCROS   -     -    -    -
auditlog_data.export            ROS      -     -    -    -
auditlog_data.export_id_seq     ROS      -     -    -    -
auditlog.holds                  ANCROS   -     -    -    -
auditlog.retention_moves        ANCROS   -     -    -    -
auditlog.retention_runs         ANCROS   -     -    -    -
auditlog.tiers                  ANCPROS  -     -    -    -
auditlog_data.log_evidence*     ROS      -     -    -    -
auditlog_data.retention_policy  ROS      -     -    -    -
auditlog_data.legal_hold        ROS      -     -    -    -
auditlog_data.legal_hold_id_seq ROS      -     -    -    -
auditlog_data.partition_tier    ROS      -     -    -    -
auditlog_data.retention_move    ROS      -     -    -    -
auditlog_data.retention_move_id_seq ROS      -     -    -    -
auditlog_data.certificate       ROS      -     -    -    -
auditlog_data.retention_run     ROS      -     -    -    -
auditlog_data.retention_run_id_seq ROS      -     -    -    -
auditlog.reviews                ANCROS   -     -    -    -
auditlog.health_samples         ANCROS   -     -    -    -
auditlog.verification_runs      ANCROS   -     -    -    -
auditlog.access_snapshots       ANCROS   -     -    -    -
auditlog.compliance_metrics     ANCPOS   -     -    -    -
auditlog.frameworks             ANCOS    -     -    -    -
auditlog.controls               ANCOS    -     -    -    -
auditlog.reports                ACROS    -     -    -    -
auditlog.report_definitions     ACROS    -     -    -    -
auditlog.report_deliveries      ACROS    -     -    -    -
auditlog.classified_tables      ANCROS   -     -    -    -
auditlog_data.health_sample     ROS      -     -    -    -
auditlog_data.verification_run  ROS      -     -    -    -
auditlog_data.verification_run_id_seq ROS      -     -    -    -
auditlog_data.review            ROS      -     -    -    -
auditlog_data.review_id_seq     ROS      -     -    -    -
auditlog_data.access_snapshot   ROS      -     -    -    -
auditlog_data.framework         ROS      -     -    -    -
auditlog_data.report_definition ROS      -     -    -    -
auditlog_data.report            ROS      -     -    -    -
auditlog_data.report_id_seq     ROS      -     -    -    -
auditlog_data.report_file       ROS      -     -    -    -
auditlog_data.report_delivery   ROS      -     -    -    -
auditlog_data.classified_table  ROS      -     -    -    -
auditlog.archive                ANCROS   -     -    -    -
auditlog.archive_erasures       ANCROS   -     -    -    -
auditlog.restores               ANCROS   -     -    -    -
auditlog.restored_events        ANCROS   -     -    -    -
auditlog_data.archive_erasure   ROS      -     -    -    -
auditlog_data.archive_erasure_id_seq ROS      -     -    -    -
auditlog_data.archive_object    ROS      -     -    -    -
auditlog_data.restored          ROS      -     -    -    -
auditlog_data.restore           ROS      -     -    -    -
auditlog_data.restore_id_seq    ROS      -     -    -    -
auditlog.sinks                  ANCOS    -     -    -    -
auditlog.sink_dead_letters      ANCROS   -     -    -    -
auditlog.stat_sinks             ANCPROS  -     -    -    -
auditlog_data.sink              ROS      -     -    -    -
auditlog_data.sink_id_seq       ROS      -     -    -    -
auditlog_data.sink_state        ROS      -     -    -    -
auditlog_data.sink_letter       ROS      -     -    -    -
";

/// A function, in all its forms, and who may EXECUTE it. Those of auditlog_data cannot be called, as the
/// schema is closed; who has the right is whose queries they are put into.
pub const FUNCTIONS: &str = "
auditlog.add_checkpoint_sink     A
auditlog.add_principal           A
auditlog.unschedule              A
auditlog.schedule_in_database    A
auditlog.schedule                A
auditlog.alter_job               A
auditlog.test_alert              A
auditlog.redrive                 A
auditlog.mute                    A
auditlog.explain_alert           A
auditlog.enable_alert            A
auditlog.drop_channel            A
auditlog.drop_alert              A
auditlog.disable_alert           A
auditlog.create_channel          A
auditlog.create_alert            A
auditlog.alter_channel           A
auditlog.alter_alert             A
auditlog.acknowledge             AN
auditlog.alter_principal         A
auditlog.acting_role             ANCMUW
auditlog.authenticate            ANCMUW
auditlog.await_sealed            AW
auditlog.builtin_alerts          A
auditlog.bundle_record           ANC
auditlog.checkpoint              ANC
auditlog.consistency_proof       ANC
auditlog.count                   ANCMU
auditlog.cursor                  ANCMU
auditlog.cursor_position         ANCMU
auditlog.declare_incarnation     A
auditlog.delete_query            ANC
auditlog.drop_checkpoint_sink    A
auditlog.drop_principal          A
auditlog.erase                   A
auditlog.estimate                ANCMU
auditlog.explain_query           ANCMUW
auditlog.facets                  ANCMU
auditlog.field_source            ANCMU
auditlog.field_values            ANCMU
auditlog.fields                  ANCMUW
auditlog.filter_query            ANCMU
auditlog.fold                    ANCMUW
auditlog.format_query            ANCMUW
auditlog.health                  ANCP
auditlog.histogram               ANCMU
auditlog.histogram_buckets       ANCMU
auditlog.import_pgaudit          AW
auditlog.import_sigma            A
auditlog.install_alerts          A
auditlog.inclusion_proof         ANC
auditlog.match_event             ANCMUW
auditlog.match_json              ANCMUW
auditlog.match_list              ANCMUW
auditlog.match_text              ANCMUW
auditlog.matches                 ANCMUW
auditlog.moment                  ANCMUW
auditlog.note_search             ANCMU
auditlog.parse_query             ANCMUW
auditlog.public_key              ANC
auditlog.rebuild_word_index      A
auditlog.record                  AW
auditlog.record_batch            AW
auditlog.record_ndjson           AW
auditlog.record_standby_reads    -
auditlog.rotate_key              A
auditlog.save_query              ANC
auditlog.search                  ANCMU
auditlog.set_context             AW
auditlog.set_token_keys          A
auditlog.set_witness_policy      A
auditlog.status                  ANC
auditlog.suggest                 ANCMU
auditlog.tail                    ANCMU
auditlog.tail_position           ANCMU
auditlog.tail_wait               ANCMU
auditlog.tiles                   ANC
auditlog.to_json                 ANCMU
auditlog.token_scopes            ANCMU
auditlog.create_token            ANCMU
auditlog.revoke_token            ANCMU
auditlog.track                   AW
auditlog.untrack                 A
auditlog.verify                  ANC
auditlog.whoami                  ANCMUW
auditlog_data.access_state       ANCP
auditlog_data.access_types       ANCMU
auditlog_data.token_used_at      ANCMU
auditlog_data.actor_support      -
auditlog_data.anchored           -
auditlog_data.announce_database  -
auditlog_data.capture            E
auditlog_data.capture_ddl        -
auditlog_data.capture_drop       -
auditlog_data.capture_states     ANCP
auditlog_data.captured_relations -
auditlog_data.ensure_partition   -
auditlog_data.event_policies     -
auditlog_data.event_types_changed -
auditlog_data.events_row         -
auditlog_data.guard_ddl          -
auditlog_data.guard_drop         -
auditlog_data.guard_extension    -
auditlog_data.guard_faults       -
auditlog_data.has_no_tenants     ANCMU
auditlog_data.head_state         ANCP
auditlog_data.inbox_row          -
auditlog_data.inbox_state        ANCP
auditlog_data.incomplete_partitions -
auditlog_data.is_actor           ANCMU
auditlog_data.is_worker          -
auditlog_data.log_row            -
auditlog_data.matches_support    -
auditlog_data.my_actor_id        ANCMU
auditlog_data.my_reader_id       ANCMU
auditlog_data.my_team            ANCMU
auditlog_data.my_tenant          ANCMU
auditlog_data.note_export        -
auditlog_data.partition_indexes  -
auditlog_data.partition_statistics -
auditlog_data.principals_changed -
auditlog_data.protection         -
auditlog_data.publisher_state    ANCP
auditlog_data.refuse             -
auditlog_data.saved_queries_changed -
auditlog_data.scheduler_state    ANCP
auditlog_data.sees_job           ANC
auditlog_data.secure_partition   -
auditlog_data.secure_rows        -
auditlog_data.stats              ANCP
auditlog_data.tell_change        -
auditlog_data.tell_type_change   -
auditlog_data.watch_state        ANCP
auditlog_data.word_candidates    ANCMU
auditlog_data.word_collect       -
auditlog.word_filter             ANCMU
auditlog_data.word_state         ANCP
auditlog_data.word_support       -
auditlog.set_retention           A
auditlog.run_retention           A
auditlog.hold                    A
auditlog.release_hold            A
auditlog.plan_retention          ANC
auditlog.retention               ANC
auditlog.retention_requirements  ANC
auditlog.retention_conflicts     ANC
auditlog.certificates            ANC
auditlog_data.keeper_state       ANCP
auditlog.export                  AN
auditlog.cancel_export           AN
auditlog.resume_export           AN
auditlog_data.exporter_state     ANCP
auditlog.export_rows             AN
auditlog_data.export_header      AN
auditlog_data.export_line        AN
auditlog.create_sink             A
auditlog.alter_sink              A
auditlog.drop_sink               A
auditlog.pause_sink              A
auditlog.resume_sink             A
auditlog.replay_sink             A
auditlog.redrive_sink            A
auditlog.test_sink               A
auditlog_data.streamer_state     ANCP
auditlog_data.sealed_at          ANC
auditlog_data.always             -
auditlog_data.ensure_class       -
auditlog_data.partition_name     -
auditlog_data.partition_bounds   -
auditlog_data.begin_successor    -
auditlog_data.compressed_handler -
auditlog_data.prepare_successor  -
auditlog_data.replace_partition  -
auditlog.restore                 AN
auditlog.drop_restored           AN
auditlog.sign_review             ANC
auditlog_data.sign_review        ANC
auditlog.generate_report         AC
auditlog.report_json             AC
auditlog.incident_report         AC
auditlog.create_report           AC
auditlog.drop_report             AC
auditlog.run_report              AC
auditlog.cancel_report           AC
auditlog.retry_report            AC
auditlog.report_file             AC
auditlog.report_proof            AC
auditlog.add_framework           A
auditlog.drop_framework          A
auditlog.classify                A
auditlog_data.builtin_frameworks ANC
auditlog_data.compliance_metrics ANCP
auditlog_data.reporter_state     ANCP
auditlog_data.field_expression   -
auditlog_data.report_section     -
auditlog_data.report_exception   -
auditlog_data.report_rows        -
auditlog_data.report_sample      -
auditlog_data.report_counts      -
auditlog_data.report_tally       -
auditlog_data.report_tally_add   -
auditlog_data.report_tally_merge -
auditlog_data.report_tally_bytes -
auditlog_data.report_tally_read  -
auditlog_data.report_tally_json  -
auditlog_data.report_holes       -
auditlog_data.report_field       -
auditlog_data.report_evidence    -
auditlog_data.report_retention   -
auditlog_data.time_or_null       -
auditlog_data.classified_objects -
auditlog_data.tracked_objects    -
auditlog_data.machine_state      -
auditlog_data.take_health_sample -
auditlog_data.take_access_snapshot -
auditlog.diff                    ANCMU
auditlog.stitch                  ANCMU
auditlog.sentence                ANCMU
auditlog.timeline                ANCMU
auditlog.timeline_rows           ANCMU
auditlog.change_query            ANC
auditlog.changes                 ANC
auditlog.segregation_rules       ANC
auditlog.segregation_of_duties   ANC
auditlog.incident_summary        ANC
";

/// The lines of a model, in words.
pub fn lines(model: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    model
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|words| !words.is_empty())
}

/// The line of an object.
pub fn line(model: &'static str, object: &str) -> Vec<&'static str> {
    let fits = |name: &str| match name.strip_suffix('*') {
        Some(prefix) => object.starts_with(prefix),
        None => object == name,
    };
    lines(model)
        .find(|words| fits(words[0]))
        .unwrap_or_else(|| panic!("{object} is not in tests/client/roles/model.rs: say there who may use it"))
}
