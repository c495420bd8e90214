//! APIv2: the same orders and the same cashier, in signed XML.

use serde_json::Value;

use crate::stage::{
    Answer, Reply, Request, Sandbox, Shop, decrypt_ecb, digest, gunzip, hmac_sha256, md5,
};

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
        self.post(path, fields).text()
    }

    fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let elements: String = fields
            .iter()
            .map(|(name, value)| format!("<{name}><![CDATA[{value}]]></{name}>"))
            .collect();
        let target = format!("{}{path}", self.prefix);
        Request::new("POST", &target, format!("<xml>{elements}</xml>").as_bytes())
            .send(self.port)
            .unwrap()
    }

    /// What the provider's own sandbox is signed with; the answer itself has no sign.
    fn sandbox_key(&self) -> String {
        let mut fields = vec![("mch_id", self.mchid.as_str()), ("nonce_str", "N")];
        let sign = md5(&self.message(fields.iter().copied()));
        fields.push(("sign", &sign));
        let answer = read(&self.send("/xdc/apiv2getsignkey/sign/getsignkey", &fields));
        value(&answer, "sandbox_signkey").to_owned()
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
        bill.contains("`order-0001,") && bill.contains("\r\n总交易单数,"),
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
    /// What comes in answer to a request for a bill.
    fn file(&self, path: &str, more: &[(&str, &str)]) -> Answer {
        let mut fields = vec![
            ("appid", self.appid.as_str()),
            ("mch_id", self.mchid.as_str()),
            ("nonce_str", "N"),
        ];
        fields.extend(more);
        let message = self.message(fields.iter().copied());
        let sign = match more.contains(&("sign_type", "HMAC-SHA256")) {
            true => hmac_sha256(&self.key, &message),
            false => md5(&message),
        };
        fields.push(("sign", &sign));
        self.post(path, &fields)
    }

    fn bill(&self, day: &str) -> String {
        let fields = [("bill_date", day), ("bill_type", "ALL")];
        self.file("/pay/downloadbill", &fields).text()
    }
}

#[test]
fn a_bill_is_the_answer_itself_and_that_of_an_account_comes_with_its_hash() {
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
    let day: String = value(&paid, "time_end").chars().take(8).collect();
    let packed = [("bill_date", day.as_str()), ("tar_type", "GZIP")];
    let reply = merchant.file("/pay/downloadbill", &packed);
    assert_eq!(gunzip(&reply.body), merchant.bill(&day).into_bytes());

    let flow = [
        ("bill_date", day.as_str()),
        ("account_type", "Basic"),
        ("sign_type", "HMAC-SHA256"),
    ];
    let plain = merchant.file("/pay/downloadfundflow", &flow);
    assert!(plain.text().contains("`order-0001"), "{}", plain.text());
    let expected = format!("SHA={}", digest("sha1", &plain.body));
    assert_eq!(plain.header("digest"), Some(expected.as_str()));
    let packed: Vec<_> = flow.into_iter().chain([("tar_type", "GZIP")]).collect();
    let reply = merchant.file("/pay/downloadfundflow", &packed);
    assert_eq!(gunzip(&reply.body), plain.body);
    assert_eq!(reply.header("digest"), Some(expected.as_str()));

    let none = [("bill_date", "20010101"), flow[1], flow[2]];
    let none = merchant.file("/pay/downloadfundflow", &none).text();
    assert!(
        none.contains("NO_BILL_EXIST") && !none.contains("<sign>"),
        "{none}"
    );
    let md5 = merchant.file("/pay/downloadfundflow", &flow[..2]).text();
    assert!(
        md5.contains("PARAM_ERROR"),
        "it knows HMAC-SHA256 alone: {md5}"
    );
}

#[test]
fn the_providers_own_sandbox_has_its_key_and_its_prefix() {
    let sandbox = Sandbox::start();
    let mut merchant = Merchant::of(&sandbox);
    merchant.key = merchant.sandbox_key();
    assert_eq!(merchant.key.len(), 32);
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

/// What is said of a refused request: its fields, and the text that was signed, the key excepted.
fn refusal(
    sandbox: &Sandbox,
    merchant: &Merchant,
    fields: &[(&str, &str)],
    sign: &str,
) -> (Value, Value) {
    let fields = [fields, &[("sign", sign)]].concat();
    let answer = merchant.send("/pay/orderquery", &fields);
    assert!(answer.contains("FAIL"), "{answer}");
    let newest = &sandbox.look("/exchanges?brief=true")[0];
    let seen = sandbox.look(&format!("/exchanges/{}", newest["id"]));
    assert!(!seen.to_string().contains(&merchant.key));
    (seen["refusal"].clone(), seen)
}

#[test]
fn a_wrong_sign_is_explained_without_the_key() {
    let sandbox = Sandbox::start();
    let merchant = Merchant::of(&sandbox);
    let config = sandbox.config();
    let apiv3_key = config["apiv3_key"].as_str().unwrap();
    let fields = [
        ("appid", merchant.appid.as_str()),
        ("mch_id", &merchant.mchid),
        ("nonce_str", "NONCE"),
        ("attach", ""),
        ("body", "a tea <&>"),
        ("out_trade_no", "order-0001"),
    ];
    let (appid, mchid, key) = (&merchant.appid, &merchant.mchid, &merchant.key);
    let text = format!(
        "appid={appid}&body=a tea <&>&mch_id={mchid}&nonce_str=NONCE&out_trade_no=order-0001&key="
    );
    let unsorted = format!(
        "appid={appid}&mch_id={mchid}&nonce_str=NONCE&body=a tea <&>&out_trade_no=order-0001&key={key}"
    );
    let right = format!("{text}{key}");
    let without = |part: &str| right.replace(part, "");
    for (sign, cause, line) in [
        (md5(&format!("{text}{apiv3_key}")), "V2_KEY_OF_V3", None),
        (hmac_sha256(key, &right), "V2_SIGN_TYPE_OTHER", None),
        (md5(&right).to_lowercase(), "V2_LOWER_CASE", None),
        (md5(&unsorted), "V2_NOT_SORTED", None),
        (
            md5(&without("nonce_str=NONCE&")),
            "V2_FIELD_LEFT_OUT",
            Some(4),
        ),
        (
            md5(&right.replace("&body", "&attach=&body")),
            "V2_EMPTY_FIELDS",
            None,
        ),
        (
            md5(&right.replace("a tea <&>", "a+tea+%3C%26%3E")),
            "V2_VALUES_ENCODED",
            None,
        ),
        (
            md5(&right.replace("a tea <&>", "a tea &lt;&amp;&gt;")),
            "V2_VALUES_ESCAPED",
            None,
        ),
        (
            md5(text.strip_suffix("&key=").unwrap()),
            "V2_KEY_LEFT_OUT",
            None,
        ),
        ("0".repeat(32), "V2_NOTHING_FITS", None),
        (String::new(), "V2_SIGN_MISSING", None),
    ] {
        let (refusal, seen) = refusal(&sandbox, &merchant, &fields, &sign);
        assert_eq!(refusal["cause"], cause);
        assert_eq!(refusal["differences"][0]["line"].as_u64(), line, "{cause}");
        assert_eq!(seen["signed_text"], format!("{text}…"));
        assert_eq!(refusal["expected"], md5(&right));
    }
    let unknown = [&fields[..], &[("sign_type", "SHA1")]].concat();
    let (said, _) = refusal(&sandbox, &merchant, &unknown, "00");
    assert_eq!(said["cause"], "V2_SIGN_TYPE_UNKNOWN");
    let other = [("appid", "wx1"), ("mch_id", "1"), ("nonce_str", "N")];
    let sign = md5(&format!("appid=wx1&mch_id=1&nonce_str=N&key={key}"));
    let (said, _) = refusal(&sandbox, &merchant, &other, &sign);
    assert_eq!(said["cause"], "V2_MERCHANT_OTHER");
    Request::new("POST", "/pay/orderquery", b"<xml><a>1</b></xml>")
        .send(sandbox.port)
        .unwrap();
    let newest = &sandbox.look("/exchanges?brief=true")[0];
    assert_eq!(newest["cause"], "V2_XML");
}

#[test]
fn the_keys_of_the_providers_sandbox_and_of_production_are_told_apart() {
    let sandbox = Sandbox::start();
    let mut merchant = Merchant::of(&sandbox);
    let sandbox_key = merchant.sandbox_key();
    let seen = sandbox.look("/exchanges");
    assert!(
        !seen.to_string().contains(&sandbox_key),
        "the answer that tells it is shown without it"
    );
    let sign = |key: &str| {
        let text = format!("mch_id={}&nonce_str=N&key={key}", merchant.mchid);
        md5(&text)
    };
    let (production, simulated) = (sign(&merchant.key), sign(&sandbox_key));
    let mchid = merchant.mchid.clone();
    let fields = [("mch_id", mchid.as_str()), ("nonce_str", "N")];
    let (said, _) = refusal(&sandbox, &merchant, &fields, &simulated);
    assert_eq!(said["cause"], "V2_KEY_OF_SANDBOX");
    merchant.prefix = "/xdc/apiv2sandbox";
    let (said, _) = refusal(&sandbox, &merchant, &fields, &production);
    assert_eq!(said["cause"], "V2_KEY_NOT_OF_SANDBOX");
}

#[test]
fn an_exchange_and_a_notification_are_shown_with_the_text_of_their_sign() {
    let sandbox = Sandbox::start_with(&["--speed", "100"]);
    let merchant = Merchant::of(&sandbox);
    let shop = Shop::open(&[Reply::Status(200)]);
    merchant.order("order-0001", &shop.notify_url, "NATIVE");
    let newest = |kind: &str| {
        let list = sandbox.look(&format!("/exchanges?brief=true&kind={kind}"));
        list[0]["id"]
            .as_u64()
            .map(|id| sandbox.look(&format!("/exchanges/{id}")))
    };
    let hidden = |text: &Value| {
        let text = text.as_str().unwrap();
        format!("{}{}", text.strip_suffix('…').unwrap(), merchant.key)
    };
    let placed = newest("request").unwrap();
    assert_eq!(
        (&placed["api"], &placed["operation"], &placed["number"]),
        (
            &"v2".into(),
            &"POST /pay/unifiedorder".into(),
            &"order-0001".into()
        )
    );
    assert_eq!(placed["algorithm"], "HMAC-SHA256");
    for signed in [&placed, &placed["answer"]] {
        let sign = hmac_sha256(&merchant.key, &hidden(&signed["signed_text"]));
        assert_eq!(signed["signature"], sign);
    }
    // The shop says 200 and no SUCCESS: not enough for APIv2.
    let mut events = sandbox.events();
    sandbox.pay("order-0001");
    let told = loop {
        events.until(|change| change["change"] == "notification");
        if let Some(told) = newest("notification") {
            break told;
        }
    };
    assert_eq!(told["refusal"]["cause"], "SHOP_NOT_SUCCESS");
    assert_eq!(told["outcome"], "not_success");
    let sign = hmac_sha256(&merchant.key, &hidden(&told["signed_text"]));
    assert_eq!(told["signature"], sign);
    // A refund is sealed instead of signed.
    let refund = [
        ("out_trade_no", "order-0001"),
        ("out_refund_no", "r1"),
        ("total_fee", "100"),
        ("refund_fee", "60"),
    ];
    merchant.ask("/secapi/pay/refund", &refund);
    let told = loop {
        let told = sandbox.look("/exchanges?kind=notification&operation=REFUND&brief=true");
        if let Some(id) = told[0]["id"].as_u64() {
            break sandbox.look(&format!("/exchanges/{id}"));
        }
        events.until(|change| change["change"] == "notification");
    };
    assert!(told["signed_text"].is_null());
    let plaintext = told["opened"][0]["plaintext"].as_str().unwrap();
    assert_eq!(told["opened"][0]["field"], "req_info");
    assert!(plaintext.contains("<refund_fee>60</refund_fee>"));
}
