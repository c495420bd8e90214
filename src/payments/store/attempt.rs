//! What is done again by itself, and what is not.

use std::time::Duration;

use super::FAILED_AT;
use super::pool::Pool;
use crate::error::{Code, Error, Result};

/// How often what others were in the way of is done in all.
const ATTEMPTS: u32 = 12;

/// A failure, with what it leaves behind.
pub(super) struct Failed {
    pub error: Error,
    pub kind: Kind,
}

impl Failed {
    /// Of the statement at this place of a transaction. Where the connection ended it is not the statement's fault.
    pub fn at(self, place: usize) -> Failed {
        match self.error.code() {
            Code::StoreUnavailable => self,
            _ => Failed {
                error: self.error.with(FAILED_AT, place),
                ..self
            },
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The database took everything back because of others: again on the same connection.
    Conflict,
    /// The connection ended, and surely nothing was written: on a new one, if this one was old.
    Gone,
    /// The database said no. The connection is as good as before.
    Refused,
    /// Nobody knows what the connection is in.
    Broken,
}

/// Lends a connection to `work`, and does that again where it is safe and of use.
pub(super) fn run<C, T>(
    pool: &Pool<C>,
    alive: impl Fn(&mut C) -> bool,
    connect: impl Fn() -> Result<C>,
    mut work: impl FnMut(&mut C) -> std::result::Result<T, Failed>,
) -> Result<T> {
    let mut attempt = 1;
    let mut replaced = false;
    loop {
        let mut lease = pool.take()?;
        let idle = lease
            .idle
            .take()
            .and_then(|mut idle| alive(&mut idle).then_some(idle));
        let reused = idle.is_some();
        let mut connection = match idle {
            Some(idle) => idle,
            None => connect()?,
        };
        let failed = match work(&mut connection) {
            Ok(value) => {
                lease.give_back(connection);
                return Ok(value);
            }
            Err(failed) => failed,
        };
        match failed.kind {
            Kind::Conflict if attempt < ATTEMPTS => {
                lease.give_back(connection);
                std::thread::sleep(pause(attempt));
                attempt += 1;
            }
            Kind::Conflict | Kind::Refused => {
                lease.give_back(connection);
                return Err(failed.error);
            }
            Kind::Gone if reused && !replaced => replaced = true,
            Kind::Gone | Kind::Broken => return Err(failed.error),
        }
    }
}

/// A random time up to a limit that doubles: those that were in each other's way part.
fn pause(attempt: u32) -> Duration {
    let mut random = [0; 2];
    let _ = getrandom::fill(&mut random); // without chance they only part later
    let most = 2_u32 << attempt.min(6);
    Duration::from_micros(u64::from(
        u32::from(u16::from_le_bytes(random)) * most * 1000 / 65_536,
    ))
}

pub(super) fn conflict(text: &str) -> Error {
    Error::new(
        Code::StoreLocked,
        format!(
            "others changed the same rows at the same time, again and again; nothing was written, try again ({text})"
        ),
    )
}
