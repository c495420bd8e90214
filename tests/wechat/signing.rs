//! A request is signed over the very bytes that are sent.

use payseal::crypto::sha256;
use payseal::host::{Host, Signer};
use payseal::{Client, Code};
use serde_json::json;

use crate::support::drive::{request, request_with};
use crate::support::host::World;
use crate::support::merchant::{self, *};
use crate::support::openssl::{self, Folder};
use crate::support::platform::{self, header};
use crate::support::refused_as;

#[test]
fn the_signature_covers_method_path_time_nonce_and_body() {
    let (client, _) = merchant::client(config(json!({})));
    let request = request(&client, JSAPI, &jsapi_order()).unwrap();
    let authorization = platform::verify(&request, &request.body);
    assert_eq!(request.method, "POST");
    assert_eq!(request.target, "/v3/pay/transactions/jsapi");
    assert_eq!(authorization.mchid, MCHID);
    assert_eq!(authorization.timestamp, NOW.to_string());
    assert_eq!(authorization.serial, MERCHANT_SERIAL);
}

#[test]
fn openssl_verifies_the_signature_too() {
    let (client, _) = merchant::client(config(json!({})));
    let request = request(&client, JSAPI, &jsapi_order()).unwrap();
    let authorization = platform::authorization(&request);
    let message = [
        format!(
            "POST\n/v3/pay/transactions/jsapi\n{NOW}\n{}\n",
            authorization.nonce
        )
        .as_bytes(),
        &request.body,
        b"\n",
    ]
    .concat();
    let folder = Folder::new();
    let public = folder.write("public.pem", MERCHANT.public.as_bytes());
    let signature = payseal::crypto::base64::decode(authorization.signature.as_bytes()).unwrap();
    let signature = folder.write("signature", &signature);
    let arguments = [
        "dgst",
        "-sha256",
        "-verify",
        &public,
        "-signature",
        &signature,
    ];
    let said = openssl::run(&arguments, &message);
    assert_eq!(said, b"Verified OK\n");
}

#[test]
fn a_query_is_signed_as_it_is_sent() {
    let (client, _) = merchant::client(config(json!({})));
    let params = json!({ "query": { "z": "a b", "a": "1+1=2", "authorized_data": "{\"k\": \"五\"}", "flag": true, "n": -7, "none": null } });
    let request = request(&client, "GET /v3/not/in/the/catalogue", &params).unwrap();
    assert_eq!(
        request.target,
        "/v3/not/in/the/catalogue?z=a%20b&a=1%2B1%3D2&authorized_data=%7B%22k%22%3A%20%22%E4%BA%94%22%7D&flag=true&n=-7"
    );
    assert_eq!(
        request.url(),
        format!("https://api.mch.weixin.qq.com{}", request.target)
    );
    platform::verify(&request, b"");
}

#[test]
fn a_get_has_an_empty_fifth_line_and_no_body() {
    let (client, _) = merchant::client(config(json!({})));
    let request = request(&client, QUERY, &query(ORDER)).unwrap();
    assert!(request.body.is_empty());
    assert_eq!(header(&request, "Content-Type"), None);
    assert_eq!(
        request.target,
        format!("/v3/pay/transactions/out-trade-no/{ORDER}?mchid={MCHID}")
    );
    platform::verify(&request, b"");
}

#[test]
fn a_path_value_is_encoded_before_it_is_signed() {
    let (client, _) = merchant::client(config(json!({})));
    let params = json!({ "path": { "id": "a/b?c#d é%2F" } });
    let request = request(&client, "GET /v3/things/{id}/parts", &params).unwrap();
    assert_eq!(
        request.target,
        "/v3/things/a%2Fb%3Fc%23d%20%C3%A9%252F/parts"
    );
    platform::verify(&request, b"");
}

#[test]
fn a_raw_payload_is_signed_and_sent_to_the_byte() {
    let (client, _) = merchant::client(config(json!({})));
    let payload = "{ \"z\" : 1.50,\r\n\"a\":\"\\u4e94\" }\n".as_bytes();
    let request = request_with(&client, UNKNOWN_POST, &json!({}), payload).unwrap();
    assert_eq!(request.body, payload);
    platform::verify(&request, payload);
}

#[test]
fn a_body_keeps_the_order_of_its_members() {
    let (client, _) = merchant::client(config(json!({})));
    let params = br#"{"body":{"z":1,"a":{"y":true,"b":null},"m":[3,2,1]}}"#;
    let mut call = client.call(UNKNOWN_POST, params, b"").unwrap();
    call.step();
    let request = call.request().unwrap();
    assert_eq!(
        request.body,
        br#"{"z":1,"a":{"y":true,"b":null},"m":[3,2,1]}"#
    );
    platform::verify(request, &request.body);
}

#[test]
fn a_number_is_sent_as_it_was_given_or_not_at_all() {
    let (client, _) = merchant::client(config(json!({})));
    let call = |number: &str| {
        let params = format!("{{\"body\":{{\"n\":{number}}}}}");
        client.call(UNKNOWN_POST, params.as_bytes(), b"")
    };
    for number in [
        "0",
        "-1",
        "9007199254740993",
        "9223372036854775807",
        "-9223372036854775808",
        "18446744073709551615",
        "0.1",
        "1.5",
    ] {
        let mut call = call(number).unwrap();
        call.step();
        let sent = String::from_utf8(call.request().unwrap().body.clone()).unwrap();
        assert_eq!(sent, format!("{{\"n\":{number}}}"));
    }
    for number in [
        "18446744073709551616",
        "-9223372036854775809",
        "1234567890123456789012345678901234567890",
        "1e30",
        "1E400",
    ] {
        let error = refused_as(Code::ParamsInvalid, call(number));
        assert!(!error.message().contains(number), "{error}");
    }
}

#[test]
fn an_upload_signs_only_its_meta() {
    let (client, _) = merchant::client(config(json!({})));
    let file = [0u8, 1, 2, 255, b'\r', b'\n', b'-', b'-'];
    let params = json!({ "$": { "filename": "图 1.png" } });
    let request = request_with(&client, "POST /v3/merchant/media/upload", &params, &file).unwrap();
    let hash: String = sha256(&file).iter().map(|b| format!("{b:02x}")).collect();
    let meta = format!(r#"{{"filename":"图 1.png","sha256":"{hash}"}}"#);
    platform::verify(&request, meta.as_bytes());
    let boundary = header(&request, "Content-Type")
        .and_then(|value| value.strip_prefix("multipart/form-data; boundary="))
        .unwrap();
    let expected = [
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"meta\"\r\nContent-Type: application/json\r\n\r\n{meta}\r\n").as_bytes(),
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"图 1.png\"\r\nContent-Type: image/png\r\n\r\n").as_bytes(),
        &file,
        format!("\r\n--{boundary}--\r\n").as_bytes(),
    ]
    .concat();
    assert_eq!(request.body, expected);
}

#[test]
fn an_upload_signs_the_meta_that_was_given() {
    let (client, _) = merchant::client(config(json!({})));
    let hash = "2D711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
    let params =
        json!({ "body": { "sha256": hash, "filename": "b.mp4" }, "$": { "filename": "a.mp4" } });
    let request = request_with(
        &client,
        "POST /v3/merchant/media/video_upload",
        &params,
        b"x",
    )
    .unwrap();
    let meta = format!(r#"{{"sha256":"{hash}","filename":"b.mp4"}}"#);
    platform::verify(&request, meta.as_bytes());
}

#[test]
fn a_nonce_is_the_upper_case_hex_of_sixteen_random_bytes() {
    let (client, world) = merchant::client(config(json!({})));
    world.set_random(|out| {
        out.copy_from_slice(&[
            0x59, 0x3b, 0xec, 0x0c, 0x93, 0x0b, 0xf1, 0xaf, 0xeb, 0x40, 0xb4, 0xa0, 0x8c, 0x8f,
            0xb2, 0x42,
        ]);
    });
    let request = request(&client, QUERY, &query(ORDER)).unwrap();
    assert_eq!(
        platform::authorization(&request).nonce,
        "593BEC0C930BF1AFEB40B4A08C8FB242"
    );
}

#[test]
fn every_request_has_the_fields_that_the_provider_demands() {
    let (client, _) = merchant::client(config(json!({})));
    let request = request(&client, JSAPI, &jsapi_order()).unwrap();
    assert_eq!(header(&request, "Accept"), Some("application/json"));
    assert_eq!(header(&request, "Content-Type"), Some("application/json"));
    assert!(header(&request, "User-Agent").is_some_and(|agent| agent.starts_with("payseal/")));
    assert_eq!(header(&request, "Wechatpay-Serial"), Some(PUBLIC_KEY_ID));
    assert_eq!(header(&request, "Idempotency-Key"), None);
    let params = with_options(
        jsapi_order(),
        json!({ "accept": "text/csv", "idempotency_key": "k-1" }),
    );
    let request = crate::support::drive::request(&client, JSAPI, &params).unwrap();
    assert_eq!(header(&request, "Accept"), Some("text/csv"));
    assert_eq!(header(&request, "Idempotency-Key"), Some("k-1"));
}

#[test]
fn a_merchant_serial_is_sent_in_upper_case_with_its_leading_zero() {
    for changes in [
        json!({ "merchant_serial": MERCHANT_SERIAL.to_lowercase() }),
        json!({ "merchant_serial": &MERCHANT_SERIAL[1..] }),
        json!({ "merchant_serial": null, "merchant_certificate": *MERCHANT_CERTIFICATE }),
        json!({ "merchant_serial": MERCHANT_SERIAL.to_lowercase(), "merchant_certificate": *MERCHANT_CERTIFICATE }),
    ] {
        let (client, _) = merchant::client(config(changes));
        let request = request(&client, QUERY, &query(ORDER)).unwrap();
        assert_eq!(platform::authorization(&request).serial, MERCHANT_SERIAL);
    }
}

#[test]
fn a_signer_of_the_host_signs_instead_of_a_key() {
    struct Elsewhere;
    impl Signer for Elsewhere {
        fn sign(&self, message: &[u8]) -> payseal::Result<Vec<u8>> {
            let key = payseal::crypto::PrivateKey::parse(MERCHANT.private.as_bytes()).unwrap();
            Ok(key.sign_sha256(message).unwrap())
        }
    }
    let world = World::new();
    let host = Host {
        signer: Some(Box::new(Elsewhere)),
        ..world.host()
    };
    let config = config(json!({ "private_key": null }));
    let client = Client::new(config.to_string().as_bytes(), host).unwrap();
    let request = request(&client, JSAPI, &jsapi_order()).unwrap();
    platform::verify(&request, &request.body);
}
