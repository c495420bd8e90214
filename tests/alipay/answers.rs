//! What is believed of an answer: the span that was signed, and nothing beside it.

use payseal::call::Delivered;
use payseal::wire::Response;
use payseal::{Code, Outcome, Result};
use serde_json::{Value, json};

use crate::alipay::{answer, client, client_of, config_with, raw, sign, sign_with};
use crate::support::drive::execute;
use crate::support::host::World;
use crate::support::merchant::{MERCHANT, STRANGER};
use crate::support::{field, refused, refused_as, text};

const QUERY: &str = "alipay.trade.query";
const NODE: &str = "alipay_trade_query_response";
const PAID: &str = r#"{"code":"10000","msg":"Success","out_trade_no":"A100","trade_no":"T1","total_amount":"88.88","trade_status":"TRADE_SUCCESS"}"#;

fn asked() -> Value {
    json!({ "body": { "out_trade_no": "A100" } })
}

fn ask(response: Response) -> Result<Delivered> {
    execute(&client(&World::new()), QUERY, &asked(), |_| {
        Ok(response.clone())
    })
}

#[test]
fn the_verified_span_is_what_is_handed_out_to_the_byte() {
    for content in [
        PAID,
        r#"{ "code":"10000", "out_trade_no" : "A100","extra":"a}\"sign\":\"x\"" }"#,
    ] {
        let delivered = ask(answer(NODE, content)).unwrap();
        assert_eq!(&**delivered.body, content.as_bytes());
    }
    let turned = format!(
        "{{\"sign\":\"{}\",\"{NODE}\":{PAID}}}",
        sign(PAID.as_bytes())
    );
    assert_eq!(
        &**ask(raw(turned.into_bytes())).unwrap().body,
        PAID.as_bytes()
    );
}

#[test]
fn slashes_that_are_escaped_on_the_way_are_read_as_they_were_signed() {
    let signed = r#"{"code":"10000","out_trade_no":"A100","url":"https://a/b"}"#;
    let body = format!(
        "{{\"{NODE}\":{},\"sign\":\"{}\"}}",
        signed.replace('/', "\\/"),
        sign(signed.as_bytes())
    );
    assert_eq!(
        &**ask(raw(body.into_bytes())).unwrap().body,
        signed.as_bytes()
    );
}

#[test]
fn a_changed_byte_anywhere_in_the_span_is_no_answer() {
    let body = answer(NODE, PAID).body.clone();
    let start = body.windows(4).position(|part| part == b"{\"co").unwrap();
    for at in (start..start + PAID.len()).step_by(3) {
        let mut changed = body.clone();
        changed[at] ^= 1;
        let error = refused(ask(raw(changed)));
        assert!(error.code().is_trust(), "{at}: {error:?}");
        assert_eq!(error.outcome(), Outcome::Unknown);
    }
}

#[test]
fn a_signature_by_anybody_else_is_none() {
    for key in [&*MERCHANT, &*STRANGER] {
        let body = format!(
            "{{\"{NODE}\":{PAID},\"sign\":\"{}\"}}",
            sign_with(key, "-sha256", PAID.as_bytes())
        );
        let error = refused_as(Code::SignatureInvalid, ask(raw(body.into_bytes())));
        assert_eq!(error.outcome(), Outcome::Unknown);
    }
    let sha1 = format!(
        "{{\"{NODE}\":{PAID},\"sign\":\"{}\"}}",
        sign_with(
            &crate::support::merchant::PLATFORM,
            "-sha1",
            PAID.as_bytes()
        )
    );
    refused_as(Code::SignatureInvalid, ask(raw(sha1.into_bytes())));
}

#[test]
fn a_success_without_a_signature_is_none_and_an_error_without_one_proves_nothing() {
    for body in [
        format!("{{\"{NODE}\":{PAID}}}"),
        format!("{{\"{NODE}\":{PAID},\"sign\":\"\"}}"),
    ] {
        let error = refused_as(Code::SignatureMissing, ask(raw(body.into_bytes())));
        assert_eq!(error.outcome(), Outcome::Unknown);
    }
    for node in [NODE, "error_response"] {
        let body = format!(
            "{{\"{node}\":{{\"code\":\"40002\",\"msg\":\"Invalid Arguments\",\"sub_code\":\"isv.invalid-app-id\",\"sub_msg\":\"无效的AppID参数\"}}}}"
        );
        let error = refused_as(Code::ProviderRejected, ask(raw(body.into_bytes())));
        assert_eq!(
            (error.outcome(), error.detail("authenticated")),
            (Outcome::Unknown, Some(&json!(false)))
        );
        assert_eq!(text(&error, "provider_code"), "isv.invalid-app-id");
    }
}

#[test]
fn a_signed_no_is_a_no_and_what_only_a_query_tells_is_open() {
    let say = |code: &str, sub_code: &str| {
        let content =
            json!({ "code": code, "msg": "m", "sub_code": sub_code, "sub_msg": "s" }).to_string();
        refused(ask(answer(NODE, &content)))
    };
    let no = say("40004", "ACQ.TRADE_NOT_EXIST");
    assert_eq!(
        (
            no.code(),
            no.outcome(),
            text(&no, "provider_code"),
            text(&no, "advice")
        ),
        (
            Code::ProviderRejected,
            Outcome::Rejected,
            "ACQ.TRADE_NOT_EXIST",
            "definite_failure"
        )
    );
    assert_eq!(no.detail("authenticated"), Some(&json!(true)));
    for (code, sub_code) in [
        ("10003", ""),
        ("20000", "isp.unknow-error"),
        ("40004", "ACQ.SYSTEM_ERROR"),
    ] {
        let error = say(code, sub_code);
        assert_eq!(
            (error.outcome(), text(&error, "advice")),
            (Outcome::Unknown, "query_first"),
            "{code}"
        );
    }
    assert_eq!(
        text(&say("40004", "ACQ.TRADE_HAS_SUCCESS"), "advice"),
        "already_done"
    );
}

#[test]
fn a_genuine_answer_to_another_request_is_refused() {
    let other = PAID.replace("A100", "A101");
    let error = refused_as(Code::ResponseMismatch, ask(answer(NODE, &other)));
    assert_eq!(
        (field(&error), error.outcome()),
        ("out_trade_no", Outcome::Unknown)
    );
    let error = refused_as(
        Code::ResponseMismatch,
        ask(answer("alipay_trade_pay_response", PAID)),
    );
    assert_eq!(field(&error), "operation");
}

#[test]
fn amounts_are_compared_as_amounts() {
    let pay = |said: &str| {
        let params = json!({ "body": { "out_trade_no": "A100", "total_amount": "88.8", "subject": "s", "auth_code": "280000000000000000", "scene": "bar_code" } });
        let content =
            json!({ "code": "10000", "out_trade_no": "A100", "total_amount": said }).to_string();
        execute(&client(&World::new()), "alipay.trade.pay", &params, |_| {
            Ok(answer("alipay_trade_pay_response", &content))
        })
    };
    pay("88.80").unwrap();
    for other in ["88.81", "888.0", "88.800"] {
        assert_eq!(
            field(&refused_as(Code::ResponseMismatch, pay(other))),
            "total_amount"
        );
    }
}

#[test]
fn what_a_caller_expects_must_be_there() {
    let params = json!({ "body": { "out_trade_no": "A100" }, "$": { "expect": { "trade_status": "TRADE_CLOSED" } } });
    let error = refused_as(
        Code::ResponseMismatch,
        execute(&client(&World::new()), QUERY, &params, |_| {
            Ok(answer(NODE, PAID))
        }),
    );
    assert_eq!(field(&error), "trade_status");
}

#[test]
fn an_answer_in_gbk_is_verified_in_its_bytes_and_handed_out_in_utf_8() {
    let world = World::new();
    let client = client_of(&config_with(json!({ "charset": "GBK" })), &world).unwrap();
    // The second byte of the last character is a backslash.
    let mut content = b"{\"code\":\"10000\",\"out_trade_no\":\"A100\",\"body\":\"\xd6\xa7\xb8\xb6\xb1\xa6\x81\x5c\"}".to_vec();
    let ask = |content: &[u8]| {
        let mut body = format!("{{\"{NODE}\":").into_bytes();
        body.extend_from_slice(content);
        body.extend_from_slice(format!(",\"sign\":\"{}\"}}", sign(content)).as_bytes());
        execute(&client, QUERY, &asked(), |_| Ok(raw(body.clone())))
    };
    let read: Value = serde_json::from_slice(&ask(&content).unwrap().body).unwrap();
    assert_eq!(read["body"], "支付宝乗");
    content.splice(content.len() - 4..content.len() - 2, *b"\xff\xff");
    let error = refused_as(Code::BodyInvalid, ask(&content));
    assert_eq!(error.outcome(), Outcome::Unknown);
}

#[test]
fn what_is_no_answer_of_the_gateway_leaves_the_outcome_open() {
    for (status, body, code) in [
        (200, "<html>", Code::BodyInvalid),
        (302, "", Code::ResponseInvalid),
        (502, "bad gateway", Code::ProviderUnavailable),
        (429, "", Code::ProviderRateLimited),
        (403, "", Code::ProviderRejected),
    ] {
        let mut response = raw(body.into());
        response.status = status;
        let error = refused_as(code, ask(response));
        assert_eq!(error.outcome(), Outcome::Unknown, "{status}");
    }
}
