//! Where a file is: data from outside, taken apart before anybody follows it.

use serde_json::Map;

use crate::catalogue::Repeat;
use crate::error::{Code, Error, Outcome, Result};
use crate::operation::USER_AGENT;
use crate::provider::Prepared;
use crate::wire::url::{Address, Origin};

/// The address in `field` of an answer. It may lead to a host of the provider or to a configured one, never into the merchant's own network.
pub(crate) fn followed(
    field: &str,
    url: &str,
    of_provider: &[Origin],
    configured: &[Origin],
) -> Result<Address> {
    let refused = |problem: &str| {
        Error::new(
            Code::ResponseMismatch,
            format!("{field} is not followed: {problem}"),
        )
        .with_outcome(Outcome::NotSent)
        .with_field(field)
    };
    let address = Address::parse(url).map_err(|problem| refused(&problem))?;
    let mut known = configured
        .iter()
        .map(Origin::normal)
        .chain(of_provider.iter().cloned());
    match known.any(|origin| origin == address.origin) {
        true => Ok(address),
        false => Err(
            refused("it leads neither to a host of the provider nor to a configured one")
                .with_hint(
                    "add the host to hosts in the configuration if it is the provider's or yours",
                ),
        ),
    }
}

/// The request for the file there. Its token is a secret for as long as it is valid, so `operation` names it without.
pub(crate) fn request(
    address: &Address,
    configured: &[Origin],
    operation: String,
    label: &'static str,
) -> Prepared {
    let is_configured = configured
        .iter()
        .any(|host| host.normal() == address.origin);
    Prepared {
        operation,
        label,
        method: "GET",
        origin: (!is_configured).then(|| address.origin.clone()),
        client_certificate: false,
        target: address.target.clone(),
        headers: vec![("Accept", "*/*".into()), ("User-Agent", USER_AGENT.into())],
        body: Vec::new(),
        signed_body: None,
        repeat: Repeat::Safe,
        // A hash vouches for it, in an answer that is signed; or nobody does, and the caller takes it so.
        answer_is_signed: false,
        asked: Vec::new(),
        expect: Map::new(),
        order_number: None,
        awaits_key: false,
    }
}
