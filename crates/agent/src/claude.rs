//! The stream-json protocol of the Claude Code CLI: what a line means and which lines are sent.
//!
//! Nothing in here performs I/O but [`lines`]; the wire types do not leave this module.

pub(crate) mod command_hook;
mod conversation;
#[cfg(test)]
mod fixtures;
mod handshake;
mod heard;
mod lines;
mod outgoing;
mod surrogates;
mod wire;

pub(crate) use self::{
    conversation::{Conversation, Step},
    handshake::{Greeting, Handshake, HandshakeFailure, UNKNOWN},
    heard::{Heard, hear, output_of_hook, parse_object, said},
    lines::LineReader,
    outgoing::initialize,
    wire::{usage_of_message, usage_of_models},
};
