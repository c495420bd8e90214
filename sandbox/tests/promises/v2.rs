//! APIv2: the same orders and the same cashier, in signed XML.

use serde_json::Value;

use crate::stage::{Reply, Request, Sandbox, Shop, decrypt_ecb, hmac_sha256, md5};

struct Merchant {
    port: u16,
    mchid: String,
    appid: String,
    key: String,
    prefix: &'static str,
}

type Fields = Vec<(String, String)>;

impl Merchant {
    fn of(sandbox: &Sandbox) -> Self {
        let text = std::fs::read_to_string(sandbox.dir.join("config-v2.json")).unwrap();
        let config: Value = serde_json::from_str(&text).unwrap();
        let field = |name: &str| config[name].as_str().unwrap().to_owned();
        assert_eq!(config["provider"], "wechat-v2");
        assert!(field("client_key").contains("PRIVATE KEY"));
        Self {
            port: sandbox.port,
            mchid: field("mchid"),
            appid: field("appid"),
            key: field("apiv2_key"),
            prefix: "",
        }
    }

    fn ask(&self, path: &str, fields: &[(&str, &str)]) -> Fields {
        let mut all = vec![
            ("appid", self.appid.as_str()),
            ("mch_id", self.mchid.as_str()),
            ("nonce_str", "NONCE"),
            ("sign_type", "HMAC-SHA256"),
        ];
        all.extend(fields);
        let sign = hmac_sha256(&self.key, &self.message(all.iter().copied()));
        all.push(("sign", &sign));
        let answer = self.send(path, &all);
        let fields = read(&answer);
        let expected = hmac_sha256(
            &self.key,
            &self.message(fields.iter().map(|(k, v)| (k.as_str(), v.as_str()))),
        );
        assert_eq!(value(&fields, "sign"), expected, "{answer}");
        fields
    }

    fn send(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let elements: String = fields
            .iter()
            .map(|(name, value)| format!("<{name}><![CDATA[{value}]]></{name}>"))
            .collect();
        let target = format!("{}{path}", self.prefix);
        Request::new("POST", &target, format!("<xml>{elements}</xml>").as_bytes())
            .send(self.port)
            .unwrap()
            .text()
    }

    fn message<'a>(&self, fields: impl Iterator<Item = (&'a str, &'a str)>) -> String {
        let mut pairs: Vec<_> = fields
            .filter(|(name, value)| *name != "sign" && !value.is_empty())
            .collect();
        pairs.sort_unstable();
        let joined: String = pairs
            .iter()
            .map(|(name, value)| format!("{name}={value}&"))
            .collect();
        format!("{joined}key={}", self.key)
    }

    fn order(&self, number: &str, notify_url: &str, trade_type: &str) -> Fields {
        self.ask(
            "/pay/unifiedorder",
            &[
                ("body", "a test <&>"),
                ("out_trade_no", number),
                ("total_fee", "100"),
                ("spbill_create_ip", "127.0.0.1"),
                ("notify_url", notify_url),
                ("trade_type", trade_type),
                ("openid", "o1"),
                ("attach", "a"),
            ],
        )
    }
}

/// Flat documents of the sandbox, split by their markup.
fn read(text: &str) -> Fields {
    let mut fields = Fields::new();
    for line in text.lines() {
        let line = line
            .trim_start_matches("<xml>")
            .trim_start_matches("<root>");
        let Some((name, rest)) = line.strip_prefix('<').and_then(|line| line.split_once('>'))
        else {
            continue;
        };
        let Some(value) = rest.strip_suffix(&format!("</{name}>")) else {
            continue;
        };
        let value = value
            .strip_prefix("<![CDATA[")
            .and_then(|it| it.strip_suffix("]]>"))
            .unwrap_or(value);
        fields.push((name.into(), value.into()));
    }
    fields
}

fn value<'a>(fields: &'a [(String, String)], name: &str) -> &'a str {
    fields
        .iter()
        .find(|(key, _)| key == name)
        .map_or("", |(_, value)| value)
}

#[test]
fn an_order_is_paid_at_the_cashier_told_and_found() {
    let sandbox = Sandbox::start();
    let merchant = Merchant::of(&sandbox);
    let shop = Shop::open(&[Reply::Status(200)]);
    let placed = merchant.order("order-0001", &shop.notify_url, "NATIVE");
    assert!(
        value(&placed, "code_url").contains("/cashier/"),
        "{placed:?}"
    );
    assert_eq!(
        value(
            &merchant.ask("/pay/orderquery", &[("out_trade_no", "order-0001")]),
            "trade_state"
        ),
        "NOTPAY"
    );

    sandbox.pay("order-0001");
    let told = shop.next();
    assert_eq!(told.header("Content-Type"), Some("text/xml"));
    assert_eq!(told.header("Wechatpay-Signature"), None);
    let told = read(&String::from_utf8(told.body.unwrap()).unwrap());
    let expected = hmac_sha256(
        &merchant.key,
        &merchant.message(told.iter().map(|(k, v)| (k.as_str(), v.as_str()))),
    );
    assert_eq!(value(&told, "sign"), expected);
    assert_eq!(
        (
            value(&told, "out_trade_no"),
            value(&told, "total_fee"),
            value(&told, "attach")
        ),
        ("order-0001", "100", "a")
    );

    let found = merchant.ask(
        "/pay/orderquery",
        &[("transaction_id", value(&told, "transaction_id"))],
    );
    assert_eq!(
        (value(&found, "trade_state"), value(&found, "time_end")),
        ("SUCCESS", value(&told, "time_end"))
    );
    assert_eq!(
        value(
            &merchant.order("order-0001", &shop.notify_url, "NATIVE"),
            "err_code"
        ),
        "ORDERPAID"
    );
    assert_eq!(
        value(
            &merchant.ask("/pay/closeorder", &[("out_trade_no", "order-0001")]),
            "err_code"
        ),
        "ORDERPAID"
    );
}

#[test]
fn a_refund_is_told_encrypted_and_unsigned() {
    let sandbox = Sandbox::start_with(&["--speed", "100"]);
    let merchant = Merchant::of(&sandbox);
    let shop = Shop::open(&[Reply::Status(200)]);
    merchant.order("order-0001", &shop.notify_url, "JSAPI");
    sandbox.pay("order-0001");
    shop.next();
    let refunds = Shop::open(&[Reply::Status(200)]);
    let part = [
        ("out_trade_no", "order-0001"),
        ("out_refund_no", "r1"),
        ("total_fee", "100"),
        ("refund_fee", "60"),
        ("notify_url", &refunds.notify_url),
    ];
    let begun = merchant.ask("/secapi/pay/refund", &part);
    assert_eq!(
        (value(&begun, "result_code"), value(&begun, "refund_fee")),
        ("SUCCESS", "60"),
        "{begun:?}"
    );
    let told = read(&String::from_utf8(refunds.next().body.unwrap()).unwrap());
    assert_eq!(
        (value(&told, "sign"), value(&told, "refund_status")),
        ("", "")
    );
    assert!(
        decrypt_ecb("another key", value(&told, "req_info"))
            .is_none_or(|text| !text.contains("refund"))
    );
    let inside = read(&decrypt_ecb(&merchant.key, value(&told, "req_info")).unwrap());
    assert_eq!(
        (
            value(&inside, "out_refund_no"),
            value(&inside, "refund_status")
        ),
        ("r1", "SUCCESS")
    );
    let found = merchant.ask("/pay/refundquery", &[("out_refund_no", "r1")]);
    assert_eq!(
        (
            value(&found, "refund_count"),
            value(&found, "refund_status_0"),
            value(&found, "refund_fee_0")
        ),
        ("1", "SUCCESS", "60")
    );
    assert_eq!(
        value(
            &merchant.ask("/pay/refundquery", &[("out_refund_no", "r2")]),
            "err_code"
        ),
        "REFUNDNOTEXIST"
    );
}

#[test]
fn a_scanned_code_pays_at_once_and_can_be_taken_back() {
    let sandbox = Sandbox::start();
    let merchant = Merchant::of(&sandbox);
    let code = [
        ("body", "b"),
        ("out_trade_no", "order-0001"),
        ("total_fee", "100"),
        ("spbill_create_ip", "127.0.0.1"),
        ("auth_code", "120061098828009406"),
    ];
    let paid = merchant.ask("/pay/micropay", &code);
    assert_eq!(
        (value(&paid, "result_code"), value(&paid, "trade_type")),
        ("SUCCESS", "MICROPAY")
    );
    let day: String = value(&paid, "time_end").chars().take(8).collect();
    let bill = merchant.bill(&day);
    assert!(
        bill.contains("`order-0001,") && bill.ends_with("`1,`1.00\r\n"),
        "{bill}"
    );
    assert!(merchant.bill("20010101").contains("No Bill Exist"));
    assert_eq!(
        value(
            &merchant.ask("/secapi/pay/reverse", &[("out_trade_no", "order-0001")]),
            "recall"
        ),
        "N"
    );
    assert_eq!(
        value(
            &merchant.ask("/pay/orderquery", &[("out_trade_no", "order-0001")]),
            "trade_state"
        ),
        "REVOKED"
    );
}

impl Merchant {
    fn bill(&self, day: &str) -> String {
        let mut fields = vec![
            ("appid", self.appid.as_str()),
            ("mch_id", self.mchid.as_str()),
            ("nonce_str", "N"),
            ("bill_date", day),
            ("bill_type", "ALL"),
        ];
        let sign = md5(&self.message(fields.iter().copied()));
        fields.push(("sign", &sign));
        self.send("/pay/downloadbill", &fields)
    }
}

#[test]
fn the_providers_own_sandbox_has_its_key_and_its_prefix() {
    let sandbox = Sandbox::start();
    let mut merchant = Merchant::of(&sandbox);
    let mut fields = vec![("mch_id", merchant.mchid.as_str()), ("nonce_str", "N")];
    let sign = md5(&merchant.message(fields.iter().copied()));
    fields.push(("sign", &sign));
    let answer = read(&merchant.send("/xdc/apiv2getsignkey/sign/getsignkey", &fields));
    let key = value(&answer, "sandbox_signkey").to_owned();
    assert_eq!(key.len(), 32);
    merchant.key = key;
    merchant.prefix = "/xdc/apiv2sandbox";
    assert_eq!(
        value(
            &merchant.order("order-0001", "http://127.0.0.1:9/", "MWEB"),
            "result_code"
        ),
        "SUCCESS"
    );
}

#[test]
fn a_wrong_signature_merchant_or_document_is_refused_without_one() {
    let sandbox = Sandbox::start();
    let merchant = Merchant::of(&sandbox);
    for fields in [
        vec![
            ("appid", merchant.appid.as_str()),
            ("mch_id", merchant.mchid.as_str()),
            ("sign", "0"),
        ],
        vec![("appid", merchant.appid.as_str()), ("mch_id", "1")],
        vec![("sign_type", "RSA")],
        vec![("a", "1"), ("a", "2")],
    ] {
        let answer = read(&merchant.send("/pay/orderquery", &fields));
        assert_eq!(
            (value(&answer, "return_code"), value(&answer, "sign")),
            ("FAIL", "")
        );
    }
}
