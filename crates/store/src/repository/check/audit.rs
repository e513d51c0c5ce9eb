//! The audit log's chain as far as it shows without computing digests: seals follow one another, and each numbered row is
//! under one. Whether contents are what was sealed, `audit verify` says.

use super::{Finding, facts};
use crate::{conn::Conn, error::StoreError};

pub(super) fn find(conn: &Conn) -> Result<Vec<Finding>, StoreError> {
    let nothing = conn.pick("zeroblob(32)", "decode(repeat('00', 32), 'hex')");
    let chain = format!(
        "SELECT 'team ' || team_id || ': seal ' || number || ' does not follow the one before it' AS what
         FROM (SELECT team_id, number, first_number, previous,
                      lag(number) OVER w AS number_before, lag(last_number) OVER w AS last_before, lag(digest) OVER w AS digest_before
               FROM audit_seals WINDOW w AS (PARTITION BY team_id ORDER BY number)) s
         WHERE (number_before IS NOT NULL AND (number <> number_before + 1 OR first_number <> last_before + 1 OR previous <> digest_before))
            OR (number = 1 AND (first_number <> 1 OR previous <> {nothing}))"
    );
    // Seals leave no gaps, which was looked at above.
    let outside = "
        SELECT 'audit entry ' || a.id || ' has number ' || a.number || ', which no seal covers' AS what
        FROM audit_log a
        LEFT JOIN (SELECT team_id, min(first_number) AS first, max(last_number) AS last FROM audit_seals GROUP BY team_id) s
            ON s.team_id = a.team_id
        WHERE a.number IS NOT NULL AND (s.last IS NULL OR a.number NOT BETWEEN s.first AND s.last)";
    let mut findings = facts(conn, "audit", &chain)?;
    findings.extend(facts(conn, "audit", outside)?);
    Ok(findings)
}
