//! Who is signed in, and what that lets one see. The database decides; the pages only leave out what it would refuse.

/// One of the extension's roles (docs/roles.md).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// `auditlog_administrator`
    Administrator,
    /// `auditlog_analyst`
    Analyst,
    /// `auditlog_compliance`
    Compliance,
    /// `auditlog_manager`
    Manager,
    /// `auditlog_user`
    User,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Administrator,
        Self::Analyst,
        Self::Compliance,
        Self::Manager,
        Self::User,
    ];

    /// Its name for people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Administrator => "Audit administrator",
            Self::Analyst => "Security analyst",
            Self::Compliance => "Compliance officer",
            Self::Manager => "Manager",
            Self::User => "User",
        }
    }

    /// The role of a database role's name.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "auditlog_administrator" => Self::Administrator,
            "auditlog_analyst" => Self::Analyst,
            "auditlog_compliance" => Self::Compliance,
            "auditlog_manager" => Self::Manager,
            "auditlog_user" => Self::User,
            _ => return None,
        })
    }
}

/// Who is signed in.
#[derive(Debug, Clone, Default)]
pub struct Viewer {
    /// The e-mail address or role by which one knows oneself.
    pub name: String,
    /// Roles add up.
    pub roles: Vec<Role>,
}

impl Viewer {
    fn is_any(&self, roles: &[Role]) -> bool {
        self.roles.iter().any(|role| roles.contains(role))
    }

    /// Sees all events.
    pub fn sees_all(&self) -> bool {
        self.is_any(&[Role::Administrator, Role::Analyst, Role::Compliance])
    }

    /// May configure: alerts, retention, holds, sinks, principals.
    pub fn administers(&self) -> bool {
        self.is_any(&[Role::Administrator])
    }

    /// May download events as files.
    pub fn exports(&self) -> bool {
        self.is_any(&[Role::Administrator, Role::Analyst])
    }

    /// May ask for reports and take them.
    pub fn makes_reports(&self) -> bool {
        self.is_any(&[Role::Administrator, Role::Compliance])
    }

    /// May read alerts and firings.
    pub fn sees_alerts(&self) -> bool {
        self.sees_all()
    }

    /// May acknowledge firings.
    pub fn acknowledges(&self) -> bool {
        self.is_any(&[Role::Administrator, Role::Analyst])
    }

    /// May save queries for all, and take proofs.
    pub fn saves_queries(&self) -> bool {
        self.sees_all()
    }

    /// May take inclusion proofs.
    pub fn takes_proofs(&self) -> bool {
        self.sees_all()
    }

    /// May have tokens of its own.
    pub fn may_have_tokens(&self) -> bool {
        self.is_any(&Role::ALL)
    }

    /// What one sees, in words.
    pub fn sees(&self) -> &'static str {
        if self.sees_all() {
            "Sees all events."
        } else if self.is_any(&[Role::Manager]) {
            "Sees the events of the team."
        } else if self.is_any(&[Role::User]) {
            "Sees the own events."
        } else {
            "Sees no events."
        }
    }
}
