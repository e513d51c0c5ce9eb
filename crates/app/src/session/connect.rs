//! From a session to an agent program that is ready for its prompts: started on what it remembers, and with the hooks of its
//! session's start heard until it is.

use std::{mem, path::PathBuf};

use agent::{Fork, Launch, LaunchOptions, RunningAgent, Runtime, StartError, StartingAgent};
use domain::{
    agent_event::{AgentEvent, HookCall},
    session::Session,
    timeline::TimelineEntry,
};
use store::{StoreError, ToolCallFilter};

use super::{
    LaunchSettings, fork,
    hooks::{About, Hooks},
    record::Recorder,
    start::{FALLBACK_MODEL, FORK_AT, FORK_OF, FORK_TOLD, MAX_OUTPUT_TOKENS, text_option},
};
use crate::{App, hook::Conclusion};

/// A session that gets an agent program.
pub(super) struct Connecting<'s> {
    pub(super) recorder: &'s mut Recorder,
    pub(super) hooks: &'s mut Hooks,
    /// What was recorded before anybody could watch.
    pub(super) entries: &'s mut Vec<TimelineEntry>,
}

impl App {
    /// Starts the agent program on what it remembers of the session, or tells it what it does not remember.
    pub(super) async fn connect(
        &self,
        session: &Session,
        launch: LaunchSettings,
        mut connecting: Connecting<'_>,
    ) -> Result<Result<RunningAgent, StartError>, StoreError> {
        let is_told = session.external_id.is_none() && session.options.sdk_options.contains_key(FORK_TOLD);
        let why = if is_told {
            "the agent program cannot cut the conversation there".to_owned()
        } else {
            if matches!(launch.runtime, Runtime::Claude { .. }) {
                self.restore_transcript(session, &launch.environment).await?;
            }
            match connecting.start_mirrored(launch_of(session, launch.clone())).await? {
                Err(StartError::ResumeUnknown { external_id }) => {
                    format!(
                        "the agent program does not know that place in a conversation {external_id} any more"
                    )
                }
                started => return Ok(started),
            }
        };
        let text = format!("{why}; it is told what was said, as context");
        connecting.entries.extend(connecting.recorder.history_replayed(text).await?);
        connecting.start_mirrored(self.replaying(session, launch).await?).await
    }

    /// How a session is started whose agent program does not know what was said in it.
    async fn replaying(&self, session: &Session, settings: LaunchSettings) -> Result<Launch, StoreError> {
        let (team, id) = (session.team_id, session.id);
        let read = move |conn: &store::Conn| {
            let team = conn.team(team);
            let messages = team.messages().list(id, 0, u32::MAX)?;
            let calls = team.tool_calls().list(id, &ToolCallFilter::default(), 0, u32::MAX)?;
            Ok::<_, StoreError>(fork::replay(&messages, &calls))
        };
        let told = self.store().scan(read).await?;
        let mut launch = launch_of(session, settings);
        launch.options.resume = None;
        launch.options.fork = None;
        let prompt = [launch.options.system_prompt.take(), Some(told)];
        launch.options.system_prompt = Some(prompt.into_iter().flatten().collect::<Vec<_>>().join("\n\n"));
        Ok(launch)
    }
}

impl Connecting<'_> {
    /// Starts an agent program that tells what it writes to its transcript, unless it does not know how.
    async fn start_mirrored(
        &mut self,
        launch: Launch,
    ) -> Result<Result<RunningAgent, StartError>, StoreError> {
        match self.start(launch.clone()).await? {
            Err(error) if error.is_for_want_of_a_mirror() => {
                let options = LaunchOptions { mirror_transcript: false, ..launch.options };
                self.start(Launch { options, ..launch }).await
            }
            started => Ok(started),
        }
    }

    /// Starts an agent program and runs hooks until it is ready. A chain that still runs then is the actor's to conclude.
    async fn start(&mut self, launch: Launch) -> Result<Result<RunningAgent, StartError>, StoreError> {
        let mut starting = match agent::start(launch).await {
            Ok(starting) => starting,
            Err(error) => return Ok(Err(error)),
        };
        loop {
            tokio::select! {
                biased;
                Some((about, conclusion)) = self.hooks.next() => {
                    self.on_concluded(&starting, about, conclusion).await?;
                }
                event = starting.next() => match event {
                    Some(AgentEvent::Hook(call)) => self.on_hook(&starting, call).await?,
                    Some(AgentEvent::RequestCancelled { request_id }) => self.hooks.withdraw(&request_id),
                    Some(_) => {}
                    None => break,
                },
            }
        }
        let started = starting.ready().await;
        if started.is_err() {
            self.hooks.withdraw_all();
            while let Some((_, conclusion)) = self.hooks.next().await {
                self.entries.extend(self.recorder.hooks_ran(conclusion.runs).await?);
            }
        }
        Ok(started)
    }

    async fn on_hook(&mut self, starting: &StartingAgent, call: HookCall) -> Result<(), StoreError> {
        let about = About::Call(call);
        let chain = self.hooks.chain(&about).await?;
        if chain.is_empty() {
            return self.on_concluded(starting, about, Conclusion::default()).await;
        }
        self.hooks.start(chain, about);
        Ok(())
    }

    /// What hooks did is recorded before the agent program hears of it.
    async fn on_concluded(
        &mut self,
        starting: &StartingAgent,
        about: About,
        mut conclusion: Conclusion,
    ) -> Result<(), StoreError> {
        let runs = mem::take(&mut conclusion.runs);
        self.entries.extend(self.recorder.hooks_ran(runs).await?);
        if !conclusion.is_withdrawn {
            starting.answer(about.into_request_id(), conclusion.into_answer()).await;
        }
        Ok(())
    }
}

fn launch_of(session: &Session, settings: LaunchSettings) -> Launch {
    let options = &session.options;
    let mut environment = settings.environment;
    if let Some(most) = options.sdk_options.get(MAX_OUTPUT_TOKENS) {
        environment = environment.with("CLAUDE_CODE_MAX_OUTPUT_TOKENS", most.to_string());
    }
    Launch {
        runtime: settings.runtime,
        working_directory: PathBuf::from(&session.working_directory),
        options: LaunchOptions {
            model: options.model.clone(),
            fallback_model: text_option(options, FALLBACK_MODEL),
            system_prompt: options.system_prompt.clone(),
            permission_mode: options.permission_mode,
            max_turns: options.max_turns,
            // The agent program counts from the start of its process, so it gets what is left.
            budget: options.budget.map(|budget| budget.minus(session.totals.cost)),
            resume: session.external_id.clone().or_else(|| text_option(options, FORK_OF)),
            // Once it has an id of its own it is resumed as any other.
            fork: match (&session.external_id, text_option(options, FORK_OF)) {
                (None, Some(_)) => Some(Fork { at: text_option(options, FORK_AT) }),
                _ => None,
            },
            include_partial_messages: settings.include_partial_messages || options.include_partial_messages,
            mirror_transcript: true,
            setting_sources: settings.setting_sources,
            extra_arguments: settings.extra_arguments,
        },
        environment,
        limits: settings.limits,
    }
}
