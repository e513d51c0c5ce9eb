//! People.

use domain::{email::Email, user::User};

use super::Reads;
use crate::{
    conn::Tx,
    error::StoreError,
    value::{Row, params, stored_words},
};

stored_words! { Email }

/// People.
#[derive(Debug, Clone, Copy)]
pub struct Users<'c, C> {
    pub(super) conn: &'c C,
}

impl<C: Reads> Users<'_, C> {
    /// The person of this address.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find_by_email(&self, email: &Email) -> Result<Option<User>, StoreError> {
        let sql =
            "SELECT id, email, display_name, is_active, created_at, updated_at FROM users WHERE email = $1";
        self.conn.conn().find(sql, params![*email], from_row)
    }
}

impl Users<'_, Tx<'_>> {
    /// Creates the person unless the address exists.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn insert_if_absent(&self, user: &User) -> Result<bool, StoreError> {
        let sql = "INSERT INTO users (id, email, display_name, is_active, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (email) DO NOTHING";
        let values =
            params![user.id, user.email, user.display_name, user.is_active, user.created_at, user.updated_at];
        Ok(self.conn.execute(sql, values)? == 1)
    }
}

fn from_row(row: &Row<'_>) -> Result<User, StoreError> {
    let mut columns = row.columns();
    Ok(User {
        id: columns.next()?,
        email: columns.next()?,
        display_name: columns.next()?,
        is_active: columns.next()?,
        created_at: columns.next()?,
        updated_at: columns.next()?,
    })
}
