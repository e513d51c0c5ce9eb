//! Session templates: options to start sessions from, under a name.

use domain::{
    audit_action::AuditAction, id::SessionTemplateId, name::Name, session::SessionOptions,
    session_template::SessionTemplate,
};
use store::{Cursor, Page, StoreError, Tx};

use crate::{App, Caller};

/// A template that is to be.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTemplate {
    /// Its name.
    pub name: Name,
    /// What people sort it under.
    pub category: Option<String>,
    /// What it is for.
    pub description: String,
    /// What its sessions are asked to be.
    pub options: SessionOptions,
    /// Words to find it by.
    pub tags: Vec<String>,
}

/// Why nothing was done about a template.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// The team has none of this name.
    #[error("there is no template {}", .0.as_str())]
    NotFound(Name),
    /// The team has one of this name already.
    #[error("there is a template {} already", .0.as_str())]
    Taken(Name),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl App {
    /// Creates a template, or with `replace` puts it in the place of the one of its name.
    ///
    /// # Errors
    /// See [`TemplateError`].
    pub async fn save_template(
        &self,
        caller: Caller,
        new: NewTemplate,
        replace: bool,
    ) -> Result<SessionTemplate, TemplateError> {
        let (now, id) = (self.now(), SessionTemplateId::from_uuid(self.next_id()));
        let (create, update) =
            (self.deed(caller, AuditAction::TemplateCreate), self.deed(caller, AuditAction::TemplateUpdate));
        let save = move |tx: &Tx<'_>| {
            let templates = tx.team(caller.team_id).session_templates();
            let there = templates.find_by_name(&new.name)?;
            if !replace && there.is_some() {
                return Err(TemplateError::Taken(new.name));
            }
            let NewTemplate { name, category, description, options, tags } = new;
            let mut template = SessionTemplate {
                id,
                team_id: caller.team_id,
                name,
                category,
                description,
                options,
                tags,
                usage_count: 0,
                version: 1,
                created_at: now,
                updated_at: now,
            };
            let deed = if there.is_some() { update } else { create };
            match there {
                Some(SessionTemplate { id, usage_count, version, created_at, .. }) => {
                    template = SessionTemplate { id, usage_count, version, created_at, ..template };
                    template.version = templates.update(&template)?;
                }
                None => templates.insert(&template)?,
            }
            deed.on(template.id).with("name", template.name.as_str()).append(tx)?;
            Ok(template)
        };
        self.store().write(save).await
    }

    /// A page of the team's templates, newest first; those of a category, or all.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn list_templates(
        &self,
        caller: Caller,
        category: Option<String>,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<SessionTemplate>, StoreError> {
        let list = move |conn: &store::Conn| {
            conn.team(caller.team_id).session_templates().list(category.as_deref(), after, limit)
        };
        self.store().read(list).await
    }

    /// The template of this name.
    ///
    /// # Errors
    /// See [`TemplateError`].
    pub async fn get_template(&self, caller: Caller, name: Name) -> Result<SessionTemplate, TemplateError> {
        let find = move |conn: &store::Conn| {
            let found = conn.team(caller.team_id).session_templates().find_by_name(&name)?;
            found.ok_or(TemplateError::NotFound(name))
        };
        self.store().read(find).await
    }

    /// Deletes a template; its name is free again.
    ///
    /// # Errors
    /// See [`TemplateError`].
    pub async fn delete_template(&self, caller: Caller, name: Name) -> Result<(), TemplateError> {
        let (now, deed) = (self.now(), self.deed(caller, AuditAction::TemplateDelete));
        let delete = move |tx: &Tx<'_>| {
            let templates = tx.team(caller.team_id).session_templates();
            let found = templates.find_by_name(&name)?.ok_or(TemplateError::NotFound(name))?;
            templates.delete(found.id, now)?;
            Ok(deed.on(found.id).with("name", found.name.as_str()).append(tx)?)
        };
        self.store().write(delete).await
    }
}
