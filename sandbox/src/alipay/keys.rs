//! The app and Alipay's keys, and the folder that remembers them.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use rcgen::{KeyPair, PKCS_RSA_SHA256};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::Duration;

use crate::certificates::{Holder, key_pair};
use crate::clock;
use crate::crypto::{RsaKey, random_bytes, random_digits};
use crate::keys::{Folder, MERCHANT_NAME, pretty};

use super::certificates::{
    ALIPAY_AUTHORITY, APP_AUTHORITY, Authority, ROOT, root_bundle, root_serial_number,
    serial_number,
};

/// The one app this sandbox knows, and the seller it belongs to.
pub struct App {
    pub id: String,
    /// The seller's number, `2088…`.
    pub pid: String,
    pub seller_email: String,
    pub key: RsaKey,
    pub encrypt_key: [u8; 16],
    pub certificate: String,
    pub certificate_sn: String,
    pub roots: String,
    pub root_sn: String,
    /// Signs in key mode.
    pub alipay_key: RsaKey,
}

/// One certificate that Alipay signs with in certificate mode: the leaf and its intermediate.
pub struct AlipayCertificate {
    pub sn: String,
    pub chain: String,
    pub key: Arc<RsaKey>,
}

/// Oldest first; the newest signs.
pub struct Ring {
    authority: RsaKey,
    authority_pem: String,
    pid: String,
    certificates: Vec<AlipayCertificate>,
}

#[derive(Serialize, Deserialize)]
struct Record {
    app_id: String,
    pid: String,
    seller_email: String,
    encrypt_key: String,
    alipay_certificates: Vec<String>,
}

const RECORD: &str = "alipay/alipay.json";
const APP_KEY: &str = "alipay/app_private_key.pem";
const ALIPAY_PUBLIC_KEY: &str = "alipay/alipay_public_key.pem";
const ALIPAY_KEY: &str = "alipay/platform/alipay_key.pem";
const AUTHORITY_KEY: &str = "alipay/platform/authority.key.pem";
const AUTHORITY: &str = "alipay/platform/authority.crt";
const ROOTS: &str = "alipay/alipayRootCert.crt";
const ALIPAY_CERTIFICATE: &str = "alipay/alipayCertPublicKey_RSA2.crt";

fn app_certificate(app_id: &str) -> String {
    format!("alipay/appCertPublicKey_{app_id}.crt")
}

fn chain_file(sn: &str) -> String {
    format!("alipay/platform/{sn}.crt")
}

fn key_file(sn: &str) -> String {
    format!("alipay/platform/{sn}.key.pem")
}

pub fn load_or_create(folder: &Folder) -> Result<(App, Ring), String> {
    folder.create_folder("alipay/platform")?;
    match folder.has(RECORD) {
        true => load(folder),
        false => create(folder),
    }
}

fn load(folder: &Folder) -> Result<(App, Ring), String> {
    let record: Record = serde_json::from_str(&folder.read(RECORD)?)
        .map_err(|error| format!("{RECORD}: {error}"))?;
    let encrypt_key = STANDARD
        .decode(&record.encrypt_key)
        .ok()
        .and_then(|key| key.try_into().ok())
        .ok_or(format!("{RECORD}: encrypt_key must be base64 of 16 bytes"))?;
    let key =
        |name: &str| read_key(&folder.read(name)?).map_err(|error| format!("{name}: {error}"));
    let certificate = folder.read(&app_certificate(&record.app_id))?;
    let roots = folder.read(ROOTS)?;
    let certificates = record
        .alipay_certificates
        .iter()
        .map(|sn| {
            Ok(AlipayCertificate {
                sn: sn.clone(),
                chain: folder.read(&chain_file(sn))?,
                key: Arc::new(key(&key_file(sn))?),
            })
        })
        .collect::<Result<Vec<_>, String>>()?;
    if certificates.is_empty() {
        return Err(format!("{RECORD} names no certificate"));
    }
    let ring = Ring {
        authority: key(AUTHORITY_KEY)?,
        authority_pem: folder.read(AUTHORITY)?,
        pid: record.pid.clone(),
        certificates,
    };
    let app = App {
        certificate_sn: serial_number(&certificate)?,
        root_sn: root_serial_number(&roots)?,
        key: key(APP_KEY)?,
        alipay_key: key(ALIPAY_KEY)?,
        id: record.app_id,
        pid: record.pid,
        seller_email: record.seller_email,
        encrypt_key,
        certificate,
        roots,
    };
    Ok((app, ring))
}

fn create(folder: &Folder) -> Result<(App, Ring), String> {
    let now = clock::now();
    let id = format!("2021{}", random_digits(12));
    let pid = format!("2088{}", random_digits(12));
    // The two intermediates, and the oldest root, share a key: nobody sees it, and making keys is most of a first start.
    let [root, authority, key, alipay_key, signing] = keys()?;

    let roots = root_bundle(&root, &authority, now)?;
    let by_root = Authority {
        name: &ROOT,
        key: &root,
    };
    let authority_pem = by_root.issue_authority(&authority, &ALIPAY_AUTHORITY, now)?;
    let by_app_authority = Authority {
        name: &APP_AUTHORITY,
        key: &authority,
    };
    let holder = format!("{pid}-{id}");
    let holder = Holder(&holder, "Alipay", MERCHANT_NAME);
    let certificate = by_app_authority.issue_leaf(&key, &holder, now - Duration::days(30))?;

    folder.write(APP_KEY, &private_pem(&key)?)?;
    folder.write(&app_certificate(&id), &certificate.pem)?;
    folder.write(ROOTS, &roots)?;
    folder.write(ALIPAY_KEY, &private_pem(&alipay_key)?)?;
    folder.write(ALIPAY_PUBLIC_KEY, &public_pem(&alipay_key)?)?;
    folder.write(AUTHORITY_KEY, &private_pem(&authority)?)?;
    folder.write(AUTHORITY, &authority_pem)?;

    let app = App {
        seller_email: "shop@sandbox.example".into(),
        encrypt_key: random_bytes(),
        certificate_sn: certificate.sn,
        certificate: certificate.pem,
        root_sn: root_serial_number(&roots)?,
        roots,
        key,
        alipay_key,
        id,
        pid: pid.clone(),
    };
    let mut ring = Ring {
        authority,
        authority_pem,
        pid,
        certificates: Vec::new(),
    };
    ring.add(folder, signing, now - Duration::days(20))?;
    save(folder, &app, &ring)?;
    Ok((app, ring))
}

/// Made at the same time.
fn keys<const N: usize>() -> Result<[RsaKey; N], String> {
    let made: Result<Vec<RsaKey>, String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..N).map(|_| scope.spawn(RsaKey::generate)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err("no key".into())))
            .collect()
    });
    made?
        .try_into()
        .map_err(|_| "a key could not be generated".to_owned())
}

fn save(folder: &Folder, app: &App, ring: &Ring) -> Result<(), String> {
    let record = Record {
        app_id: app.id.clone(),
        pid: app.pid.clone(),
        seller_email: app.seller_email.clone(),
        encrypt_key: STANDARD.encode(app.encrypt_key),
        alipay_certificates: ring.certificates.iter().map(|one| one.sn.clone()).collect(),
    };
    folder.write(RECORD, &pretty(&record))
}

/// The configurations for payseal: key mode as the provider's key tool writes keys, certificate mode, and key mode with AES.
pub fn write_configurations(
    folder: &Folder,
    host: &str,
    app: &App,
    ring: &Ring,
) -> Result<(), String> {
    let bare =
        |pem: &str| -> String { pem.lines().filter(|line| !line.starts_with('-')).collect() };
    let private = private_pem(&app.key)?;
    let common = json!({
        "provider": "alipay",
        "app_id": app.id,
        "seller_id": app.pid,
        "hosts": [host],
    });
    let mut by_key = common.clone();
    by_key["private_key"] = bare(&private).into();
    by_key["alipay_public_key"] = bare(&public_pem(&app.alipay_key)?).into();
    let mut encrypted = by_key.clone();
    encrypted["encrypt_key"] = STANDARD.encode(app.encrypt_key).into();
    let mut by_certificate = common;
    by_certificate["private_key"] = private.into();
    by_certificate["app_certificate"] = Value::from(app.certificate.as_str());
    by_certificate["alipay_certificate"] = Value::from(ring.signing().chain.as_str());
    by_certificate["alipay_root_certificate"] = Value::from(app.roots.as_str());
    folder.write("config-alipay.json", &pretty(&by_key))?;
    folder.write("config-alipay-aes.json", &pretty(&encrypted))?;
    folder.write("config-alipay-certificate.json", &pretty(&by_certificate))
}

impl Ring {
    pub fn all(&self) -> &[AlipayCertificate] {
        &self.certificates
    }

    pub fn signing(&self) -> &AlipayCertificate {
        self.certificates.last().expect("the ring is never empty")
    }

    pub fn find(&self, sn: &str) -> Option<&AlipayCertificate> {
        self.certificates.iter().find(|one| one.sn == sn)
    }

    pub fn rotate(&mut self, folder: &Folder) -> Result<(), String> {
        self.add(folder, RsaKey::generate()?, clock::now())?;
        let mut record: Record = serde_json::from_str(&folder.read(RECORD)?)
            .map_err(|error| format!("{RECORD}: {error}"))?;
        record.alipay_certificates = self.certificates.iter().map(|one| one.sn.clone()).collect();
        folder.write(RECORD, &pretty(&record))
    }

    fn add(
        &mut self,
        folder: &Folder,
        key: RsaKey,
        from: time::OffsetDateTime,
    ) -> Result<(), String> {
        let authority = Authority {
            name: &ALIPAY_AUTHORITY,
            key: &self.authority,
        };
        let name = format!("支付宝(中国)网络技术有限公司-{}", self.pid);
        let holder = Holder(&name, "Alipay", "支付宝(中国)网络技术有限公司");
        let leaf = authority.issue_leaf(&key, &holder, from)?;
        let chain = format!("{}{}", leaf.pem, self.authority_pem);
        folder.write(&key_file(&leaf.sn), &private_pem(&key)?)?;
        folder.write(&chain_file(&leaf.sn), &chain)?;
        folder.write(ALIPAY_CERTIFICATE, &chain)?;
        self.certificates.push(AlipayCertificate {
            sn: leaf.sn,
            chain,
            key: Arc::new(key),
        });
        Ok(())
    }
}

fn private_pem(key: &RsaKey) -> Result<String, String> {
    key_pair(key)
        .map(|pair| pair.serialize_pem())
        .map_err(|error| format!("a private key could not be written: {error}"))
}

fn public_pem(key: &RsaKey) -> Result<String, String> {
    key_pair(key)
        .map(|pair| pair.public_key_pem())
        .map_err(|error| format!("a public key could not be written: {error}"))
}

fn read_key(pem: &str) -> Result<RsaKey, String> {
    let pair = KeyPair::from_pkcs8_pem_and_sign_algo(pem, &PKCS_RSA_SHA256)
        .map_err(|_| "not an RSA private key in PKCS#8 PEM")?;
    RsaKey::from_pkcs8(pair.serialized_der())
}
