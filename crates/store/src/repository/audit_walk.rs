//! Reading a team's whole audit log in the order in which it is verified: some seals, the lines they cover, the next seals; then
//! lines with a number that no seal covers, then those without one. In pages, so that memory is bounded.

use domain::{audit::AuditEntry, audit_seal::AuditSeal, time::Timestamp};

use super::audit_seal::AuditSeals;
use crate::{
    conn::Conn,
    error::StoreError,
    record::Record as _,
    value::{Row, Value, params},
};

/// How many seals or lines are read at once.
const PAGE: u32 = 1000;

/// A part of the log.
#[derive(Debug)]
pub(super) enum Piece<P> {
    /// Seals, in order.
    Seals(Vec<AuditSeal>),
    /// Lines, in order.
    Lines(P),
}

/// Lines on their way, in the form that whoever reads them wants.
pub(super) trait LinePage: Default {
    /// The columns it reads.
    const COLUMNS: &'static str;

    /// Takes a row of these columns.
    fn push(&mut self, row: &Row<'_>) -> Result<(), StoreError>;
}

impl LinePage for Vec<AuditEntry> {
    const COLUMNS: &'static str = AuditEntry::COLUMNS;

    fn push(&mut self, row: &Row<'_>) -> Result<(), StoreError> {
        Self::push(self, AuditEntry::from_columns(&mut row.columns())?);
        Ok(())
    }
}

impl AuditSeals<'_, Conn> {
    /// Gives the log piece by piece, all of it as it is at one moment.
    pub(super) fn walk<P: LinePage, E: From<StoreError>>(
        &self,
        mut visit: impl FnMut(Piece<P>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.scope.connection().in_snapshot(|| {
            let (mut seal, mut line) = (0, 0);
            loop {
                let seals = self.list(seal, PAGE)?;
                let Some(last) = seals.last() else { break };
                let last_number = last.last_number;
                seal = last.number;
                visit(Piece::Seals(seals))?;
                line = self.walk_numbered(line, last_number, &mut visit)?;
            }
            self.walk_numbered(line, i64::MAX, &mut visit)?;
            self.walk_unnumbered(&mut visit)
        })
    }

    /// Lines numbered after one number up to another, in order; gives the number of the last.
    fn walk_numbered<P: LinePage, E: From<StoreError>>(
        &self,
        after: i64,
        up_to: i64,
        visit: &mut impl FnMut(Piece<P>) -> Result<(), E>,
    ) -> Result<i64, E> {
        let sql = format!(
            "SELECT {}, number FROM audit_log WHERE team_id = $1 AND number > $2 AND number <= $3 ORDER BY number LIMIT {PAGE}",
            P::COLUMNS
        );
        let (mut last, width) = (after, width::<P>());
        loop {
            let (mut page, from) = (P::default(), last);
            let rows = self.scope.query(&sql, params![from, up_to], |row| {
                last = row.get(width)?;
                page.push(row)
            })?;
            if !rows.is_empty() {
                visit(Piece::Lines(page))?;
            }
            if rows.len() < PAGE as usize {
                return Ok(last);
            }
        }
    }

    /// Lines that are not sealed yet, by time and id.
    fn walk_unnumbered<P: LinePage, E: From<StoreError>>(
        &self,
        visit: &mut impl FnMut(Piece<P>) -> Result<(), E>,
    ) -> Result<(), E> {
        let (mut last, width): (Option<(Timestamp, Value<'static>)>, _) = (None, width::<P>());
        loop {
            let (after, values) = match last.take() {
                None => ("", Vec::new()),
                Some((at, id)) => ("AND (at, id) > ($2, $3)", vec![Value::Time(at), id]),
            };
            let sql = format!(
                "SELECT {}, at, id FROM audit_log WHERE team_id = $1 AND number IS NULL {after} ORDER BY at, id LIMIT {PAGE}",
                P::COLUMNS
            );
            let mut page = P::default();
            let rows = self.scope.query(&sql, &values, |row| {
                last = Some((row.get(width)?, row.raw(width + 1)?.into_owned()));
                page.push(row)
            })?;
            if !rows.is_empty() {
                visit(Piece::Lines(page))?;
            }
            if rows.len() < PAGE as usize {
                return Ok(());
            }
        }
    }
}

/// How many columns a page reads; what tells where the next one begins stands behind them.
fn width<P: LinePage>() -> usize {
    P::COLUMNS.split(", ").count()
}
