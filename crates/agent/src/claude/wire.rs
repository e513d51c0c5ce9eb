//! From one frame of the agent CLI to what it means here.

mod control;
mod frame;
mod message;
mod model_usage;
mod stream_event;
mod system;
mod transcript_mirror;
mod turn_result;

pub(crate) use self::{
    control::{Question, Reply},
    model_usage::{usage_of_message, usage_of_models},
};
pub(super) use self::{
    control::{cancelled_request, gate, question, reply},
    frame::Frame,
    message::{assistant, assistant_message, user, user_message},
    stream_event::stream_event,
    system::{command_lifecycle, conversation_reset, system, unknown},
    transcript_mirror::transcript_mirror,
    turn_result::turn_result,
};
