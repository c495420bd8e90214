//! Files, standard input, and `NAME=VALUE`.

use std::ffi::OsStr;
use std::io::Read;

use payseal::Client;
use payseal::host::Host;
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

pub fn client(config: &OsStr) -> Result<Client, Failure> {
    Ok(Client::new(&read(config)?, Host::default())?)
}

/// `NAME=VALUE`, of which the value may hold further equals signs.
pub fn pair(text: &str) -> Result<(&str, &str), Failure> {
    text.split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .ok_or_else(|| Failure::Usage(format!("{text:?} must be NAME=VALUE")))
}

/// The positional arguments, each of which must be there.
pub fn positional<const N: usize>(
    given: Vec<std::ffi::OsString>,
    names: [&str; N],
) -> Result<[std::ffi::OsString; N], Failure> {
    let count = given.len();
    given.try_into().map_err(|_| {
        Failure::Usage(match names.get(count) {
            Some(name) => format!("{name} is missing"),
            None => format!("there are more arguments than {}", names.join(" ")),
        })
    })
}
