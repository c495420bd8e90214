//! An app's side of Alipay's protocol, by openssl and by hand. Nothing here shares code with the sandbox.

use std::fs;
use std::path::{Path, PathBuf};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::stage::{
    Answer, NOBODY, Received, Request, Sandbox, digest, openssl, sign_with, verify_with,
};

/// How an app is configured: by which of the sandbox's files.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Key,
    Certificate,
    Aes,
}

pub struct App {
    pub port: u16,
    pub dir: PathBuf,
    pub mode: Mode,
    pub id: String,
    pub seller: String,
    pub charset: &'static str,
    pub sign_type: &'static str,
    pub encrypt_key: Option<Vec<u8>>,
}

pub type Fields = Vec<(String, String)>;

impl App {
    pub fn of(sandbox: &Sandbox) -> Self {
        Self::with(sandbox, Mode::Key)
    }

    pub fn with(sandbox: &Sandbox, mode: Mode) -> Self {
        let name = match mode {
            Mode::Key => "config-alipay.json",
            Mode::Certificate => "config-alipay-certificate.json",
            Mode::Aes => "config-alipay-aes.json",
        };
        let text = fs::read_to_string(sandbox.dir.join(name)).unwrap();
        let config: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(config["provider"], "alipay");
        assert_eq!(config["hosts"], json!([sandbox.url]));
        let text = |name: &str| config[name].as_str().unwrap().to_owned();
        Self {
            port: sandbox.port,
            dir: sandbox.dir.clone(),
            mode,
            id: text("app_id"),
            seller: text("seller_id"),
            charset: "utf-8",
            sign_type: "RSA2",
            encrypt_key: (mode == Mode::Aes).then(|| STANDARD.decode(text("encrypt_key")).unwrap()),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.join("alipay").join(name)
    }

    pub fn private_key(&self) -> PathBuf {
        self.file("app_private_key.pem")
    }

    pub fn alipay_key(&self) -> PathBuf {
        match self.mode {
            Mode::Certificate => self.file("alipayCertPublicKey_RSA2.crt"),
            _ => self.file("alipay_public_key.pem"),
        }
    }

    pub fn hash(&self) -> &'static str {
        match self.sign_type {
            "RSA2" => "sha256",
            _ => "sha1",
        }
    }

    /// The serial number of a certificate, computed by openssl.
    pub fn certificate_sn(path: &Path) -> String {
        let text = |option: &[&str]| {
            let mut arguments = vec!["x509", "-in", path.to_str().unwrap(), "-noout"];
            arguments.extend(option);
            let printed = String::from_utf8(openssl(&arguments, b"").unwrap()).unwrap();
            printed.trim_end().split_once('=').unwrap().1.to_owned()
        };
        let issuer = text(&["-issuer", "-nameopt", "RFC2253"]);
        let serial = u128::from_str_radix(&text(&["-serial"]), 16).unwrap();
        digest("md5", format!("{issuer}{serial}").as_bytes())
    }

    /// The common parameters of a request, without its signature.
    pub fn common(&self, method: &str) -> Fields {
        let mut fields = own(&[
            ("app_id", &self.id),
            ("method", method),
            ("format", "JSON"),
            ("charset", self.charset),
            ("sign_type", self.sign_type),
            ("timestamp", &beijing_time(0)),
            ("version", "1.0"),
        ]);
        if self.mode == Mode::Certificate {
            let name = format!("appCertPublicKey_{}.crt", self.id);
            let sn = Self::certificate_sn(&self.file(&name));
            fields.push(("app_cert_sn".into(), sn));
            fields.push(("alipay_root_cert_sn".into(), self.root_sn()));
        }
        if self.mode == Mode::Aes {
            fields.push(("encrypt_type".into(), "AES".into()));
        }
        fields
    }

    /// Of the roots in the bundle, by openssl, those that are signed with RSA.
    fn root_sn(&self) -> String {
        let bundle = fs::read_to_string(self.file("alipayRootCert.crt")).unwrap();
        let end = "-----END CERTIFICATE-----";
        let roots = bundle.split_inclusive(end).filter(|one| one.contains(end));
        let mut found = Vec::new();
        for (index, root) in roots.enumerate() {
            let path = self.dir.join(format!("root-{index}.pem"));
            fs::write(&path, root.trim_start()).unwrap();
            let name = path.to_str().unwrap();
            let text = openssl(&["x509", "-in", name, "-noout", "-text"], b"");
            // One that openssl cannot read has no RSA signature either.
            let text = text.map_or_else(String::new, |text| String::from_utf8_lossy(&text).into());
            if text.contains("Signature Algorithm: sha256WithRSA")
                || text.contains("Signature Algorithm: sha1WithRSA")
            {
                found.push(Self::certificate_sn(&path));
            }
        }
        assert_eq!(found.len(), 2);
        found.join("_")
    }

    pub fn biz_content(&self, body: &Value) -> String {
        match &self.encrypt_key {
            Some(key) => aes(true, key, body.to_string().as_bytes()),
            None => body.to_string(),
        }
    }

    /// A request's parameters with their signature.
    pub fn signed(&self, mut fields: Fields) -> Fields {
        let message = canonical(&fields, &["sign"]);
        let sign = sign_with(self.hash(), &self.private_key(), &self.bytes(&message));
        fields.push(("sign".into(), sign));
        fields
    }

    pub fn bytes(&self, text: &str) -> Vec<u8> {
        match self.charset {
            "utf-8" => text.as_bytes().to_vec(),
            _ => gbk(text),
        }
    }

    pub fn encoded(&self, fields: &[(String, String)]) -> String {
        let encode = |text: &str| -> String {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
            let bytes = self.bytes(text);
            let escape = |byte: &u8| match plain(*byte) {
                true => char::from(*byte).to_string(),
                false => format!("%{byte:02X}"),
            };
            bytes.iter().map(escape).collect()
        };
        let pairs = fields.iter();
        pairs
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect::<Vec<_>>()
            .join("&")
    }

    /// Sends signed parameters: business in the body, everything else in the address.
    pub fn send(&self, fields: &Fields) -> Answer {
        let (body, query): (Fields, Fields) = fields
            .iter()
            .cloned()
            .partition(|(name, _)| name == "biz_content");
        let target = format!("/gateway.do?{}", self.encoded(&query));
        Request::new("POST", &target, self.encoded(&body).as_bytes())
            .with("Content-Type", "application/x-www-form-urlencoded")
            .send(self.port)
            .unwrap()
    }

    pub fn fields(&self, method: &str, extra: &[(&str, &str)], body: &Value) -> Fields {
        let mut fields = self.common(method);
        fields.extend(own(extra));
        fields.push(("biz_content".into(), self.biz_content(body)));
        fields
    }

    pub fn call_with(&self, method: &str, extra: &[(&str, &str)], body: Value) -> Value {
        let answer = self.send(&self.signed(self.fields(method, extra, &body)));
        self.opened(method, &answer)
    }

    /// A call whose answer is well signed: the node.
    pub fn call(&self, method: &str, body: Value) -> Value {
        self.call_with(method, &[], body)
    }

    pub fn opened(&self, method: &str, answer: &Answer) -> Value {
        let root = format!("{}_response", method.replace('.', "_"));
        let node = self.opened_as(&root, answer);
        if matches!(node["code"].as_str(), None | Some("10000" | "10003")) {
            super::facts::check(method, &node);
        }
        node
    }

    pub fn opened_as(&self, root: &str, answer: &Answer) -> Value {
        assert!(self.is_verified(root, answer), "{}", answer.text());
        self.node(root, answer)
    }

    pub fn node(&self, root: &str, answer: &Answer) -> Value {
        let text = self.text(&answer.body);
        let whole: Value = serde_json::from_str(&text).unwrap();
        match (&self.encrypt_key, &whole[root]) {
            (Some(key), Value::String(sealed)) => {
                serde_json::from_slice(&open_aes(key, sealed)).unwrap()
            }
            (_, node) => node.clone(),
        }
    }

    fn text(&self, bytes: &[u8]) -> String {
        match self.charset {
            "utf-8" => String::from_utf8(bytes.to_vec()).unwrap(),
            _ => ungbk(bytes),
        }
    }

    /// Over the raw bytes of the node.
    pub fn is_verified(&self, root: &str, answer: &Answer) -> bool {
        let Some((span, sign)) = split(root, &answer.body) else {
            return false;
        };
        verify_with(self.hash(), &self.alipay_key(), span, &sign)
    }

    /// The fields of a notification or of a return's query, checked.
    pub fn told(&self, received: &Received) -> Fields {
        let body = received.body.as_ref().unwrap();
        let fields = self.decoded(std::str::from_utf8(body).unwrap());
        assert!(self.is_true(&fields, &["sign", "sign_type"]), "{fields:?}");
        fields
    }

    pub fn decoded(&self, form: &str) -> Fields {
        let decode = |piece: &str| {
            let mut bytes = Vec::new();
            let mut rest = piece.bytes();
            while let Some(byte) = rest.next() {
                bytes.push(match byte {
                    b'+' => b' ',
                    b'%' => {
                        let digits = [rest.next().unwrap(), rest.next().unwrap()];
                        u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
                    }
                    byte => byte,
                });
            }
            self.text(&bytes)
        };
        form.split('&')
            .map(|pair| pair.split_once('=').unwrap())
            .map(|(name, value)| (decode(name), decode(value)))
            .collect()
    }

    pub fn is_true(&self, fields: &Fields, without: &[&str]) -> bool {
        let message = self.bytes(&canonical(fields, without));
        verify_with(
            self.hash(),
            &self.alipay_key(),
            &message,
            value(fields, "sign"),
        )
    }

    /// An order's biz_content; the caller changes what the test is about.
    pub fn order(&self, out_trade_no: &str) -> Value {
        json!({
            "out_trade_no": out_trade_no,
            "total_amount": "88.88",
            "subject": "一杯茶",
        })
    }

    /// Places an order for a QR code that nobody is told about: where it leads.
    pub fn precreate(&self, out_trade_no: &str) -> String {
        self.precreate_for(out_trade_no, NOBODY)
    }

    pub fn precreate_for(&self, out_trade_no: &str, notify_url: &str) -> String {
        let order = self.order(out_trade_no);
        let url = [("notify_url", notify_url)];
        let placed = self.call_with("alipay.trade.precreate", &url, order);
        assert_eq!(placed["code"], "10000", "{placed}");
        placed["qr_code"].as_str().unwrap().to_owned()
    }

    pub fn query(&self, out_trade_no: &str) -> Value {
        self.call(
            "alipay.trade.query",
            json!({ "out_trade_no": out_trade_no }),
        )
    }
}

/// The raw text of the node and the signature behind it.
pub fn split<'a>(root: &str, body: &'a [u8]) -> Option<(&'a [u8], String)> {
    let find = |wanted: &[u8]| body.windows(wanted.len()).position(|part| part == wanted);
    let head = format!("\"{root}\":");
    let start = find(head.as_bytes())? + head.len();
    let end = find(b",\"sign\":\"")?;
    let sign = &body[end + 9..];
    let sign = &sign[..sign.iter().position(|byte| *byte == b'"')?];
    Some((&body[start..end], String::from_utf8(sign.to_vec()).ok()?))
}

pub fn canonical(fields: &[(String, String)], without: &[&str]) -> String {
    let mut kept: Vec<_> = fields
        .iter()
        .filter(|(name, value)| !without.contains(&name.as_str()) && !value.is_empty())
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    kept.sort();
    kept.join("&")
}

pub fn own(fields: &[(&str, &str)]) -> Fields {
    fields
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

pub fn value<'a>(fields: &'a [(String, String)], name: &str) -> &'a str {
    fields
        .iter()
        .find(|(key, _)| key == name)
        .map_or("", |(_, value)| value)
}

/// With one field changed, or taken out by an empty text.
pub fn changed(mut fields: Fields, name: &str, to: &str) -> Fields {
    fields.retain(|(key, _)| key != name);
    if !to.is_empty() {
        fields.push((name.into(), to.into()));
    }
    fields
}

/// What the tests say in Chinese, in GBK.
const GBK: &[(char, [u8; 2])] = &[
    ('一', [0xD2, 0xBB]),
    ('杯', [0xB1, 0xAD]),
    ('茶', [0xB2, 0xE8]),
];

fn gbk(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for one in text.chars() {
        match GBK.iter().find(|(known, _)| *known == one) {
            Some((_, pair)) => bytes.extend(pair),
            None => bytes.push(u8::try_from(one).expect("the tests know no more of GBK")),
        }
    }
    bytes
}

fn ungbk(bytes: &[u8]) -> String {
    let mut text = String::new();
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        if first.is_ascii() {
            text.push(char::from(*first));
            rest = tail;
            continue;
        }
        let known = GBK.iter().find(|(_, pair)| rest.starts_with(pair));
        text.push(known.map_or('?', |(one, _)| *one));
        rest = &rest[2..];
    }
    text
}

/// `yyyy-MM-dd HH:mm:ss` in GMT+8, so many seconds from now.
pub fn beijing_time(seconds: i64) -> String {
    let now = time::OffsetDateTime::now_utc() + time::Duration::seconds(seconds + 8 * 3600);
    let (day, time) = (now.date(), now.time());
    let [hour, minute, second] = [time.hour(), time.minute(), time.second()];
    format!("{day} {hour:02}:{minute:02}:{second:02}")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn aes(encrypt: bool, key: &[u8], input: &[u8]) -> String {
    let direction = if encrypt { "-e" } else { "-d" };
    let zeros = "0".repeat(32);
    let key = hex(key);
    let arguments = ["enc", direction, "-aes-128-cbc", "-K", &key, "-iv", &zeros];
    STANDARD.encode(openssl(&arguments, input).unwrap())
}

pub fn open_aes(key: &[u8], sealed: &str) -> Vec<u8> {
    let opened = aes(false, key, &STANDARD.decode(sealed).unwrap());
    STANDARD.decode(opened).unwrap()
}
