//! 国密 as the platform speaks it: SM2 with SM3, SM2 encryption, SM4-GCM, and certificates with such keys.

use aes_gcm::AesGcm;
use aes_gcm::aead::consts::{U12, U16};
use aes_gcm::aead::{Aead, KeyInit, Payload};
use base64::{Engine, engine::general_purpose::STANDARD};
use sm2::dsa::signature::{Signer, Verifier};
use sm2::dsa::{Signature, SigningKey};
use sm2::elliptic_curve::Generate;
use sm2::elliptic_curve::common::getrandom::SysRng;
use sm2::pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey, LineEnding};
use sm2::pke::{DecryptingKey, EncryptingKey, Mode};
use sm2::{SecretKey, dsa};
use sm3::{Digest, Sm3};
use sm4::Sm4;
use time::OffsetDateTime;
use x509_cert::TbsCertificate;
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{Builder, CertificateBuilder};
use x509_cert::der::EncodePem;
use x509_cert::der::asn1::BitString;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage, KeyUsages};
use x509_cert::ext::{Extension, ToExtension};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{SubjectPublicKeyInfo, SubjectPublicKeyInfoRef};
use x509_cert::time::{Time, Validity};

use crate::certificates::Holder;

/// Who signs, as the standard has it where nothing else was agreed.
const USER_ID: &str = "1234567812345678";

/// An SM2 private key; `Debug` is deliberately absent.
pub struct Sm2Key {
    secret: SecretKey,
    signing: SigningKey,
}

impl Sm2Key {
    pub fn generate() -> Result<Self, String> {
        SecretKey::try_generate_from_rng(&mut SysRng)
            .map_err(|_| "an SM2 key could not be generated".to_owned())
            .and_then(Self::new)
    }

    fn new(secret: SecretKey) -> Result<Self, String> {
        let signing = SigningKey::new(USER_ID, &secret).map_err(|_| "not an SM2 key")?;
        Ok(Self { secret, signing })
    }

    pub fn from_pem(pem: &str) -> Result<Self, String> {
        SecretKey::from_pkcs8_pem(pem)
            .map_err(|_| "not an SM2 private key in PKCS#8 PEM".to_owned())
            .and_then(Self::new)
    }

    /// PKCS#8.
    pub fn private_pem(&self) -> Result<String, String> {
        self.secret
            .to_pkcs8_pem(LineEnding::LF)
            .map(|pem| pem.to_string())
            .map_err(|error| format!("a private key could not be written: {error}"))
    }

    /// SubjectPublicKeyInfo.
    pub fn public_pem(&self) -> Result<String, String> {
        self.secret
            .public_key()
            .to_public_key_pem(LineEnding::LF)
            .map_err(|error| format!("a public key could not be written: {error}"))
    }

    /// SM2 with SM3, r and s in DER, in standard base64.
    pub fn sign(&self, message: &[u8]) -> String {
        let signature: Signature = self.signing.sign(message);
        STANDARD.encode(signature.to_der().as_bytes())
    }

    /// Whether `signature` (standard base64) is this key's own over `message`.
    pub fn verify(&self, message: &[u8], signature: &str) -> bool {
        let signature = STANDARD
            .decode(signature)
            .ok()
            .and_then(|der| dsa::Signature::from_der(&der).ok());
        signature.is_some_and(|signature| {
            self.signing
                .verifying_key()
                .verify(message, &signature)
                .is_ok()
        })
    }

    /// Seals for the holder of this key: C1, C3 and C2 in DER.
    pub fn seal(&self, plaintext: &[u8]) -> Vec<u8> {
        EncryptingKey::new_with_mode(self.secret.public_key(), Mode::C1C3C2)
            .encrypt_der(&mut SysRng, plaintext)
            .expect("names and keys can be sealed")
    }

    /// Opens a sensitive field: base64 of C1, C3 and C2 in DER.
    pub fn open_field(&self, sealed: &str) -> Option<String> {
        let sealed = STANDARD.decode(sealed).ok()?;
        let key = DecryptingKey::new_with_mode(self.secret.to_nonzero_scalar(), Mode::C1C3C2);
        String::from_utf8(key.decrypt_der(&sealed).ok()?).ok()
    }
}

/// A signature whose two numbers stand side by side, in DER.
pub fn to_der(signature: &[u8]) -> Option<Vec<u8>> {
    let signature = Signature::from_slice(signature).ok()?;
    Some(signature.to_der().as_bytes().to_vec())
}

/// SM4-GCM under the first half of the APIv3 key's SM3: base64 of the ciphertext with its tag.
pub fn seal(apiv3_key: &str, nonce: &str, associated_data: &str, plaintext: &[u8]) -> String {
    let hash = Sm3::digest(apiv3_key.as_bytes());
    let cipher = AesGcm::<Sm4, U12>::new_from_slice(&hash[..16]).expect("a key has 16 bytes");
    let payload = Payload {
        msg: plaintext,
        aad: associated_data.as_bytes(),
    };
    let nonce = nonce.as_bytes().try_into().expect("a nonce has 12 bytes");
    STANDARD.encode(
        cipher
            .encrypt(nonce, payload)
            .expect("a short plaintext can be sealed"),
    )
}

/// The plaintext of such a box, if that key has sealed it.
pub fn open(
    apiv3_key: &str,
    nonce: &str,
    associated_data: &str,
    ciphertext: &str,
) -> Option<Vec<u8>> {
    let hash = Sm3::digest(apiv3_key.as_bytes());
    let cipher = AesGcm::<Sm4, U12>::new_from_slice(&hash[..16]).ok()?;
    let payload = Payload {
        msg: &STANDARD.decode(ciphertext).ok()?,
        aad: associated_data.as_bytes(),
    };
    cipher
        .decrypt(nonce.as_bytes().try_into().ok()?, payload)
        .ok()
}

/// A bill under a key of its own: SM4-GCM with sixteen characters of nonce and no associated data.
pub fn seal_file(key: &str, nonce: &str, plaintext: &[u8]) -> Vec<u8> {
    let cipher = AesGcm::<Sm4, U16>::new_from_slice(key.as_bytes()).expect("a key has 16 bytes");
    let nonce = nonce.as_bytes().try_into().expect("a nonce has 16 bytes");
    cipher
        .encrypt(nonce, plaintext)
        .expect("a bill can be sealed")
}

/// A certificate for `key` by `authority`, as PEM.
pub fn issue(
    authority: &Sm2Key,
    key: &Sm2Key,
    serial: &[u8; 20],
    [issuer, holder]: [&Holder; 2],
    [first, last]: [OffsetDateTime; 2],
) -> Result<String, String> {
    let certificate = || -> Result<String, x509_cert::builder::Error> {
        let names = Names {
            issuer: name(issuer)?,
            holder: name(holder)?,
        };
        let mut builder = CertificateBuilder::new(
            names,
            SerialNumber::new(serial)?,
            Validity::new(moment(first)?, moment(last)?),
            SubjectPublicKeyInfo::from_key(&key.secret.public_key())?,
        )?;
        let contents = builder.finalize(&authority.signing)?;
        let signature: Signature = authority.signing.try_sign(&contents)?;
        let signature = BitString::from_bytes(signature.to_der().as_bytes())?;
        let certificate = builder.assemble(signature, &authority.signing)?;
        Ok(certificate.to_pem(LineEnding::LF)?)
    };
    certificate().map_err(|error| format!("a certificate could not be made: {error}"))
}

struct Names {
    issuer: Name,
    holder: Name,
}

impl BuilderProfile for Names {
    fn get_issuer(&self, _: &Name) -> Name {
        self.issuer.clone()
    }

    fn get_subject(&self) -> Name {
        self.holder.clone()
    }

    fn build_extensions(
        &self,
        _: SubjectPublicKeyInfoRef<'_>,
        _: SubjectPublicKeyInfoRef<'_>,
        contents: &TbsCertificate,
    ) -> x509_cert::builder::Result<Vec<Extension>> {
        let no_authority = BasicConstraints {
            ca: false,
            path_len_constraint: None,
        };
        let usage = KeyUsage(
            KeyUsages::DigitalSignature | KeyUsages::KeyEncipherment | KeyUsages::DataEncipherment,
        );
        Ok(vec![
            (&no_authority).to_extension(contents.subject(), &[])?,
            (&usage).to_extension(contents.subject(), &[])?,
        ])
    }
}

/// RFC 4514 writes a name from its end.
fn name(Holder(common_name, unit, organization): &Holder) -> Result<Name, x509_cert::der::Error> {
    format!("CN={common_name},OU={unit},O={organization},C=CN").parse()
}

fn moment(time: OffsetDateTime) -> Result<Time, x509_cert::der::Error> {
    let seconds = std::time::Duration::from_secs(time.unix_timestamp().unsigned_abs());
    Time::try_from(std::time::UNIX_EPOCH + seconds)
}
