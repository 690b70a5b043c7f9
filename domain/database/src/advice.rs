//! What an operator can do about a database that is unavailable, at the end of the error's own sentence: whatever logs
//! the error says it, once for each outage.

use std::fmt;

/// An error of the connection, and what to do about it where somebody can do something.
pub(super) struct Advised<'a>(pub(super) &'a sqlx::Error);

impl fmt::Display for Advised<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        match advice(self.0) {
            Some(advice) => write!(f, " ({advice})"),
            None => Ok(()),
        }
    }
}

fn advice(error: &sqlx::Error) -> Option<&'static str> {
    if matches!(error, sqlx::Error::PoolTimedOut) {
        return Some(
            "this process has no connection free, or the server gives it none: raise DESK_DATABASE_CONNECTIONS or lower \
             the slots, and see that max_connections of the server covers all processes",
        );
    }
    Some(match error.as_database_error()?.code()?.as_ref() {
        "53300" => "raise max_connections of the server, or run fewer processes or slots",
        "53100" => "make room on the server's disk",
        "53200" => "give the server more memory, or run fewer processes",
        "25006" => "it is a standby: let DATABASE_URL name the primary",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use crate::DbError;

    #[test]
    fn who_waits_for_a_connection_in_vain_is_told_in_one_line_what_to_do() {
        let told = DbError::from(sqlx::Error::PoolTimedOut).to_string();
        assert!(told.contains("DESK_DATABASE_CONNECTIONS") && told.contains("max_connections"), "{told}");
        assert_eq!(told.lines().count(), 1);
        assert!(!DbError::from(sqlx::Error::PoolClosed).to_string().contains('('));
    }
}
