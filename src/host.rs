//! What the embedding program lends the core: time, randomness, a signer, a place for log records.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::crypto::{self, CryptoError};
use zeroize::Zeroizing;

use crate::error::{Code, Error, Result};

/// The wall clock. Timestamps, freshness windows and certificate lifetimes follow it; durations do not.
pub trait Clock: Send + Sync {
    /// Unix time in milliseconds.
    fn now_ms(&self) -> Result<i64>;
}

/// The source of nonces, and of what signatures and encryption with SM2 need at random.
pub trait Random: Send + Sync {
    fn fill(&self, out: &mut [u8]) -> Result<()>;
}

/// Signs where the key is kept (HSM, KMS), with the algorithm of the merchant's scheme: RSASSA-PKCS1-v1_5 with SHA-256, or SM2 with SM3
/// for the user id `1234567812345678` as the SEQUENCE of r and s in DER.
pub trait Signer: Send + Sync {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>>;
}

#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Error = 1,
    Warn = 2,
    Info = 3,
    Debug = 4,
}

impl Level {
    pub fn name(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warn => "warn",
            Level::Info => "info",
            Level::Debug => "debug",
        }
    }
}

/// Receives log records, each one JSON object.
pub trait Log: Send + Sync {
    fn log(&self, level: Level, record: &str);
}

/// Keeps tokens for as long as they are valid, for all processes of a service.
pub trait Cache: Send + Sync {
    /// What was put under this key, while it is not older than its time.
    fn get(&self, key: &str) -> Result<Option<Zeroizing<Vec<u8>>>>;

    /// Keeps a value for so many seconds.
    fn put(&self, key: &str, value: &[u8], ttl_s: i64) -> Result<()>;
}

/// All of it. The default is the system's clock and the kernel's random source, no signer and no log.
pub struct Host {
    pub clock: Box<dyn Clock>,
    pub random: Box<dyn Random>,
    pub signer: Option<Box<dyn Signer>>,
    pub log: Option<Box<dyn Log>>,
    pub cache: Option<Box<dyn Cache>>,
    /// Kept for as long as the client lives, and dropped with it.
    pub keep: Option<Box<dyn std::any::Any + Send + Sync>>,
}

impl Default for Host {
    fn default() -> Host {
        Host {
            clock: Box::new(SystemClock),
            random: Box::new(KernelRandom),
            signer: None,
            log: None,
            cache: None,
            keep: None,
        }
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host")
            .field("signer", &self.signer.is_some())
            .field("log", &self.log.is_some())
            .finish_non_exhaustive()
    }
}

impl Host {
    pub(crate) fn now_s(&self) -> Result<i64> {
        Ok(self.clock.now_ms()?.div_euclid(1000))
    }

    /// Computes something that needs randomness. Where the source fails, its error is the answer.
    pub(crate) fn lend_random<T>(
        &self,
        compute: impl FnOnce(crypto::suite::Random) -> std::result::Result<T, CryptoError>,
    ) -> Result<std::result::Result<T, CryptoError>> {
        let mut failure = None;
        let computed = compute(&mut |out| {
            self.random.fill(out).map_err(|error| {
                failure = Some(error);
                CryptoError
            })
        });
        failure.map_or(Ok(computed), Err)
    }

    /// 16 random bytes in upper-case hex, as the published vectors have them.
    pub(crate) fn nonce(&self) -> Result<String> {
        let mut bytes = [0u8; 16];
        self.random.fill(&mut bytes)?;
        const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
        Ok(bytes
            .iter()
            .flat_map(|b| [DIGITS[(b >> 4) as usize], DIGITS[(b & 15) as usize]])
            .map(char::from)
            .collect())
    }
}

struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> Result<i64> {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => Ok(since.as_millis() as i64),
            Err(_) => Err(Error::new(
                Code::CallbackFailed,
                "the system clock stands before 1970; set it",
            )),
        }
    }
}

/// Asks the kernel each time: nothing is buffered that a forked child could repeat.
struct KernelRandom;

impl Random for KernelRandom {
    fn fill(&self, out: &mut [u8]) -> Result<()> {
        getrandom::fill(out).map_err(|e| {
            Error::new(
                Code::CallbackFailed,
                format!("the kernel gave no random bytes: {e}"),
            )
        })
    }
}
