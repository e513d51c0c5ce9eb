//! The narrowest rules that a call needs: what a person is offered who does not want to be asked about it again.

use crate::{
    effect::{Effect, Endpoint, Place, Run, Written},
    network::{Read, read_url},
    path::Candidate,
    set::Plan,
    surroundings::{Links, Surroundings},
    text::Text,
};

/// Characters that a rule does not take literally.
const SPECIAL: [char; 6] = ['*', '?', '[', ']', '(', ')'];

impl Plan {
    /// Rules in the agent CLI's syntax, one for each thing that needs to be allowed; `None` when one of them cannot be named
    /// exactly. Whether a set with them allows the call is for the set to say.
    #[must_use]
    pub fn narrowest_rules(&self, surroundings: &Surroundings) -> Option<Vec<String>> {
        let is_command = self.tool_name() == "Bash";
        let mut rules: Vec<String> = Vec::new();
        for effect in self.effects() {
            let rule = match effect {
                Effect::Run(run) if run.is_innermost && !run.is_harmless => command(run)?,
                Effect::Write(place, Written::Redirected) if !place.is_sink() => {
                    format!("Edit(/{})", path(place, surroundings)?)
                }
                Effect::Write(place, Written::Changed) if !is_command => {
                    format!("Edit(/{})", path(place, surroundings)?)
                }
                Effect::Read(place) | Effect::List(place) if !is_command => {
                    format!("Read(/{})", path(place, surroundings)?)
                }
                Effect::Connect(endpoint) if !is_command => format!("WebFetch(domain:{})", host(endpoint)?),
                Effect::Unreadable(_) | Effect::Perhaps(_) => return None,
                _ => continue,
            };
            if !rules.contains(&rule) {
                rules.push(rule);
            }
        }
        // As people say it: what runs, and then what it is written into.
        rules.sort_by_key(|rule| !rule.starts_with("Bash("));
        // A tool that touches nothing is allowed by its name.
        if rules.is_empty() && !is_command {
            rules.push(self.tool_name().to_owned());
        }
        (!rules.is_empty()).then_some(rules)
    }
}

/// These words exactly; a star would stand for more.
fn command(run: &Run) -> Option<String> {
    let words: Vec<&str> = run.words.iter().map(Text::literal).collect::<Option<_>>()?;
    let is_plain = |word: &&str| !word.is_empty() && !word.contains(|c: char| c.is_whitespace() || c == '*');
    (run.is_genuine && words.iter().all(is_plain)).then(|| format!("Bash({})", words.join(" ")))
}

/// The absolute path, where it is known to its end.
fn path(place: &Place, surroundings: &Surroundings) -> Option<String> {
    let forms = place.candidates(surroundings, &Links::default());
    let Candidate { components, .. } = forms.first()?;
    let known: Vec<&str> = components.iter().map(|step| step.literal()).collect::<Option<_>>()?;
    let path = format!("/{}", known.join("/"));
    (!path.contains(SPECIAL)).then_some(path)
}

fn host(endpoint: &Endpoint) -> Option<String> {
    match read_url(&endpoint.target) {
        Read::As(host) => Some(host.name),
        Read::Ambiguous(_) | Read::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    use domain::{permission::Decision, policy::PolicyKind, time::Timestamp};
    use serde_json::{Value, json};

    use super::*;
    use crate::{Call, PolicySet, PolicyText};

    fn rules(tool_name: &str, input: &Value) -> Option<Vec<String>> {
        let surroundings = Surroundings { project_root: "/work".into(), ..Surroundings::default() };
        let set = |allow: &[String]| {
            let config = json!({ "allow": allow });
            let policy = PolicyText { name: "p".into(), kind: PolicyKind::Rules, priority: 1, config };
            PolicySet::read(&[policy], surroundings.clone()).expect("a set")
        };
        let empty = set(&[]);
        let plan = empty.plan(&Call { tool_name, input, cwd: "/work" });
        let rules = plan.narrowest_rules(&surroundings)?;
        let verdict = set(&rules).judge(&plan, &Links::default(), Timestamp::from_micros(0));
        assert_eq!(
            verdict.decision,
            Some(Decision::Allow),
            "{rules:?} allow what they were made for: {verdict:?}"
        );
        Some(rules)
    }

    fn bash(command: &str) -> Option<Vec<String>> {
        rules("Bash", &json!({ "command": command }))
    }

    #[test]
    fn each_thing_a_call_needs_has_a_rule_of_its_own() {
        let expect = |rules: Option<Vec<String>>, expected: &[&str]| {
            assert_eq!(rules.expect("rules"), expected);
        };
        expect(bash("cargo test --workspace"), &["Bash(cargo test --workspace)"]);
        expect(bash("cd src && make && make install"), &["Bash(make)", "Bash(make install)"]);
        expect(bash("env A=1 make > out.txt"), &["Bash(make)", "Edit(//work/out.txt)"]);
        expect(bash("docker run alpine:3"), &["Bash(docker run alpine:3)"]);
        expect(
            rules("Write", &json!({ "file_path": "src/a.rs", "content": "" })),
            &["Edit(//work/src/a.rs)"],
        );
        expect(rules("Read", &json!({ "file_path": "/etc/hosts" })), &["Read(//etc/hosts)"]);
        expect(rules("WebFetch", &json!({ "url": "https://docs.rs/x" })), &["WebFetch(domain:docs.rs)"]);
        expect(rules("mcp__git__status", &json!({})), &["mcp__git__status"]);
        expect(rules("WebSearch", &json!({ "query": "x" })), &["WebSearch"]);
    }

    #[test]
    fn what_cannot_be_said_exactly_has_none() {
        for command in ["make $X", "$(cat x)", "./make", "make 'a b'", "rm *.o", "make ''", "("] {
            assert_eq!(bash(command), None, "{command}");
        }
        assert_eq!(rules("Read", &json!({ "file_path": "/a*b" })), None);
        assert_eq!(rules("WebFetch", &json!({ "url": "https://a\\@b/" })), None);
    }
}
