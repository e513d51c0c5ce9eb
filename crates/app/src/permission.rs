//! Deciding tool calls. Policies say first what becomes of a call, then the session's permission mode, then what the policies
//! name as the default. Whatever cannot be found out, read or judged is no permission.

mod cache;
mod compiled;
mod consult;
mod decider;
mod default_policies;
mod links;
mod ruling;
mod source;
mod try_call;

pub(crate) use self::links::find as find_links;
pub(crate) use self::{
    compiled::CompiledPolicies,
    decider::{Asking, Decider, Grant, Ruled},
    ruling::Ruling,
    source::Source,
};
pub use self::{
    default_policies::DefaultPolicies,
    source::{PolicyOrigin, UnusablePolicies, surroundings},
    try_call::{Tried, TriedCall, TryCallError},
};
