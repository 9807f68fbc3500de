//! What a form has sent: fields, some of them several times.

use auditlog_pages::url;

/// The fields of a form, in order.
#[derive(Debug, Clone, Default)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads `application/x-www-form-urlencoded`. No text of the database has U+0000.
    pub fn parse(body: &str) -> Fields {
        let mut pairs = url::pairs(body);
        for (_, value) in &mut pairs {
            *value = value.replace('\0', "").replace("\r\n", "\n");
        }
        Fields(pairs)
    }

    /// The value of a field, empty when it was not sent.
    pub fn get(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(other, _)| other == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// The value without space around it, when something is left.
    pub fn given(&self, name: &str) -> Option<&str> {
        Some(self.get(name).trim()).filter(|value| !value.is_empty())
    }

    /// As they are, for the form to be shown again; the token of the session is the page's own.
    pub fn filled(&self) -> auditlog_pages::components::form::Filled {
        let own = |(name, _): &&(String, String)| name != auditlog_pages::components::form::CSRF_FIELD;
        auditlog_pages::components::form::Filled(self.0.iter().filter(own).cloned().collect())
    }

    /// All values of a field.
    pub fn all(&self, name: &str) -> Vec<String> {
        let values = self
            .0
            .iter()
            .filter(|(other, value)| other == name && !value.is_empty());
        values.map(|(_, value)| value.clone()).collect()
    }

    /// The parts of a field that commas separate.
    pub fn list(&self, name: &str) -> Vec<String> {
        let parts = self.get(name).split(',').map(str::trim);
        parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    /// A time as the database takes it: UTC unless it says otherwise. What is no time is left for the database to refuse.
    pub fn time(&self, name: &str) -> Option<String> {
        let given = self.given(name)?;
        Some(auditlog_pages::time::parse(given).map_or_else(|| given.to_owned(), |at| at.to_rfc3339()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_may_come_several_times() {
        let fields = Fields::parse("a=1&b=x+y%2C+z&a=2&c=+&d=%00&t=2026-03-10T14:30");
        assert_eq!(fields.all("a"), ["1", "2"]);
        assert_eq!((fields.get("a"), fields.get("none")), ("1", ""));
        assert_eq!(fields.list("b"), ["x y", "z"]);
        assert_eq!((fields.given("c"), fields.given("d")), (None, None));
        assert_eq!(fields.time("t").as_deref(), Some("2026-03-10T14:30:00+00:00"));
    }
}
