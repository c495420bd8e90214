//! The merchants whose payments are kept: a name each, and the client that speaks for it.

use crate::client::Client;
use crate::config::Section;
use crate::error::{Code, Error, Result};
use crate::face::Face;

pub(super) struct Account {
    pub name: String,
    pub client: Client,
}

impl Account {
    /// One for each client. Where the configuration names none, an account is named like its provider.
    pub fn read(config: &mut Section, clients: &[&Client]) -> Result<Vec<Account>> {
        if clients.is_empty() {
            return Err(Error::new(
                Code::InvalidArgument,
                "clients: there is none; payments need at least one client, whose account their orders are of",
            )
            .with_field("clients"));
        }
        let names = config.texts("accounts")?;
        if names
            .as_ref()
            .is_some_and(|names| names.len() != clients.len())
        {
            return Err(config.error(
                "accounts",
                format!(
                    "it must name each of the {} clients, in their order",
                    clients.len()
                ),
            ));
        }
        let mut accounts: Vec<Account> = Vec::with_capacity(clients.len());
        for (index, client) in clients.iter().enumerate() {
            let name = match &names {
                Some(names) => names[index].clone(),
                None => client.core().provider.name().to_owned(),
            };
            if name.is_empty() || name.len() > 64 || name.contains(char::is_control) {
                return Err(config.error(
                    "accounts",
                    "a name must have 1 to 64 bytes and no control characters",
                ));
            }
            if accounts.iter().any(|account| account.name == name) {
                return Err(config.error(
                    "accounts",
                    format!("two clients are named {name}; give each a name of its own, since orders are stored under it"),
                ));
            }
            accounts.push(Account {
                name,
                client: client.share(),
            });
        }
        Ok(accounts)
    }

    pub fn provider(&self) -> &'static str {
        self.client.core().provider.name()
    }

    pub fn face(&self) -> Result<&dyn Face> {
        self.client.core().provider.face().ok_or_else(|| {
            Error::new(
                Code::UnknownOperation,
                format!("{} takes no payments", self.provider()),
            )
            .with_field("account")
        })
    }
}

pub(super) fn named(accounts: &[Account], name: &str) -> Result<usize> {
    accounts
        .iter()
        .position(|account| account.name == name)
        .ok_or_else(|| unknown(accounts, "account", name))
}

/// The account that a request means: by its name, or by its provider where that has one account only.
pub(super) fn meant(
    accounts: &[Account],
    account: Option<&str>,
    provider: Option<&str>,
) -> Result<usize> {
    if let Some(name) = account {
        let index = named(accounts, name)?;
        return match provider {
            Some(provider) if provider != accounts[index].provider() => Err(Error::new(
                Code::ParamsInvalid,
                format!(
                    "account {name} is one of {}, not of {provider}",
                    accounts[index].provider()
                ),
            )
            .with_field("provider")),
            _ => Ok(index),
        };
    }
    let wanted = |account: &Account| provider.is_none_or(|name| name == account.provider());
    let mut found = (0..accounts.len()).filter(|index| wanted(&accounts[*index]));
    match (found.next(), found.next(), provider) {
        (Some(index), None, _) => Ok(index),
        (None, _, Some(provider)) => Err(unknown(accounts, "provider", provider)),
        _ => Err(Error::new(
            Code::ParamsInvalid,
            format!(
                "account is missing, and more than one would fit; there are {}",
                names(accounts)
            ),
        )
        .with_field("account")),
    }
}

fn unknown(accounts: &[Account], field: &str, name: &str) -> Error {
    Error::new(
        Code::ParamsInvalid,
        format!(
            "there is no {field} {name}; the accounts are {}",
            names(accounts)
        ),
    )
    .with_field(field)
}

fn names(accounts: &[Account]) -> String {
    let name = |account: &Account| format!("{} ({})", account.name, account.provider());
    accounts.iter().map(name).collect::<Vec<_>>().join(", ")
}
