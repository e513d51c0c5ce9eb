//! What the agent CLI adds to its own transcript, told as it is written.

use std::fmt::Write as _;

use domain::agent_event::{AgentEvent, TranscriptPart};
use serde_json::Value;

use super::Frame;

/// The folder of the CLI's own in which its transcripts are.
const PROJECTS: &str = "projects/";

/// `None` for a file that is not among the transcripts, and for one without anything new.
pub(in crate::claude) fn transcript_mirror(frame: &Frame) -> Option<AgentEvent> {
    let file = frame.text("filePath")?;
    let below = file.rfind(&format!("/{PROJECTS}")).map(|at| &file[at + 1..])?;
    let path = below.parse().ok()?;
    let mut text = String::new();
    for entry in frame.get("entries").and_then(Value::as_array)? {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{entry}");
    }
    (!text.is_empty()).then_some(AgentEvent::Transcript(TranscriptPart { path, text }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn heard(file: &str, entries: &Value) -> Option<AgentEvent> {
        let frame = json!({ "type": "transcript_mirror", "filePath": file, "entries": entries });
        transcript_mirror(&Frame::new(frame.as_object().expect("an object").clone()))
    }

    #[test]
    fn lines_are_kept_under_the_path_below_the_programs_folder() {
        let entries = json!([{ "type": "mode", "mode": "normal" }, { "a": 1 }]);
        let part = heard("/home/ada/.claude/projects/-work/1d40.jsonl", &entries);
        let Some(AgentEvent::Transcript(TranscriptPart { path, text })) = part else { panic!("{part:?}") };
        assert_eq!(path.as_str(), "projects/-work/1d40.jsonl");
        assert_eq!(text, "{\"mode\":\"normal\",\"type\":\"mode\"}\n{\"a\":1}\n");
    }

    #[test]
    fn what_is_no_transcript_is_not_kept() {
        for file in ["/home/ada/notes.jsonl", "/x/projects/../../etc/passwd", "/x/projects/"] {
            assert_eq!(heard(file, &json!([{ "a": 1 }])), None, "{file}");
        }
        assert_eq!(heard("/x/projects/a/b.jsonl", &json!([])), None);
    }
}
