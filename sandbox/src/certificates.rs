//! X.509 certificates as the provider issues them: a merchant's, and the platform's own with rotation.

use rcgen::{
    CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256,
    SerialNumber,
};
use time::{Duration, OffsetDateTime};

use crate::clock;
use crate::crypto::{RsaKey, hex_upper, random_bytes};
use crate::scheme::{Key, Scheme};
use crate::shangmi;

/// One certificate the platform signs with, until it is withdrawn.
pub struct PlatformCertificate {
    /// 40 upper-case hex digits, leading zeros kept.
    pub serial: String,
    pub pem: String,
    pub key: Key,
    pub effective: OffsetDateTime,
    pub expires: OffsetDateTime,
    /// From here on it is neither listed nor accepted, whatever it says itself.
    pub withdrawn: Option<OffsetDateTime>,
}

impl PlatformCertificate {
    pub fn is_valid(&self, now: OffsetDateTime) -> bool {
        self.effective <= now && now < self.expires && self.withdrawn.is_none_or(|end| now < end)
    }
}

/// A serial of 20 bytes. `first` becomes its first byte: below 0x80, so that DER needs no padding, and
/// below 0x10 it begins with a zero digit, which careless conversions through an integer lose.
pub fn serial(first: u8) -> [u8; 20] {
    let mut serial = random_bytes::<20>();
    serial[0] = first;
    serial
}

pub fn random_serial() -> [u8; 20] {
    serial(random_bytes::<1>()[0] & 0x7F | 0x10)
}

pub struct Authority {
    key: Key,
}

/// What a certificate says of its holder: CN, OU, O.
pub struct Holder<'a>(pub &'a str, pub &'a str, pub &'a str);

pub const PLATFORM: Holder<'static> =
    Holder("Tenpay.com sign", "Tenpay.com CA Center", "Tenpay.com");

const ROOT: Holder<'static> = Holder("Tenpay.com Root CA", "Tenpay.com CA Center", "Tenpay.com");

impl Authority {
    pub fn new(key: Key) -> Self {
        Self { key }
    }

    /// A certificate for `key`, five years long from `effective`, as PEM.
    pub fn issue(
        &self,
        key: &Key,
        serial: &[u8; 20],
        holder: &Holder,
        effective: OffsetDateTime,
    ) -> Result<String, String> {
        let (root, key) = match (&self.key, key) {
            (Key::Rsa(root), Key::Rsa(key)) => (root, key),
            (Key::Sm2(root), Key::Sm2(key)) => {
                let validity = [effective, effective + VALIDITY];
                return shangmi::issue(root, key, serial, [&ROOT, holder], validity);
            }
            _ => return Err("an authority issues certificates of its own scheme".into()),
        };
        let broken = |error: rcgen::Error| format!("a certificate could not be made: {error}");
        let root_key = root;
        let mut root = names(&ROOT);
        root.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let mut leaf = names(holder);
        leaf.serial_number = Some(SerialNumber::from_slice(serial));
        leaf.not_before = effective;
        leaf.not_after = effective + VALIDITY;
        leaf.is_ca = IsCa::ExplicitNoCa;
        leaf.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
            KeyUsagePurpose::DataEncipherment,
        ];
        let issuer = Issuer::new(root, key_pair(root_key).map_err(broken)?);
        leaf.signed_by(&key_pair(key).map_err(broken)?, &issuer)
            .map(|certificate| certificate.pem())
            .map_err(broken)
    }

    /// A new platform certificate with a new key.
    pub fn issue_platform(
        &self,
        serial: [u8; 20],
        effective: OffsetDateTime,
    ) -> Result<PlatformCertificate, String> {
        let key = Key::generate(match self.key {
            Key::Rsa(_) => Scheme::Rsa,
            Key::Sm2(_) => Scheme::Sm2,
        })?;
        let pem = self.issue(&key, &serial, &PLATFORM, effective)?;
        Ok(PlatformCertificate {
            serial: hex_upper(&serial),
            pem,
            key,
            effective,
            expires: effective + VALIDITY,
            withdrawn: None,
        })
    }
}

pub const VALIDITY: Duration = Duration::days(5 * 365);

pub fn names(Holder(common_name, unit, organization): &Holder) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CountryName, "CN");
    params
        .distinguished_name
        .push(DnType::OrganizationName, *organization);
    params
        .distinguished_name
        .push(DnType::OrganizationalUnitName, *unit);
    params
        .distinguished_name
        .push(DnType::CommonName, *common_name);
    params
}

pub fn key_pair(key: &RsaKey) -> Result<KeyPair, rcgen::Error> {
    KeyPair::from_pkcs8_der_and_sign_algo(&key.pkcs8().into(), &PKCS_RSA_SHA256)
}

/// The public half as PEM (SubjectPublicKeyInfo).
pub fn public_key_pem(key: &Key) -> Result<String, String> {
    let key = match key {
        Key::Rsa(key) => key,
        Key::Sm2(key) => return key.public_pem(),
    };
    key_pair(key)
        .map(|pair| pair.public_key_pem())
        .map_err(|error| format!("a public key could not be written: {error}"))
}

/// The private key as PEM (PKCS#8).
pub fn private_key_pem(key: &Key) -> Result<String, String> {
    let key = match key {
        Key::Rsa(key) => key,
        Key::Sm2(key) => return key.private_pem(),
    };
    key_pair(key)
        .map(|pair| pair.serialize_pem())
        .map_err(|error| format!("a private key could not be written: {error}"))
}

pub fn private_key_from_pem(scheme: Scheme, pem: &str) -> Result<Key, String> {
    if scheme == Scheme::Sm2 {
        return shangmi::Sm2Key::from_pem(pem).map(Key::Sm2);
    }
    let pair = KeyPair::from_pkcs8_pem_and_sign_algo(pem, &PKCS_RSA_SHA256)
        .map_err(|_| "not an RSA private key in PKCS#8 PEM")?;
    RsaKey::from_pkcs8(pair.serialized_der()).map(Key::Rsa)
}

/// The platform's certificates, oldest first; the newest valid one signs.
pub struct Ring {
    authority: Authority,
    certificates: Vec<PlatformCertificate>,
}

impl Ring {
    pub fn new(authority: Authority, certificates: Vec<PlatformCertificate>) -> Self {
        Self {
            authority,
            certificates,
        }
    }

    pub fn all(&self) -> &[PlatformCertificate] {
        &self.certificates
    }

    pub fn valid(&self) -> impl Iterator<Item = &PlatformCertificate> {
        let now = clock::now();
        self.certificates
            .iter()
            .filter(move |certificate| certificate.is_valid(now))
    }

    pub fn signing(&self) -> &PlatformCertificate {
        self.valid()
            .last()
            .or(self.certificates.last())
            .expect("the ring is never empty")
    }

    pub fn find_valid(&self, serial: &str) -> Option<&PlatformCertificate> {
        self.valid()
            .find(|certificate| certificate.serial.eq_ignore_ascii_case(serial))
    }

    /// Adds a certificate that signs from now on; the others end after `overlap`.
    pub fn rotate(&mut self, overlap: Duration) -> Result<&PlatformCertificate, String> {
        let now = clock::now();
        let next = self.authority.issue_platform(random_serial(), now)?;
        let end = now + overlap;
        for certificate in &mut self.certificates {
            certificate.withdrawn = Some(
                certificate
                    .withdrawn
                    .map_or(end, |earlier| earlier.min(end)),
            );
        }
        self.certificates.push(next);
        Ok(self.signing())
    }
}
