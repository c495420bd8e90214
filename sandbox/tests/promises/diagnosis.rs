//! Why a request was refused: each slip that callers make is made once, and must be named.

use serde_json::{Value, json};

use crate::stage::{Merchant, Request, Sandbox, encrypt_oaep, now, openssl, sign};

const NATIVE: &str = "/v3/pay/transactions/native";
const QUERY: &str = "/v3/pay/transactions/out-trade-no/order-0001";
const NONCE: &str = "Nonce0123456789";
const BODY: &str = r#"{"description": "茶 <tea>", "attach": null, "amount": {"total": 100}, "url": "http://127.0.0.1:9/"}"#;

struct Caller {
    sandbox: Sandbox,
    merchant: Merchant,
    at: i64,
}

impl Caller {
    fn new() -> Self {
        let sandbox = Sandbox::start();
        let merchant = sandbox.merchant();
        Self {
            sandbox,
            merchant,
            at: now(),
        }
    }

    /// A request whose signature is the caller's own idea.
    fn request(&self, method: &str, target: &str, body: &str, signature: &str) -> Request {
        let authorization = self.merchant.authorization_with(self.at, NONCE, signature);
        Request::new(method, target, body.as_bytes())
            .with("Accept", "application/json")
            .with("User-Agent", "merchant/1")
            .with("Content-Type", "application/json")
            .with("Authorization", &authorization)
    }

    fn signature(&self, text: &str) -> String {
        sign(&self.merchant.private_key(), text.as_bytes())
    }

    /// What is said of this request when it was refused.
    fn refusal(&self, request: &Request) -> Value {
        let answer = request.send(self.sandbox.port).unwrap();
        assert!(answer.status >= 400, "{}", answer.text());
        let newest = self.sandbox.look("/exchanges?brief=true")[0].clone();
        let whole = self.sandbox.look(&format!("/exchanges/{}", newest["id"]));
        assert_eq!(newest["cause"], whole["refusal"]["cause"]);
        for text in [
            "likely_cause",
            "likely_cause_zh",
            "what_to_do",
            "what_to_do_zh",
        ] {
            assert!(!whole["refusal"][text].as_str().unwrap().is_empty());
        }
        whole["refusal"].clone()
    }

    /// `text` is signed instead of the five lines of this request; which are wrong, and why.
    fn signing(
        &self,
        [method, target, body]: [&str; 3],
        text: impl Fn(i64) -> String,
    ) -> Vec<(Value, String)> {
        let text = text(self.at);
        let request = self.request(method, target, body, &self.signature(&text));
        let refusal = self.refusal(&request);
        let differences = refusal["differences"].as_array().unwrap();
        let found: Vec<_> = differences
            .iter()
            .map(|it| (it["line"].clone(), it["cause"].as_str().unwrap().to_owned()))
            .collect();
        assert_eq!(refusal["cause"], found[0].1.as_str());
        if found[0].1 != "TEXT_OTHER" {
            assert_eq!(refusal["signed_instead"], text, "what was signed is shown");
        }
        found
    }
}

fn is(line: u64, cause: &str) -> Vec<(Value, String)> {
    vec![(json!(line), cause.to_owned())]
}

#[test]
fn the_line_that_was_signed_otherwise_is_named() {
    let caller = Caller::new();
    let query = format!("{QUERY}?mchid=1&note=a%20b%7Cc");
    let get = ["GET", query.as_str(), ""];
    let host = format!("127.0.0.1:{}", caller.sandbox.port);
    let request = |line: &str| {
        let line = line.to_owned();
        move |at: i64| format!("GET\n{line}\n{at}\n{NONCE}\n\n")
    };
    let template = "/v3/pay/transactions/out-trade-no/{out_trade_no}?mchid=1&note=a%20b%7Cc";
    for (line, cause) in [
        (format!("http://{host}{query}"), "URL_WITH_HOST"),
        (
            format!("https://api.mch.weixin.qq.com{query}"),
            "URL_WITH_HOST",
        ),
        (QUERY.to_owned(), "QUERY_LEFT_OUT"),
        (format!("{QUERY}?note=a%20b%7Cc&mchid=1"), "QUERY_ORDER"),
        (format!("{QUERY}?mchid=1&note=a b|c"), "URL_ENCODING"),
        (format!("{QUERY}?mchid=1&note=a+b%7Cc"), "URL_ENCODING"),
        (template.to_owned(), "URL_TEMPLATE"),
        (query[1..].to_owned(), "URL_PREFIX"),
    ] {
        assert_eq!(caller.signing(get, request(&line)), is(2, cause), "{line}");
    }
    let post = ["POST", NATIVE, BODY];
    let lines = |method: &'static str, shift: i64, nonce: &'static str| {
        move |at: i64| format!("{method}\n{NATIVE}\n{}\n{nonce}\n{BODY}\n", at + shift)
    };
    for method in ["GET", "post"] {
        let found = caller.signing(post, lines(method, 0, NONCE));
        assert_eq!(found, is(1, "METHOD_OTHER"));
    }
    for shift in [1, -2, 300] {
        let found = caller.signing(post, lines("POST", shift, NONCE));
        assert_eq!(found, is(3, "TIMESTAMP_OTHER"));
    }
    let milliseconds = |at: i64| format!("POST\n{NATIVE}\n{at}678\n{NONCE}\n{BODY}\n");
    assert_eq!(
        caller.signing(post, milliseconds),
        is(3, "TIMESTAMP_IN_MILLISECONDS")
    );
    let found = caller.signing(post, lines("POST", 0, "NONCE0123456789"));
    assert_eq!(found, is(4, "NONCE_OTHER"));
}

#[test]
fn a_body_that_was_written_otherwise_is_recognized() {
    let caller = Caller::new();
    let post = ["POST", NATIVE, BODY];
    for (signed, cause) in [
        // As JavaScript, Go, PHP and Python write it, and Java without nulls.
        (
            r#"{"description":"茶 <tea>","attach":null,"amount":{"total":100},"url":"http://127.0.0.1:9/"}"#,
            "BODY_WRITTEN_AGAIN",
        ),
        (
            r#"{"amount":{"total":100},"attach":null,"description":"茶 \u003ctea\u003e","url":"http://127.0.0.1:9/"}"#,
            "BODY_WRITTEN_AGAIN",
        ),
        (
            r#"{"description":"\u8336 <tea>","attach":null,"amount":{"total":100},"url":"http:\/\/127.0.0.1:9\/"}"#,
            "BODY_WRITTEN_AGAIN",
        ),
        (
            r#"{"description": "\u8336 <tea>", "attach": null, "amount": {"total": 100}, "url": "http://127.0.0.1:9/"}"#,
            "BODY_WRITTEN_AGAIN",
        ),
        (
            r#"{"description":"茶 <tea>","amount":{"total":100},"url":"http://127.0.0.1:9/"}"#,
            "BODY_WRITTEN_AGAIN",
        ),
        ("", "BODY_LEFT_OUT"),
        (&format!("{BODY}\n"), "BODY_TRIMMED"),
    ] {
        let text = |at: i64| format!("POST\n{NATIVE}\n{at}\n{NONCE}\n{signed}\n");
        assert_eq!(caller.signing(post, text), is(5, cause), "{signed}");
    }
    // 茶 in GBK, as a question mark, and as UTF-8 that was taken for Latin-1.
    for tea in [&b"\xB2\xE8"[..], b"?", "\u{e8}\u{8c}\u{b6}".as_bytes()] {
        let (before, after) = BODY.split_once('茶').unwrap();
        let head = format!("POST\n{NATIVE}\n{}\n{NONCE}\n{before}", caller.at);
        let text = [head.as_bytes(), tea, after.as_bytes(), b"\n"].concat();
        let signature = sign(&caller.merchant.private_key(), &text);
        let refusal = caller.refusal(&caller.request("POST", NATIVE, BODY, &signature));
        assert_eq!(refusal["cause"], "BODY_CHARSET", "{tea:?}");
        assert_eq!(refusal["differences"][0]["line"], 5);
    }
    let get = ["GET", QUERY, ""];
    let text = |at: i64| format!("GET\n{QUERY}\n{at}\n{NONCE}\n{{}}\n");
    assert_eq!(caller.signing(get, text), is(5, "BODY_NOT_SENT"));
    // Another content is no other form of it; but the key is known to be right.
    let text = |at: i64| {
        format!(
            "POST\n{NATIVE}\n{at}\n{NONCE}\n{}\n",
            BODY.replace("100", "101")
        )
    };
    let found = caller.signing(post, text);
    assert_eq!(found, [(Value::Null, "TEXT_OTHER".to_owned())]);
}

#[test]
fn two_slips_at_once_are_both_named() {
    let caller = Caller::new();
    let target = format!("{NATIVE}?a=1");
    let text = |at: i64| {
        let compact = serde_json::from_str::<Value>(BODY).unwrap().to_string();
        format!("POST\n{NATIVE}\n{at}\n{NONCE}\n{compact}\n")
    };
    let found = caller.signing(["POST", &target, BODY], text);
    assert_eq!(
        found,
        [is(2, "QUERY_LEFT_OUT"), is(5, "BODY_WRITTEN_AGAIN")].concat()
    );
}

#[test]
fn the_ends_of_the_lines_are_seen() {
    let caller = Caller::new();
    let post = ["POST", NATIVE, BODY];
    let five = |at: i64| [format!("POST\n{NATIVE}\n{at}\n{NONCE}\n{BODY}\n")].concat();
    let without_last = |at: i64| five(at).trim_end().to_owned();
    assert_eq!(
        caller.signing(post, without_last),
        is(5, "LAST_NEWLINE_MISSING")
    );
    let one_more = |at: i64| five(at) + "\n";
    assert_eq!(
        caller.signing(post, one_more),
        is(5, "BODY_TRIMMED"),
        "which is the same text"
    );
    let get = ["GET", QUERY, ""];
    let four = |at: i64| format!("GET\n{QUERY}\n{at}\n{NONCE}\n");
    assert_eq!(caller.signing(get, four), is(5, "EMPTY_BODY_LINE_MISSING"));
    let six = |at: i64| format!("GET\n{QUERY}\n{at}\n{NONCE}\n\n\n");
    assert_eq!(caller.signing(get, six), is(5, "ONE_NEWLINE_TOO_MANY"));
    for (end, cause) in [("\r\n", "CARRIAGE_RETURNS"), ("\\n", "LITERAL_BACKSLASH_N")] {
        let found = caller.signing(post, |at| five(at).replace('\n', end));
        assert_eq!(found, [(Value::Null, cause.to_owned())]);
    }
}

#[test]
fn the_key_and_the_writing_of_a_signature_are_told_from_its_text() {
    let caller = Caller::new();
    let text = format!("POST\n{NATIVE}\n{}\n{NONCE}\n{BODY}\n", caller.at);
    let key = caller.merchant.private_key();
    let with_options = |key: &std::path::Path, options: &[&str]| {
        use base64::{Engine, engine::general_purpose::STANDARD};
        let sign = [&["dgst"], options, &["-sign", key.to_str().unwrap()]].concat();
        STANDARD.encode(openssl(&sign, text.as_bytes()).unwrap())
    };
    let right = caller.signature(&text);
    let other_key = caller.sandbox.dir.join("other.pem");
    let made = openssl(
        &["genpkey", "-algorithm", "RSA", "-pkeyopt", "bits:2048"],
        b"",
    );
    std::fs::write(&other_key, made.unwrap()).unwrap();
    let of_platform = caller.sandbox.dir.join("platform/public_key.key.pem");
    let pss = [
        "-sha256",
        "-sigopt",
        "rsa_padding_mode:pss",
        "-sigopt",
        "rsa_pss_saltlen:32",
    ];
    let hash = crate::stage::hmac_sha256(&caller.merchant.apiv3_key, &text);
    for (signature, cause) in [
        (with_options(&other_key, &["-sha256"]), "KEY_OTHER"),
        (with_options(&of_platform, &["-sha256"]), "KEY_OF_PLATFORM"),
        (with_options(&key, &["-sha1"]), "DIGEST_OTHER"),
        (with_options(&key, &pss), "PADDING_OTHER"),
        (
            right.replace('+', "-").replace('/', "_").replace('=', ""),
            "SIGNATURE_ENCODING",
        ),
        (hash, "SIGNATURE_OF_V2"),
        ("not a signature".into(), "SIGNATURE_UNREADABLE"),
    ] {
        let refusal = caller.refusal(&caller.request("POST", NATIVE, BODY, &signature));
        assert_eq!(refusal["cause"], cause, "{signature}");
    }
    // The right one is not refused for its signature, and may not be used for another body.
    let good = caller.request("POST", NATIVE, BODY, &right);
    assert_eq!(caller.refusal(&good)["cause"], "PARAMETER");
    let changed = BODY.replace("100", "101");
    let refusal = caller.refusal(&caller.request("POST", NATIVE, &changed, &right));
    assert_eq!(refusal["cause"], "AUTHORIZATION_REUSED");
    assert_eq!(refusal["differences"][0]["line"], 5);
    assert_eq!(refusal["signed_instead"], text);
}

#[test]
fn what_is_wrong_beside_the_signature_is_named_too() {
    let caller = Caller::new();
    let signed = |body: &Value| {
        let body = body.to_string();
        caller.merchant.signed("POST", NATIVE, body.as_bytes())
    };
    let order = caller.merchant.order("order-0001", "http://127.0.0.1:9/");
    let authorization = |from: &str, to: &str| {
        let request = signed(&order);
        let line = request.header("Authorization").unwrap().replace(from, to);
        request.with("Authorization", &line)
    };
    let merchant = &caller.merchant;
    let platform = caller.sandbox.look("")["platform_serial"].clone();
    let late = merchant.authorization("POST", NATIVE, now() - 301, order.to_string().as_bytes());
    let no_appid = json!({ "mchid": merchant.mchid });
    for (request, cause) in [
        (authorization(&merchant.serial, "00"), "SERIAL_OTHER"),
        (
            authorization(&merchant.serial, platform.as_str().unwrap()),
            "SERIAL_OF_PLATFORM",
        ),
        (authorization(&merchant.mchid, "1"), "MERCHANT_OTHER"),
        (
            authorization("WECHATPAY2", "Bearer"),
            "AUTHORIZATION_MALFORMED",
        ),
        (
            authorization("timestamp=\"", "timestamp=\"000"),
            "TIMESTAMP_NOT_SECONDS",
        ),
        (
            authorization("nonce_str=\"", "nonce_str=\"0"),
            "NONCE_TOO_LONG",
        ),
        (signed(&order).with("Authorization", &late), "CLOCK"),
        (signed(&order).without("Accept"), "HEADER_MISSING"),
        (
            signed(&order).with("Wechatpay-Serial", &merchant.serial),
            "MERCHANT_SERIAL_AS_PLATFORM",
        ),
        (
            signed(&order).with("Wechatpay-Serial", "PUB_KEY_ID_1"),
            "PLATFORM_KEY_UNKNOWN",
        ),
        (signed(&no_appid), "PARAMETER"),
        (signed(&json!([])), "BODY_NOT_JSON"),
        (merchant.signed("PUT", NATIVE, b"{}"), "NO_SUCH_METHOD"),
        (
            merchant.signed("GET", "/v3/nothing", b""),
            "NO_SUCH_OPERATION",
        ),
        (
            merchant.signed("GET", &format!("{QUERY}?mchid={}", merchant.mchid), b""),
            "STATE",
        ),
    ] {
        assert_eq!(caller.refusal(&request)["cause"], cause);
    }
    caller.sandbox.fault(json!({ "fault": "html_502" }));
    assert_eq!(caller.refusal(&signed(&order))["cause"], "BY_FAULT");
}

#[test]
fn the_key_of_a_sensitive_field_is_found_out() {
    let caller = Caller::new();
    let merchant = &caller.merchant;
    let platform = caller.sandbox.look("")["platform_serial"].clone();
    let platform = platform.as_str().unwrap();
    let echo = |sealed: &str| {
        let body = json!({ "echo_message": "a", "encrypted_echo_message": sealed });
        merchant.signed("POST", "/v3/security/echo", body.to_string().as_bytes())
    };
    let for_public_key = encrypt_oaep(&merchant.platform_key(&merchant.public_key_id), "secret");
    let own = caller.sandbox.dir.join("apiclient_cert.pem");
    let nobodys = "A".repeat(342) + "==";
    for (sealed, cause) in [
        ("secret", "FIELD_NOT_SEALED"),
        (&for_public_key, "FIELD_SEALED_FOR_OTHER_KEY"),
        (&encrypt_oaep(&own, "secret"), "FIELD_SEALED_FOR_MERCHANT"),
        (&nobodys, "FIELD_CANNOT_BE_OPENED"),
    ] {
        let request = echo(sealed).with("Wechatpay-Serial", platform);
        let refusal = caller.refusal(&request);
        assert_eq!(refusal["cause"], cause);
        assert_eq!(refusal["field"], "/encrypted_echo_message");
    }
    assert_eq!(
        caller.refusal(&echo(&for_public_key))["cause"],
        "FIELD_KEY_NOT_NAMED"
    );
}
