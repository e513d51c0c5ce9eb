//! `provost session search`.

use std::process::ExitCode;

use app::session::SessionReference;
use clap::Args;
use domain::full_text::TextQuery;
use serde_json::json;
use store::{FoundRow, FoundText};

use crate::{
    composition::{Context, Opened},
    failure::{Code, Failure},
    terminal::text,
};

#[derive(Debug, Args)]
pub(crate) struct SessionSearch {
    /// Words that people, models or tool calls used; all must be there, in any order and form.
    text: String,
    /// Only in this session: an id, its beginning or end, or `last`.
    #[arg(long)]
    session: Option<SessionReference>,
    /// How many places.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
}

impl SessionSearch {
    pub(crate) async fn run(self, context: Context) -> Result<ExitCode, Failure> {
        let query = TextQuery::new(&self.text);
        if query.words().is_empty() {
            let message = format!("{:?} holds no word to look for", self.text);
            return Err(Failure::new(Code::Usage, message).hint("accepted: letters and digits"));
        }
        let Opened { app, caller } = context.open().await?;
        let session = match self.session {
            Some(reference) => Some(app.resolve_session(caller, reference).await?),
            None => None,
        };
        let found = app.search_sessions(caller, query, session, self.limit).await?;
        let terminal = context.terminal;
        if terminal.is_json {
            let data: Vec<_> = found.iter().map(as_json).collect();
            terminal.json(&json!({ "data": data }))?;
            return Ok(ExitCode::SUCCESS);
        }
        for FoundText { session_id, sequence, snippet, .. } in &found {
            let place = format!("{}  {sequence:>6}", text::short(*session_id));
            terminal.data(&format!("{}  {}", terminal.out.dim(&place), text::one_line(snippet, 160)))?;
        }
        match found.first() {
            Some(FoundText { session_id, sequence, .. }) => {
                let (id, after) = (text::short(*session_id), sequence - 1);
                let line = format!("the place: provost session timeline {id} --after {after} --limit 20");
                terminal.say(&terminal.err.dim(&line));
            }
            None => terminal.say("nothing was said with all these words"),
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn as_json(found: &FoundText) -> serde_json::Value {
    let (kind, id) = match &found.row {
        FoundRow::Message(id) => ("message", id.to_string()),
        FoundRow::ToolCall(id) => ("tool_call", id.to_string()),
    };
    let FoundText { session_id, sequence, snippet, .. } = found;
    json!({ "session_id": session_id, "sequence": sequence, "kind": kind, "id": id, "snippet": snippet })
}
