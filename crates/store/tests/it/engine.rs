//! What happens when something goes wrong: while opening, while running, while ending.

mod batch;
mod copies;
mod crash;
mod opening;
mod postgres;
mod queue;
