//! Files, standard input, and `NAME=VALUE`.

use std::ffi::{OsStr, OsString};
use std::io::Read;

use payseal::Client;
use payseal::host::{Clock, Host};
use zeroize::Zeroizing;

use crate::Failure;

/// The bytes of a file, or of standard input for `-`; wiped when dropped, for a configuration holds keys.
pub fn read(file: &OsStr) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let problem = |error| {
        Failure::File(format!(
            "{} cannot be read: {error}",
            file.to_string_lossy()
        ))
    };
    if file != "-" {
        return std::fs::read(file).map(Zeroizing::new).map_err(problem);
    }
    let mut bytes = Zeroizing::new(Vec::new());
    std::io::stdin().read_to_end(&mut bytes).map_err(problem)?;
    Ok(bytes)
}

/// What was read once is gone.
pub fn only_one_is_standard_input<const N: usize>(
    files: [Option<&OsString>; N],
) -> Result<(), Failure> {
    match files
        .into_iter()
        .flatten()
        .filter(|file| *file == "-")
        .count()
    {
        0 | 1 => Ok(()),
        _ => Err(Failure::Usage(
            "only one of the files can be - for standard input".into(),
        )),
    }
}

/// A client whose clock stands at `at_s`, in seconds since 1970, where that is given.
pub fn client(config: &OsStr, at_s: Option<i64>) -> Result<Client, Failure> {
    let mut host = Host::default();
    if let Some(seconds) = at_s {
        host.clock = Box::new(Standing(seconds.saturating_mul(1000)));
    }
    Ok(Client::new(&read(config)?, host)?)
}

/// Milliseconds since 1970.
struct Standing(i64);

impl Clock for Standing {
    fn now_ms(&self) -> payseal::Result<i64> {
        Ok(self.0)
    }
}

/// `NAME=VALUE`, of which the value may hold further equals signs.
pub fn pair(text: &str) -> Result<(&str, &str), Failure> {
    text.split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .ok_or_else(|| Failure::Usage(format!("{text:?} must be NAME=VALUE")))
}

/// The positional arguments, each of which must be there.
pub fn positional<const N: usize>(
    given: Vec<OsString>,
    names: [&str; N],
) -> Result<[OsString; N], Failure> {
    let count = given.len();
    given.try_into().map_err(|_| {
        Failure::Usage(match names.get(count) {
            Some(name) => format!("{name} is missing"),
            None => format!("there are more arguments than {}", names.join(" ")),
        })
    })
}
