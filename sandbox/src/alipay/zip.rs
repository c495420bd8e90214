//! A ZIP file as the provider packs its bills: deflated, the names in GBK and not marked as anything else, which no
//! library writes.

use std::io::Write;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

const VERSION: u16 = 20;
const DEFLATED: u16 = 8;
/// 1980-01-01, the first day that the format knows.
const DAY: u16 = 1 << 5 | 1;

/// Of names and contents, both bytes.
pub fn zip(files: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut archive = Vec::new();
    let mut directory = Vec::new();
    for (name, content) in files {
        let mut crc = Crc::new();
        crc.update(content);
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        let packed = encoder
            .write_all(content)
            .and_then(|()| encoder.finish())
            .expect("memory takes every byte");
        let mut facts = Vec::new();
        for number in [0, DEFLATED, 0, DAY] {
            facts.extend_from_slice(&number.to_le_bytes());
        }
        for number in [crc.sum(), length(&packed), length(content)] {
            facts.extend_from_slice(&number.to_le_bytes());
        }
        facts.extend_from_slice(&short(name.len()).to_le_bytes());
        facts.extend_from_slice(&[0, 0]);

        let offset = length(&archive);
        archive.extend_from_slice(b"PK\x03\x04");
        archive.extend_from_slice(&VERSION.to_le_bytes());
        archive.extend_from_slice(&facts);
        archive.extend_from_slice(name);
        archive.extend_from_slice(&packed);

        directory.extend_from_slice(b"PK\x01\x02");
        directory.extend_from_slice(&VERSION.to_le_bytes());
        directory.extend_from_slice(&VERSION.to_le_bytes());
        directory.extend_from_slice(&facts);
        // No comment, first disk, no attributes.
        directory.extend_from_slice(&[0; 10]);
        directory.extend_from_slice(&offset.to_le_bytes());
        directory.extend_from_slice(name);
    }
    let count = short(files.len()).to_le_bytes();
    let start = length(&archive);
    archive.extend_from_slice(&directory);
    archive.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    archive.extend_from_slice(&count);
    archive.extend_from_slice(&count);
    archive.extend_from_slice(&length(&directory).to_le_bytes());
    archive.extend_from_slice(&start.to_le_bytes());
    archive.extend_from_slice(&[0, 0]);
    archive
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).expect("a bill is shorter than 4 GB")
}

fn short(length: usize) -> u16 {
    u16::try_from(length).expect("names and lists of files are short")
}
