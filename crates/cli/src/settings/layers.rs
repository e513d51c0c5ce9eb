//! Settings as layers of single values: which layer a value came from is known to the end.

use std::{collections::BTreeMap, fmt, path::PathBuf, sync::OnceLock};

use toml::{Table, Value};

use super::{DEFAULTS, Settings, SettingsProblem};

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    Default,
    File(PathBuf),
    Variable(String),
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("the defaults"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Variable(name) => write!(f, "the variable {name}"),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

/// Every setting with its value and origin, by dotted key.
#[derive(Debug, Clone)]
pub(crate) struct Layers {
    values: BTreeMap<String, (Value, Origin)>,
}

impl Layers {
    pub(crate) fn defaults() -> Result<Self, SettingsProblem> {
        /// Who judges events for others reads settings for each.
        static READ: OnceLock<Layers> = OnceLock::new();
        if let Some(layers) = READ.get() {
            return Ok(layers.clone());
        }
        let mut layers = Self { values: BTreeMap::new() };
        for (key, value) in leaves(parse(DEFAULTS, &Origin::Default)?) {
            layers.values.insert(key, (value, Origin::Default));
        }
        Ok(READ.get_or_init(|| layers).clone())
    }

    /// Lays a file's values over what is there.
    pub(crate) fn add_text(&mut self, text: &str, origin: &Origin) -> Result<(), SettingsProblem> {
        leaves(parse(text, origin)?)
            .into_iter()
            .try_for_each(|(key, value)| self.add(key, value, origin.clone()))
    }

    /// Lays one value that came as text, such as a variable's, over what is there. The setting's type says how it is read.
    pub(crate) fn add_plain(
        &mut self,
        key: String,
        text: &str,
        origin: Origin,
    ) -> Result<(), SettingsProblem> {
        let is_text = matches!(self.values.get(&key), Some((Value::String(_), _)));
        let literal = || text.parse::<Value>().ok();
        let value = if is_text { None } else { literal() };
        self.add(key, value.unwrap_or_else(|| Value::String(text.to_owned())), origin)
    }

    /// Each setting in the order of its key.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Value, &Origin)> {
        self.values.iter().map(|(key, (value, origin))| (key.as_str(), value, origin))
    }

    pub(crate) fn settings(&self) -> Result<Settings, SettingsProblem> {
        let problem = |what: toml::de::Error| SettingsProblem::Syntax {
            origin: Origin::Default,
            what: what.message().to_owned(),
        };
        self.to_table().try_into().map_err(problem)
    }

    fn add(&mut self, key: String, value: Value, origin: Origin) -> Result<(), SettingsProblem> {
        if !self.values.contains_key(&key) {
            let nearest = self.nearest(&key);
            return Err(SettingsProblem::UnknownKey { key, origin, nearest });
        }
        let shown = value.to_string();
        let before = self.values.insert(key.clone(), (value, origin.clone()));
        // One value at a time is tried, so that an error is known to be this value's.
        match self.to_table().try_into::<Settings>() {
            Ok(_) => Ok(()),
            Err(error) => {
                self.values.extend(before.map(|before| (key.clone(), before)));
                Err(SettingsProblem::Value { key, value: shown, origin, what: error.message().to_owned() })
            }
        }
    }

    fn nearest(&self, key: &str) -> Option<String> {
        let scored = self.values.keys().map(|known| (strsim::jaro_winkler(known, key), known));
        scored
            .filter(|(score, _)| *score > 0.7)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, known)| known.clone())
    }

    fn to_table(&self) -> Table {
        let mut root = Table::new();
        for (key, (value, _)) in &self.values {
            insert(&mut root, key, value.clone());
        }
        root
    }
}

/// Puts a value under a dotted key, creating the sections on the way.
fn insert(table: &mut Table, key: &str, value: Value) {
    match key.split_once('.') {
        None => drop(table.insert(key.to_owned(), value)),
        Some((section, rest)) => {
            let inner = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}

fn parse(text: &str, origin: &Origin) -> Result<Table, SettingsProblem> {
    text.parse().map_err(|error: toml::de::Error| SettingsProblem::Syntax {
        origin: origin.clone(),
        what: error.to_string(),
    })
}

/// Every value that is no section, by dotted key.
fn leaves(table: Table) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for (key, value) in table {
        match value {
            Value::Table(inner) => {
                found.extend(leaves(inner).into_iter().map(|(rest, value)| (format!("{key}.{rest}"), value)));
            }
            value => found.push((key, value)),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid_and_name_every_setting() {
        let settings = Layers::defaults().and_then(|layers| layers.settings()).expect("valid defaults");
        assert_eq!(settings.session.timeout_seconds.get(), 120);
    }

    #[test]
    fn a_later_layer_wins_and_says_so() {
        let mut layers = Layers::defaults().expect("defaults");
        let file = Origin::File("/etc/provost/config.toml".into());
        layers.add_text("[session]\nmodel = 'a'\ntimeout_seconds = 7", &file).expect("valid");
        let variable = Origin::Variable("PROVOST_SESSION__MODEL".into());
        layers.add_plain("session.model".into(), "b", variable.clone()).expect("valid");
        let settings = layers.settings().expect("valid");
        assert_eq!((settings.session.model.as_str(), settings.session.timeout_seconds.get()), ("b", 7));
        let origins: BTreeMap<_, _> = layers.iter().map(|(key, _, origin)| (key, origin)).collect();
        assert_eq!(origins["session.model"], &variable);
        assert_eq!(origins["session.timeout_seconds"], &file);
    }

    #[test]
    fn an_unknown_key_is_an_error_with_the_nearest_name() {
        let mut layers = Layers::defaults().expect("defaults");
        let error = layers.add_text("[session]\nmodle = 'a'", &Origin::Default).expect_err("unknown");
        assert!(error.to_string().contains("did you mean session.model?"), "{error}");
    }

    #[test]
    fn a_wrong_value_names_key_value_origin_and_what_is_accepted() {
        let mut layers = Layers::defaults().expect("defaults");
        let origin = Origin::Variable("PROVOST_SESSION__PERMISSION_MODE".into());
        let error = layers.add_plain("session.permission_mode".into(), "yolo", origin).expect_err("wrong");
        let text = error.to_string();
        for part in ["session.permission_mode", "\"yolo\"", "PROVOST_SESSION__PERMISSION_MODE", "acceptEdits"]
        {
            assert!(text.contains(part), "{text}");
        }
        assert_eq!(layers.settings().expect("still valid").session.permission_mode.as_str(), "default");
    }

    #[test]
    fn a_number_that_is_a_text_stays_a_text_where_text_is_expected() {
        let mut layers = Layers::defaults().expect("defaults");
        layers.add_plain("session.model".into(), "4", Origin::Default).expect("valid");
        layers.add_plain("session.max_turns".into(), "4", Origin::Default).expect("valid");
        let settings = layers.settings().expect("valid");
        assert_eq!((settings.session.model.as_str(), settings.session.max_turns), ("4", 4));
    }
}
