//! Public rules over public events that somebody else has labelled.
//!
//! The labels are those of Panther's own rules, so a pair is only told where both speak of the same. Sigma's rules
//! look neither at errors nor at who did it, so a few more events match; these are named too.

use super::*;

/// A rule of Sigma, the rule that labelled the events, and which of its events match.
const PAIRS: [(&str, &str, &[&str]); 15] = [
    // each of these is exactly what is labelled as an alert, of the formats and values that the rule knows
    (
        "aws_cloudtrail_bedrock_guardrail_deleted",
        "AWS.Bedrock.GuardrailUpdateDelete",
        &["Guardrail Deleted"],
    ),
    (
        "aws_cloudtrail_vpc_flow_logs_deleted",
        "AWS.VPCFlow.LogsDeleted",
        &["Logs Deleted"],
    ),
    (
        "aws_cloudtrail_console_login_success_without_mfa",
        "AWS.Console.RootLogin",
        &["Successful Root Login"],
    ),
    (
        "aws_root_account_usage",
        "AWS.Console.RootLogin",
        &["Successful Root Login"],
    ),
    (
        "aws_rds_dbcluster_actions",
        "AWS.RDS.DeletionProtectionDisabled",
        &["RDS Cluster Deletion Protection Disabled with Backup Changes - Critical"],
    ),
    (
        "kubernetes_audit_exec_into_container",
        "Kubernetes.Pod.Exec",
        &["EKS Exec Into Pod"],
    ),
    (
        "onelogin_assumed_another_user",
        "OneLogin.UserAssumption",
        &["User assumed another user's account"],
    ),
    (
        "github_secret_scanning_feature_disabled",
        "GitHub.Advanced.Security.Change",
        &[
            "Secret Scanning Disabled Org Wide",
            "Secret Scanning Disabled for New Repos",
        ],
    ),
    (
        "github_disable_high_risk_configuration",
        "GitHub.Org.AuthChange",
        &[
            "GitHub - Two Factor Requirement Disabled",
            "GitHub - OAuth App Restrictions Disabled",
        ],
    ),
    (
        "github_disable_high_risk_configuration",
        "GitHub.Advanced.Security.Change",
        &["Enterprise Log - business_advanced_security.disabled"],
    ),
    // these also match attempts that failed, or that Panther excludes
    (
        "aws_config_disable_recording",
        "AWS.ConfigService.DisabledDeleted",
        &["Config Recorder Deleted", "Error Deleting Config Recorder"],
    ),
    (
        "aws_cloudtrail_security_group_change_ingress_egress",
        "AWS.EC2.SecurityGroupModified",
        &["Security Group Modified", "Error Mofidying Security Group"],
    ),
    (
        "kubernetes_audit_hostpath_mount",
        "Kubernetes.Pod.HostPath.Volume",
        &[
            "EKS Pod With Suspicious HostPath",
            "Pod Creation Failed",
            "System Namespace Pod (Excluded)",
        ],
    ),
    (
        "kubernetes_audit_unauthorized_unauthenticated_actions",
        "Amazon.EKS.Audit.Multiple403",
        &["403 and Private IP", "403 and Public IP"],
    ),
    (
        "kubernetes_audit_pod_in_system_namespace",
        "Kubernetes.Pod.SystemNamespace",
        &[
            "EKS pod created in kube-system",
            "System principal creating pod in kube-system (excluded)",
            "Failed pod creation (excluded)",
            "EKS pod eviction in kube-system (excluded)",
        ],
    ),
];

fn document(event: &Value) -> Value {
    match event["log_type"].as_str() {
        Some("AWS.CloudTrail") => cloudtrail(&event["event"]),
        Some("Amazon.EKS.Audit") => kubernetes(&event["event"]),
        _ => event["event"].clone(),
    }
}

#[test]
fn labelled_events_match_the_rules_that_speak_of_them() {
    let (Some(rules), Some(events)) = (shared("sigma/rules"), shared("labelled-events/panther.ndjson")) else {
        return;
    };
    let text = std::fs::read_to_string(events).expect("events");
    let events: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let files = files(&rules);
    for (rule, labelled_by, wanted) in PAIRS {
        let path = files
            .iter()
            .find(|path| path.file_stem().is_some_and(|stem| stem == rule))
            .expect(rule);
        let yaml = std::fs::read_to_string(path).expect("a rule");
        let alert = import(&yaml, None).expect(rule).remove(0).definition;
        let mine: Vec<&Value> = events.iter().filter(|event| event["rule_id"] == labelled_by).collect();
        assert!(mine.len() >= wanted.len(), "{labelled_by}");
        let found: Vec<&str> = mine
            .iter()
            .filter(|event| holds(&alert, &document(event)))
            .filter_map(|event| event["test"].as_str())
            .collect();
        assert_eq!(found, wanted, "{rule}: {}", alert.condition);
        // where something is to be found, at least one of it is an alert there, too
        let labelled =
            |event: &&&Value| event["expected_alert"] == true && wanted.contains(&event["test"].as_str().unwrap_or(""));
        assert!(mine.iter().any(|event| labelled(&event)), "{rule}");
    }
}

#[test]
fn a_rule_of_cloudtrail_finds_the_attack_among_real_records() {
    let (Some(rules), Some(records)) = (shared("sigma/rules"), shared("cloudtrail/invictus.ndjson")) else {
        return;
    };
    let text = std::fs::read_to_string(records).expect("records");
    let events: Vec<Value> = text
        .lines()
        .map(|line| cloudtrail(&serde_json::from_str(line).expect("JSON")))
        .collect();
    let mut found = std::collections::BTreeMap::new();
    for path in files(&rules)
        .iter()
        .filter(|path| path.to_string_lossy().contains("/aws/"))
    {
        let yaml = std::fs::read_to_string(path).expect("a rule");
        let Ok(mut imported) = import(&yaml, None) else {
            continue;
        };
        let alert = imported.remove(0).definition;
        let checked = alert.check(&CheckOptions::default()).expect("a condition");
        let matched = events
            .iter()
            .filter(|event| matches(&checked, JsonDocument::new(&core(event)), 0))
            .count();
        if matched > 0 {
            found.insert(
                path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
                matched,
            );
        }
    }
    // counted over the records as they are, by the rules' own words
    let ec2 = "ec2.amazonaws.com";
    let security_groups = [
        "AuthorizeSecurityGroupEgress",
        "AuthorizeSecurityGroupIngress",
        "RevokeSecurityGroupEgress",
        "RevokeSecurityGroupIngress",
    ];
    for (rule, names) in [
        ("aws_cloudtrail_new_route_added", ["CreateRoute"].as_slice()),
        (
            "aws_cloudtrail_security_group_change_ingress_egress",
            security_groups.as_slice(),
        ),
        (
            "aws_snapshot_backup_exfiltration",
            ["ModifySnapshotAttribute"].as_slice(),
        ),
    ] {
        let wanted = counted(&text, names, ec2);
        assert!(wanted > 0, "{rule}");
        assert_eq!(found.get(rule), Some(&wanted), "{rule}");
    }
    assert_eq!(found.len(), 6, "{found:?}");
}

/// Records with one of the names, from a source.
fn counted(text: &str, names: &[&str], source: &str) -> usize {
    let records = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    records
        .filter(|record| names.iter().any(|name| record["eventName"] == **name) && record["eventSource"] == source)
        .count()
}
