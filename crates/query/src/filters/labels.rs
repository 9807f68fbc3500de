//! What the labels of the search form mean.
//!
//! - Event types: one word names a group, «Authentication» → `authentication` and
//!   `authentication.*`. The labels of [`EVENT_TYPES`] are looked up. Of two words the last may be
//!   an action, «Resource Modification» → `resource.modify` (creation, modification, deletion,
//!   view). A text with a dot or a wildcard is taken as it is.
//! - Resource types: «EC2 Instance» → `EC2 Instance` or `ec2_instance`; what has no space is taken
//!   as it is.

/// The section «Logged Events» of the product description, in lower case.
pub const EVENT_TYPES: [(&str, &str); 24] = [
    ("authentication events", "authentication.*"),
    ("login attempts", "authentication.login"),
    ("logout events", "authentication.logout"),
    ("mfa verification", "authentication.mfa_verify"),
    ("session expiration", "authentication.session_expire*"),
    ("password changes", "authentication.password_change"),
    ("resource actions", "resource.*"),
    ("tag changes", "resource.tag_change"),
    ("state changes", "resource.state_change"),
    ("configuration changes", "configuration.*"),
    ("workspace settings", "configuration.workspace_change"),
    ("user management", "configuration.user_*"),
    ("rbac modifications", "configuration.rbac_change"),
    ("policy updates", "configuration.policy_update"),
    ("integration configurations", "configuration.integration_change"),
    ("cost management", "cost.*"),
    ("automation execution", "automation.*"),
    ("policy runs", "automation.policy_run"),
    ("workflow executions", "automation.workflow_execute"),
    ("remediation actions", "automation.remediation"),
    ("integration events", "integration.*"),
    ("api calls", "integration.api_call"),
    ("webhook triggers", "integration.webhook"),
    ("system operations", "system.*"),
];

const ACTIONS: [(&str, &str); 4] = [
    ("creation", "create"),
    ("modification", "modify"),
    ("deletion", "delete"),
    ("view", "view"),
];

/// The event types, with wildcards, that a label means; a hint when nobody knows it.
pub fn event_type(label: &str) -> Result<Vec<String>, String> {
    if label.contains(['.', '*', '?']) {
        return Ok(vec![label.to_owned()]);
    }
    let lower = label.to_lowercase();
    if let Some((_, types)) = EVENT_TYPES.iter().find(|(known, _)| *known == lower) {
        return Ok(vec![(*types).to_owned()]);
    }
    let words: Vec<&str> = lower.split_whitespace().collect();
    match words.as_slice() {
        [group] => Ok(vec![(*group).to_owned(), format!("{group}.*")]),
        [group, action] => {
            let singular = action.strip_suffix('s').unwrap_or(action);
            let known = ACTIONS.iter().find(|(known, _)| *known == singular);
            known
                .map(|(_, action)| vec![format!("{group}.{action}")])
                .ok_or_else(|| hint(label))
        }
        _ => Err(hint(label)),
    }
}

fn hint(label: &str) -> String {
    let guess = label.split_whitespace().next().unwrap_or("group").to_lowercase();
    format!("Write the event type itself, like «{guess}.*».")
}

/// A label with spaces means the text itself and its identifier.
pub fn slug(label: &str) -> Vec<String> {
    if !label.contains(' ') {
        return vec![label.to_owned()];
    }
    let words: Vec<String> = label.split_whitespace().map(str::to_lowercase).collect();
    vec![label.to_owned(), words.join("_")]
}
