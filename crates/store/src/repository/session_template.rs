//! Session templates.

use domain::{
    id::{SessionTemplateId, TeamId},
    name::Name,
    session_template::SessionTemplate,
    time::Timestamp,
};

use super::{
    Reads,
    page::{Cursor, Page},
    session::row::{self, document},
};
use crate::{
    conn::Tx,
    error::StoreError,
    record::{Dated, Owned, Record, Versioned},
    scope::{Scope, missing},
    statement::Order,
    value::{Columns, Value, params},
};

/// A team's session templates.
#[derive(Debug, Clone, Copy)]
pub struct SessionTemplates<'c, C> {
    pub(super) scope: Scope<'c, C>,
}

impl<C: Reads> SessionTemplates<'_, C> {
    /// The template of this id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find(&self, id: SessionTemplateId) -> Result<Option<SessionTemplate>, StoreError> {
        self.scope.find_row(id)
    }

    /// The template of this name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find_by_name(&self, name: &Name) -> Result<Option<SessionTemplate>, StoreError> {
        self.scope.find_row_by("name", name)
    }

    /// Newest first; those of a category, or all.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(
        &self,
        category: Option<&str>,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<SessionTemplate>, StoreError> {
        let mut statement = self.scope.select::<SessionTemplate>();
        statement.and_equal("category", category.as_ref());
        statement.page(self.scope.connection(), Order::NewestFirst, after, limit)
    }
}

impl SessionTemplates<'_, Tx<'_>> {
    /// Adds a template.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the team has one of this name; [`StoreError::Invalid`] when no session could be started with
    /// an option of it.
    pub fn insert(&self, template: &SessionTemplate) -> Result<(), StoreError> {
        row::refuse_unstorable(&template.options)?;
        self.scope.insert(template)
    }

    /// Replaces a template by this one, whose version is the one that the caller read, and gives its new version. Its use is
    /// counted elsewhere and stays.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when somebody changed it meanwhile; [`StoreError::Missing`] when it is not there;
    /// [`StoreError::Conflict`] when the team has another of this name; [`StoreError::Invalid`] when no session could be started
    /// with an option of it.
    pub fn update(&self, template: &SessionTemplate) -> Result<i64, StoreError> {
        row::refuse_unstorable(&template.options)?;
        self.scope.update_except(&["usage_count"], template)
    }

    /// Counts a session that was started from it, and gives how many there are. That is no change of the template.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not there.
    pub fn count_use(&self, id: SessionTemplateId) -> Result<i64, StoreError> {
        let sql = "UPDATE session_templates SET usage_count = usage_count + 1
             WHERE id = $1 AND (team_id = $2 AND deleted_at IS NULL) IS TRUE RETURNING usage_count";
        let count = self.scope.change(sql, params![id], |row| row.get(0))?;
        count.ok_or_else(|| missing::<SessionTemplate>(id))
    }

    /// Deletes a template softly; its name is free again.
    ///
    /// # Errors
    /// [`StoreError::Missing`] when it is not there.
    pub fn delete(&self, id: SessionTemplateId, at: Timestamp) -> Result<(), StoreError> {
        self.scope.delete::<SessionTemplate>(id, at)
    }
}

impl Record for SessionTemplate {
    const TABLE: &'static str = "session_templates";
    const COLUMNS: &'static str = "id, team_id, name, category, description, options, tags, usage_count, version, \
        created_at, updated_at";

    fn values(&self) -> Vec<Value<'_>> {
        let mut values = params![self.id, self.team_id, self.name, self.category, self.description].to_vec();
        values.extend([Value::document(&self.options), Value::document(&self.tags)]);
        values.extend_from_slice(params![self.usage_count, self.version, self.created_at, self.updated_at]);
        values
    }

    fn from_columns(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: columns.next()?,
            team_id: columns.next()?,
            name: columns.next()?,
            category: columns.next()?,
            description: columns.next()?,
            options: document(columns)?,
            tags: document(columns)?,
            usage_count: columns.next()?,
            version: columns.next()?,
            created_at: columns.next()?,
            updated_at: columns.next()?,
        })
    }
}

impl Owned for SessionTemplate {
    type Id = SessionTemplateId;
    const NOUN: &'static str = "session template";
    const LIVE: &'static str = "deleted_at IS NULL";

    fn id(&self) -> SessionTemplateId {
        self.id
    }

    fn team_id(&self) -> TeamId {
        self.team_id
    }
}

impl Versioned for SessionTemplate {
    fn version(&self) -> i64 {
        self.version
    }
}

impl Dated for SessionTemplate {
    const TIME: &'static str = "created_at";

    fn cursor(&self) -> Cursor {
        Cursor { created_at: self.created_at, id: *self.id.as_uuid() }
    }
}
