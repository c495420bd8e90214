//! GCM piece by piece, for what is too long to hold in memory: NIST SP 800-38D over any cipher with blocks of 128 bits.

use super::engine::Verdict;
use super::error::CryptoError;
use ctr::cipher::array::Array;
use ctr::cipher::consts::U16;
use ctr::cipher::{BlockCipherEncrypt, InnerIvInit, KeyInit, StreamCipher};
use ctr::{Ctr32BE, CtrCore};
use ghash::GHash;
use ghash::universal_hash::UniversalHash;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The length of a tag, in bytes. Shorter ones are not offered.
pub const TAG_LEN: usize = 16;

/// Opens AES-256-GCM.
pub type Aes256GcmOpening = GcmOpening<aes::Aes256>;

type Block = Array<u8, U16>;

/// A ciphertext that is opened while it arrives, in as much memory as its pieces take.
///
/// **What [`update`](Self::update) gives is not authentic yet.** Nobody may act on it before [`finish`](Self::finish) has said
/// [`Verdict::Valid`]; after any other answer it must be thrown away.
pub struct GcmOpening<C: BlockCipherEncrypt<BlockSize = U16>>(Gcm<C>);

impl<C: BlockCipherEncrypt<BlockSize = U16> + KeyInit> GcmOpening<C> {
    /// Begins with the key, the nonce and the additional data. The key has the length that the cipher has; the nonce is one byte long or longer.
    pub fn new(key: &[u8], nonce: &[u8], aad: &[u8]) -> Result<Self, CryptoError> {
        Gcm::new(key, nonce, aad).map(Self)
    }

    /// Decrypts the next piece of the ciphertext, of any length, in place; the tag is no part of it. Fails, and changes nothing, where
    /// the ciphertext becomes longer than GCM allows: 2³⁶ − 32 bytes.
    pub fn update(&mut self, piece: &mut [u8]) -> Result<(), CryptoError> {
        self.0.check_length(piece)?;
        self.0.authenticate(piece);
        self.0.apply_keystream(piece)
    }

    /// Whether everything that came was sealed with this key, nonce and additional data. A tag of another length than [`TAG_LEN`] is not valid.
    pub fn finish(self, tag: &[u8]) -> Verdict {
        match bool::from(self.0.tag().ct_eq(tag)) {
            true => Verdict::Valid,
            false => Verdict::Invalid,
        }
    }
}

/// What opening and sealing have in common.
pub(super) struct Gcm<C: BlockCipherEncrypt<BlockSize = U16>> {
    keystream: Ctr32BE<C>,
    /// The first block of the keystream, which covers the tag.
    mask: Zeroizing<[u8; TAG_LEN]>,
    hash: GHash,
    /// Ciphertext that does not fill a block yet, for the hash takes whole ones.
    rest: Block,
    rest_len: usize,
    aad_len: u64,
    text_len: u64,
}

impl<C: BlockCipherEncrypt<BlockSize = U16> + KeyInit> Gcm<C> {
    pub(super) fn new(key: &[u8], nonce: &[u8], aad: &[u8]) -> Result<Self, CryptoError> {
        let cipher = C::new_from_slice(key).map_err(|_| CryptoError)?;
        let mut hash_key = Zeroizing::new(Block::default());
        cipher.encrypt_block(&mut hash_key);
        let mut hash = GHash::new(&hash_key);
        let first = first_counter(&hash, nonce)?;
        let mut keystream = Ctr32BE::from_core(CtrCore::inner_iv_init(cipher, &first));
        let mut mask = Zeroizing::new([0; TAG_LEN]);
        keystream.apply_keystream(mask.as_mut_slice());
        hash.update_padded(aad);
        Ok(Self {
            keystream,
            mask,
            hash,
            rest: Block::default(),
            rest_len: 0,
            aad_len: aad.len() as u64,
            text_len: 0,
        })
    }

    /// Whether the counter has a value left for every block of the piece.
    pub(super) fn check_length(&self, piece: &[u8]) -> Result<(), CryptoError> {
        self.keystream
            .check_remaining(piece.len())
            .map_err(|_| CryptoError)
    }

    pub(super) fn apply_keystream(&mut self, piece: &mut [u8]) -> Result<(), CryptoError> {
        self.keystream
            .try_apply_keystream(piece)
            .map_err(|_| CryptoError)
    }

    /// Takes the next piece of the ciphertext into the tag.
    pub(super) fn authenticate(&mut self, ciphertext: &[u8]) {
        self.text_len += ciphertext.len() as u64;
        let missing = (self.rest.len() - self.rest_len) % self.rest.len();
        let (head, whole) = ciphertext.split_at(missing.min(ciphertext.len()));
        self.keep(head);
        if self.rest_len == self.rest.len() {
            self.hash.update(&[self.rest]);
            self.rest_len = 0;
        }
        let (blocks, tail) = Block::slice_as_chunks(whole);
        self.hash.update(blocks);
        self.keep(tail);
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.rest[self.rest_len..][..bytes.len()].copy_from_slice(bytes);
        self.rest_len += bytes.len();
    }

    pub(super) fn tag(mut self) -> [u8; TAG_LEN] {
        self.hash.update_padded(&self.rest[..self.rest_len]);
        self.hash.update(&[lengths(self.aad_len, self.text_len)]);
        let mut tag: [u8; TAG_LEN] = self.hash.finalize().into();
        tag.iter_mut()
            .zip(*self.mask)
            .for_each(|(byte, mask)| *byte ^= mask);
        tag
    }
}

/// J₀: the nonce with a counter where it has the usual 12 bytes, its hash where it has any other number.
fn first_counter(hash: &GHash, nonce: &[u8]) -> Result<Block, CryptoError> {
    match nonce.len() {
        0 => Err(CryptoError),
        12 => {
            let mut block = Block::default();
            block[..12].copy_from_slice(nonce);
            block[15] = 1;
            Ok(block)
        }
        length => {
            let mut hash = hash.clone();
            hash.update_padded(nonce);
            hash.update(&[lengths(0, length as u64)]);
            Ok(hash.finalize())
        }
    }
}

/// The block that ends a hash: both lengths in bits.
fn lengths(first: u64, second: u64) -> Block {
    let mut block = Block::default();
    block[..8].copy_from_slice(&(first * 8).to_be_bytes());
    block[8..].copy_from_slice(&(second * 8).to_be_bytes());
    block
}

#[cfg(test)]
mod tests {
    use super::*;
    use ctr::cipher::StreamCipherSeek;

    #[test]
    fn a_stream_ends_where_the_counter_would_repeat() {
        let mut opening = Aes256GcmOpening::new(&[1; 32], b"nonce", b"").unwrap();
        // The mask of the tag is one block, 2³² − 2 blocks of text may follow.
        opening.0.keystream.seek((1_u64 << 36) - 32);
        let mut piece = [0; 17];
        assert!(opening.update(&mut piece).is_err());
        assert_eq!(piece, [0; 17], "a refused piece stays as it was");
        opening.update(&mut piece[..16]).unwrap();
        assert!(opening.update(&mut piece[16..]).is_err());
    }
}
