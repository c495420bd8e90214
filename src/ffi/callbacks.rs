//! What the host lends, through a table of C functions.

use std::ffi::c_void;

use zeroize::Zeroizing;

use crate::error::{Code, Error, Result};
use crate::host::{Cache, Clock, Host, Level, Log, Random, Signer};

/// What the host lends a client: all of it optional. Set `size` to sizeof(payseal_callbacks). The functions run on the thread that calls payseal,
/// before its call returns, and on several threads at once when several call. They must not call back with the same payseal_call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct payseal_callbacks {
    /// sizeof(payseal_callbacks) as the caller was compiled.
    pub size: usize,
    /// Passed to every function.
    pub user: *mut c_void,
    /// Receives log records. level: 1 error, 2 warn, 3 info, 4 debug. record: one JSON object in UTF-8, valid during the call.
    pub log: Option<
        unsafe extern "C" fn(user: *mut c_void, level: i32, record: *const u8, record_len: usize),
    >,
    /// Unix time in milliseconds; a negative number is an error.
    pub now_ms: Option<unsafe extern "C" fn(user: *mut c_void) -> i64>,
    /// Fills `out` with `len` random bytes; returns 0, anything else is an error.
    pub random: Option<unsafe extern "C" fn(user: *mut c_void, out: *mut u8, len: usize) -> i32>,
    /// Signs `message` with RSASSA-PKCS1-v1_5 and SHA-256, or where `scheme` says so with SM2 and SM3 (user id 1234567812345678, r and s in DER), by the private key of the configured serial (HSM, KMS). On entry `*signature_len` is the room in
    /// `signature`, 1024 bytes; on return the length. Returns 0, anything else is an error.
    pub sign: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            message: *const u8,
            message_len: usize,
            signature: *mut u8,
            signature_len: *mut usize,
        ) -> i32,
    >,
    /// Called once with `user` when the client and all its calls are gone, also when payseal_client_new fails.
    pub drop: Option<unsafe extern "C" fn(user: *mut c_void)>,
    /// Looks a key up in a cache that the processes of a service share. On entry `*value_len` is the room in `value`, 4096 bytes; on return the length. Returns 0 when it
    /// is there, 1 when it is not, anything else is an error, which is logged and counts as not there. Together with cache_put.
    pub cache_get: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            key: *const u8,
            key_len: usize,
            value: *mut u8,
            value_len: *mut usize,
        ) -> i32,
    >,
    /// Keeps a value for `ttl_s` seconds. It is a secret. Returns 0, anything else is an error, which is logged.
    pub cache_put: Option<
        unsafe extern "C" fn(
            user: *mut c_void,
            key: *const u8,
            key_len: usize,
            value: *const u8,
            value_len: usize,
            ttl_s: i64,
        ) -> i32,
    >,
}

/// The table as it was before it had a cache: hosts that were compiled with it go on working.
const LEAST_SIZE: usize = std::mem::offset_of!(payseal_callbacks, cache_get);
/// No value that is put is longer.
const CACHE_ROOM: usize = 4096;

impl payseal_callbacks {
    const NONE: payseal_callbacks = payseal_callbacks {
        size: 0,
        user: std::ptr::null_mut(),
        log: None,
        now_ms: None,
        random: None,
        sign: None,
        drop: None,
        cache_get: None,
        cache_put: None,
    };
}

/// The host behind the table; its own clock and random source where the table has none.
///
/// # Safety
/// `callbacks` is NULL or points to `size` readable bytes, and its functions may be called until `drop` is.
pub(super) unsafe fn host(callbacks: *const payseal_callbacks) -> Result<Host> {
    let mut host = Host::default();
    if callbacks.is_null() {
        return Ok(host);
    }
    let refused = |problem| Error::new(Code::InvalidArgument, problem).with_field("callbacks");
    if !callbacks.is_aligned() {
        return Err(refused("callbacks is not aligned"));
    }
    // SAFETY: the first field is always there.
    let size = unsafe { (*callbacks).size };
    if size < LEAST_SIZE {
        return Err(refused(
            "callbacks.size is too small; set it to sizeof(payseal_callbacks)",
        ));
    }
    let mut table = payseal_callbacks::NONE;
    // SAFETY: it is as long as it says, and what it does not have stays absent.
    unsafe {
        std::ptr::copy_nonoverlapping(
            callbacks.cast::<u8>(),
            (&raw mut table).cast::<u8>(),
            size.min(size_of::<payseal_callbacks>()),
        );
    }
    let lent = std::sync::Arc::new(Lent(table));
    if table.log.is_some() {
        host.log = Some(Box::new(lent.clone()));
    }
    if table.now_ms.is_some() {
        host.clock = Box::new(lent.clone());
    }
    if table.random.is_some() {
        host.random = Box::new(lent.clone());
    }
    if table.sign.is_some() {
        host.signer = Some(Box::new(lent.clone()));
    }
    match (table.cache_get, table.cache_put) {
        (Some(_), Some(_)) => host.cache = Some(Box::new(lent.clone())),
        (None, None) => {}
        _ => {
            return Err(refused(
                "callbacks has one of cache_get and cache_put; a cache needs both",
            ));
        }
    }
    host.keep = Some(Box::new(lent));
    Ok(host)
}

struct Lent(payseal_callbacks);

// The header demands that the functions may be called from several threads at once.
unsafe impl Send for Lent {}
unsafe impl Sync for Lent {}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(drop) = self.0.drop {
            // SAFETY: the last call with this user.
            unsafe { drop(self.0.user) };
        }
    }
}

type Shared = std::sync::Arc<Lent>;

impl Log for Shared {
    fn log(&self, level: Level, record: &str) {
        if let Some(log) = self.0.log {
            // SAFETY: the record is readable during the call.
            unsafe { log(self.0.user, level as i32, record.as_ptr(), record.len()) };
        }
    }
}

impl Clock for Shared {
    fn now_ms(&self) -> Result<i64> {
        // SAFETY: promised when the client was made.
        match self.0.now_ms.map(|now_ms| unsafe { now_ms(self.0.user) }) {
            Some(now) if now >= 0 => Ok(now),
            _ => Err(Error::new(
                Code::CallbackFailed,
                "the clock callback failed",
            )),
        }
    }
}

impl Random for Shared {
    fn fill(&self, out: &mut [u8]) -> Result<()> {
        // SAFETY: `out` is writable for its length.
        match self
            .0
            .random
            .map(|random| unsafe { random(self.0.user, out.as_mut_ptr(), out.len()) })
        {
            Some(0) => Ok(()),
            _ => Err(Error::new(
                Code::CallbackFailed,
                "the random callback failed",
            )),
        }
    }
}

impl Cache for Shared {
    fn get(&self, key: &str) -> Result<Option<Zeroizing<Vec<u8>>>> {
        let mut value = Zeroizing::new(vec![0u8; CACHE_ROOM]);
        let mut len = value.len();
        // SAFETY: the key is readable and the value writable for their lengths.
        let found = self.0.cache_get.map(|get| unsafe {
            get(
                self.0.user,
                key.as_ptr(),
                key.len(),
                value.as_mut_ptr(),
                &mut len,
            )
        });
        match found {
            Some(0) if len <= value.len() => {
                value.truncate(len);
                Ok(Some(value))
            }
            Some(1) => Ok(None),
            _ => Err(Error::new(
                Code::CallbackFailed,
                "the cache_get callback failed",
            )),
        }
    }

    fn put(&self, key: &str, value: &[u8], ttl_s: i64) -> Result<()> {
        // SAFETY: key and value are readable for their lengths.
        let put = self.0.cache_put.map(|put| unsafe {
            put(
                self.0.user,
                key.as_ptr(),
                key.len(),
                value.as_ptr(),
                value.len(),
                ttl_s,
            )
        });
        match put {
            Some(0) => Ok(()),
            _ => Err(Error::new(
                Code::CallbackFailed,
                "the cache_put callback failed",
            )),
        }
    }
}

impl Signer for Shared {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        let mut signature = vec![0u8; 1024];
        let mut len = signature.len();
        // SAFETY: message readable, signature writable for their lengths.
        let result = self.0.sign.map(|sign| unsafe {
            sign(
                self.0.user,
                message.as_ptr(),
                message.len(),
                signature.as_mut_ptr(),
                &mut len,
            )
        });
        if result != Some(0) {
            return Err(Error::new(Code::SignerFailed, "the sign callback failed"));
        }
        if len > signature.len() {
            return Err(Error::new(
                Code::SignerFailed,
                "the sign callback says that it wrote more than there is room for",
            ));
        }
        signature.truncate(len);
        Ok(signature)
    }
}
