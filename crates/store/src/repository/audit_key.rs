//! The public keys of seals: of no team, because a key belongs to whoever seals.

use domain::audit_key::AuditKey;

use super::Reads;
use crate::{
    conn::Tx,
    error::StoreError,
    record::{Record as _, record},
    statement::Statement,
};

record! {
    AuditKey in "audit_keys" { id, public_key, created_at }
}

/// The keys that seals were ever signed with.
#[derive(Debug, Clone, Copy)]
pub struct AuditKeys<'c, C> {
    pub(super) conn: &'c C,
}

impl<C: Reads> AuditKeys<'_, C> {
    /// All of them, by id: there is one for each data folder that a sealer had.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn list(&self) -> Result<Vec<AuditKey>, StoreError> {
        let sql = format!("/* few */ SELECT {} FROM audit_keys ORDER BY id", AuditKey::COLUMNS);
        self.conn.conn().query(&sql, &[], |row| AuditKey::from_columns(&mut row.columns()))
    }
}

impl AuditKeys<'_, Tx<'_>> {
    /// Keeps a key. One that is kept already stays as it is.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn keep(&self, key: &AuditKey) -> Result<(), StoreError> {
        let mut statement = Statement::insert(key);
        statement.push(" ON CONFLICT (id) DO NOTHING", []);
        self.conn.execute(statement.text(), statement.values()).map(drop)
    }
}
