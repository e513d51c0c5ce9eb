//! What helps when a database cannot be used depends on who named it: a flag, a variable, a settings file, or nobody.

use super::Failure;
use crate::settings::{Layers, Origin};

pub(super) const CREATE_IT: &str = "to create it: provost init";
pub(super) const OWN_FILE: &str = "where nothing names a database, Provost uses its own file";

impl Failure {
    /// The same, with what named the database where that is what failed.
    pub(crate) fn of_database_in(mut self, layers: &Layers) -> Self {
        let setting = layers.iter().find(|(key, _, _)| *key == "database.url");
        let own_file = self.hints.iter().position(|hint| hint == OWN_FILE);
        let (Some((key, url, origin)), Some(own_file)) = (setting, own_file) else { return self };
        let named_by = match origin {
            Origin::Default => {
                self.hints.remove(own_file);
                return self;
            }
            Origin::File(_) => format!("{key} in {origin}"),
            Origin::Variable(_) | Origin::Flag(_) => origin.to_string(),
        };
        self.hints[own_file] = format!("{named_by} names it; {OWN_FILE}");
        if let Origin::Flag(flag) = origin {
            let create = self.hints.iter_mut().filter(|hint| *hint == CREATE_IT);
            create
                .for_each(|hint| *hint = format!("{CREATE_IT} {flag} {}", url.as_str().unwrap_or_default()));
        }
        self
    }
}
