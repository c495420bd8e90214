//! The one trait every provider implements: pure protocol, no I/O.
//!
//! `call.rs` drives it: `prepare` once, `sign` for each attempt, `check` for each answer. The keys with which answers are verified are the
//! only thing in a provider that changes; they change through `accept_keys` alone.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use zeroize::{Zeroize, Zeroizing};

use crate::catalogue::Repeat;
use crate::crypto::{KeyError, gate};
use crate::download::{Beginning, Files, Terms};
use crate::error::{Code, Error, Result};
use crate::face::Face;
use crate::flow::{Pace, Plan};
use crate::host::Host;
use crate::notification::{Claim, Event, Explanation, Reply};
use crate::params::Params;
use crate::wire::url::{self, Address, Origin};
use crate::wire::{Headers, Response, names};

pub trait Provider: Send + Sync {
    /// The name in configurations, logs and metrics: `wechat`.
    fn name(&self) -> &'static str;

    /// The merchant id, for logs.
    fn merchant(&self) -> &str;

    /// Hosts beside the configured ones, at which the provider has single operations; `Prepared::origin` names one of them.
    fn special_hosts(&self) -> Vec<Origin> {
        Vec::new()
    }

    /// What we present to a host that asks for a certificate of ours; None where no operation has such a host, or none is configured.
    fn client_identity(&self) -> Option<&ClientIdentity> {
        None
    }

    /// Checks the parameters and decides every byte that will be sent but the signature. Fails before anything leaves the machine.
    fn prepare(&self, operation: &str, params: Params, host: &Host) -> Result<Prepared>;

    /// The header fields of one attempt, the signature among them: new time, new nonce.
    fn sign(&self, prepared: &Prepared, host: &Host) -> Result<Vec<(&'static str, String)>>;

    /// Verifies an answer, then reads it.
    fn check(&self, prepared: &Prepared, response: &Response, host: &Host) -> Result<Answer>;

    /// Verifies a notification, then decrypts and reads it.
    fn open(&self, headers: &Headers, body: &[u8], host: &Host) -> Result<Event>;

    /// Verifies what the payer's browser brought back. It passed through the payer's hands and never says that money moved.
    fn open_return(&self, _query: &[u8], _host: &Host) -> Result<Map<String, Value>> {
        Err(Error::new(
            Code::UnknownOperation,
            format!(
                "{} signs nothing that a browser brings back: query the order",
                self.name()
            ),
        ))
    }

    /// Whether a notification is for this merchant, where one address serves several. An error says how far it came.
    fn claim(&self, headers: &Headers, body: &[u8], host: &Host) -> Result<Claim>;

    /// Why `open` refuses a notification, for people: costs more than refusing it does.
    fn explain(&self, headers: &Headers, body: &[u8], host: &Host) -> Result<Explanation> {
        Ok(match self.open(headers, body, host) {
            Ok(_) => Explanation::accepted(),
            Err(error) => Explanation::refused(error, None),
        })
    }

    /// A request that shows whether a client and the provider understand each other, and changes nothing. `notify_url` is where a test
    /// notification may go.
    fn self_test(&self, notify_url: Option<&str>, host: &Host) -> Result<Option<SelfTest>> {
        let _ = (notify_url, host);
        Ok(None)
    }

    /// The flow of that name: what it asks, and its pace. `timeout` is how long one exchange of it may take.
    fn flow(
        &self,
        _name: &str,
        _params: Params,
        _timeout: Duration,
    ) -> Result<(Box<dyn Plan>, Pace)> {
        Err(no_such_flow(&[]))
    }

    /// Identifies the delivery that `event` was opened from, for the replay guard.
    fn fingerprint(&self, event: &Event, headers: &Headers) -> [u8; 32];

    /// What to answer to a notification: success for 0, else how the provider is told to send it again.
    fn reply(&self, code: i32) -> Reply;

    /// What a client needs to call up the cashier; `origin` is where requests go first.
    fn invoke(
        &self,
        kind: &str,
        params: Map<String, Value>,
        origin: &Origin,
        host: &Host,
    ) -> Result<Map<String, Value>>;

    /// Payments in common terms; None where the provider takes none.
    fn face(&self) -> Option<&dyn Face> {
        None
    }

    /// The least time between two fetches of keys.
    fn min_key_interval(&self) -> Duration;

    /// How the files are packed that an operation with these parameters names or sends, or, without an operation, that the caller knows of.
    /// Fails where a download of the operation makes no sense. `allow_unverified` says that the caller takes what nobody vouches for.
    fn file_terms(
        &self,
        operation: Option<&str>,
        given: &Map<String, Value>,
        allow_unverified: bool,
    ) -> Result<Terms> {
        let _ = (operation, given, allow_unverified);
        Err(no_files(self.name()))
    }

    /// What an answer is that is a file by `terms`: `response` is its head, with as much of the body as has come.
    fn begin_file(&self, terms: &Terms, response: &Response) -> Result<Beginning> {
        let _ = (terms, response);
        Err(no_files(self.name()))
    }

    /// The files that a verified answer names, in their order. `hosts` are the configured ones; a file anywhere else than there and at the
    /// provider's own hosts is refused.
    fn files(&self, answer: &Map<String, Value>, terms: &Terms, hosts: &[Origin]) -> Result<Files> {
        let _ = (answer, terms, hosts);
        Err(no_files(self.name()))
    }

    /// The request for the file at an address.
    fn fetch(&self, address: &Address, hosts: &[Origin]) -> Result<Prepared> {
        let _ = (address, hosts);
        Err(no_files(self.name()))
    }

    /// Whether there are keys to verify with.
    fn keys(&self, host: &Host) -> Result<Keys>;

    /// Whether a message signed by the unknown key `serial` may be answered with a refresh.
    fn can_fetch_key(&self, serial: &str) -> bool;

    /// The request whose answer brings new keys, where a message was signed by an unknown one the one of that serial; None where keys are only
    /// configured.
    fn key_request(&self, serial: Option<&str>, host: &Host) -> Result<Option<Prepared>>;

    /// Takes in the answer to `key_request`: all of it verified, or nothing changes. Returns how many keys are known now.
    fn accept_keys(&self, response: &Response, host: &Host) -> Result<usize>;
}

/// The certificate that we present where a host asks for one, and its key.
#[derive(Clone)]
pub struct ClientIdentity {
    /// DER.
    pub certificate: Vec<u8>,
    /// PKCS#8, DER.
    pub key: Arc<Zeroizing<Vec<u8>>>,
}

impl ClientIdentity {
    /// From texts that were found to belong together.
    pub(crate) fn new(
        certificate: &[u8],
        key: &[u8],
    ) -> std::result::Result<ClientIdentity, KeyError> {
        Ok(ClientIdentity {
            certificate: gate::certificate(certificate)?.to_vec(),
            key: Arc::new(gate::private_key(key)?.pkcs8()),
        })
    }
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientIdentity(…)")
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    Ready,
    /// There are keys, but it is time to ask for newer ones.
    Due,
    /// Nothing could be verified.
    Missing,
}

fn no_files(provider: &str) -> Error {
    Error::new(
        Code::UnknownOperation,
        format!("{provider} has no files to download"),
    )
    .with_field("operation")
}

/// A request whose bytes are settled. Every attempt sends the same ones, under a new signature. As with [`Request`](crate::wire::Request), address
/// and body are wiped when it is dropped, and not printed.
#[derive(Clone)]
pub struct Prepared {
    /// The operation as the caller named it.
    pub operation: String,
    /// The operation if it is catalogued, else `other`: a metric label never grows with the data.
    pub label: &'static str,
    pub method: &'static str,
    /// The one host that has the operation, where that is none of the configured ones.
    pub origin: Option<Origin>,
    /// Whether the host asks for a certificate of ours when the connection is made.
    pub client_certificate: bool,
    /// Path and raw query.
    pub target: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// What the signature covers in place of `body`, for uploads.
    pub signed_body: Option<Vec<u8>>,
    pub repeat: Repeat,
    /// False for the few paths whose answers the provider never signs.
    pub answer_is_signed: bool,
    /// Dotted path in the answer → what it must say, if it says anything there.
    pub asked: Vec<(&'static str, Value)>,
    /// The caller's own expectations: they must be met.
    pub expect: Map<String, Value>,
    /// The merchant's number, for log records.
    pub order_number: Option<String>,
    /// What must be encrypted is left out, for there is no key yet: this is never signed.
    pub awaits_key: bool,
}

impl Drop for Prepared {
    fn drop(&mut self) {
        self.target.zeroize();
        self.body.zeroize();
        self.signed_body.zeroize();
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared")
            .field("operation", &self.operation)
            .field("origin", &self.origin)
            .field("path", &url::path(&self.target))
            .field("headers", &names(&self.headers))
            .field("bytes", &self.body.len())
            .field("repeat", &self.repeat)
            .finish_non_exhaustive()
    }
}

pub(crate) fn no_such_flow(names: &[&str]) -> Error {
    let message = match names {
        [] => "this provider has no flows".to_owned(),
        names => format!("there is no such flow; there are {}", names.join(", ")),
    };
    Error::new(Code::UnknownOperation, message).with_field("flow")
}

/// A request to test with.
#[derive(Clone, Debug)]
pub struct SelfTest {
    pub operation: &'static str,
    pub body: Value,
    pub expects: Expected,
    /// What is known when it came, for people.
    pub proves: &'static str,
}

/// The answer with which a test is passed.
#[derive(Clone, Debug)]
pub enum Expected {
    /// These members of the body come back.
    Echo(&'static [&'static str]),
    /// The provider says no with this code, and it was the provider who said it.
    Refusal(&'static str),
    /// It has this member.
    Member(&'static str),
}

/// Which sensitive fields an answer had, by the catalogue's paths: `data[].payer_phone`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sensitive {
    /// Those that are plaintext now.
    pub decrypted: Vec<&'static str>,
    /// Those that stayed as they came, for the key that opens them is not ours to use.
    pub encrypted: Vec<&'static str>,
}

/// A verified answer. Its body is not printed.
#[derive(Clone)]
pub struct Answer {
    /// The body exactly as it was received and verified, but for the texts of `sensitive.decrypted`.
    pub body: Zeroizing<Vec<u8>>,
    pub sensitive: Sensitive,
    /// False only where the provider never signs.
    pub verified: bool,
    pub serial: Option<String>,
    /// The provider's clock minus ours when the answer was checked, seconds.
    pub skew_s: Option<i64>,
    pub status: u16,
    pub request_id: Option<String>,
    pub content_type: Option<String>,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("verified", &self.verified)
            .field("request_id", &self.request_id)
            .field("sensitive", &self.sensitive)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
