//! Reading a JSON object field by field, so that each refusal names its place.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

use super::DnaError;
use crate::{name::Name, slug::Slug};

/// Something that stands in a JSON document.
pub(super) trait FromJson: Sized {
    /// Reads the value that stands at this place.
    fn from_json(path: &str, json: &Json) -> Result<Self, DnaError>;
}

/// The fields of one object, and which of them were asked for.
pub(super) struct Fields<'j> {
    path: &'j str,
    map: &'j Map<String, Json>,
    known: Vec<&'static str>,
}

impl<'j> Fields<'j> {
    pub(super) fn of(path: &'j str, json: &'j Json) -> Result<Self, DnaError> {
        let map = json.as_object().ok_or_else(|| refused(path, json, "an object"))?;
        Ok(Self { path, map, known: Vec::new() })
    }

    /// A field that has a default; null is as good as left out.
    pub(super) fn or_default<T: FromJson + Default>(&mut self, name: &'static str) -> Result<T, DnaError> {
        self.or(name, T::default())
    }

    /// As [`Fields::or_default`], with a default that is not the type's own.
    pub(super) fn or<T: FromJson>(&mut self, name: &'static str, default: T) -> Result<T, DnaError> {
        Ok(self.optional(name)?.unwrap_or(default))
    }

    /// A field that may be left out or null.
    pub(super) fn optional<T: FromJson>(&mut self, name: &'static str) -> Result<Option<T>, DnaError> {
        self.known.push(name);
        match self.map.get(name) {
            None | Some(Json::Null) => Ok(None),
            Some(json) => T::from_json(&self.path_of(name), json).map(Some),
        }
    }

    /// A field that must be there.
    pub(super) fn required<T: FromJson>(&mut self, name: &'static str) -> Result<T, DnaError> {
        self.known.push(name);
        T::from_json(&self.path_of(name), self.map.get(name).unwrap_or(&Json::Null))
    }

    /// Refuses the fields that nobody asked for.
    pub(super) fn finish(self) -> Result<(), DnaError> {
        match self.map.iter().find(|(name, _)| !self.known.contains(&name.as_str())) {
            Some((name, json)) => Err(refused(
                &self.path_of(&shortened(name)),
                json,
                format!("the fields {}", self.known.join(", ")),
            )),
            None => Ok(()),
        }
    }

    fn path_of(&self, name: &str) -> String {
        format!("{}.{name}", self.path)
    }
}

/// The most entries of a list.
const MAX_ENTRIES: usize = 100;

impl<T: FromJson> FromJson for Vec<T> {
    fn from_json(path: &str, json: &Json) -> Result<Self, DnaError> {
        let accepted = || refused(path, json, format!("a list of at most {MAX_ENTRIES}"));
        let entries = json.as_array().filter(|entries| entries.len() <= MAX_ENTRIES).ok_or_else(accepted)?;
        entries
            .iter()
            .enumerate()
            .map(|(index, json)| T::from_json(&format!("{path}[{index}]"), json))
            .collect()
    }
}

impl<T: FromJson + Ord> FromJson for BTreeSet<T> {
    fn from_json(path: &str, json: &Json) -> Result<Self, DnaError> {
        Vec::from_json(path, json).map(Self::from_iter)
    }
}

impl FromJson for bool {
    fn from_json(path: &str, json: &Json) -> Result<Self, DnaError> {
        json.as_bool().ok_or_else(|| refused(path, json, "true or false"))
    }
}

impl FromJson for Slug {
    fn from_json(path: &str, json: &Json) -> Result<Self, DnaError> {
        parsed(path, json, |_| {
            "1 to 63 of a-z, 0-9 and -, beginning and ending with a letter or digit".to_owned()
        })
    }
}

impl FromJson for Name {
    fn from_json(path: &str, json: &Json) -> Result<Self, DnaError> {
        parsed(path, json, |_| "1 to 200 characters on one line".to_owned())
    }
}

/// Makes closed vocabularies readable.
macro_rules! words_in_json {
    ($($word:ty),+ $(,)?) => {$(
        impl $crate::dna::fields::FromJson for $word {
            fn from_json(path: &str, json: &serde_json::Value) -> Result<Self, $crate::dna::DnaError> {
                $crate::dna::fields::parsed(path, json, |error: Option<$crate::UnknownWord>| match error {
                    Some(error) => error.accepted,
                    None => Self::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>().join(", "),
                })
            }
        }
    )+};
}
pub(super) use words_in_json;

/// A text, parsed. `accepted` gets the parser's error, or nothing when the value is no text at all.
pub(super) fn parsed<T: std::str::FromStr>(
    path: &str,
    json: &Json,
    accepted: impl FnOnce(Option<T::Err>) -> String,
) -> Result<T, DnaError> {
    match json.as_str().map(str::parse) {
        Some(Ok(value)) => Ok(value),
        Some(Err(error)) => Err(refused(path, json, accepted(Some(error)))),
        None => Err(refused(path, json, accepted(None))),
    }
}

pub(super) fn refused(path: &str, json: &Json, accepted: impl Into<String>) -> DnaError {
    DnaError { path: path.to_owned(), value: shortened(&json.to_string()), accepted: accepted.into() }
}

fn shortened(text: &str) -> String {
    const MAX_CHARS: usize = 80;
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
