//! The openssl command line as the other implementation of RSA.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use base64::{Engine, engine::general_purpose::STANDARD};

/// What openssl prints; None when it refuses.
pub fn openssl(arguments: &[&str], input: &[u8]) -> Option<Vec<u8>> {
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl is installed");
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    output.status.success().then_some(output.stdout)
}

/// RSA-SHA256 over `message`, base64.
pub fn sign(private_key: &Path, message: &[u8]) -> String {
    sign_with("sha256", private_key, message)
}

/// The same with any hash.
pub fn sign_with(hash: &str, private_key: &Path, message: &[u8]) -> String {
    let (hash, key) = (format!("-{hash}"), private_key.to_str().unwrap());
    STANDARD.encode(openssl(&["dgst", &hash, "-sign", key], message).unwrap())
}

/// Whether `signature` (base64) is one of the public key or certificate in that file.
pub fn verify(public: &Path, message: &[u8], signature: &str) -> bool {
    verify_with("sha256", public, message, signature)
}

/// The same with any hash.
pub fn verify_with(hash: &str, public: &Path, message: &[u8], signature: &str) -> bool {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let Ok(signature) = STANDARD.decode(signature) else {
        return false;
    };
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let beside = |suffix: &str| {
        Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("{}-{number}.{suffix}", std::process::id()))
    };
    let (signature_file, key_file) = (beside("signature"), beside("pem"));
    std::fs::write(&signature_file, signature).unwrap();
    std::fs::write(&key_file, public_key(public)).unwrap();
    let verified = openssl(
        &[
            "dgst",
            &format!("-{hash}"),
            "-verify",
            key_file.to_str().unwrap(),
            "-signature",
            signature_file.to_str().unwrap(),
        ],
        message,
    );
    std::fs::remove_file(signature_file).unwrap();
    std::fs::remove_file(key_file).unwrap();
    verified.is_some()
}

/// RSAES-OAEP with SHA-1, base64.
pub fn encrypt_oaep(public: &Path, plaintext: &str) -> String {
    let kind = if is_certificate(public) {
        "-certin"
    } else {
        "-pubin"
    };
    let arguments = [
        "pkeyutl",
        "-encrypt",
        "-inkey",
        public.to_str().unwrap(),
        kind,
        "-pkeyopt",
        "rsa_padding_mode:oaep",
    ];
    STANDARD.encode(openssl(&arguments, plaintext.as_bytes()).unwrap())
}

/// Opens RSAES-OAEP with SHA-1.
pub fn decrypt_oaep(private_key: &Path, sealed: &[u8]) -> Vec<u8> {
    let arguments = [
        "pkeyutl",
        "-decrypt",
        "-inkey",
        private_key.to_str().unwrap(),
        "-pkeyopt",
        "rsa_padding_mode:oaep",
    ];
    openssl(&arguments, sealed).unwrap()
}

/// A hash by its name, in lower-case hex.
pub fn digest(name: &str, bytes: &[u8]) -> String {
    let output = openssl(&["dgst", &format!("-{name}"), "-r"], bytes).unwrap();
    let text = String::from_utf8(output).unwrap();
    text.split(' ').next().unwrap().to_owned()
}

fn is_certificate(path: &Path) -> bool {
    std::fs::read_to_string(path)
        .unwrap()
        .contains("BEGIN CERTIFICATE")
}

/// The public key in a PEM file of either kind.
pub fn public_key(path: &Path) -> Vec<u8> {
    let name = path.to_str().unwrap();
    match is_certificate(path) {
        true => openssl(&["x509", "-in", name, "-pubkey", "-noout"], b"").unwrap(),
        false => std::fs::read(path).unwrap(),
    }
}

/// HMAC-SHA256 and MD5, as APIv2 signs: upper-case hex.
pub fn hmac_sha256(key: &str, message: &str) -> String {
    let option = format!("hexkey:{}", hex(key.as_bytes()));
    let mac = [
        "mac", "-digest", "SHA256", "-macopt", &option, "-binary", "HMAC",
    ];
    hex(&openssl(&mac, message.as_bytes()).unwrap()).to_uppercase()
}

pub fn md5(message: &str) -> String {
    hex(&openssl(&["dgst", "-md5", "-binary"], message.as_bytes()).unwrap()).to_uppercase()
}

/// Opens `req_info` of a refund's notification.
pub fn decrypt_ecb(key: &str, info: &str) -> Option<String> {
    let secret = hex(md5(key).to_lowercase().as_bytes());
    let arguments = ["enc", "-d", "-aes-256-ecb", "-K", &secret];
    let plaintext = openssl(&arguments, &STANDARD.decode(info).ok()?)?;
    String::from_utf8(plaintext).ok()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
