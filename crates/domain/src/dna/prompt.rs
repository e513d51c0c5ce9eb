//! What an agent is told about itself.

use std::fmt::Write as _;

use super::{Autonomy, Boundaries, Dna, Formality, Language, Personality, Text, Verbosity};
use crate::agent::Agent;

impl Dna {
    /// The text that is appended to the agent program's own system prompt when a session runs as this agent. The same agent in
    /// the same version is always told the same.
    #[must_use]
    pub fn system_prompt(&self, agent: &Agent) -> String {
        let mut prompt = format!("You are {}", agent.name.as_str());
        match agent.tagline.as_str() {
            "" => prompt.push('.'),
            tagline => prompt.push_str(&format!(": {}.", tagline.trim_end_matches('.'))),
        }
        prompt.push('\n');
        talk(&mut prompt, &self.personality);
        limits(&mut prompt, &self.boundaries);
        let skills: Vec<_> = self.skills.effective().into_iter().map(crate::slug::Slug::as_str).collect();
        if !skills.is_empty() {
            paragraph(&mut prompt, &format!("Use these skills where they fit: {}.", skills.join(", ")));
        }
        if let Some(instructions) = &self.personality.custom_instructions {
            paragraph(&mut prompt, instructions.as_str());
        }
        prompt
    }
}

fn talk(prompt: &mut String, personality: &Personality) {
    let Personality { tone, verbosity, formality, language, traits, voice_examples, always, never, .. } =
        personality;
    let mut lines = Vec::new();
    if !traits.is_empty() {
        lines.push(format!("You are {}.", join(traits)));
    }
    if let Some(tone) = tone {
        lines.push(format!("Your tone is {}.", tone.as_str()));
    }
    lines.extend(verbosity_line(*verbosity).map(str::to_owned));
    lines.extend(formality_line(*formality).map(str::to_owned));
    if *language != Language::default() {
        lines.push(format!("Answer in the language {}.", language.as_str()));
    }
    if !lines.is_empty() {
        paragraph(prompt, &lines.join(" "));
    }
    list(prompt, "Always:", always);
    list(prompt, "Never:", never);
    for example in voice_examples {
        let (said, reply) = (example.prompt.as_str(), example.reply.as_str());
        paragraph(
            prompt,
            &format!("When somebody says\n> {}\nyou answer\n> {}", quoted(said), quoted(reply)),
        );
    }
}

const fn verbosity_line(verbosity: Verbosity) -> Option<&'static str> {
    match verbosity {
        Verbosity::Concise => Some("Say as little as answers the question."),
        Verbosity::Balanced => None,
        Verbosity::Detailed => Some("Give reasons and alternatives."),
    }
}

const fn formality_line(formality: Formality) -> Option<&'static str> {
    match formality {
        Formality::Casual => Some("Talk as among friends."),
        Formality::Neutral => None,
        Formality::Formal => Some("Be formal."),
    }
}

fn limits(prompt: &mut String, boundaries: &Boundaries) {
    let Boundaries { can_do, cannot_do, escalates_to, max_autonomy, allowed_domains, .. } = boundaries;
    list(prompt, "You are for:", can_do);
    list(prompt, "You leave alone:", cannot_do);
    let autonomy = match max_autonomy {
        Autonomy::Execute => None,
        Autonomy::Suggest => Some("Do not change anything: say what you would do."),
        Autonomy::Ask => Some("Ask before you do anything that cannot be undone."),
    };
    if let Some(line) = autonomy {
        paragraph(prompt, line);
    }
    if !allowed_domains.is_empty() {
        let domains: Vec<_> = allowed_domains.iter().map(super::AllowedDomain::as_str).collect();
        paragraph(prompt, &format!("On the network visit only: {}.", domains.join(", ")));
    }
    if let Some(name) = escalates_to {
        paragraph(prompt, &format!("When you do not know, turn to {}.", name.as_str()));
    }
}

fn list<const MAX: usize>(prompt: &mut String, heading: &str, entries: &[Text<MAX>]) {
    if entries.is_empty() {
        return;
    }
    paragraph(prompt, heading);
    for entry in entries {
        // Writing to a string cannot fail.
        let _ = writeln!(prompt, "- {}", entry.as_str());
    }
}

fn paragraph(prompt: &mut String, text: &str) {
    let _ = writeln!(prompt, "\n{text}");
}

/// The further lines of a quotation are of it, too.
fn quoted(text: &str) -> String {
    text.replace('\n', "\n> ")
}

fn join<const MAX: usize>(texts: &[Text<MAX>]) -> String {
    texts.iter().map(Text::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        agent_status::AgentStatus,
        id::{AgentId, TeamId},
        time::Timestamp,
    };

    fn agent(tagline: &str) -> Agent {
        let id = uuid::Uuid::nil();
        Agent {
            id: AgentId::from_uuid(id),
            team_id: TeamId::from_uuid(id),
            slug: "reviewer".parse().expect("a slug"),
            name: "Reviewer".parse().expect("a name"),
            tagline: tagline.parse().expect("a line"),
            status: AgentStatus::Active,
            current_version: 1,
            version: 1,
            created_by: "user:ada".into(),
            created_at: Timestamp::from_micros(0),
            updated_at: Timestamp::from_micros(0),
        }
    }

    #[test]
    fn an_agent_without_traits_is_told_its_name_and_to_ask() {
        let prompt = Dna::default().system_prompt(&agent(""));
        assert_eq!(prompt, "You are Reviewer.\n\nAsk before you do anything that cannot be undone.\n");
    }

    #[test]
    fn everything_an_agent_is_made_of_that_words_can_say_is_said() {
        let dna = json!({
            "personality": {
                "tone": "warm", "verbosity": "concise", "formality": "formal", "language": "de-AT",
                "traits": ["curious", "patient"], "always": ["name the file"], "never": ["guess"],
                "voice_examples": [{ "prompt": "Is it good?", "reply": "Line 3 is not.\nThe rest is." }],
                "custom_instructions": "Read the tests first.",
            },
            "skills": { "shared": ["review", "git"], "disabled": ["git"] },
            "boundaries": {
                "can_do": ["read code"], "cannot_do": ["push"], "escalates_to": "Ada", "max_autonomy": "suggest",
                "allowed_domains": ["docs.rs"],
            },
        });
        let prompt = Dna::try_from(&dna).expect("dna").system_prompt(&agent("reads changes."));
        let expected = "You are Reviewer: reads changes.\n\n\
            You are curious, patient. Your tone is warm. Say as little as answers the question. Be formal. \
            Answer in the language de-AT.\n\n\
            Always:\n- name the file\n\nNever:\n- guess\n\n\
            When somebody says\n> Is it good?\nyou answer\n> Line 3 is not.\n> The rest is.\n\n\
            You are for:\n- read code\n\nYou leave alone:\n- push\n\n\
            Do not change anything: say what you would do.\n\n\
            On the network visit only: docs.rs.\n\nWhen you do not know, turn to Ada.\n\n\
            Use these skills where they fit: review.\n\nRead the tests first.\n";
        assert_eq!(prompt, expected);
    }
}
