//! Who subscribes: people of all five roles, and bearers of tokens.

use serde_json::json;

use crate::client::Request;
use crate::world::World;

/// Somebody who subscribes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// By name and password, which are the same.
    Person(&'static str),
    /// By a token of a person's.
    Token {
        /// Whose.
        of: &'static str,
        /// The token.
        token: String,
    },
}

impl Who {
    /// The login role whose rights it has.
    pub fn login(&self) -> &'static str {
        match self {
            Who::Person(name) => name,
            Who::Token { of, .. } => of,
        }
    }

    /// A request of theirs.
    pub fn sign(&self, request: Request) -> Request {
        match self {
            Who::Person(name) => request.basic(name, name),
            Who::Token { token, .. } => request.header("Authorization", &format!("Bearer {token}")),
        }
    }
}

/// Makes those whom the world does not have: a user and a manager of another team, and two bearers. The world's own server
/// gives out the tokens.
pub fn people(world: &World) -> Vec<Who> {
    world
        .superuser()
        .batch_execute(
            "CREATE ROLE uwe LOGIN PASSWORD 'uwe' IN ROLE auditlog_user; CREATE ROLE max LOGIN PASSWORD 'max' IN ROLE auditlog_manager;
             SELECT auditlog.add_principal('uwe', actor_id => 'user_5', teams => '{dev}');
             SELECT auditlog.add_principal('max', actor_id => 'user_6', teams => '{leads}', manages => '{dev}');
             SELECT auditlog.add_principal('ana', actor_id => 'user_8', teams => '{security}');
             SELECT auditlog.add_principal(actor_id => 'user_7', teams => '{ops}');
             GRANT ana TO authenticator;",
        )
        .expect("more people");
    let token = |of: &'static str| {
        let made = world.by(of, "POST", "/api/v1/tokens");
        let made = made
            .json(&json!({"name": "soak", "scopes": ["read"], "days": 1}))
            .send();
        let token = made.expect(201).json()["token"].as_str().expect("a token").to_owned();
        Who::Token { of, token }
    };
    let mut people: Vec<Who> = ["adm", "ana", "com", "mia", "ann", "uwe", "max"]
        .map(Who::Person)
        .into();
    people.extend([token("ann"), token("ana")]);
    people
}
