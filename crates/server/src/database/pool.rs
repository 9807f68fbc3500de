//! Connections that are used again, a pool for each identity.
//!
//! Not deadpool: its pools keep the password for as long as they live, know no limit over all pools, and have no way to
//! give a place of an idle pool to a busy one. Here the password comes with the request that needs a connection, and is
//! forgotten when that is open.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::DatabaseError;
use super::target::{Connection, Login, Target};
use crate::config::PoolSettings;

/// Which pool: a keyed hash of name and password, so that a connection is used by who has proved the same.
pub type PoolKey = [u8; 32];

/// All pools of one target.
pub struct Pools {
    target: Target,
    settings: PoolSettings,
    /// A place for each connection, in use or not.
    places: Arc<Semaphore>,
    pools: Mutex<HashMap<PoolKey, Arc<Pool>>>,
}

struct Pool {
    /// Connections that may be in use at once.
    slots: Arc<Semaphore>,
    idle: Mutex<Vec<Resting>>,
}

struct Resting {
    connection: Connection,
    place: OwnedSemaphorePermit,
    born: Instant,
    since: Instant,
}

/// A connection in use.
pub struct Lease {
    resting: Option<Resting>,
    pool: Weak<Pool>,
    _slot: OwnedSemaphorePermit,
}

/// How many connections there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occupancy {
    /// Pools, one for each identity that was here lately.
    pub pools: usize,
    /// Open connections.
    pub open: usize,
    /// Of those, unused ones.
    pub idle: usize,
}

impl Pools {
    /// No connection yet.
    pub fn new(target: Target, settings: PoolSettings) -> Arc<Pools> {
        Arc::new(Pools {
            target,
            places: Arc::new(Semaphore::new(settings.total)),
            settings,
            pools: Mutex::new(HashMap::new()),
        })
    }

    /// A connection of an identity; the login is asked for only when a new one must be made.
    ///
    /// # Errors
    /// When the login is refused, nobody answers, or no connection comes free in time.
    pub async fn lease(&self, key: PoolKey, login: impl FnOnce() -> Login) -> Result<Lease, DatabaseError> {
        tokio::time::timeout(self.settings.wait, self.lease_in_time(key, login))
            .await
            .map_err(|_| DatabaseError::Busy)?
    }

    async fn lease_in_time(&self, key: PoolKey, login: impl FnOnce() -> Login) -> Result<Lease, DatabaseError> {
        let pool = self.pool(key);
        let slot = Arc::clone(&pool.slots)
            .acquire_owned()
            .await
            .map_err(|_| DatabaseError::Busy)?;
        let lease = |resting| Lease {
            resting: Some(resting),
            pool: Arc::downgrade(&pool),
            _slot: slot,
        };
        if let Some(resting) = self.rested(&pool) {
            return Ok(lease(resting));
        }
        let place = self.place().await?;
        let connection = self.target.connect(&login()).await?;
        vet(&connection).await?;
        let now = Instant::now();
        Ok(lease(Resting {
            connection,
            place,
            born: now,
            since: now,
        }))
    }

    fn pool(&self, key: PoolKey) -> Arc<Pool> {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || {
            Arc::new(Pool {
                slots: Arc::new(Semaphore::new(self.settings.per_identity)),
                idle: Mutex::new(Vec::new()),
            })
        };
        Arc::clone(pools.entry(key).or_insert_with(new))
    }

    /// An unused connection that is still good.
    fn rested(&self, pool: &Pool) -> Option<Resting> {
        let mut idle = pool.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(resting) = idle.pop() {
            if self.is_good(&resting) {
                return Some(resting);
            }
        }
        None
    }

    fn is_good(&self, resting: &Resting) -> bool {
        !resting.connection.client.is_closed()
            && resting.born.elapsed() < self.settings.lifetime
            && resting.since.elapsed() < self.settings.idle
    }

    /// Room for one more connection, for which the longest unused one of somebody is closed if need be.
    async fn place(&self) -> Result<OwnedSemaphorePermit, DatabaseError> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(place);
        }
        if let Some(resting) = self.longest_unused() {
            return Ok(resting.place);
        }
        Arc::clone(&self.places)
            .acquire_owned()
            .await
            .map_err(|_| DatabaseError::Busy)
    }

    fn longest_unused(&self) -> Option<Resting> {
        let pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = pools.values().min_by_key(|pool| {
            let idle = pool.idle.lock().unwrap_or_else(PoisonError::into_inner);
            // No connection is older than any.
            idle.first()
                .map_or((true, None), |resting| (false, Some(resting.since)))
        })?;
        let mut idle = oldest.idle.lock().unwrap_or_else(PoisonError::into_inner);
        (!idle.is_empty()).then(|| idle.remove(0))
    }

    /// Closes what nobody has used for long; called now and then.
    pub fn tidy(&self) {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        pools.retain(|_, pool| {
            let mut idle = pool.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.retain(|resting| self.is_good(resting));
            !idle.is_empty()
                || Arc::strong_count(pool) > 1
                || pool.slots.available_permits() < self.settings.per_identity
        });
    }

    /// Closes the unused connections of an identity that has logged out.
    pub fn forget(&self, key: &PoolKey) {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        pools.remove(key);
    }

    /// How many connections there are.
    pub fn occupancy(&self) -> Occupancy {
        let pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = |pool: &Arc<Pool>| pool.idle.lock().unwrap_or_else(PoisonError::into_inner).len();
        Occupancy {
            pools: pools.len(),
            open: self.settings.total - self.places.available_permits(),
            idle: pools.values().map(idle).sum(),
        }
    }
}

impl Lease {
    /// The connection.
    pub fn connection(&self) -> Option<&Connection> {
        self.resting.as_ref().map(|resting| &resting.connection)
    }

    /// Gives the connection back, with no transaction open on it.
    pub fn rest(mut self) {
        let Some(mut resting) = self.resting.take() else {
            return;
        };
        // Without a pool, whose identity has logged out, it closes here.
        if let Some(pool) = self.pool.upgrade() {
            resting.since = Instant::now();
            pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(resting);
        }
    }
}

/// Row-level security means nothing to superusers and roles with BYPASSRLS: they do not come in over HTTP.
async fn vet(connection: &Connection) -> Result<(), DatabaseError> {
    let sql =
        "SELECT rolsuper OR rolbypassrls FROM pg_catalog.pg_roles WHERE rolname OPERATOR(pg_catalog.=) session_user";
    let rows = connection.client.query_typed(sql, &[]).await?;
    match rows.first().map(|row| row.try_get(0)).transpose()? {
        Some(false) => Ok(()),
        _ => Err(DatabaseError::Unlimited),
    }
}
