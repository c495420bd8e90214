//! From the bytes of a file as they come to the bytes that are meant: decrypted, decompressed, and hashed on the way.
//!
//! Memory is bounded by the pieces that are fed. What is given out is believed by nobody until [`Decoded::End`] says that tag, checksum and
//! hash are right: whoever reads a file treats all of it as void when the last read fails.

use crate::crypto::{Hasher, Verdict, constant_time_eq};
use crate::error::{Code, Error, Result};

use super::coding::{Coding, Digest, Opening};
use super::gunzip::Gunzip;

pub use crate::crypto::GCM_TAG_LEN as TAG_LEN;

/// Output up to here is never too much for its input: small files of repeated text compress well.
const RATIO_FREE: u64 = 64 << 20;

/// What a file may become.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes when it is unpacked.
    pub max_bytes: u64,
    /// How many bytes one byte may become; looked at above 64 MiB.
    pub max_ratio: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            max_bytes: 64 << 30, // files of more than 16 GB are split by the provider
            max_ratio: 1_000,
        }
    }
}

/// What a step of decoding came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// So many bytes were written.
    Bytes(usize),
    /// All that was fed is used up: feed more, or say that this is the end.
    Hungry,
    /// The file is whole and what it should be.
    End,
}

pub struct Decoder {
    limits: Limits,
    opening: Option<Opening>,
    /// The last bytes that came: the tag, if nothing follows.
    tail: Vec<u8>,
    gunzip: Option<Gunzip>,
    hash: Option<(Hasher, Digest)>,
    checksum: Option<Checksum>,
    /// Fed and not used up from `at` on.
    pending: Vec<u8>,
    at: usize,
    received: u64,
    produced: u64,
    is_ended: bool,
    is_verified: bool,
}

impl Decoder {
    pub fn new(coding: &Coding, limits: Limits) -> Result<Decoder> {
        let opening = match &coding.seal {
            Some(seal) => Some(Opening::new(seal).map_err(|_| not_decrypted())?),
            None => None,
        };
        Ok(Decoder {
            limits,
            opening,
            tail: Vec::new(),
            gunzip: coding.gzip.then(Gunzip::new),
            hash: coding
                .digest
                .clone()
                .map(|digest| (digest.kind.hasher(), digest)),
            checksum: coding.checksum.clone().map(Checksum::new),
            pending: Vec::new(),
            at: 0,
            received: 0,
            produced: 0,
            is_ended: false,
            is_verified: false,
        })
    }

    /// The next piece of the file. Copied, so feed no more than memory may hold; best when hungry.
    pub fn feed(&mut self, piece: &[u8]) -> Result<()> {
        self.received += piece.len() as u64;
        if let Some(checksum) = &mut self.checksum {
            checksum.received.update(piece);
        }
        self.pending.drain(..self.at);
        self.at = 0;
        let Some(opening) = &mut self.opening else {
            self.pending.extend_from_slice(piece);
            return Ok(());
        };
        let start = self.pending.len();
        self.pending.append(&mut self.tail);
        self.pending.extend_from_slice(piece);
        let sure = self.pending.len().saturating_sub(TAG_LEN).max(start);
        self.tail = self.pending.split_off(sure);
        opening
            .update(&mut self.pending[start..])
            .map_err(|_| not_decrypted())
    }

    /// Nothing follows what was fed.
    pub fn end(&mut self) {
        self.is_ended = true;
    }

    pub fn is_ended(&self) -> bool {
        self.is_ended
    }

    /// Writes what it can to `out`, which is not empty.
    pub fn decode(&mut self, out: &mut [u8]) -> Result<Decoded> {
        if self.is_verified {
            return Ok(Decoded::End);
        }
        let written = self.unpack(out)?;
        if written > 0 {
            self.produced += written as u64;
            self.check_limits()?;
            if let Some((hasher, _)) = &mut self.hash {
                hasher.update(&out[..written]);
            }
            if let Some(checksum) = &mut self.checksum {
                checksum.unpacked.update(&out[..written]);
            }
            return Ok(Decoded::Bytes(written));
        }
        if !self.is_ended {
            return Ok(Decoded::Hungry);
        }
        self.verify()?;
        self.is_verified = true;
        Ok(Decoded::End)
    }

    /// Bytes that came.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Bytes that were given out.
    pub fn produced(&self) -> u64 {
        self.produced
    }

    fn unpack(&mut self, out: &mut [u8]) -> Result<usize> {
        let Some(gunzip) = &mut self.gunzip else {
            let length = out.len().min(self.pending.len() - self.at);
            out[..length].copy_from_slice(&self.pending[self.at..][..length]);
            self.at += length;
            return Ok(length);
        };
        loop {
            match gunzip.inflate(&self.pending[self.at..], out) {
                Ok((0, 0)) => return Ok(0),
                Ok((used, written)) => {
                    self.at += used;
                    if written > 0 {
                        return Ok(written);
                    }
                }
                // As long as the tag is not checked, damage says no more than that.
                Err(_) if self.opening.is_some() => return Err(not_decrypted()),
                Err(problem) => return Err(damaged(&problem)),
            }
        }
    }

    fn check_limits(&self) -> Result<()> {
        let Limits {
            max_bytes,
            max_ratio,
        } = self.limits;
        if self.produced > max_bytes {
            return Err(Error::new(
                Code::ResponseTooLarge,
                format!("the file is longer than {max_bytes} bytes"),
            )
            .with_hint("raise $.max_bytes if such files are to be expected"));
        }
        if self.produced > RATIO_FREE && self.produced / max_ratio > self.received {
            return Err(Error::new(
                Code::ResponseTooLarge,
                format!("the file has become more than {max_ratio} times longer than it came"),
            )
            .with_hint("raise $.max_ratio if such files are to be expected"));
        }
        Ok(())
    }

    fn verify(&mut self) -> Result<()> {
        if let Some(opening) = self.opening.take()
            && opening.finish(&self.tail) != Verdict::Valid
        {
            return Err(not_decrypted());
        }
        if self
            .gunzip
            .as_ref()
            .is_some_and(|gunzip| !gunzip.is_whole())
        {
            return Err(damaged("its gzip is cut short"));
        }
        if let Some((hasher, digest)) = self.hash.take()
            && !constant_time_eq(&hasher.finish(), &digest.value)
        {
            return Err(another_hash(&digest));
        }
        self.checksum.take().map_or(Ok(()), Checksum::check)
    }
}

/// A hash of which is not said what it is over: one of the two has to fit.
struct Checksum {
    digest: Digest,
    received: Hasher,
    unpacked: Hasher,
}

impl Checksum {
    fn new(digest: Digest) -> Checksum {
        Checksum {
            received: digest.kind.hasher(),
            unpacked: digest.kind.hasher(),
            digest,
        }
    }

    fn check(self) -> Result<()> {
        let fits = |hasher: Hasher| constant_time_eq(&hasher.finish(), &self.digest.value);
        match fits(self.received) || fits(self.unpacked) {
            true => Ok(()),
            false => Err(another_hash(&self.digest)),
        }
    }
}

/// The whole of a small file at once.
pub fn decode(coding: &Coding, limits: Limits, received: &[u8]) -> Result<Vec<u8>> {
    let mut decoder = Decoder::new(coding, limits)?;
    decoder.feed(received)?;
    decoder.end();
    let (mut file, mut piece) = (Vec::new(), vec![0; 16 << 10]);
    loop {
        match decoder.decode(&mut piece)? {
            Decoded::Bytes(length) => file.extend_from_slice(&piece[..length]),
            Decoded::End | Decoded::Hungry => return Ok(file),
        }
    }
}

/// One text for whatever went wrong: how a decryption fails must tell an attacker nothing.
fn not_decrypted() -> Error {
    Error::new(
        Code::DecryptionFailed,
        "the file cannot be decrypted with its key and nonce: use nothing of it",
    )
}

fn another_hash(digest: &Digest) -> Error {
    Error::new(
        Code::HashMismatch,
        format!(
            "the file does not have the {} hash that the provider said it has: use nothing of it",
            digest.kind.name()
        ),
    )
}

fn damaged(problem: &str) -> Error {
    Error::new(
        Code::BodyInvalid,
        format!("the file cannot be decompressed: {problem}"),
    )
}
