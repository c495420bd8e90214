//! gzip (RFC 1952), piece by piece: one member after another, each with its checksum, and nothing after the last.

use flate2::{Decompress, FlushDecompress, Status};

/// The largest window there is.
const WINDOW_BITS: u8 = 15;

pub(super) struct Gunzip {
    member: Decompress,
    /// The member ended, checksum and length included; another may follow.
    is_whole: bool,
}

impl Gunzip {
    pub fn new() -> Gunzip {
        Gunzip {
            member: Decompress::new_gzip(WINDOW_BITS),
            is_whole: false,
        }
    }

    /// How much of `input` was used up, and how much of `out` was filled. Nothing of either means that more input is needed.
    pub fn inflate(&mut self, input: &[u8], out: &mut [u8]) -> Result<(usize, usize), String> {
        if self.is_whole {
            if input.is_empty() {
                return Ok((0, 0));
            }
            *self = Gunzip::new();
        }
        let (read, written) = (self.member.total_in(), self.member.total_out());
        let status = self
            .member
            .decompress(input, out, FlushDecompress::None)
            .map_err(|_| match read {
                0 => "it is not gzip, or something follows its end",
                _ => "its gzip is damaged",
            })?;
        self.is_whole = status == Status::StreamEnd;
        Ok((
            (self.member.total_in() - read) as usize,
            (self.member.total_out() - written) as usize,
        ))
    }

    pub fn is_whole(&self) -> bool {
        self.is_whole
    }
}
