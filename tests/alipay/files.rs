//! Bills and receipts: named by an answer that is signed, fetched from the provider alone, and taken only by who knows that nobody vouches.

use payseal::download::Next;
use payseal::{Code, Outcome};
use serde_json::{Value, json};

use crate::alipay::{answer, client};
use crate::support::host::World;
use crate::support::{field, refused_as};

const BILL: &str = "alipay.data.dataservice.bill.downloadurl.query";
const NODE: &str = "alipay_data_dataservice_bill_downloadurl_query_response";

fn asked() -> Value {
    json!({ "operation": BILL, "body": { "bill_type": "trade", "bill_date": "2023-11-14" }, "$": { "allow_unverified": true } })
}

/// What is requested after an answer that names this address.
fn followed(url: &str) -> payseal::Result<String> {
    let mut download = client(&World::new()).download(asked().to_string().as_bytes(), None)?;
    let machine = download.machine()?;
    assert_eq!(machine.step()?, Next::Send);
    assert!(machine.request()?.target.starts_with("/gateway.do?"));
    let content =
        json!({ "code": "10000", "msg": "Success", "bill_download_url": url }).to_string();
    let said = answer(NODE, &content);
    machine.respond(200, said.headers.clone())?;
    machine.receive(&said.body)?;
    machine.ended()?;
    match machine.step()? {
        Next::Send => {
            let request = machine.request()?;
            assert!(
                request
                    .headers
                    .iter()
                    .all(|(name, _)| *name != "Authorization")
            );
            Ok(request.url())
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_bill_is_fetched_from_where_the_signed_answer_says_and_over_tls() {
    for scheme in ["http", "https"] {
        let url = followed(&format!(
            "{scheme}://dwbillcenter.alipay.com/downloadBillFile.resource?fileId=X&sign=Y"
        ))
        .unwrap();
        assert_eq!(
            url,
            "https://dwbillcenter.alipay.com/downloadBillFile.resource?fileId=X&sign=Y"
        );
    }
}

#[test]
fn an_address_anywhere_else_is_not_followed() {
    for url in [
        "https://dwbillcenter.alipay.com.evil.example/x",
        "http://169.254.169.254/latest",
        "https://shop.example/bill",
        "http://dwbillcenter.alipay.com@evil.example/x",
    ] {
        let error = refused_as(Code::ResponseMismatch, followed(url));
        assert_eq!(field(&error), "bill_download_url", "{url}");
    }
}

#[test]
fn what_nobody_vouches_for_is_not_asked_for_until_the_caller_takes_it() {
    let mut params = asked();
    params.as_object_mut().unwrap().remove("$");
    let error = refused_as(
        Code::HashMismatch,
        client(&World::new())
            .download(params.to_string().as_bytes(), None)
            .map(drop),
    );
    assert_eq!(
        (field(&error), error.outcome()),
        ("$.allow_unverified", Outcome::NotSent)
    );
}
