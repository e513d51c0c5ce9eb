//! What an agent knows how to do.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::{
    DnaError,
    fields::{Fields, FromJson},
};
use crate::slug::Slug;

/// The names of an agent's skills.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Skills {
    /// Those it has in common with others of the team.
    pub shared: BTreeSet<Slug>,
    /// Its own.
    pub custom: BTreeSet<Slug>,
    /// Those it does not use although it has them. One that it does not have may stand here, for a shared one may come later.
    pub disabled: BTreeSet<Slug>,
}

impl Skills {
    /// The skills it uses, in alphabetical order: shared and custom ones without the disabled.
    #[must_use]
    pub fn effective(&self) -> BTreeSet<&Slug> {
        self.shared.union(&self.custom).filter(|name| !self.disabled.contains(*name)).collect()
    }
}

impl FromJson for Skills {
    fn from_json(path: &str, json: &Json) -> Result<Self, DnaError> {
        let mut fields = Fields::of(path, json)?;
        let skills = Self {
            shared: fields.or_default("shared")?,
            custom: fields.or_default("custom")?,
            disabled: fields.or_default("disabled")?,
        };
        fields.finish()?;
        Ok(skills)
    }
}
