//! What a token of the extension's is good for. The extension says which scopes a token has, this file which one a request needs:
//! a request that none is written down for is for no token with limits.

use http::Method;

/// What a request needs of a token with limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: who one is.
    Nothing,
    /// This scope.
    Scope(&'static str),
    /// A token without limits.
    Everything,
}

/// What a request to this route needs; `route` is its template, as OpenAPI has it.
pub fn needed(method: &Method, route: &str) -> Needs {
    let Some(rest) = route.strip_prefix("/api/v1/") else {
        return Needs::Everything;
    };
    let subject = rest.split('/').next().unwrap_or_default();
    let reads = *method == Method::GET || *method == Method::HEAD;
    Needs::Scope(match subject {
        "whoami" => return Needs::Nothing,
        "audit-logs" if rest == "audit-logs/export" => "export",
        "exports" => "export",
        "audit-logs" | "facets" | "histogram" | "fields" | "event-types" | "suggest" | "log" | "verification"
        | "compliance-metrics" => "read",
        "saved-queries" if reads => "read",
        "events" => "record",
        "alerts" | "built-in-alerts" | "firings" | "notifications" => "alerts",
        "reports" | "frameworks" => "reports",
        "retention" | "holds" | "sinks" | "channels" | "jobs" | "job-runs" | "principals" | "saved-queries" => "admin",
        _ => return Needs::Everything,
    })
}

impl Needs {
    /// Is a token with these scopes good for it?
    pub fn are_met(self, scopes: &[String]) -> bool {
        match self {
            Needs::Nothing => true,
            Needs::Scope(scope) => scopes.iter().any(|one| one == scope),
            Needs::Everything => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Needs, needed};
    use http::Method;

    #[test]
    fn each_subject_has_its_scope_and_what_is_new_has_none() {
        for (method, route, needs) in [
            (Method::GET, "/api/v1/audit-logs", Needs::Scope("read")),
            (Method::POST, "/api/v1/audit-logs/search", Needs::Scope("read")),
            (Method::POST, "/api/v1/audit-logs/export", Needs::Scope("export")),
            (Method::POST, "/api/v1/events", Needs::Scope("record")),
            (
                Method::GET,
                "/api/v1/reports/{id}/files/{format}",
                Needs::Scope("reports"),
            ),
            (Method::PUT, "/api/v1/saved-queries/{name}", Needs::Scope("admin")),
            (Method::GET, "/api/v1/whoami", Needs::Nothing),
            (Method::GET, "/api/v1/tokens", Needs::Everything),
            (Method::POST, "/api/v1/viewer-links", Needs::Everything),
            (Method::GET, "/api/v1/something-new", Needs::Everything),
            (Method::GET, "/admin/tokens", Needs::Everything),
        ] {
            assert_eq!(needed(&method, route), needs, "{method} {route}");
        }
        assert!(Needs::Scope("read").are_met(&["read".to_owned()]));
        assert!(!Needs::Scope("export").are_met(&["read".to_owned()]));
        assert!(!Needs::Everything.are_met(&["read".to_owned(), "admin".to_owned()]));
    }
}
