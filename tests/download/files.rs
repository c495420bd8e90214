//! The files of `files.json`, which Python made.

use std::sync::LazyLock;

use payseal::crypto::base64;
use payseal::download::{Cipher, Coding, Digest, DigestKind, Seal};
use serde_json::{Value, json};

use crate::support::merchant::MERCHANT;
use crate::support::openssl;

pub struct Packed {
    pub received: Vec<u8>,
    pub plain: Vec<u8>,
    pub sha1: String,
    pub sha256: String,
    /// Of the one that is sealed with SM4.
    pub sm3: String,
    pub gzip: bool,
    /// Key and nonce.
    pub seal: Option<(Vec<u8>, String)>,
}

static FILES: LazyLock<Vec<Value>> =
    LazyLock::new(|| serde_json::from_str(include_str!("files.json")).unwrap());

pub fn packed(name: &str) -> Packed {
    let file = FILES.iter().find(|file| file["name"] == name).unwrap();
    let text = |key: &str| file[key].as_str().unwrap_or_default().to_owned();
    let bytes = |key: &str| base64::decode(text(key).as_bytes()).unwrap();
    Packed {
        received: bytes("received"),
        plain: bytes("plain"),
        sha1: text("sha1"),
        sha256: text("sha256"),
        sm3: text("sm3"),
        gzip: name.contains("gzip") || name.contains("sealed"),
        seal: file["key"].as_str().map(|key| (unhex(key), text("nonce"))),
    }
}

pub fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

impl Packed {
    pub fn coding(&self) -> Coding {
        Coding {
            seal: self.seal.as_ref().map(|(key, nonce)| Seal {
                cipher: Cipher::Aes256Gcm,
                key: key.clone().into(),
                nonce: nonce.as_bytes().to_vec(),
            }),
            gzip: self.gzip,
            digest: Some(Digest {
                kind: DigestKind::Sha1,
                value: unhex(&self.sha1),
            }),
            checksum: None,
        }
    }

    /// What the provider answers about a file that lies at `url`.
    pub fn answer(&self, url: &str) -> Value {
        json!({ "download_url": url, "hash_type": "SHA1", "hash_value": self.sha1 })
    }

    /// The same about one part of an encrypted bill. openssl encrypts its key to the merchant.
    pub fn part(&self, number: usize, url: &str) -> Value {
        let (key, nonce) = self.seal.as_ref().unwrap();
        json!({
            "bill_sequence": number,
            "download_url": url,
            "encrypt_key": wrapped(key),
            "hash_type": "SHA1",
            "hash_value": self.sha1,
            "nonce": nonce,
        })
    }
}

/// Base64 of RSAES-OAEP with SHA-1 to the merchant's key.
pub fn wrapped(key: &[u8]) -> String {
    let folder = openssl::Folder::new();
    let public = folder.write("public.pem", MERCHANT.public.as_bytes());
    let arguments = [
        "pkeyutl",
        "-encrypt",
        "-pubin",
        "-inkey",
        &public,
        "-pkeyopt",
        "rsa_padding_mode:oaep",
        "-pkeyopt",
        "rsa_oaep_md:sha1",
    ];
    base64::encode(&openssl::run(&arguments, key))
}
