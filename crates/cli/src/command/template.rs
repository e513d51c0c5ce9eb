//! `provost template`: options to start sessions from, under a name.

use std::{path::PathBuf, process::ExitCode};

use app::templates::NewTemplate;
use clap::{Args, Subcommand};
use domain::{name::Name, session::SessionOptions, session_template::SessionTemplate};
use serde::Deserialize;
use serde_json::{Map, Value};
use store::Cursor;

use crate::{
    composition::{Context, Opened},
    definition_file,
    failure::{Code, Failure},
    terminal::text,
};

#[derive(Debug, Subcommand)]
pub(crate) enum TemplateCommand {
    /// Create a template from a TOML or JSON file.
    Create(Create),
    /// List templates, newest first.
    List(List),
    /// Show a template.
    Show(Show),
    /// Delete a template.
    Delete(Delete),
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// The file; - is standard input. docs/agents.md describes it.
    file: PathBuf,
    /// Take the place of the template of this name, if there is one.
    #[arg(long)]
    replace: bool,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only templates of this category.
    #[arg(long)]
    category: Option<String>,
    /// How many.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Where an earlier page ended: its next_cursor.
    #[arg(long)]
    cursor: Option<Cursor>,
}

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The template's name.
    template: Name,
}

#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// The template's name.
    template: Name,
}

/// What stands in a template's file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Name,
    category: Option<String>,
    #[serde(default)]
    description: String,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    options: Map<String, Value>,
}

impl TemplateCommand {
    pub(crate) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        match self {
            Self::Create(command) => command.run(context).await,
            Self::List(command) => command.run(context).await,
            Self::Show(command) => command.run(context).await,
            Self::Delete(command) => command.run(context).await,
        }
    }
}

impl Create {
    async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let json = definition_file::read(&context.surroundings.current_directory, &self.file)?;
        let new = template(json).map_err(|failure| failure.hint("docs/agents.md describes the file"))?;
        let Opened { app, caller } = context.open().await?;
        let saved = app.save_template(caller, new, self.replace).await?;
        if context.terminal.is_json {
            context.terminal.json(&saved)?;
        } else {
            context.terminal.say(&format!("template {} is saved", saved.name.as_str()));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl List {
    async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let Opened { app, caller } = context.open().await?;
        let page = app.list_templates(caller, self.category.clone(), self.cursor, self.limit).await?;
        let terminal = context.terminal;
        if terminal.is_json {
            terminal.page(&page)?;
            return Ok(ExitCode::SUCCESS);
        }
        if page.items.is_empty() {
            terminal.say("no templates");
        }
        for SessionTemplate { name, category, description, usage_count, .. } in &page.items {
            let category = category.as_deref().unwrap_or_default();
            let line = format!(
                "{:<24}  {:<12}  {usage_count:>5} times  {}",
                text::one_line(name.as_str(), 60),
                text::one_line(category, 12),
                text::one_line(description, 60)
            );
            terminal.data(line.trim_end())?;
        }
        if let Some(next) = page.next {
            let category =
                self.category.map(|category| format!(" --category {category:?}")).unwrap_or_default();
            terminal.say(&format!(
                "more: provost template list --limit {}{category} --cursor {next}",
                self.limit
            ));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Show {
    async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let Opened { app, caller } = context.open().await?;
        let template = app.get_template(caller, self.template).await?;
        if context.terminal.is_json {
            context.terminal.json(&template)?;
        } else {
            let shown = serde_json::to_string_pretty(&template).map_err(anyhow::Error::from)?;
            context.terminal.data(&text::printable(&shown))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Delete {
    async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let Opened { app, caller } = context.open().await?;
        app.delete_template(caller, self.template.clone()).await?;
        context.terminal.say(&format!("template {} is deleted", self.template.as_str()));
        Ok(ExitCode::SUCCESS)
    }
}

fn template(json: Value) -> Result<NewTemplate, Failure> {
    let wrong = |error: serde_json::Error| Failure::new(Code::Usage, format!("template: {error}"));
    let File { name, category, description, tags, options } = serde_json::from_value(json).map_err(wrong)?;
    let known = serde_json::to_value(SessionOptions::default()).map_err(anyhow::Error::from)?;
    if let Some(field) = options.keys().find(|field| known.get(field.as_str()).is_none()) {
        let known: Vec<_> = known.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        let message = format!("template: options.{field} is not known; accepted: {}", known.join(", "));
        return Err(Failure::new(Code::Usage, message));
    }
    let options = serde_json::from_value(Value::Object(options))
        .map_err(|error| Failure::new(Code::Usage, format!("template: options: {error}")))?;
    Ok(NewTemplate { name, category, description, options, tags })
}
