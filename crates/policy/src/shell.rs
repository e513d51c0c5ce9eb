//! Shell commands: read by a parser, then walked without running anything, to the list of what they would do.

mod assign;
mod builtin;
mod evaluate;
mod exec;
mod expand;
mod guard;
mod parameter;
mod parse;
mod redirect;
mod state;
mod substitution;
mod syntax;
mod walk;
mod word;

pub(crate) use self::{
    assign::is_set_to_steer,
    expand::push_globbed,
    redirect::descriptor_of,
    state::{Folders, Scope},
    walk::Walker,
};

/// The texts that braces stand for; `None` when they are too many.
pub(crate) fn expand_braces(text: &str) -> Option<Vec<String>> {
    let mut expanded = Vec::new();
    word::braces(text, &mut expanded, 0).ok()?;
    Some(expanded)
}
