//! The chains of hooks of one session that run now.

use std::{collections::HashMap, sync::Arc};

use domain::{
    agent_event::{HookCall, ToolRequest},
    hook::HookEvent,
};
use store::StoreError;
use tokio::{
    sync::oneshot,
    task::{Id, JoinSet},
};

use crate::hook::{Conclusion, HookedEvent, Place, ReadyHook, Source, Verdict, run_chain};

/// What the agent program waits for while hooks run.
#[derive(Debug)]
pub(super) enum About {
    /// Whether a tool may run.
    Gate(ToolRequest),
    /// What hooks say to another event.
    Call(HookCall),
}

/// The hooks of a session; each chain is a task, so that the session's actor goes on hearing.
#[derive(Debug)]
pub(super) struct Hooks {
    /// `None` when the session has none.
    source: Option<Source>,
    place: Arc<Place>,
    running: JoinSet<Conclusion>,
    open: HashMap<Id, Open>,
}

/// A chain that runs. Dropping `wanted` ends it at its next breath.
#[derive(Debug)]
struct Open {
    about: About,
    wanted: Option<oneshot::Sender<()>>,
}

impl About {
    fn event(&self) -> HookEvent {
        match self {
            Self::Gate(_) => HookEvent::pre_tool_use(),
            Self::Call(call) => call.event.clone(),
        }
    }

    fn subject(&self) -> Option<&str> {
        match self {
            Self::Gate(request) => Some(&request.tool_name),
            Self::Call(call) => call.event.subject(&call.input),
        }
    }

    fn request_id(&self) -> &str {
        match self {
            Self::Gate(request) => &request.request_id,
            Self::Call(call) => &call.request_id,
        }
    }

    /// What an answer names.
    pub(super) fn into_request_id(self) -> String {
        match self {
            Self::Gate(request) => request.request_id,
            Self::Call(call) => call.request_id,
        }
    }

    fn hooked(&self) -> HookedEvent {
        match self {
            Self::Gate(request) => HookedEvent::of_gate(request),
            Self::Call(call) => HookedEvent::of_call(call),
        }
    }

    /// What a chain says that fell over: a tool does not run, and anything else goes on.
    fn after_a_fall(&self, error: &tokio::task::JoinError) -> Conclusion {
        let verdict = match self {
            Self::Gate(_) => Verdict::Block(format!("the hooks failed: {error}")),
            Self::Call(_) => Verdict::Continue,
        };
        Conclusion { verdict, ..Conclusion::default() }
    }
}

impl Hooks {
    pub(super) fn new(source: Option<Source>, place: Place) -> Self {
        Self { source, place: Arc::new(place), running: JoinSet::new(), open: HashMap::new() }
    }

    /// The hooks that this concerns, in the order in which they run.
    pub(super) async fn chain(&mut self, about: &About) -> Result<Vec<Arc<ReadyHook>>, StoreError> {
        match &mut self.source {
            Some(source) => source.chain(&about.event(), about.subject()).await,
            None => Ok(Vec::new()),
        }
    }

    /// Runs them; what they say comes from [`next`](Self::next).
    pub(super) fn start(&mut self, chain: Vec<Arc<ReadyHook>>, about: About) {
        let (wanted, withdrawn) = oneshot::channel();
        let (place, event) = (Arc::clone(&self.place), about.hooked());
        let task = self.running.spawn(async move { run_chain(&place, &chain, event, withdrawn).await });
        self.open.insert(task.id(), Open { about, wanted: Some(wanted) });
    }

    /// The next conclusion; `None` while no chain runs, so a `select!` leaves it out.
    pub(super) async fn next(&mut self) -> Option<(About, Conclusion)> {
        loop {
            let (id, conclusion) = match self.running.join_next_with_id().await? {
                Ok((id, conclusion)) => (id, Ok(conclusion)),
                Err(error) => (error.id(), Err(error)),
            };
            if let Some(Open { about, .. }) = self.open.remove(&id) {
                let conclusion = conclusion.unwrap_or_else(|error| about.after_a_fall(&error));
                return Some((about, conclusion));
            }
        }
    }

    /// The agent program does not wait for this any more: its chain ends at once, and is still told of by
    /// [`next`](Self::next).
    pub(super) fn withdraw(&mut self, request_id: &str) {
        let open = self.open.values_mut().find(|open| open.about.request_id() == request_id);
        drop(open.and_then(|open| open.wanted.take()));
    }

    pub(super) fn withdraw_all(&mut self) {
        self.open.values_mut().for_each(|open| drop(open.wanted.take()));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }
}
