//! The columns of an event of OCSF 1.3.0 in Parquet: its attributes as nested groups, for each class those that an audit log
//! of a database has. What an event has beside them goes into `unmapped`, so nothing is lost.
//! Source: ocsf/ocsf-schema 1.3.0, `events/*`, `objects/*`.

/// What a column, or a group of columns, holds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Form {
    /// 32 bits: the numbers of enumerations.
    Int,
    /// 64 bits: times in milliseconds since 1970 UTC, counts.
    Long,
    Bool,
    Text,
    /// A list of texts.
    Texts,
    Group(&'static [Field]),
    /// A list of groups.
    Groups(&'static [Field]),
    /// Names and texts.
    Map,
}

/// A named column or group. It may be missing in an event unless it is `needed`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) form: Form,
    pub(crate) needed: bool,
}

const fn field(name: &'static str, form: Form) -> Field {
    Field {
        name,
        form,
        needed: false,
    }
}

const fn text(name: &'static str) -> Field {
    field(name, Form::Text)
}

const fn int(name: &'static str) -> Field {
    field(name, Form::Int)
}

const fn long(name: &'static str) -> Field {
    field(name, Form::Long)
}

const fn flag(name: &'static str) -> Field {
    field(name, Form::Bool)
}

const fn group(name: &'static str, fields: &'static [Field]) -> Field {
    field(name, Form::Group(fields))
}

const fn groups(name: &'static str, fields: &'static [Field]) -> Field {
    field(name, Form::Groups(fields))
}

const fn texts(name: &'static str) -> Field {
    field(name, Form::Texts)
}

const fn needed(field: Field) -> Field {
    Field { needed: true, ..field }
}

const PRODUCT: &[Field] = &[
    text("name"),
    text("vendor_name"),
    text("version"),
    text("uid"),
    text("lang"),
    group("feature", &[text("name"), text("uid"), text("version")]),
];

const METADATA: &[Field] = &[
    text("version"),
    text("uid"),
    long("sequence"),
    text("log_name"),
    text("log_provider"),
    text("log_version"),
    text("event_code"),
    text("correlation_uid"),
    text("tenant_uid"),
    text("original_time"),
    long("logged_time"),
    long("processed_time"),
    long("modified_time"),
    texts("labels"),
    texts("profiles"),
    group("product", PRODUCT),
];

const NAMED: &[Field] = &[text("name"), text("uid"), text("type"), int("type_id")];

const USER: &[Field] = &[
    text("name"),
    text("uid"),
    text("uid_alt"),
    text("type"),
    int("type_id"),
    text("full_name"),
    text("email_addr"),
    text("domain"),
    text("credential_uid"),
    group("account", NAMED),
    group("org", &[text("name"), text("uid"), text("ou_name"), text("ou_uid")]),
    groups("groups", &[text("name"), text("uid"), text("type"), text("desc")]),
];

const SESSION: &[Field] = &[
    text("uid"),
    text("uid_alt"),
    text("issuer"),
    text("credential_uid"),
    text("terminal"),
    text("expiration_reason"),
    long("created_time"),
    long("expiration_time"),
    long("count"),
    flag("is_remote"),
    flag("is_mfa"),
    flag("is_vpn"),
];

const ACTOR: &[Field] = &[
    text("app_name"),
    text("app_uid"),
    text("invoked_by"),
    group("user", USER),
    group("session", SESSION),
    group("process", &[text("name"), text("uid"), long("pid"), text("cmd_line")]),
    group("idp", &[text("name"), text("uid")]),
];

const ENDPOINT: &[Field] = &[
    text("ip"),
    int("port"),
    text("hostname"),
    text("name"),
    text("uid"),
    text("domain"),
    text("svc_name"),
    text("instance_uid"),
    text("interface_name"),
    text("mac"),
    text("type"),
    int("type_id"),
    group(
        "location",
        &[text("city"), text("country"), text("region"), text("desc")],
    ),
];

const STORED: &[Field] = &[
    text("name"),
    text("uid"),
    text("desc"),
    text("type"),
    int("type_id"),
    long("created_time"),
    long("modified_time"),
    long("size"),
];

const RESOURCE: &[Field] = &[
    text("name"),
    text("uid"),
    text("type"),
    text("namespace"),
    text("region"),
    text("version"),
    text("criticality"),
    text("data"),
    texts("labels"),
    group("owner", USER),
];

const FINDING: &[Field] = &[
    text("uid"),
    text("title"),
    text("desc"),
    texts("types"),
    texts("data_sources"),
    text("src_url"),
    text("product_uid"),
    long("created_time"),
    long("modified_time"),
    long("first_seen_time"),
    long("last_seen_time"),
    group(
        "analytic",
        &[text("name"), text("uid"), text("type"), int("type_id"), text("version")],
    ),
];

/// What events of every class have.
const BASE: &[Field] = &[
    needed(int("activity_id")),
    text("activity_name"),
    needed(int("category_uid")),
    text("category_name"),
    needed(int("class_uid")),
    text("class_name"),
    needed(long("type_uid")),
    text("type_name"),
    needed(int("severity_id")),
    text("severity"),
    int("status_id"),
    text("status"),
    text("status_code"),
    text("status_detail"),
    needed(long("time")),
    text("time_dt"),
    long("start_time"),
    long("end_time"),
    long("duration"),
    int("timezone_offset"),
    long("count"),
    text("message"),
    text("raw_data"),
    int("action_id"),
    text("action"),
    int("disposition_id"),
    text("disposition"),
    group("metadata", METADATA),
    group("actor", ACTOR),
    group("src_endpoint", ENDPOINT),
    group("dst_endpoint", ENDPOINT),
    group("device", ENDPOINT),
    group(
        "cloud",
        &[text("provider"), text("region"), text("zone"), group("account", NAMED)],
    ),
    group(
        "http_request",
        &[
            text("http_method"),
            text("user_agent"),
            text("uid"),
            text("referrer"),
            text("version"),
            texts("x_forwarded_for"),
            group(
                "url",
                &[
                    text("url_string"),
                    text("hostname"),
                    text("path"),
                    text("query_string"),
                    int("port"),
                ],
            ),
        ],
    ),
    groups(
        "observables",
        &[text("name"), text("type"), int("type_id"), text("value")],
    ),
    groups(
        "enrichments",
        &[
            text("name"),
            text("type"),
            text("value"),
            text("provider"),
            text("data"),
        ],
    ),
    field("unmapped", Form::Map),
];

const API: Field = group(
    "api",
    &[
        text("operation"),
        text("version"),
        group("request", &[text("uid"), text("data"), texts("flags")]),
        group(
            "response",
            &[
                int("code"),
                text("error"),
                text("error_message"),
                text("message"),
                text("data"),
            ],
        ),
        group("service", &[text("name"), text("uid"), text("version")]),
        group("group", &[text("name"), text("uid")]),
    ],
);

const DATASTORE: &[Field] = &[
    int("type_id"),
    text("type"),
    group("database", STORED),
    group("databucket", STORED),
    group("table", STORED),
    group(
        "query_info",
        &[
            text("query_string"),
            text("name"),
            text("uid"),
            text("data"),
            long("query_time"),
            long("bytes"),
        ],
    ),
];

const AUTHENTICATION: &[Field] = &[
    group("user", USER),
    group("session", SESSION),
    group("service", NAMED),
    text("auth_protocol"),
    int("auth_protocol_id"),
    text("logon_type"),
    int("logon_type_id"),
    flag("is_cleartext"),
    flag("is_mfa"),
    flag("is_new_logon"),
    flag("is_remote"),
    group("logon_process", &[text("name"), text("uid"), long("pid")]),
];

const ACCOUNT: &[Field] = &[
    group("user", USER),
    group("user_result", USER),
    group("policy", &[text("name"), text("uid"), text("desc"), text("version")]),
];

const ACCESS: &[Field] = &[group("user", USER), texts("privileges"), group("resource", RESOURCE)];

const DETECTION: &[Field] = &[
    group("finding_info", FINDING),
    int("confidence_id"),
    text("confidence"),
    int("risk_level_id"),
    text("risk_level"),
    text("risk_details"),
    flag("is_alert"),
    text("comment"),
    groups("evidences", &[text("data")]),
];

/// The fields of a class, base first. An unknown class has those that every class has.
pub(crate) fn fields(class: u32) -> Vec<Field> {
    let own: &[&[Field]] = match class {
        2004 => &[DETECTION, &[groups("resources", RESOURCE)]],
        3001 => &[ACCOUNT],
        3002 => &[AUTHENTICATION],
        3005 => &[ACCESS],
        6003 => &[&[API], &[groups("resources", RESOURCE)]],
        6005 => &[DATASTORE],
        _ => &[],
    };
    BASE.iter().chain(own.iter().copied().flatten()).copied().collect()
}
