//! Approvals: questions to a person, asked by sessions and answered once, from wherever the person is.
//!
//! A question is a row before anybody waits for its answer. Whoever answers writes the row and tells the process that runs the
//! session; where none does, the answer stands and lets the same call pass once when it comes again.

mod always;
mod answer;
mod find;
mod list;
mod question;

pub use always::{ALWAYS, AlwaysError};
pub use answer::{AnswerApproval, AnswerApprovalError, Answered};
pub use find::{ApprovalReference, FindApprovalError, InvalidApprovalReference};
pub use question::with_sample_answers;
