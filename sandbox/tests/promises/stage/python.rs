//! Python's `gzip` and `cryptography` as the other implementation of what openssl's command line lacks.

use std::io::Write;
use std::process::{Command, Stdio};

/// Decompresses a whole gzip file.
pub fn gunzip(bytes: &[u8]) -> Vec<u8> {
    python(
        "import gzip,sys; sys.stdout.buffer.write(gzip.decompress(sys.stdin.buffer.read()))",
        &[],
        bytes,
    )
}

/// Opens AES-GCM with a nonce of any length and no associated data.
pub fn open_gcm(key: &[u8], nonce: &[u8], sealed: &[u8]) -> Vec<u8> {
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
    python(
        "import sys\nfrom cryptography.hazmat.primitives.ciphers.aead import AESGCM\n\
         key, nonce = map(bytes.fromhex, sys.argv[1:])\n\
         sys.stdout.buffer.write(AESGCM(key).decrypt(nonce, sys.stdin.buffer.read(), None))",
        &[&hex(key), &hex(nonce)],
        sealed,
    )
}

fn python(program: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("python3")
        .args(["-c", program])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is installed");
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "python3 could not do it");
    output.stdout
}
