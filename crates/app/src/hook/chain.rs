//! The chain of an event: its hooks in order, each given what the one before it made of the input.

use std::sync::Arc;

use domain::hook::HookAnswer;
use serde_json::Value;
use tokio::{sync::oneshot, time::Instant};

use super::{
    HookedEvent, Place, ReadyHook, Run,
    answer::{Said, Verdict},
};

/// What the hooks of an event say, all together. The default is that there was none.
#[derive(Debug, Default)]
pub(crate) struct Conclusion {
    pub(crate) verdict: Verdict,
    /// What the tool is given instead of what the model wanted.
    pub(crate) input: Option<Value>,
    /// What the model is told besides.
    pub(crate) context: Option<String>,
    /// What ran, in order.
    pub(crate) runs: Vec<Run>,
    /// The agent program did not wait for the end, so nobody is to be answered.
    pub(crate) is_withdrawn: bool,
}

/// Runs the hooks one after the other until one blocks, or until the other end of `withdrawn` is dropped: then the hook at
/// work is ended at once, and later ones do not run.
pub(crate) async fn run_chain(
    place: &Place,
    hooks: &[Arc<ReadyHook>],
    mut event: HookedEvent,
    mut withdrawn: oneshot::Receiver<()>,
) -> Conclusion {
    let mut conclusion = Conclusion::default();
    for hook in hooks {
        let began = Instant::now();
        let (said, run) = tokio::select! {
            biased;
            ran = hook.run(place, &event) => ran,
            _ = &mut withdrawn => {
                conclusion.is_withdrawn = true;
                hook.withdrawn(place, &event, began.elapsed())
            }
        };
        if let Some(input) = &said.input {
            event.rewrite(input.clone());
        }
        conclusion.add(&hook.hook.name, said);
        conclusion.runs.push(run);
        if conclusion.is_withdrawn || matches!(conclusion.verdict, Verdict::Block(_)) {
            break;
        }
    }
    conclusion
}

impl Conclusion {
    /// What an event is answered at which nothing is decided.
    pub(crate) fn into_answer(self) -> HookAnswer {
        let block = match self.verdict {
            Verdict::Block(reason) => Some(reason),
            Verdict::Continue | Verdict::Ask(_) => None,
        };
        HookAnswer { block, context: self.context }
    }

    fn add(&mut self, hook_name: &str, said: Said) {
        match said.verdict {
            Verdict::Continue => {}
            Verdict::Ask(reason) => {
                self.verdict = Verdict::Ask(format!("the hook {hook_name} asks: {reason}"));
            }
            Verdict::Block(reason) => self.verdict = Verdict::Block(reason),
        }
        self.input = said.input.or(self.input.take());
        self.context = match (self.context.take(), said.context) {
            (Some(before), Some(more)) => Some(format!("{before}\n{more}")),
            (before, more) => before.or(more),
        };
    }
}
