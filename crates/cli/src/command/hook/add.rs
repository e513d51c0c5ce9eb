//! `provost hook add`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use app::{App, hook::NewHook};
use clap::{ArgGroup, Args};
use domain::{
    hook::{Hook, HookEvent, HookKind, HookMatcher},
    name::Name,
    webhook::{WebhookSecret, WebhookUrl},
};
use serde_json::{Map, Value, json};

use crate::{
    composition::{Context, Opened},
    definition_file,
    failure::{Code, Failure},
    terminal::text,
};

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).args(["command", "webhook", "builtin"]))]
pub(crate) struct Add {
    /// A name for it.
    name: Name,
    /// The agent event it runs at, such as PreToolUse, PostToolUse, UserPromptSubmit or Stop.
    #[arg(long)]
    event: HookEvent,
    /// The tools it is for: *, names such as Bash|Write, or a regular expression that matches the whole name.
    #[arg(long)]
    matcher: Option<String>,
    /// Block the event when the hook fails or takes too long.
    #[arg(long)]
    gate: bool,
    /// Hooks of lower numbers run first.
    #[arg(long, default_value_t = Hook::DEFAULT_PRIORITY, allow_negative_numbers = true)]
    priority: i64,
    /// How long it may take.
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    timeout: Duration,
    /// Let it rest until it is enabled.
    #[arg(long)]
    disabled: bool,
    /// A variable that the program sees besides the basic ones; can be given more than once.
    #[arg(long, value_name = "NAME=VALUE", requires = "command")]
    env: Vec<String>,
    /// Ask this server instead of a program.
    #[arg(long, value_name = "URL")]
    webhook: Option<WebhookUrl>,
    /// A file with the secret to sign requests with. Otherwise one is made and shown once.
    #[arg(long, value_name = "FILE", requires = "webhook")]
    secret_file: Option<PathBuf>,
    /// The server may be in a network that is not the public internet.
    #[arg(long, requires = "webhook")]
    allow_private: bool,
    /// A hook that is built in: audit, metrics, persistence, notification or validation.
    #[arg(long, value_name = "NAME")]
    builtin: Option<String>,
    /// What the built-in hook needs to know: JSON, or a TOML or JSON file. docs/hooks.md describes it.
    #[arg(long, value_name = "FILE|JSON", requires = "builtin")]
    options: Option<String>,
    /// The program and its arguments; no shell reads them.
    #[arg(last = true, value_name = "PROGRAM")]
    command: Vec<String>,
}

/// What a hook is made of, with a secret that nobody has seen yet.
struct Made {
    kind: HookKind,
    config: Value,
    secret: Option<WebhookSecret>,
}

impl Add {
    pub(super) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let here = context.surroundings.current_directory.clone();
        let Opened { app, caller } = context.open().await?;
        let Made { kind, config, secret } = self.make(&app, &here)?;
        let new = NewHook {
            name: self.name,
            event: self.event,
            matcher: self.matcher,
            kind,
            config,
            priority: self.priority,
            is_gate: self.gate,
            timeout: self.timeout,
            is_enabled: !self.disabled,
        };
        let hook = app.add_hook(caller, new).await?;
        app.store().close().await;
        let terminal = context.terminal;
        if terminal.is_json {
            let mut shown = serde_json::to_value(&hook).map_err(anyhow::Error::from)?;
            if let Some(secret) = secret {
                shown["new_secret"] = json!(secret.as_str());
            }
            terminal.json(&shown)?;
            return Ok(ExitCode::SUCCESS);
        }
        terminal.say(&format!("hook {} is added, at {}", text::one_line(&hook.name, 200), hook.event));
        if !hook.event.is_known() {
            terminal.say(&format!("no agent program known to this version names {}", hook.event));
        }
        unknown_tools(&hook).iter().for_each(|doubt| terminal.say(&text::printable(doubt)));
        if let Some(secret) = secret {
            terminal.say("requests are signed with this secret, which is not shown again:");
            terminal.data(secret.as_str())?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn make(&self, app: &App, here: &Path) -> Result<Made, Failure> {
        if let Some(url) = &self.webhook {
            return self.webhook(app, url, here);
        }
        if let Some(name) = &self.builtin {
            let config = self.builtin(name, here)?;
            return Ok(Made { kind: HookKind::Builtin, config, secret: None });
        }
        Ok(Made { kind: HookKind::Script, config: self.script(here)?, secret: None })
    }

    /// A path is taken from here on, wherever the sessions work; a bare name is looked up where they run.
    fn script(&self, here: &Path) -> Result<Value, Failure> {
        let (program, arguments) =
            self.command.split_first().map_or(("", &[][..]), |(first, rest)| (first, rest));
        let path = Path::new(program);
        let program = if path.components().count() > 1 { here.join(path) } else { path.to_owned() };
        let mut environment = Map::new();
        for variable in &self.env {
            let Some((name, value)) = variable.split_once('=') else {
                return Err(Failure::new(
                    Code::Usage,
                    format!("--env is {variable:?}; accepted: NAME=VALUE"),
                ));
            };
            environment.insert(name.to_owned(), value.into());
        }
        Ok(json!({ "program": program, "arguments": arguments, "environment": environment }))
    }

    fn webhook(&self, app: &App, url: &WebhookUrl, here: &Path) -> Result<Made, Failure> {
        let (secret, is_new) = match &self.secret_file {
            Some(file) => {
                let path = here.join(file);
                let named = |error: &dyn std::fmt::Display| {
                    Failure::new(Code::Usage, format!("--secret-file {}: {error}", path.display()))
                };
                let text = fs::read_to_string(&path).map_err(|error| named(&error))?;
                (text.trim().parse().map_err(|error| named(&error))?, false)
            }
            None => (app.new_webhook_secret(), true),
        };
        let config = json!({ "url": url, "secret": secret.as_str(), "allow_private": self.allow_private });
        Ok(Made { kind: HookKind::Webhook, config, secret: is_new.then_some(secret) })
    }

    fn builtin(&self, name: &str, here: &Path) -> Result<Value, Failure> {
        let mut config = match self.options.as_deref() {
            Some(json) if json.trim_start().starts_with('{') => serde_json::from_str(json)
                .map_err(|error| Failure::new(Code::Usage, format!("--options: {error}")))?,
            Some(file) => definition_file::read(here, Path::new(file))?,
            None if name == "notification" => json!({ "to": "log" }),
            None => json!({}),
        };
        config["name"] = name.into();
        Ok(config)
    }
}

/// What of a matcher is about no tool that is known. It may be one of a later agent program.
fn unknown_tools(hook: &Hook) -> Vec<String> {
    let matcher = hook.matcher.as_deref().filter(|_| hook.event.is_about_tools()).unwrap_or_default();
    let is_known = |name: &str| policy::TOOLS.contains(&name) || name.starts_with("mcp__");
    match matcher.parse() {
        Ok(HookMatcher::Names(names)) => {
            names.iter().filter(|name| !is_known(name)).map(|name| unknown_tool(name)).collect()
        }
        Ok(pattern @ HookMatcher::Pattern(_)) => {
            let is_useful = matcher.contains("mcp__")
                || policy::TOOLS.into_iter().any(|tool| pattern.matches(Some(tool)));
            let doubt = || format!("the matcher {matcher} fits no tool that is known");
            (!is_useful).then(doubt).into_iter().collect()
        }
        Ok(HookMatcher::Every) | Err(_) => Vec::new(),
    }
}

fn unknown_tool(name: &str) -> String {
    let meant = policy::nearest(name, policy::TOOLS);
    let meant = meant.map(|meant| format!("; did you mean {meant}?")).unwrap_or_default();
    format!("no tool is known by the name {name}{meant}")
}

fn seconds(text: &str) -> Result<Duration, String> {
    let parsed = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    parsed.ok_or_else(|| "accepted: a number of seconds such as 5 or 0.5".to_owned())
}
