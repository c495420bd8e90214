//! Who takes part, and the folder that remembers it: the merchant, the platform's keys, the configuration files.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::Duration;

use crate::certificates::{
    Authority, Holder, PlatformCertificate, Ring, private_key_from_pem, private_key_pem,
    public_key_pem, random_serial, serial,
};
use crate::clock;
use crate::crypto::{hex_upper, random_digits, random_text};
use crate::scheme::{Key, Scheme};

pub const MERCHANT_NAME: &str = "沙箱小店 Sandbox Shop";

/// The one merchant this sandbox knows.
pub struct Merchant {
    pub scheme: Scheme,
    pub mchid: String,
    pub appid: String,
    pub apiv3_key: String,
    pub serial: String,
    pub certificate_pem: String,
    pub key: Key,
}

/// The platform's public key, the successor of its certificates.
pub struct PublicKey {
    pub id: String,
    pub pem: String,
    pub key: Key,
}

/// `sandbox.json`: everything that is not a key file.
#[derive(Serialize, Deserialize)]
struct Record {
    #[serde(default)]
    scheme: Scheme,
    mchid: String,
    appid: String,
    apiv3_key: String,
    merchant_serial: String,
    public_key_id: String,
    platform_certificates: Vec<CertificateRecord>,
}

#[derive(Serialize, Deserialize)]
struct CertificateRecord {
    serial: String,
    effective: String,
    expires: String,
    withdrawn: Option<String>,
}

/// The folder of `--dir`.
#[derive(Clone)]
pub struct Folder {
    path: PathBuf,
    /// What the start asked for.
    scheme: Option<Scheme>,
}

impl Folder {
    pub fn open(path: &Path, scheme: Option<Scheme>) -> Result<Self, String> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path.join("platform"))
            .map_err(|error| format!("{} cannot be created: {error}", path.display()))?;
        Ok(Self {
            path: path.to_owned(),
            scheme,
        })
    }

    /// Reads what an earlier start has written, or makes it.
    pub fn load_or_create(&self) -> Result<(Merchant, PublicKey, Ring), String> {
        if !self.path.join("sandbox.json").exists() {
            return self.create();
        }
        let record: Record = serde_json::from_str(&self.read("sandbox.json")?)
            .map_err(|error| format!("{}/sandbox.json: {error}", self.path.display()))?;
        let scheme = record.scheme;
        if self.scheme.is_some_and(|asked| asked != scheme) {
            return Err(format!(
                "--scheme: the merchant of {} has another one; choose a new folder",
                self.path.display()
            ));
        }
        if record.apiv3_key.len() != 32 {
            return Err(format!(
                "{}/sandbox.json: apiv3_key must have 32 bytes",
                self.path.display()
            ));
        }
        let merchant = Merchant {
            scheme,
            mchid: record.mchid,
            appid: record.appid,
            apiv3_key: record.apiv3_key,
            serial: record.merchant_serial,
            certificate_pem: self.read("apiclient_cert.pem")?,
            key: self.read_key(scheme, "apiclient_key.pem")?,
        };
        let public_key = PublicKey {
            id: record.public_key_id,
            pem: self.read("pub_key.pem")?,
            key: self.read_key(scheme, "platform/public_key.key.pem")?,
        };
        let certificates = record
            .platform_certificates
            .into_iter()
            .map(|entry| self.read_certificate(scheme, entry))
            .collect::<Result<Vec<_>, _>>()?;
        if certificates.is_empty() {
            return Err(format!(
                "{}/sandbox.json names no platform certificate",
                self.path.display()
            ));
        }
        let authority = Authority::new(self.read_key(scheme, "platform/root.key.pem")?);
        Ok((merchant, public_key, Ring::new(authority, certificates)))
    }

    fn create(&self) -> Result<(Merchant, PublicKey, Ring), String> {
        let now = clock::now();
        let scheme = self.scheme.unwrap_or_default();
        let root = Key::generate(scheme)?;
        self.write("platform/root.key.pem", &private_key_pem(&root)?)?;
        let authority = Authority::new(root);

        let mchid = format!("19{}", random_digits(8));
        let merchant_serial = random_serial();
        let key = Key::generate(scheme)?;
        let certificate_pem = authority.issue(
            &key,
            &merchant_serial,
            &Holder(&mchid, MERCHANT_NAME, "微信商户系统"),
            now - Duration::days(30),
        )?;
        self.write("apiclient_key.pem", &private_key_pem(&key)?)?;
        self.write("apiclient_cert.pem", &certificate_pem)?;
        let merchant = Merchant {
            scheme,
            appid: format!(
                "wx{}",
                hex_upper(&crate::crypto::random_bytes::<8>()).to_lowercase()
            ),
            apiv3_key: random_text(32),
            serial: hex_upper(&merchant_serial),
            certificate_pem,
            key,
            mchid,
        };

        let key = Key::generate(scheme)?;
        let public_key = PublicKey {
            id: format!("PUB_KEY_ID_0{}{}", merchant.mchid, random_digits(17)),
            pem: public_key_pem(&key)?,
            key,
        };
        self.write("pub_key.pem", &public_key.pem)?;
        self.write(
            "platform/public_key.key.pem",
            &private_key_pem(&public_key.key)?,
        )?;

        // Two at once, as in the last weeks of a rotation, and the one that signs begins with a zero digit.
        let certificates = vec![
            authority.issue_platform(
                random_serial(),
                now - crate::certificates::VALIDITY + Duration::days(20),
            )?,
            authority.issue_platform(serial(0x0C), now - Duration::days(10))?,
        ];
        let ring = Ring::new(authority, certificates);
        self.save(&merchant, &public_key, &ring)?;
        Ok((merchant, public_key, ring))
    }

    /// Writes the platform's certificates and, last, `sandbox.json`.
    pub fn save(
        &self,
        merchant: &Merchant,
        public_key: &PublicKey,
        ring: &Ring,
    ) -> Result<(), String> {
        for certificate in ring.all() {
            self.write(
                &format!("wechatpay_{}.pem", certificate.serial),
                &certificate.pem,
            )?;
            self.write(
                &format!("platform/{}.key.pem", certificate.serial),
                &private_key_pem(&certificate.key)?,
            )?;
        }
        let record = Record {
            scheme: merchant.scheme,
            mchid: merchant.mchid.clone(),
            appid: merchant.appid.clone(),
            apiv3_key: merchant.apiv3_key.clone(),
            merchant_serial: merchant.serial.clone(),
            public_key_id: public_key.id.clone(),
            platform_certificates: ring
                .all()
                .iter()
                .map(|certificate| CertificateRecord {
                    serial: certificate.serial.clone(),
                    effective: clock::rfc3339(certificate.effective),
                    expires: clock::rfc3339(certificate.expires),
                    withdrawn: certificate.withdrawn.map(clock::rfc3339),
                })
                .collect(),
        };
        self.write("sandbox.json", &pretty(&record))
    }

    /// Writes the two configurations for payseal, which name `host` as the provider.
    pub fn write_configurations(
        &self,
        host: &str,
        merchant: &Merchant,
        public_key: &PublicKey,
        ring: &Ring,
    ) -> Result<(), String> {
        let mut certificate_only = json!({
            "provider": "wechat",
            "mchid": merchant.mchid,
            "merchant_serial": merchant.serial,
            "merchant_certificate": merchant.certificate_pem,
            "private_key": private_key_pem(&merchant.key)?,
            "apiv3_key": merchant.apiv3_key,
            "appid": merchant.appid,
            "hosts": [host],
        });
        if merchant.scheme != Scheme::Rsa {
            certificate_only["scheme"] = merchant.scheme.name().into();
        }
        let mut complete = certificate_only.clone();
        // Merchants with SM2 are known with certificates only.
        if merchant.scheme == Scheme::Rsa {
            complete["platform_public_keys"] = json!({ &public_key.id: public_key.pem });
        }
        complete["platform_certificates"] = ring
            .valid()
            .map(|certificate| Value::from(certificate.pem.as_str()))
            .collect();
        self.write("config.json", &pretty(&complete))?;
        let v2 = crate::v2::configuration(host, merchant, &private_key_pem(&merchant.key)?);
        self.write("config-v2.json", &pretty(&v2))?;
        self.write("config-certificate.json", &pretty(&certificate_only))
    }

    fn read_certificate(
        &self,
        scheme: Scheme,
        entry: CertificateRecord,
    ) -> Result<PlatformCertificate, String> {
        let time = |text: &str| {
            clock::parse_rfc3339(text).ok_or(format!(
                "{}/sandbox.json: {text} is not a time",
                self.path.display()
            ))
        };
        Ok(PlatformCertificate {
            pem: self.read(&format!("wechatpay_{}.pem", entry.serial))?,
            key: self.read_key(scheme, &format!("platform/{}.key.pem", entry.serial))?,
            effective: time(&entry.effective)?,
            expires: time(&entry.expires)?,
            withdrawn: entry.withdrawn.as_deref().map(time).transpose()?,
            serial: entry.serial,
        })
    }

    pub fn has(&self, name: &str) -> bool {
        self.path.join(name).exists()
    }

    /// A folder below it, for the owner only.
    pub fn create_folder(&self, name: &str) -> Result<(), String> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(self.path.join(name))
            .map_err(|error| format!("{name} cannot be created: {error}"))
    }

    pub fn read(&self, name: &str) -> Result<String, String> {
        let path = self.path.join(name);
        fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
    }

    fn read_key(&self, scheme: Scheme, name: &str) -> Result<Key, String> {
        private_key_from_pem(scheme, &self.read(name)?)
            .map_err(|error| format!("{}: {error}", self.path.join(name).display()))
    }

    /// Whole or not at all: written beside, then renamed. Readable by the owner only.
    pub fn write(&self, name: &str, text: &str) -> Result<(), String> {
        let path = self.path.join(name);
        let beside = self.path.join(format!("{name}.new"));
        let written = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&beside)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .and_then(|()| fs::rename(&beside, &path));
        written.map_err(|error| format!("{} cannot be written: {error}", path.display()))
    }
}

pub fn pretty(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).expect("plain data is JSON") + "\n"
}
