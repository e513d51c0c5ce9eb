//! The tenant: every row belongs to one.

use serde_json::{Map, Value as Json};

use crate::{
    id::{TeamId, UserId},
    name::Name,
    slug::Slug,
    time::Timestamp,
};

/// A group of people and agents that share sessions, policies and memory.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Team {
    /// Identity.
    pub id: TeamId,
    /// Unique short name; a fresh install has `default`.
    pub slug: Slug,
    /// Name for people.
    pub name: Name,
    /// What the team set for itself.
    pub settings: TeamSettings,
    /// How long what its sessions recorded is kept; `None` is forever.
    pub retention_days: Option<RetentionDays>,
    /// Grows with each update.
    pub version: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

text_enum! {
    /// What a member may do; each role includes the ones after it.
    pub enum Role: "role" {
        /// May do everything, remove the team included.
        Owner = "owner",
        /// May manage members, policies and settings.
        Admin = "admin",
        /// May run sessions.
        Member = "member",
        /// May look.
        Viewer = "viewer",
    }
}

/// That somebody belongs to a team, and as what.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct TeamMembership {
    /// The team.
    pub team_id: TeamId,
    /// The member.
    pub user_id: UserId,
    /// What the member may do.
    pub role: Role,
    /// Since when.
    pub created_at: Timestamp,
}

/// A JSON object of at most 64 KiB.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct TeamSettings(Map<String, Json>);

/// A JSON value that cannot be a team's settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("settings = {0} is refused; accepted: a JSON object of at most 65536 bytes")]
pub struct InvalidSettings(String);

impl TeamSettings {
    /// The most bytes, written as JSON.
    pub const MAX_BYTES: usize = 65_536;

    /// The value of a setting.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Json> {
        self.0.get(name)
    }
}

impl TryFrom<Json> for TeamSettings {
    type Error = InvalidSettings;

    fn try_from(json: Json) -> Result<Self, Self::Error> {
        let text = json.to_string();
        match json {
            Json::Object(map) if text.len() <= Self::MAX_BYTES => Ok(Self(map)),
            _ => Err(InvalidSettings(text.chars().take(80).collect())),
        }
    }
}

impl<'de> serde::Deserialize<'de> for TeamSettings {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Json::deserialize(deserializer)?.try_into().map_err(serde::de::Error::custom)
    }
}

/// 1 to 36,500 days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(transparent)]
pub struct RetentionDays(u32);

/// A number of days for which nothing can be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("retention_days = {0} is refused; accepted: 1 to 36500")]
pub struct InvalidRetention(i64);

impl RetentionDays {
    /// The number of days.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl TryFrom<i64> for RetentionDays {
    type Error = InvalidRetention;

    fn try_from(days: i64) -> Result<Self, Self::Error> {
        match u32::try_from(days) {
            Ok(number @ 1..=36_500) => Ok(Self(number)),
            _ => Err(InvalidRetention(days)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_an_object_of_bounded_size_is_settings() {
        let settings = TeamSettings::try_from(json!({ "theme": "dark" })).expect("an object");
        assert_eq!(settings.get("theme"), Some(&json!("dark")));
        for bad in [json!(null), json!([1]), json!({ "a": "x".repeat(TeamSettings::MAX_BYTES) })] {
            let error = TeamSettings::try_from(bad).expect_err("refused");
            assert!(error.to_string().len() < 200, "{error}");
        }
    }

    #[test]
    fn retention_is_at_least_a_day() {
        assert_eq!(RetentionDays::try_from(90).map(RetentionDays::get), Ok(90));
        for bad in [i64::MIN, -1, 0, 36_501, i64::MAX] {
            assert_eq!(RetentionDays::try_from(bad), Err(InvalidRetention(bad)));
        }
    }
}
