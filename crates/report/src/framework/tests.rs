//! Frameworks as texts.

mod builtin;
mod errors;

/// A small framework that has everything.
pub(super) const SMALL: &str = r#"framework: own
name: Our own rules
version: "1"
as_of: 2026-11-22
parameters:
  - {name: tries, value: 3, unit: events, basis: own default, meaning: So many are a burst}
  - {name: answer_days, value: 30, unit: days, basis: "§ 7", meaning: Requests are answered by then}
controls:
  - control: "1"
    title: Logins
    asks: Failed logins, and what came of them
    query: "event_type:authentication.* OR event_type:ticket.*"
    group_by: [actor.id]
    metrics: [count, distinct_actors]
    fields: [timestamp, actor.id, metadata.reason]
    exceptions:
      - {kind: weak, severity: note, query: "metadata.auth_method:md5", text: weak login}
      - {kind: burst, severity: critical, query: "status:failed", text: guessing, per: [actor.id], at_least: $tries, within: 10m}
      - {kind: own, severity: warning, query: "*", text: own approval, same: [actor.id, metadata.approved_by]}
      - {kind: late, severity: warning, query: "event_type:ticket.close", text: late close, after: metadata.due, within: 1h}
      - {kind: open, severity: warning, query: "event_type:ticket.open", text: no answer, unless: "event_type:ticket.close", per: [metadata.ticket], within: $answer_days}
    directness: direct
  - control: "2"
    title: The chain
    asks: That nothing is missing
    checks:
      - {state: chain, tests: [no_gaps, hash_chain_valid]}
      - {state: health, tests: ["max_clock_offset_ms<=500", "required_fields_present>=100"], required_fields: [actor.id, {field: resource.id, of: "category:data"}]}
      - {state: alerts, tests: [all_acknowledged], filter: {severity: [critical], rule_tag: [logins]}}
    fields: [segment, gaps]
    directness: supporting
    notes: |
      Two lines
      of notes
"#;
