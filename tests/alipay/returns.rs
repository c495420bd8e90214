//! What the payer's browser brings back: genuine perhaps, and never a payment.

use payseal::{Code, Outcome};
use serde_json::{Value, json};

use crate::alipay::{APP_ID, NOW_IN_BEIJING, client, notification, paid, signed_form};
use crate::support::host::World;
use crate::support::merchant::PLATFORM;
use crate::support::{field, refused, refused_as};

fn returned() -> Vec<u8> {
    let fields = json!({ "app_id": APP_ID, "charset": "utf-8", "method": "alipay.trade.page.pay.return", "out_trade_no": "A100", "seller_id": "2088", "timestamp": NOW_IN_BEIJING, "total_amount": "88.88", "trade_no": "T1", "version": "1.0" });
    signed_form(
        fields.as_object().unwrap(),
        &["sign", "sign_type"],
        &PLATFORM,
    )
}

#[test]
fn a_return_tells_the_order_and_whom_to_ask() {
    let client = client(&World::new());
    let opened = Value::Object(client.open_return(&returned()).unwrap());
    assert_eq!(
        (&opened["fields"]["out_trade_no"], &opened["confirm_with"]),
        (&json!("A100"), &json!("alipay.trade.query"))
    );
    assert!(!opened.to_string().to_lowercase().contains("success"));
    let with_mark = [b"?", &*returned()].concat();
    client.open_return(&with_mark).unwrap();
}

#[test]
fn a_return_is_no_notification_and_a_notification_no_return() {
    let client = client(&World::new());
    let error = refused_as(
        Code::BodyInvalid,
        client.open_notification("", &returned(), b"{}"),
    );
    assert_eq!(error.outcome(), Outcome::Malformed);
    let error = refused_as(
        Code::BodyInvalid,
        client.open_return(&notification(&paid())),
    );
    assert_eq!(field(&error), "notify_id");
}

#[test]
fn a_return_that_was_altered_is_refused() {
    let text = String::from_utf8(returned()).unwrap();
    let altered = text.replacen("out_trade_no=%41", "out_trade_no=%42", 1);
    assert_ne!(altered, text);
    refused_as(
        Code::SignatureInvalid,
        client(&World::new()).open_return(altered.as_bytes()),
    );
}

#[test]
fn a_provider_that_signs_no_returns_says_so() {
    let (wechat, _) = crate::support::merchant::client(crate::support::merchant::config(json!({})));
    assert_eq!(
        refused(wechat.open_return(b"a=1")).code(),
        Code::UnknownOperation
    );
}
