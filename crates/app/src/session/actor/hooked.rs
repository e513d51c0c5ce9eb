//! Events at which hooks run: first they, and then what was asked is decided or answered. What they did is recorded before the
//! agent program hears of it.

use std::mem;

use domain::{
    agent_event::{AgentInput, HookCall, ToolRequest},
    permission::Decision,
};
use store::StoreError;
use tokio::time::Instant;

use super::SessionActor;
use crate::{
    hook::{Conclusion, Verdict},
    permission::{Asking, Ruled, Ruling},
    session::hooks::About,
};

impl SessionActor {
    /// Before a tool runs.
    pub(super) async fn on_gate(&mut self, request: ToolRequest) -> Result<(), StoreError> {
        self.run_hooks(About::Gate(request)).await
    }

    /// At any other event. One that this version does not know is noted.
    pub(super) async fn on_hook(&mut self, call: HookCall) -> Result<(), StoreError> {
        if !call.event.is_known() {
            let entries = self.recorder.unknown_event(&call).await?;
            self.publish(entries).await;
        }
        self.run_hooks(About::Call(call)).await
    }

    async fn run_hooks(&mut self, about: About) -> Result<(), StoreError> {
        let chain = self.hooks.chain(&about).await?;
        if chain.is_empty() {
            return self.on_concluded(about, Conclusion::default()).await;
        }
        self.hooks.start(chain, about);
        Ok(())
    }

    /// The hooks of an event had their say.
    pub(super) async fn on_concluded(
        &mut self,
        about: About,
        conclusion: Conclusion,
    ) -> Result<(), StoreError> {
        self.last_sign_of_life = Instant::now();
        match about {
            _ if conclusion.is_withdrawn => self.record_runs(about, conclusion).await,
            About::Gate(request) => self.decide(request, conclusion).await,
            About::Call(call) => self.answer_hook(call, conclusion).await,
        }
    }

    /// Ends every chain that runs and records how far it came.
    pub(super) async fn withdraw_hooks(&mut self) -> Result<(), StoreError> {
        self.hooks.withdraw_all();
        while let Some((about, conclusion)) = self.hooks.next().await {
            self.record_runs(about, conclusion).await?;
        }
        Ok(())
    }

    /// Decides about the input that the hooks left. Recorded first, answered second: no call runs without its decision on
    /// record.
    async fn decide(&mut self, mut request: ToolRequest, conclusion: Conclusion) -> Result<(), StoreError> {
        let Conclusion { verdict, mut input, context, runs, .. } = conclusion;
        if let Some(input) = &input {
            request.input = input.clone();
        }
        let ruling = match verdict {
            Verdict::Block(reason) => Ruling::blocked(runs.last().map(|run| run.hook_name.as_str()), reason),
            verdict => {
                let ruled = self.rule(&request, verdict).await?;
                if let Some(wanted) = &ruled.input {
                    request.input = wanted.clone();
                    input = Some(wanted.clone());
                }
                let ruling = ruled.ruling.clone();
                if ruling.decision == Decision::Ask {
                    let question = (request.input.clone(), ruled);
                    self.asked_at_gate.insert(request.tool_use_id.clone(), question);
                }
                ruling
            }
        };
        let entries = self.recorder.gate_judged(&request, &ruling, runs).await?;
        self.publish(entries).await;
        let Ruling { decision, reason, .. } = ruling;
        let request_id = request.request_id;
        self.tell_agent(AgentInput::AnswerGate { request_id, decision, reason, input, context }).await;
        Ok(())
    }

    /// What becomes of a call that no hook blocked.
    async fn rule(&mut self, request: &ToolRequest, said: Verdict) -> Result<Ruled, StoreError> {
        let ruled = self.decider.rule(&Asking::from(request)).await?;
        Ok(match said {
            Verdict::Ask(reason) => {
                Ruled { ruling: self.decider.ask_for_hook(ruled.ruling, reason), ..ruled }
            }
            Verdict::Block(_) | Verdict::Continue => ruled,
        })
    }

    async fn answer_hook(&mut self, call: HookCall, mut conclusion: Conclusion) -> Result<(), StoreError> {
        let entries = self.recorder.hooks_ran(mem::take(&mut conclusion.runs)).await?;
        self.publish(entries).await;
        let (request_id, answer) = (call.request_id, conclusion.into_answer());
        self.tell_agent(AgentInput::AnswerHook { request_id, answer }).await;
        Ok(())
    }

    async fn record_runs(&mut self, about: About, conclusion: Conclusion) -> Result<(), StoreError> {
        tracing::debug!(?about, "nobody waits for what the hooks say");
        let entries = self.recorder.hooks_ran(conclusion.runs).await?;
        self.publish(entries).await;
        Ok(())
    }
}
