//! Answers: verified over the fields that were read, and only what is under the signature is handed out.

use payseal::{Code, Outcome};
use serde_json::json;

use super::*;
use crate::support::{refused_as, text};

fn ordered(body: Vec<u8>) -> Result<Delivered> {
    answered(&client(json!({})), UNIFIED, &order(), body)
}

#[track_caller]
fn unknown(code: Code, body: Vec<u8>) -> payseal::Error {
    let error = refused_as(code, ordered(body));
    assert_eq!(error.outcome(), Outcome::Unknown, "{error:?}");
    error
}

#[test]
fn a_signed_answer_becomes_the_verified_fields_in_their_order() {
    let delivered = ordered(signed(&PREPAID)).unwrap();
    let expected: serde_json::Map<String, Value> = PREPAID
        .iter()
        .map(|(k, v)| (k.to_string(), json!(v)))
        .collect();
    assert_eq!(
        String::from_utf8(delivered.body.to_vec()).unwrap(),
        Value::Object(expected).to_string()
    );
    let info = delivered.info();
    assert_eq!(
        (&info["verified"], &info["content_type"], &info["serial"]),
        (&json!(true), &json!("application/json"), &Value::Null)
    );
}

#[test]
fn fields_that_nobody_knows_take_part_in_the_signature() {
    let delivered = ordered(signed_with(
        "HMAC-SHA256",
        APIV2_KEY,
        prepaid(&[("new_field", "五<&>")]),
    ))
    .unwrap();
    assert_eq!(read(&delivered)["new_field"], "五<&>");
}

#[test]
fn an_answer_without_a_signature_is_refused() {
    unknown(Code::SignatureMissing, document(&pairs(&PREPAID)));
    let mut empty = pairs(&PREPAID);
    empty.push(("sign".into(), String::new()));
    unknown(Code::SignatureMissing, document(&empty));
}

#[test]
fn no_part_of_a_signature_is_a_signature() {
    let whole = signature("HMAC-SHA256", APIV2_KEY, &pairs(&PREPAID));
    let with = |sign: &str| {
        let mut fields = pairs(&PREPAID);
        fields.push(("sign".into(), sign.into()));
        document(&fields)
    };
    assert!(ordered(with(&whole)).is_ok());
    for length in 1..64 {
        let error = refused_as(
            if length == 32 {
                Code::AlgorithmMismatch
            } else {
                Code::SignatureInvalid
            },
            ordered(with(&whole[..length])),
        );
        assert_eq!(error.outcome(), Outcome::Unknown);
    }
    for wrong in [
        whole.to_lowercase(),
        format!(" {}", &whole[1..]),
        format!("{whole}0"),
        "0".repeat(64),
        format!("{}五", &whole[..61]),
    ] {
        unknown(Code::SignatureInvalid, with(&wrong));
    }
}

#[test]
fn a_changed_added_or_removed_field_is_noticed() {
    let genuine = signed(&PREPAID);
    let text_of = |body: &[u8]| String::from_utf8(body.to_vec()).unwrap();
    for (from, to) in [
        ("wx2014", "wx2015"),
        ("</xml>", "<extra>1</extra></xml>"),
        ("<trade_type><![CDATA[JSAPI]]></trade_type>", ""),
        ("JSAPI", "JSAPI "),
    ] {
        let body = text_of(&genuine).replacen(from, to, 1);
        assert_ne!(body, text_of(&genuine));
        unknown(Code::SignatureInvalid, body.into_bytes());
    }
}

#[test]
fn what_is_not_under_the_signature_is_not_handed_out() {
    // An empty field can be added by anyone; the signing string is the same.
    let body = String::from_utf8(signed(&PREPAID))
        .unwrap()
        .replace("</xml>", "<coupon_fee></coupon_fee><openid/></xml>");
    let read = read(&ordered(body.into_bytes()).unwrap());
    assert!(
        read.get("coupon_fee").is_none()
            && read.get("openid").is_none()
            && read.get("sign").is_none(),
        "{read}"
    );
}

#[test]
fn values_come_from_the_message_and_never_from_the_signing_string() {
    // Both sign alike: `a=1&b=2`. What is handed out is what was read.
    let joined = signed_with("HMAC-SHA256", APIV2_KEY, prepaid(&[("zz", "1&zzz=2")]));
    let apart = signed_with(
        "HMAC-SHA256",
        APIV2_KEY,
        prepaid(&[("zz", "1"), ("zzz", "2")]),
    );
    assert_eq!(read(&ordered(joined).unwrap())["zz"], "1&zzz=2");
    assert_eq!(read(&ordered(apart).unwrap())["zz"], "1");
}

#[test]
fn the_message_does_not_choose_the_algorithm() {
    let md5 = signed_with("MD5", APIV2_KEY, pairs(&PREPAID));
    unknown(Code::AlgorithmMismatch, md5.clone());
    unknown(
        Code::AlgorithmMismatch,
        signed_with("MD5", APIV2_KEY, prepaid(&[("sign_type", "MD5")])),
    );
    unknown(
        Code::AlgorithmMismatch,
        signed_with("HMAC-SHA256", APIV2_KEY, prepaid(&[("sign_type", "None")])),
    );
    unknown(
        Code::SignatureInvalid,
        signed_with("HMAC-SHA256", APIV2_KEY, prepaid(&[("sign_type", "MD5")])),
    );
    let by_md5 = client(json!({ "sign_type": "MD5" }));
    assert!(answered(&by_md5, UNIFIED, &order(), md5).is_ok());
    let error = answered(&by_md5, UNIFIED, &order(), signed(&PREPAID));
    refused_as(Code::AlgorithmMismatch, error);
}

#[test]
fn a_signature_by_another_key_is_refused_and_one_by_the_previous_is_not() {
    let by_previous = signed_with("HMAC-SHA256", PREVIOUS_APIV2_KEY, pairs(&PREPAID));
    let error = unknown(Code::SignatureInvalid, by_previous.clone());
    assert!(text(&error, "hint").contains("apiv2_key"));
    let changed = client(json!({ "previous_apiv2_key": PREVIOUS_APIV2_KEY }));
    assert!(answered(&changed, UNIFIED, &order(), by_previous).is_ok());
}

#[test]
fn xml_that_two_parsers_could_read_differently_is_refused_although_its_signature_would_fit() {
    let genuine = String::from_utf8(signed(&PREPAID)).unwrap();
    for body in [
        format!("<!DOCTYPE xml [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>{genuine}"),
        genuine.replace("</xml>", "<prepay_id>wx2</prepay_id></xml>"),
        format!("{genuine}<xml></xml>"),
        genuine.replace("<xml>", "<xml><!-- -->"),
        "<html><body>502</body></html>".into(),
        "{\"return_code\":\"SUCCESS\"}".into(),
        String::new(),
    ] {
        unknown(Code::BodyInvalid, body.into_bytes());
    }
    unknown(
        Code::BodyInvalid,
        signed_with(
            "HMAC-SHA256",
            APIV2_KEY,
            prepaid(&[("return_code", "success")]),
        ),
    );
    unknown(
        Code::BodyInvalid,
        signed_with("HMAC-SHA256", APIV2_KEY, prepaid(&[("result_code", "OK")])),
    );
    unknown(
        Code::BodyInvalid,
        signed_with("HMAC-SHA256", APIV2_KEY, prepaid(&[("return_code", "")])),
    );
}

#[test]
fn a_genuine_answer_to_another_request_is_refused() {
    for (name, value) in [
        ("out_trade_no", "order0002"),
        ("mch_id", "1900000109"),
        ("appid", "wx0000000000000000"),
        ("total_fee", "1"),
    ] {
        let body = signed_with("HMAC-SHA256", APIV2_KEY, prepaid(&[(name, value)]));
        assert_eq!(text(&unknown(Code::ResponseMismatch, body), "field"), name);
    }
}

#[test]
fn what_the_caller_expects_must_be_said() {
    let mut params = order();
    params["$"] = json!({ "expect": { "trade_type": "APP" } });
    let error = answered(&client(json!({})), UNIFIED, &params, signed(&PREPAID));
    assert_eq!(
        text(&refused_as(Code::ResponseMismatch, error), "field"),
        "trade_type"
    );
    params["$"] = json!({ "expect": { "trade_type": "JSAPI" } });
    assert!(answered(&client(json!({})), UNIFIED, &params, signed(&PREPAID)).is_ok());
}

#[test]
fn only_the_documented_paths_answer_without_a_signature_and_are_marked() {
    let client = client(json!({}));
    let fields = pairs(&[
        ("return_code", "SUCCESS"),
        ("result_code", "SUCCESS"),
        ("mch_billno", "b1"),
        ("empty", ""),
    ]);
    let params = json!({ "body": { "mch_billno": "b1" } });
    for path in ["/risk/getpublickey", "/risk/getviolation"] {
        let delivered = answered(
            &client,
            &format!("POST {path}"),
            &json!({}),
            document(&fields),
        )
        .unwrap();
        assert_eq!(delivered.info()["verified"], false, "{path}");
        assert_eq!(
            read(&delivered),
            json!({ "return_code": "SUCCESS", "result_code": "SUCCESS", "mch_billno": "b1" })
        );
    }
    for operation in [UNKNOWN, "POST /risk/getpublickey2", "POST /risk"] {
        refused_as(
            Code::SignatureMissing,
            answered(&client, operation, &params, document(&fields)),
        );
    }
}

#[test]
fn a_signature_that_need_not_be_there_must_fit_where_it_is() {
    let client = client(json!({}));
    let operation = "POST /risk/getviolation";
    let fields = pairs(&[("return_code", "SUCCESS"), ("result_code", "SUCCESS")]);
    let algorithm = match field(
        &sent(&drive::request(&client, operation, &json!({})).unwrap()),
        "sign_type",
    ) {
        Some("HMAC-SHA256") => "HMAC-SHA256",
        _ => "MD5",
    };
    let genuine = answered(
        &client,
        operation,
        &json!({}),
        signed_with(algorithm, APIV2_KEY, fields.clone()),
    )
    .unwrap();
    assert_eq!(genuine.info()["verified"], true);
    refused_as(
        Code::SignatureInvalid,
        answered(
            &client,
            operation,
            &json!({}),
            signed_with(algorithm, PREVIOUS_APIV2_KEY, fields),
        ),
    );
}

#[test]
fn the_receivers_of_a_group_red_packet_are_a_list() {
    let body = "<xml><return_code>SUCCESS</return_code><result_code>SUCCESS</result_code><hblist><hbinfo><openid>o1</openid><amount>1</amount></hbinfo><hbinfo><openid>o2</openid></hbinfo></hblist></xml>";
    let params = json!({ "body": { "mch_billno": "b1", "bill_type": "MCHT" } });
    let delivered = answered(
        &client(json!({})),
        "POST /mmpaymkttransfers/gethbinfo",
        &params,
        body.into(),
    )
    .unwrap();
    assert_eq!(
        read(&delivered)["hblist"],
        json!([{ "hbinfo": [{ "openid": "o1", "amount": "1" }, { "openid": "o2" }] }])
    );
    refused_as(
        Code::BodyInvalid,
        answered(&client(json!({})), UNKNOWN, &json!({}), body.into()),
    );
}

#[test]
fn a_bill_is_handed_out_as_it_came() {
    let client = client(json!({}));
    let params = json!({ "body": { "bill_date": "20231113", "bill_type": "ALL" } });
    for bill in [
        "\u{feff}交易时间,公众账号ID\r\n`2023-11-13 10:00:00,`wx1\r\n".as_bytes(),
        b"\x1f\x8b\x08\0\0",
        b"",
    ] {
        let delivered =
            answered(&client, "POST /pay/downloadbill", &params, bill.to_vec()).unwrap();
        assert_eq!(
            (&delivered.body[..], &delivered.info()["verified"]),
            (bill, &json!(false))
        );
    }
    let none = document(&pairs(&[
        ("return_code", "FAIL"),
        ("return_msg", "No Bill Exist"),
        ("error_code", "20002"),
    ]));
    let error = refused_as(
        Code::ProviderRejected,
        answered(&client, "POST /pay/downloadbill", &params, none),
    );
    assert_eq!(
        (
            text(&error, "provider_code"),
            text(&error, "provider_message"),
            error.outcome()
        ),
        ("20002", "No Bill Exist", Outcome::Unknown)
    );
}

#[test]
fn the_one_answer_in_json_is_read_as_such() {
    let client = client(json!({}));
    let params = json!({ "query": { "appid": APPID, "openid": OPENID, "scope": "pay_identity", "grant_type": "authorization_code", "code": "c" } });
    let operation = "GET /appauth/getaccesstoken";
    let delivered = answered(
        &client,
        operation,
        &params,
        br#"{"retcode":"0","retmsg":"ok","access_token":"t"}"#.to_vec(),
    )
    .unwrap();
    assert_eq!(
        (
            &read(&delivered)["access_token"],
            &delivered.info()["verified"]
        ),
        (&json!("t"), &json!(false))
    );
    let error = refused_as(
        Code::ProviderRejected,
        answered(
            &client,
            operation,
            &params,
            br#"{"retcode":"-1","retmsg":"no"}"#.to_vec(),
        ),
    );
    assert_eq!(text(&error, "provider_message"), "no");
    refused_as(
        Code::BodyInvalid,
        answered(&client, operation, &params, b"<xml></xml>".to_vec()),
    );
}
