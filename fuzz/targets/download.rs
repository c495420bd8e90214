//! Files: compressed, hashed and encrypted; fed whole and in pieces they become the same, within the limit.
#![no_main]

use payseal::download::{Cipher, Coding, Decoded, Decoder, Limits, Seal, decode};

const LIMITS: Limits = Limits {
    max_bytes: 1 << 20,
    max_ratio: 1_000,
};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((&kind, file)) = data.split_first() else {
        return;
    };
    let seal = (kind & 2 != 0).then(|| Seal {
        cipher: Cipher::Aes256Gcm,
        key: vec![7; 32].into(),
        nonce: b"0123456789abcdef".to_vec(),
    });
    let coding = Coding {
        seal,
        gzip: kind & 1 != 0,
        digest: None,
        checksum: None,
    };
    let whole = decode(&coding, LIMITS, file);
    if let Ok(bytes) = &whole {
        assert!(bytes.len() as u64 <= LIMITS.max_bytes);
    }
    let step = usize::from(kind >> 2) + 1;
    assert_eq!(in_pieces(&coding, file, step).ok(), whole.ok());
});

fn in_pieces(coding: &Coding, file: &[u8], step: usize) -> payseal::Result<Vec<u8>> {
    let mut decoder = Decoder::new(coding, LIMITS)?;
    let (mut all, mut out) = (Vec::new(), [0; 97]);
    let mut pieces = file.chunks(step);
    loop {
        match decoder.decode(&mut out)? {
            Decoded::Bytes(count) => all.extend_from_slice(&out[..count]),
            Decoded::Hungry => match pieces.next() {
                Some(piece) => decoder.feed(piece)?,
                None => decoder.end(),
            },
            Decoded::End => return Ok(all),
        }
    }
}
