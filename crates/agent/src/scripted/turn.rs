//! One turn: from a prompt to its result.

use std::{io::Write, time::Instant};

use domain::{money::MicroUsd, usage::TokenUsage};
use serde_json::{Value, json};

use super::{
    child::{Child, Halt},
    inbox::Prompt,
    scenario::{Action, Outcome, Step},
};

/// What has happened in a turn so far.
#[derive(Debug)]
pub(super) struct Progress {
    pub(super) prompt_id: Option<String>,
    /// The turn's number in the session.
    pub(super) index: usize,
    pub(super) started: Instant,
    /// Model round trips so far.
    pub(super) round_trips: u32,
    pub(super) tools: u32,
    pub(super) last_outcome: Option<Outcome>,
    pub(super) last_text: String,
    pub(super) cost: MicroUsd,
    pub(super) usage: TokenUsage,
    pub(super) denials: Vec<Value>,
    /// The last step was a tool, so the next one is a new round trip.
    pub(super) owes_a_round_trip: bool,
}

/// How a turn ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TurnEnd {
    Completed,
    Aborted {
        in_tool: bool,
    },
    MaxTurns,
    BudgetExhausted,
    ApiError {
        status: u16,
        message: String,
    },
    /// A tool call did not end as the scenario expects.
    Unexpected(String),
}

impl Progress {
    fn of(prompt: &Prompt, index: usize) -> Self {
        Self {
            prompt_id: prompt.id.clone(),
            index,
            started: Instant::now(),
            round_trips: 1,
            tools: 0,
            last_outcome: None,
            last_text: String::new(),
            cost: MicroUsd::ZERO,
            usage: TokenUsage::default(),
            denials: Vec::new(),
            owes_a_round_trip: false,
        }
    }

    /// Another turn of the scenario is played for the same prompt.
    pub(super) const fn go_on(&mut self, index: usize) {
        self.index = index;
        self.owes_a_round_trip = true;
    }

    /// The id of the model's current reply; frames of one reply share it.
    pub(super) fn message_id(&self) -> String {
        format!("msg_{}_{}", self.index, self.round_trips)
    }

    /// The next id of a tool call, unique in the session.
    pub(super) fn next_tool_use_id(&mut self) -> String {
        self.tools += 1;
        format!("toolu_{}_{}", self.index, self.tools)
    }
}

impl<W: Write> Child<W> {
    /// Plays the next turn of the scenario. A prompt that waited in the queue is repeated, as the agent CLI does.
    pub(super) fn play_turn(&mut self, prompt: &Prompt, has_waited: bool) -> Result<(), Halt> {
        let index = self.take_turn()?;
        self.frames.lifecycle(prompt.id.as_ref(), "started")?;
        let mut progress = Progress::of(prompt, index);
        let end = match self.play_prompt(prompt, has_waited, &mut progress) {
            Ok(()) => TurnEnd::Completed,
            Err(Halt::Interrupted) => TurnEnd::Aborted { in_tool: false },
            Err(Halt::TurnOver(end)) => end,
            Err(Halt::Exit(code)) => return Err(Halt::Exit(code)),
        };
        if let TurnEnd::Aborted { in_tool } = end {
            let words = if in_tool { " for tool use" } else { "" };
            self.send_user(
                &json!([{ "type": "text", "text": format!("[Request interrupted by user{words}]") }]),
            )?;
        }
        self.send_result(&progress, &end)?;
        self.frames.lifecycle(prompt.id.as_ref(), "completed")?;
        Ok(())
    }

    /// Takes the next turn of the scenario. It counts as played from here on.
    pub(super) fn take_turn(&mut self) -> Result<usize, Halt> {
        let index = self.cast.state.next_turn;
        self.frames.begin_turn(index);
        self.cast.state.next_turn += 1;
        self.cast.state.save(&self.cast.arguments.state_directory)?;
        Ok(index)
    }

    fn play_prompt(
        &mut self,
        prompt: &Prompt,
        has_waited: bool,
        progress: &mut Progress,
    ) -> Result<(), Halt> {
        let refusal = self.call_observer("UserPromptSubmit", json!({ "prompt": prompt.text }))?;
        self.send_init()?;
        if has_waited {
            self.repeat_prompt(prompt)?;
        }
        match refusal {
            Some(reason) => self.refuse_prompt(&reason),
            None => self.play_until_stopped(progress),
        }
    }

    /// A prompt that a hook refuses never reaches the model.
    fn refuse_prompt(&mut self, reason: &str) -> Result<(), Halt> {
        let content = format!("UserPromptSubmit operation blocked by hook:\n{reason}");
        let frame =
            json!({ "type": "system", "subtype": "informational", "content": content, "level": "warning" });
        Ok(self.frames.send(frame)?)
    }

    pub(super) fn play_steps(&mut self, progress: &mut Progress) -> Result<(), Halt> {
        self.check_budget()?;
        for step in self.steps(progress.index) {
            if step.when.is_some_and(|when| !progress.last_outcome.is_some_and(|actual| when.covers(actual)))
            {
                continue;
            }
            self.begin_round_trip(progress)?;
            self.perform(&step.action, progress)?;
        }
        Ok(())
    }

    fn steps(&self, index: usize) -> Vec<Step> {
        match self.cast.scenario.turns.get(index) {
            Some(turn) => turn.steps.clone(),
            None => {
                let words = "The scenario has no more turns, so there is nothing to do for this prompt.";
                vec![Step { when: None, action: Action::Say(words.to_owned()) }]
            }
        }
    }

    /// Once the budget is spent, every turn ends at once.
    pub(super) fn check_budget(&self) -> Result<(), Halt> {
        match self.cast.arguments.budget {
            Some(budget) if self.spent >= budget => Err(Halt::TurnOver(TurnEnd::BudgetExhausted)),
            _ => Ok(()),
        }
    }

    /// What follows a tool's result is a new request to the model.
    fn begin_round_trip(&self, progress: &mut Progress) -> Result<(), Halt> {
        if std::mem::take(&mut progress.owes_a_round_trip) {
            progress.round_trips += 1;
            if self.cast.arguments.max_turns.is_some_and(|most| progress.round_trips > most) {
                return Err(Halt::TurnOver(TurnEnd::MaxTurns));
            }
        }
        Ok(())
    }

    fn send_init(&mut self) -> Result<(), Halt> {
        let init = json!({
            "type": "system",
            "subtype": "init",
            "cwd": self.cast.arguments.working_directory,
            "tools": ["Bash", "Edit", "Read", "Write", "AskUserQuestion"],
            "mcp_servers": [],
            "model": self.model,
            "permissionMode": self.permission_mode,
            "apiKeySource": "none",
            "claude_code_version": env!("CARGO_PKG_VERSION"),
        });
        Ok(self.frames.send(init)?)
    }

    fn repeat_prompt(&mut self, prompt: &Prompt) -> Result<(), Halt> {
        let mut frame = json!({
            "type": "user",
            "message": { "role": "user", "content": prompt.text },
            "parent_tool_use_id": null,
            "isReplay": true,
        });
        frame["uuid"] = json!(prompt.id);
        Ok(self.frames.send(frame)?)
    }

    /// Something said to the model in the user's place.
    pub(super) fn send_user(&mut self, content: &Value) -> Result<(), Halt> {
        let message = json!({ "role": "user", "content": content });
        Ok(self.frames.send(json!({ "type": "user", "message": message, "parent_tool_use_id": null }))?)
    }
}
