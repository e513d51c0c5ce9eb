//! What every use case works with.

use std::sync::Arc;

use domain::{
    actor::Actor,
    id::{TeamId, UserId},
    session::LeaseOwner,
    time::Timestamp,
};
use store::Store;
use uuid::Uuid;

use crate::{
    clock::{Clock, IdSource},
    http::HttpClient,
    permission::CompiledPolicies,
    session::held::HeldSessions,
};

/// The use cases and what they need. Cheap to clone.
#[derive(Debug, Clone)]
pub struct App {
    store: Store,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    owner: Arc<LeaseOwner>,
    held: Arc<HeldSessions>,
    compiled: Arc<CompiledPolicies>,
    http: HttpClient,
}

/// For whom a use case runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// The tenant; no row of another one is seen or changed.
    pub team_id: TeamId,
    /// The person.
    pub user_id: UserId,
}

impl std::fmt::Display for Caller {
    /// As the author of what they do.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Actor::User(self.user_id).fmt(f)
    }
}

impl App {
    /// The use cases on this store; `owner` is this process.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>, ids: Arc<dyn IdSource>, owner: LeaseOwner) -> Self {
        Self {
            store,
            clock,
            ids,
            owner: Arc::new(owner),
            held: Arc::default(),
            compiled: Arc::default(),
            http: HttpClient::default(),
        }
    }

    /// The same for another process, which has this one do its work. Whom it trusts on a network is looked up anew.
    #[must_use]
    pub fn for_process(&self, owner: LeaseOwner) -> Self {
        Self { owner: Arc::new(owner), http: HttpClient::default(), ..self.clone() }
    }

    /// The store, for opening, closing and checking it.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn next_id(&self) -> Uuid {
        self.ids.next()
    }

    pub(crate) fn owner(&self) -> &LeaseOwner {
        &self.owner
    }

    pub(crate) const fn http(&self) -> &HttpClient {
        &self.http
    }

    pub(crate) fn compiled_policies(&self) -> &CompiledPolicies {
        &self.compiled
    }

    pub(crate) const fn held_sessions(&self) -> &Arc<HeldSessions> {
        &self.held
    }
}
