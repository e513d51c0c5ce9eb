//! Facts about the policy engine that need files: sets of policies and corpora of calls.

mod corpus;
mod kinds;
mod lint;
mod metamorphic;
mod reading;
mod robust;
mod sets;
