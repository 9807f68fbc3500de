//! What the API is, as OpenAPI 3.1: put together from the handlers.

use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, PathItem, Ref, RefOr, Response,
    ResponseBuilder,
};

use crate::http::Details;
use crate::identity::caller::COOKIE;
use crate::rest;

/// The whole description.
pub fn document() -> OpenApi {
    let (_, mut document) = rest::router().split_for_parts();
    let license = LicenseBuilder::new()
        .name("Apache-2.0")
        .identifier(Some("Apache-2.0"))
        .build();
    document.info = InfoBuilder::new()
        .title("auditlog-server")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "The audit log of pg_auditlog, to each caller what its own rights in the database show. Within /api/v1 things are \
             only added: clients ignore members that they do not know. What is to go away is announced by the headers \
             Deprecation and Sunset.",
        ))
        .license(Some(license))
        .build();
    schemes(&mut document);
    // axum's mark of a parameter that has slashes is no part of OpenAPI.
    let paths = std::mem::take(&mut document.paths.paths);
    document.paths.paths = paths
        .into_iter()
        .map(|(path, item)| (path.replace("{*", "{"), item))
        .collect();
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            operation.operation_id = Some(id(method, path));
            refusals(operation);
        }
    }
    document
}

/// `get_reports_id` of GET /api/v1/reports/{id}: names of handlers are not unique.
fn id(method: &str, path: &str) -> String {
    let path = path.trim_start_matches("/api/v1/");
    let words = path
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    std::iter::once(method).chain(words).collect::<Vec<_>>().join("_")
}

fn schemes(document: &mut OpenApi) {
    let components = document.components.take().unwrap_or_default();
    let mut builder: ComponentsBuilder = components.into();
    let cookie = ApiKeyValue::with_description(COOKIE, "A session of a person; changes need its X-CSRF-Token too");
    builder = builder
        .security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)))
        .security_scheme("basic", SecurityScheme::Http(Http::new(HttpAuthScheme::Basic)))
        .security_scheme("bearer", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)))
        .schema_from::<Details>();
    for (status, description) in REFUSALS {
        builder = builder.response(format!("Problem{status}"), refusal(description));
    }
    document.components = Some(builder.build());
    document.security = Some(
        ["session", "basic", "bearer"]
            .map(|name| SecurityRequirement::new(name, Vec::<String>::new()))
            .to_vec(),
    );
}

fn operations(path: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    [
        ("get", &mut path.get),
        ("post", &mut path.post),
        ("put", &mut path.put),
        ("patch", &mut path.patch),
        ("delete", &mut path.delete),
    ]
    .into_iter()
    .filter_map(|(method, operation)| operation.as_mut().map(|operation| (method, operation)))
}

/// How any request may be refused.
const REFUSALS: [(&str, &str); 13] = [
    ("400", "A parameter, the body or the query cannot be read"),
    ("401", "The caller is not known"),
    ("403", "The caller has not the right"),
    ("404", "There is no such thing, or it may not be seen"),
    ("406", "There is no form of this that the client takes"),
    ("409", "It does not fit the state of things"),
    ("413", "The body is too long"),
    ("415", "The body is of a kind that is not taken"),
    ("422", "It is more than is allowed, or not supported"),
    ("429", "That was too often"),
    ("500", "The server could not do this"),
    ("503", "The audit log cannot answer now"),
    ("504", "That took too long"),
];

fn refusals(operation: &mut Operation) {
    for (status, _) in REFUSALS {
        let response = RefOr::Ref(Ref::from_response_name(format!("Problem{status}")));
        operation
            .responses
            .responses
            .entry(status.to_owned())
            .or_insert(response);
    }
}

fn refusal(description: &str) -> Response {
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .build();
    ResponseBuilder::new()
        .description(description)
        .content("application/problem+json", content)
        .build()
}
