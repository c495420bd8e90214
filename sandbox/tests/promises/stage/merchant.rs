//! The merchant's side of the protocol, by openssl and by hand.

use std::path::PathBuf;

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{Answer, Request, Sandbox, now, openssl};

pub struct Merchant {
    port: u16,
    dir: PathBuf,
    pub mchid: String,
    pub appid: String,
    pub serial: String,
    pub apiv3_key: String,
    pub public_key_id: String,
}

impl Merchant {
    pub fn new(sandbox: &Sandbox) -> Self {
        let config = sandbox.config();
        let text = |name: &str| config[name].as_str().unwrap().to_owned();
        Self {
            port: sandbox.port,
            dir: sandbox.dir.clone(),
            mchid: text("mchid"),
            appid: text("appid"),
            serial: text("merchant_serial"),
            apiv3_key: text("apiv3_key"),
            public_key_id: config["platform_public_keys"]
                .as_object()
                .unwrap()
                .keys()
                .next()
                .unwrap()
                .clone(),
        }
    }

    pub fn private_key(&self) -> PathBuf {
        self.dir.join("apiclient_key.pem")
    }

    /// The file with the platform's key of that serial.
    pub fn platform_key(&self, serial: &str) -> PathBuf {
        match serial == self.public_key_id {
            true => self.dir.join("pub_key.pem"),
            false => self.dir.join(format!("wechatpay_{serial}.pem")),
        }
    }

    /// `Authorization` over a message with these values.
    pub fn authorization(&self, method: &str, target: &str, timestamp: i64, body: &[u8]) -> String {
        let nonce = nonce();
        let mut message = format!("{method}\n{target}\n{timestamp}\n{nonce}\n").into_bytes();
        message.extend_from_slice(body);
        message.push(b'\n');
        self.authorization_with(
            timestamp,
            &nonce,
            &openssl::sign(&self.private_key(), &message),
        )
    }

    /// The same with a signature of the caller's making.
    pub fn authorization_with(&self, timestamp: i64, nonce: &str, signature: &str) -> String {
        format!(
            r#"WECHATPAY2-SHA256-RSA2048 mchid="{}",nonce_str="{nonce}",signature="{signature}",timestamp="{timestamp}",serial_no="{}""#,
            self.mchid, self.serial
        )
    }

    pub fn signed(&self, method: &str, target: &str, body: &[u8]) -> Request {
        let mut request = Request::new(method, target, body)
            .with("Accept", "application/json")
            .with("User-Agent", "merchant/1")
            .with(
                "Authorization",
                &self.authorization(method, target, now(), body),
            );
        if method == "POST" || method == "PUT" {
            request = request.with("Content-Type", "application/json");
        }
        request
    }

    pub fn get(&self, target: &str) -> Answer {
        self.verified(self.signed("GET", target, b"").send(self.port).unwrap())
    }

    pub fn post(&self, target: &str, body: &Value) -> Answer {
        let request = self.signed("POST", target, body.to_string().as_bytes());
        self.verified(request.send(self.port).unwrap())
    }

    /// Sends a request that names the platform's key.
    pub fn post_naming(&self, serial: &str, target: &str, body: &Value) -> Answer {
        let request = self.signed("POST", target, body.to_string().as_bytes());
        self.verified(
            request
                .with("Wechatpay-Serial", serial)
                .send(self.port)
                .unwrap(),
        )
    }

    /// Sends a file and what `meta` says of it, which is what is signed.
    pub fn upload(&self, target: &str, meta: &Value, file: &[u8], part: &str) -> Answer {
        self.upload_files(target, meta, &[(part, "a.png", file)])
    }

    /// The same with several files: the name of each part, that of the file, and the contents.
    pub fn upload_files(
        &self,
        target: &str,
        meta: &Value,
        files: &[(&str, &str, &[u8])],
    ) -> Answer {
        let meta = meta.to_string();
        let mut form = format!("--edge\r\nContent-Disposition: form-data; name=\"meta\"\r\nContent-Type: application/json\r\n\r\n{meta}\r\n").into_bytes();
        for (part, file_name, contents) in files {
            form.extend_from_slice(format!("--edge\r\nContent-Disposition: form-data; name=\"{part}\"; filename=\"{file_name}\"\r\nContent-Type: image/png\r\n\r\n").as_bytes());
            form.extend_from_slice(contents);
            form.extend_from_slice(b"\r\n");
        }
        form.extend_from_slice(b"--edge--\r\n");
        let authorization = self.authorization("POST", target, now(), meta.as_bytes());
        Request::new("POST", target, &form)
            .with("Accept", "application/json")
            .with("User-Agent", "merchant/1")
            .with("Content-Type", "multipart/form-data; boundary=edge")
            .with("Authorization", &authorization)
            .with("Wechatpay-Serial", &self.public_key_id)
            .send(self.port)
            .unwrap()
    }

    pub fn verified(&self, answer: Answer) -> Answer {
        assert!(
            self.is_verified(&answer),
            "{} {:?}",
            answer.text(),
            answer.headers
        );
        answer
    }

    pub fn is_verified(&self, answer: &Answer) -> bool {
        self.is_signed_by_platform(|name| answer.header(name), &answer.body)
    }

    pub fn is_signed_by_platform<'a>(
        &self,
        header: impl Fn(&str) -> Option<&'a str>,
        body: &[u8],
    ) -> bool {
        let names = [
            "Wechatpay-Timestamp",
            "Wechatpay-Nonce",
            "Wechatpay-Signature",
            "Wechatpay-Serial",
        ];
        let [Some(timestamp), Some(nonce), Some(signature), Some(serial)] = names.map(header)
        else {
            return false;
        };
        let key = self.platform_key(serial);
        let mut message = format!("{timestamp}\n{nonce}\n").into_bytes();
        message.extend_from_slice(body);
        message.push(b'\n');
        key.exists() && openssl::verify(&key, &message, signature)
    }

    /// Opens an encrypted resource with the APIv3 key.
    pub fn open(&self, resource: &Value) -> Result<Vec<u8>, aes_gcm::Error> {
        let text = |name: &str| resource[name].as_str().unwrap();
        assert_eq!(text("algorithm"), "AEAD_AES_256_GCM");
        let cipher = Aes256Gcm::new_from_slice(self.apiv3_key.as_bytes()).unwrap();
        let nonce: [u8; 12] = text("nonce").as_bytes().try_into().unwrap();
        let payload = Payload {
            msg: &STANDARD.decode(text("ciphertext")).unwrap(),
            aad: text("associated_data").as_bytes(),
        };
        cipher.decrypt(&Nonce::from(nonce), payload)
    }

    /// An order's body; the caller changes what the test is about.
    pub fn order(&self, out_trade_no: &str, notify_url: &str) -> Value {
        json!({
            "appid": self.appid,
            "mchid": self.mchid,
            "description": "一杯茶 A cup of tea",
            "out_trade_no": out_trade_no,
            "notify_url": notify_url,
            "amount": { "total": 100, "currency": "CNY" },
        })
    }

    /// Takes a Native order that nobody is told about.
    pub fn place(&self, out_trade_no: &str) -> Value {
        self.place_with(self.order(out_trade_no, NOBODY))
    }

    pub fn place_with(&self, order: Value) -> Value {
        let answer = self.post(NATIVE, &order);
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }

    pub fn query(&self, out_trade_no: &str) -> Answer {
        let mchid = &self.mchid;
        self.get(&format!(
            "/v3/pay/transactions/out-trade-no/{out_trade_no}?mchid={mchid}"
        ))
    }

    pub fn close(&self, out_trade_no: &str) -> Answer {
        let target = format!("/v3/pay/transactions/out-trade-no/{out_trade_no}/close");
        self.post(&target, &json!({ "mchid": self.mchid }))
    }

    pub fn refund(&self, out_trade_no: &str, out_refund_no: &str, fen: i64) -> Answer {
        self.post(
            REFUNDS,
            &json!({
                "out_trade_no": out_trade_no,
                "out_refund_no": out_refund_no,
                "amount": { "refund": fen, "total": 100, "currency": "CNY" },
            }),
        )
    }
}

pub const NATIVE: &str = "/v3/pay/transactions/native";
pub const REFUNDS: &str = "/v3/refund/domestic/refunds";
/// The discard port: a connection is refused at once.
pub const NOBODY: &str = "http://127.0.0.1:9/notify";

fn nonce() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!(
        "{:032X}",
        u128::from(std::process::id()) << 64 | u128::from(count)
    )
}
