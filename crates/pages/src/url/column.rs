//! The columns that a table of events can have.

macro_rules! columns {
    ($($name:ident $key:literal $label:literal $field:literal,)*) => {
        /// A column of a table of events.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Column {
            $(#[doc = $label] $name,)*
        }

        impl Column {
            /// All of them, in the order in which they are offered.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name in addresses.
            pub fn key(self) -> &'static str {
                match self { $(Self::$name => $key,)* }
            }

            /// The head of the column.
            pub fn label(self) -> &'static str {
                match self { $(Self::$name => $label,)* }
            }

            /// The field of the query language.
            pub fn field(self) -> &'static str {
                match self { $(Self::$name => $field,)* }
            }
        }
    };
}

columns! {
    Time "time" "Time" "timestamp",
    Severity "severity" "Severity" "severity",
    Type "type" "Event type" "event_type",
    Status "status" "Status" "action.status",
    Actor "actor" "Actor" "user",
    Resource "resource" "Resource" "resource.id",
    Operation "operation" "Operation" "action.operation",
    Ip "ip" "IP address" "actor.ip_address",
    Change "change" "Change" "changes.after",
    ResourceType "resource_type" "Resource type" "resource.type",
    Category "category" "Category" "category",
    Region "region" "Region" "resource.region",
    Account "account" "Account" "resource.account_id",
    Tenant "tenant" "Tenant" "tenant",
    Method "method" "Method" "action.method",
    Session "session" "Session" "actor.session_id",
    Request "request" "Request" "metadata.request_id",
    Tags "tags" "Tags" "metadata.tags",
    Role "role" "Database role" "db_session_user",
    Index "index" "Place" "log_index",
}

impl Column {
    /// Those of a search that names none.
    pub const DEFAULT: [Self; 6] = [
        Self::Time,
        Self::Severity,
        Self::Type,
        Self::Status,
        Self::Actor,
        Self::Resource,
    ];

    /// The column of a name in addresses.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|column| column.key() == key)
    }
}
