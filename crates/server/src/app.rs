//! What all requests share.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::watch;
use zeroize::Zeroizing;

use crate::config::{ConfigError, PoolSettings, Settings};
use crate::database::{Access, DatabaseError, Login, Pools, Target, Transaction, transaction};
use crate::http::Problem;
use crate::http::cursor::Cursors;
use crate::http::idempotency::Answers;
use crate::http::rate::Rates;
use crate::identity::bearer::{self, BearerRoles};
use crate::identity::viewer_links::Links;
use crate::identity::{Caller, Credentials, Fingerprints, Identity, Needs, Sessions};
use crate::metrics::Metrics;
use crate::sso::{SingleSignOn, renewal};
use crate::stream::{Hub, Seats};
use crate::web::chrome::Heads;

/// What all requests share; cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Shared>);

/// See [`App`], which dereferences to it.
pub struct Shared {
    /// As configured.
    pub settings: Settings,
    /// The service login's way to the database.
    pub service: Target,
    /// Connections of people.
    pub people: Arc<Pools>,
    /// Connections of the authenticator, when there is one.
    pub bearers: Option<Arc<Pools>>,
    /// Who has logged in.
    pub sessions: Sessions,
    /// The OpenID provider at which people may sign in.
    pub single_sign_on: Option<SingleSignOn>,
    /// Keys of pools.
    pub fingerprints: Fingerprints,
    /// How much everybody has asked for.
    pub rates: Rates,
    /// Signs cursors.
    pub cursors: Cursors,
    /// Seals links of viewers.
    pub viewer_links: Links,
    /// Answers to requests with an Idempotency-Key.
    pub answers: Answers,
    /// What is counted.
    pub metrics: Metrics,
    /// Tells streams of new events.
    pub hub: Hub,
    /// True once the server was told to stop.
    pub stopping: watch::Receiver<bool>,
    /// Live streams.
    pub streams: AtomicUsize,
    /// The same by identity.
    pub seats: Seats,
    /// What the heads of pages say of the log.
    pub heads: Heads,
}

impl std::ops::Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// The server cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A connection string cannot be used.
    #[error("{0}")]
    Target(#[from] auditlog_connection::ConnectError),
    /// Single sign-on cannot be used.
    #[error(transparent)]
    SingleSignOn(#[from] ConfigError),
    /// The system gives no random bytes.
    #[error("no random bytes: {0}")]
    Random(getrandom::Error),
}

impl App {
    /// Opens no connection yet.
    ///
    /// # Errors
    /// When a connection string cannot be used.
    pub fn new(settings: Settings, stopping: watch::Receiver<bool>) -> Result<App, SetupError> {
        let service = Target::parse(&settings.database)?;
        let bearers = match &settings.authenticator {
            Some(dsn) => {
                // All bearers come in under one login.
                let pool = PoolSettings {
                    per_identity: settings.pool.total,
                    ..settings.pool.clone()
                };
                Some(Pools::new(Target::parse(dsn)?, pool))
            }
            None => None,
        };
        let mut random = Zeroizing::new([0; 32]);
        getrandom::fill(random.as_mut_slice()).map_err(SetupError::Random)?;
        let single_sign_on = settings.single_sign_on.clone().map(SingleSignOn::new).transpose()?;
        Ok(App(Arc::new(Shared {
            single_sign_on,
            people: Pools::new(service.clone(), settings.pool.clone()),
            bearers,
            service,
            sessions: Sessions::new(settings.sessions.clone()),
            fingerprints: Fingerprints::new(random.as_slice()),
            rates: Rates::new(&settings.rates),
            cursors: Cursors::new(&settings.secret),
            viewer_links: Links::new(&settings.secret),
            answers: Answers::default(),
            metrics: Metrics::default(),
            hub: Hub::default(),
            stopping,
            streams: AtomicUsize::new(0),
            seats: Seats::default(),
            heads: Heads::default(),
            settings,
        })))
    }

    /// See [`Caller::begin`].
    pub(crate) async fn begin(&self, caller: &Caller, access: Access) -> Result<Transaction, Problem> {
        let address = self
            .fingerprints
            .keyed(&[b"address", caller.client.to_canonical().to_string().as_bytes()]);
        self.rates.refusals.look(&address)?;
        let begun = self.begin_as(caller, access).await;
        if let Err(problem) = &begun
            && problem.status == http::StatusCode::UNAUTHORIZED.as_u16()
        {
            self.rates.refusals.count(&address);
            self.metrics.refused_logins.fetch_add(1, Ordering::Relaxed);
        }
        begun
    }

    async fn begin_as(&self, caller: &Caller, access: Access) -> Result<Transaction, Problem> {
        let limits = &self.settings.limits;
        let application = transaction::application(caller.client);
        let lease = match &caller.identity {
            Identity::Person(person) => {
                let login = || Login::Person {
                    name: person.name.clone(),
                    password: person.password.clone(),
                };
                self.people.lease(caller.key, login).await?
            }
            Identity::Session(session, id) => {
                let ended = || Problem::unauthenticated("The session has ended.");
                match session.credentials(id).ok_or_else(ended)? {
                    Credentials::Person(person) => {
                        let login = || Login::Person {
                            name: person.name,
                            password: person.password,
                        };
                        self.people.lease(session.pool, login).await?
                    }
                    Credentials::Tokens(_) => {
                        let token = renewal::token(self, session, id).await?;
                        return self.begin_for_bearer(&token, caller.needs, access, &application).await;
                    }
                }
            }
            Identity::Bearer(token) => {
                return self.begin_for_bearer(token, caller.needs, access, &application).await;
            }
        };
        Ok(Transaction::begin(lease, access, limits, &application).await?)
    }

    async fn begin_for_bearer(
        &self,
        token: &str,
        needs: Needs,
        access: Access,
        application: &str,
    ) -> Result<Transaction, Problem> {
        let pools = self
            .bearers
            .as_ref()
            .ok_or_else(|| Problem::unauthenticated("Tokens are not taken here: the server has no authenticator."))?;
        let lease = pools
            .lease([0; 32], || Login::Configured)
            .await
            .map_err(of_the_server)?;
        let roles = BearerRoles {
            user: self.settings.bearer_role.clone(),
            manager: self.settings.bearer_manager_role.clone(),
        };
        let introduce = async |transaction: &Transaction| bearer::speak_for(transaction, token, &roles).await;
        let (transaction, scopes) =
            Transaction::begin_with(lease, access, &self.settings.limits, application, introduce)
                .await
                .map_err(of_the_token)?;
        if scopes.is_some_and(|scopes| !needs.are_met(&scopes)) {
            return Err(Problem::forbidden("The token is not good for this.")
                .hint("Make one with the scope that it needs, or without limits: auditlog.create_token()."));
        }
        Ok(transaction)
    }
}

/// Without keys to check tokens with, none is good.
fn of_the_token(error: DatabaseError) -> Problem {
    let problem = Problem::from(error);
    if problem.sqlstate.as_deref() == Some("55000") {
        let cause = problem.detail.clone().unwrap_or_default();
        tracing::error!(cause = %crate::logs::visible(&cause), "tokens cannot be checked");
        return Problem::unauthenticated("Tokens are not taken here: the database has no keys to check them with.");
    }
    problem
}

/// A refusal of the server's own login is no fault of the caller's.
fn of_the_server(error: DatabaseError) -> Problem {
    match error {
        DatabaseError::Refused | DatabaseError::Unlimited => {
            tracing::error!(cause = %error, "the authenticator cannot be used");
            Problem::unavailable("The server's own login is refused by the database.")
        }
        other => other.into(),
    }
}
