//! Code, outcome, message, details: what every failure says.

use std::fmt;

use serde_json::{Map, Value};

pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong. The numbers are part of the C ABI and are never changed: 1xx the caller's mistake, 2xx trust, 3xx transport,
/// 4xx the provider said no, 5xx a bug in this library, 6xx the store.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    Ok = 0,
    /// An argument of the C ABI is NULL, too long or not UTF-8.
    InvalidArgument = 101,
    /// The handle was freed or belongs to something else.
    InvalidHandle = 102,
    /// The function does not fit the state of the object.
    InvalidState = 103,
    /// A configuration value is missing, of the wrong type or out of range.
    ConfigInvalid = 110,
    ConfigUnknownKey = 111,
    /// A secret is empty or blank.
    ConfigEmptySecret = 112,
    /// Key material that cannot be read.
    KeyInvalid = 113,
    /// A key that can be read but is not accepted: too short, another algorithm, encrypted.
    KeyUnsupported = 114,
    /// A key in the wrong place: a public key where a private one belongs, the merchant's key as the provider's.
    KeyRole = 115,
    /// Two things that do not belong together: key and certificate, certificate and serial number.
    KeyMismatch = 116,
    UnknownOperation = 120,
    /// A parameter is unknown, missing or malformed. Nothing left the machine.
    ParamsInvalid = 121,
    /// The host's `sign` callback failed.
    SignerFailed = 130,
    /// The clock or the random source failed.
    CallbackFailed = 131,
    /// A file could not be written.
    FileFailed = 132,
    /// The order or refund number is taken by one with another amount, currency, account or method.
    OrderConflict = 140,
    /// There is no such order, refund, event or exception.
    OrderUnknown = 141,
    /// The order's state does not allow it, such as a refund of more than was paid.
    OrderState = 142,
    /// The lease has run out and somebody else may have the work: what was to be done about it was not.
    LeaseLost = 143,
    SignatureMissing = 201,
    SignatureInvalid = 202,
    /// A deliberately wrong signature with which the provider tests whether signatures are checked.
    SignatureProbe = 203,
    /// The message names an algorithm that the configuration did not.
    AlgorithmMismatch = 204,
    /// A header that takes part in verification is malformed or there twice.
    HeaderInvalid = 205,
    /// The key with this serial number is not known.
    UnknownSerial = 206,
    /// The signature is good, but the time is outside the window.
    ClockSkew = 207,
    DecryptionFailed = 208,
    /// A platform certificate is expired, not yet valid or not what it claims to be.
    CertificateInvalid = 209,
    /// The answer is genuine, but belongs to another request or states something else than was expected.
    ResponseMismatch = 210,
    /// The message cannot be read as what it should be.
    BodyInvalid = 211,
    /// A file does not have the hash that the provider said it has.
    HashMismatch = 212,
    ConnectFailed = 301,
    TlsFailed = 302,
    Timeout = 303,
    ConnectionLost = 304,
    /// The answer is not proper HTTP, is cut short, or is a redirect.
    ResponseInvalid = 305,
    ResponseTooLarge = 306,
    /// The host failed repeatedly and is left alone for a while.
    CircuitOpen = 307,
    Cancelled = 308,
    ProviderRejected = 401,
    ProviderRateLimited = 402,
    ProviderUnavailable = 403,
    /// A bug in this library. Please report it.
    Internal = 501,
    /// The database cannot be reached, or ended the connection.
    StoreUnavailable = 601,
    /// The disk, or the database's quota, is full.
    StoreFull = 602,
    /// The database may only be read.
    StoreReadOnly = 603,
    /// Others hold what is needed for longer than is waited for.
    StoreLocked = 604,
    /// The tables are of a newer payseal, or are not payseal's.
    StoreSchema = 605,
    /// The database failed in another way.
    StoreFailed = 606,
}

impl Code {
    /// The name in the header without its prefix, e.g. `PARAMS_INVALID`.
    pub fn name(self) -> &'static str {
        use Code::*;
        match self {
            Ok => "OK",
            InvalidArgument => "INVALID_ARGUMENT",
            InvalidHandle => "INVALID_HANDLE",
            InvalidState => "INVALID_STATE",
            ConfigInvalid => "CONFIG_INVALID",
            ConfigUnknownKey => "CONFIG_UNKNOWN_KEY",
            ConfigEmptySecret => "CONFIG_EMPTY_SECRET",
            KeyInvalid => "KEY_INVALID",
            KeyUnsupported => "KEY_UNSUPPORTED",
            KeyRole => "KEY_ROLE",
            KeyMismatch => "KEY_MISMATCH",
            UnknownOperation => "UNKNOWN_OPERATION",
            ParamsInvalid => "PARAMS_INVALID",
            SignerFailed => "SIGNER_FAILED",
            CallbackFailed => "CALLBACK_FAILED",
            FileFailed => "FILE_FAILED",
            OrderConflict => "ORDER_CONFLICT",
            OrderUnknown => "ORDER_UNKNOWN",
            OrderState => "ORDER_STATE",
            LeaseLost => "LEASE_LOST",
            SignatureMissing => "SIGNATURE_MISSING",
            SignatureInvalid => "SIGNATURE_INVALID",
            SignatureProbe => "SIGNATURE_PROBE",
            AlgorithmMismatch => "ALGORITHM_MISMATCH",
            HeaderInvalid => "HEADER_INVALID",
            UnknownSerial => "UNKNOWN_SERIAL",
            ClockSkew => "CLOCK_SKEW",
            DecryptionFailed => "DECRYPTION_FAILED",
            CertificateInvalid => "CERTIFICATE_INVALID",
            ResponseMismatch => "RESPONSE_MISMATCH",
            BodyInvalid => "BODY_INVALID",
            HashMismatch => "HASH_MISMATCH",
            ConnectFailed => "CONNECT_FAILED",
            TlsFailed => "TLS_FAILED",
            Timeout => "TIMEOUT",
            ConnectionLost => "CONNECTION_LOST",
            ResponseInvalid => "RESPONSE_INVALID",
            ResponseTooLarge => "RESPONSE_TOO_LARGE",
            CircuitOpen => "CIRCUIT_OPEN",
            Cancelled => "CANCELLED",
            ProviderRejected => "PROVIDER_REJECTED",
            ProviderRateLimited => "PROVIDER_RATE_LIMITED",
            ProviderUnavailable => "PROVIDER_UNAVAILABLE",
            Internal => "INTERNAL",
            StoreUnavailable => "STORE_UNAVAILABLE",
            StoreFull => "STORE_FULL",
            StoreReadOnly => "STORE_READ_ONLY",
            StoreLocked => "STORE_LOCKED",
            StoreSchema => "STORE_SCHEMA",
            StoreFailed => "STORE_FAILED",
        }
    }

    pub fn is_trust(self) -> bool {
        (200..300).contains(&(self as i32))
    }

    /// What the code means for money when nothing more is known.
    fn usual_outcome(self) -> Outcome {
        match self as i32 {
            211 => Outcome::Malformed,
            200..=299 => Outcome::Unauthentic,
            301 | 302 | 307 => Outcome::NotSent,
            300..=399 => Outcome::Unknown,
            400..=402 => Outcome::Rejected,
            403 | 500..=599 => Outcome::Unknown,
            _ => Outcome::NotSent,
        }
    }
}

/// Whether money may have moved.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// No byte of the request left this machine.
    NotSent = 1,
    /// A verified answer says no.
    Rejected = 2,
    /// Bytes left and no verified answer says what became of them: query before you retry.
    Unknown = 3,
    /// An incoming message is not the provider's.
    Unauthentic = 4,
    /// An incoming message cannot be read.
    Malformed = 5,
}

impl Outcome {
    pub fn name(self) -> &'static str {
        match self {
            Outcome::NotSent => "not_sent",
            Outcome::Rejected => "rejected",
            Outcome::Unknown => "unknown",
            Outcome::Unauthentic => "unauthentic",
            Outcome::Malformed => "malformed",
        }
    }
}

/// A failure. Boxed inside, so that a `Result` stays as small as its good half.
#[derive(Clone, PartialEq)]
pub struct Error(Box<Inner>);

#[derive(Clone, PartialEq)]
struct Inner {
    code: Code,
    outcome: Outcome,
    message: String,
    details: Map<String, Value>,
}

impl Error {
    /// `message` is one sentence for a developer: what was wrong, which field, what to do. Never a secret.
    pub fn new(code: Code, message: impl Into<String>) -> Error {
        let mut details = Map::new();
        details.insert("code_name".into(), code.name().into());
        Error(Box::new(Inner {
            code,
            outcome: code.usual_outcome(),
            message: message.into(),
            details,
        }))
    }

    pub fn code(&self) -> Code {
        self.0.code
    }

    pub fn outcome(&self) -> Outcome {
        self.0.outcome
    }

    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What else is known, as documented in `docs/abi.md`.
    pub fn details(&self) -> &Map<String, Value> {
        &self.0.details
    }

    pub fn detail(&self, key: &str) -> Option<&Value> {
        self.0.details.get(key)
    }

    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Error {
        self.0.details.insert(key.into(), value.into());
        self
    }

    pub(crate) fn with_field(self, field: impl Into<String>) -> Error {
        self.with("field", field.into())
    }

    /// The same failure in other words.
    pub(crate) fn reworded(mut self, words: impl FnOnce(&str) -> String) -> Error {
        self.0.message = words(&self.0.message);
        self
    }

    pub(crate) fn with_hint(self, hint: impl Into<String>) -> Error {
        self.with("hint", hint.into())
    }

    #[doc(hidden)] // for stores that tests put in between
    pub fn with_outcome(mut self, outcome: Outcome) -> Error {
        self.0.outcome = outcome;
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ({}): {}",
            self.0.code.name(),
            self.0.outcome.name(),
            self.0.message
        )
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} {}", Value::Object(self.0.details.clone()))
    }
}

impl std::error::Error for Error {}
