//! What the policies say about one call, with the disk as it is now.

use domain::time::Timestamp;
use policy::{Call, Links, PolicySet, Verdict};
use serde_json::Value;

use super::links::{self, TooManyPlaces};

/// A call as policies see it.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) tool_name: String,
    pub(super) input: Value,
    /// The folder it works in, absolute.
    pub(super) cwd: String,
}

/// What they say, and what was looked at for it.
#[derive(Debug)]
pub(super) struct Consulted {
    pub(super) verdict: Verdict,
    /// All it does is reading inside the session's folder.
    pub(super) only_reads_inside: bool,
    pub(super) links: Links,
    paths: Vec<String>,
}

/// Asks the policies. Looks at the disk, so it belongs where blocking is allowed.
pub(super) fn consult(
    set: &PolicySet,
    question: &Question,
    now: Timestamp,
) -> Result<Consulted, TooManyPlaces> {
    let Question { tool_name, input, cwd } = question;
    let surroundings = set.surroundings();
    let plan = set.plan(&Call { tool_name, input, cwd });
    let paths = plan.paths(surroundings);
    let links = links::find(&paths)?;
    let verdict = set.judge(&plan, &links, now);
    let only_reads_inside = plan.only_reads_below(&surroundings.project_root, surroundings, &links);
    Ok(Consulted { verdict, only_reads_inside, links, paths })
}

impl Consulted {
    /// Whether the disk is as it was, as far as it was looked at.
    pub(super) fn still_holds(&self) -> bool {
        links::find(&self.paths).is_ok_and(|links| links == self.links)
    }
}
