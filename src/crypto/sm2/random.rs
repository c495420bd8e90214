//! Randomness that the caller lends, as the crates want it.

use super::{CryptoError, Random};
use sm2::elliptic_curve::rand_core::{TryCryptoRng, TryRng};

/// Good randomness is refused once in 2³², so whoever asks this often has a source that always gives the same.
const MOST_REQUESTS: u32 = 64;

pub(super) struct Source<'a> {
    random: Random<'a>,
    left: u32,
}

impl<'a> Source<'a> {
    pub fn new(random: Random<'a>) -> Self {
        Self {
            random,
            left: MOST_REQUESTS,
        }
    }
}

impl TryRng for Source<'_> {
    type Error = CryptoError;

    fn try_next_u32(&mut self) -> Result<u32, CryptoError> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, CryptoError> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), CryptoError> {
        self.left = self.left.checked_sub(1).ok_or(CryptoError)?;
        (self.random)(out)
    }
}

impl TryCryptoRng for Source<'_> {}
