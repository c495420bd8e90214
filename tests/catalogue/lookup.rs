use payseal::catalogue::{self, Fill, Repeat};

use super::operation;

#[test]
fn the_operations_of_ordinary_payment_are_catalogued() {
    let names: Vec<_> = catalogue::operations("wechat")
        .map(|operation| operation.name)
        .collect();
    for name in [
        "POST /v3/pay/transactions/jsapi",
        "POST /v3/pay/transactions/app",
        "POST /v3/pay/transactions/h5",
        "POST /v3/pay/transactions/native",
        "GET /v3/pay/transactions/id/{transaction_id}",
        "GET /v3/pay/transactions/out-trade-no/{out_trade_no}",
        "POST /v3/pay/transactions/out-trade-no/{out_trade_no}/close",
        "POST /v3/refund/domestic/refunds",
        "GET /v3/refund/domestic/refunds/{out_refund_no}",
        "GET /v3/certificates",
    ] {
        assert!(names.contains(&name), "{name}");
    }
}

#[test]
fn every_operation_is_found_by_the_name_it_has() {
    for (provider, all) in [("wechat", 1017), ("wechat-v2", 136)] {
        let mut count = 0;
        for operation in catalogue::operations(provider) {
            let found = catalogue::find(provider, operation.name).expect(operation.name);
            assert_eq!((found.name, found.title), (operation.name, operation.title));
            assert_eq!(format!("{} {}", found.method, found.path), found.name);
            assert!(!found.title.is_empty() && found.provider == provider);
            count += 1;
        }
        println!("{provider}: {count} operations");
        assert_eq!(count, all);
    }
}

#[test]
fn names_are_exact() {
    for name in [
        "",
        "jsapi",
        "post /v3/pay/transactions/jsapi",
        "POST  /v3/pay/transactions/jsapi",
        "POST /v3/pay/transactions/jsapi/",
        "POST /v3/pay/transactions/jsap",
    ] {
        assert!(catalogue::find("wechat", name).is_none(), "{name:?}");
    }
    assert!(catalogue::find("alipay", super::JSAPI).is_none());
    assert_eq!(catalogue::operations("nobody").count(), 0);
}

#[test]
fn what_only_reads_is_safe_to_repeat_and_the_rest_goes_by_the_merchants_number() {
    for operation in catalogue::operations("wechat") {
        match operation.method {
            "GET" => assert_eq!(operation.repeat, Repeat::Safe, "{}", operation.name),
            _ => assert_ne!(operation.repeat, Repeat::Safe, "{}", operation.name),
        }
        if operation.repeat == Repeat::SameNumber {
            assert!(
                operation.order_number.is_some(),
                "{}: no number, no repetition",
                operation.name
            );
        }
    }
}

#[test]
fn the_merchants_number_is_where_the_operation_says() {
    for operation in catalogue::operations("wechat") {
        let Some((part, name)) = operation
            .order_number
            .and_then(|place| place.split_once('.'))
        else {
            continue;
        };
        let fields = match part {
            "path" => operation.path_fields,
            "query" => operation.query_fields,
            "body" => operation.body.expect("a body").fields(),
            other => panic!("{}: {other}", operation.name),
        };
        assert!(
            fields.get(name).is_some_and(|field| field.required),
            "{}: {name}",
            operation.name
        );
    }
}

#[test]
fn what_the_configuration_knows_is_marked() {
    let jsapi = operation(super::JSAPI).body.unwrap();
    let filled: Vec<_> = jsapi
        .fields()
        .iter()
        .filter_map(|field| Some((field.name, field.filled?)))
        .collect();
    assert_eq!(
        filled,
        [
            ("appid", Fill::AppId),
            ("mchid", Fill::MerchantId),
            ("notify_url", Fill::NotifyUrl)
        ]
    );
    let query = operation("GET /v3/pay/transactions/out-trade-no/{out_trade_no}");
    assert_eq!(
        query.query_fields.get("mchid").unwrap().filled,
        Some(Fill::MerchantId)
    );
    let refund = operation(super::REFUND).body.unwrap();
    assert_eq!(
        refund.fields().get("notify_url").unwrap().filled,
        None,
        "a refund may do without"
    );
}

#[test]
fn encrypted_fields_are_named_by_their_place() {
    let paths = |name| catalogue::encrypted_fields(&operation(name)).collect::<Vec<_>>();
    assert_eq!(
        paths(super::JSAPI),
        ["payer.identity.number", "payer.identity.name"]
    );
    assert!(paths(super::REFUND).is_empty());
}

#[test]
fn a_service_provider_and_a_combining_merchant_are_filled_in_under_their_names() {
    for (name, expected) in [
        (
            "POST /v3/pay/partner/transactions/jsapi",
            &[
                ("notify_url", Fill::NotifyUrl),
                ("sp_appid", Fill::AppId),
                ("sp_mchid", Fill::MerchantId),
            ][..],
        ),
        (
            "POST /v3/combine-transactions/native",
            &[
                ("combine_appid", Fill::AppId),
                ("combine_mchid", Fill::MerchantId),
                ("notify_url", Fill::NotifyUrl),
            ],
        ),
        (
            "POST /v3/fund-app/mch-transfer/transfer-bills",
            &[("appid", Fill::AppId)],
        ),
        // A merchant of its own gives mchid, an institution sp_mchid: which it is, the configuration does not say.
        ("POST /v3/global/transactions/jsapi", &[]),
        (
            "POST /v3/marketing/withdraw-favor/users/{openid}/coupons",
            &[],
        ),
    ] {
        let body = operation(name).body.unwrap();
        let filled: Vec<_> = body
            .fields()
            .iter()
            .filter_map(|field| Some((field.name, field.filled?)))
            .collect();
        assert_eq!(filled, expected, "{name}");
    }
    let query = operation("GET /v3/pay/partner/transactions/id/{transaction_id}").query_fields;
    assert_eq!(
        query.get("sp_mchid").unwrap().filled,
        Some(Fill::MerchantId)
    );
    assert_eq!(query.get("sub_mchid").unwrap().filled, None);
}

#[test]
fn only_what_the_provider_counts_by_number_is_repeated() {
    let repeated: Vec<_> = catalogue::operations("wechat")
        .filter(|operation| operation.repeat == Repeat::SameNumber)
        .map(|operation| operation.name)
        .collect();
    for name in [
        "POST /v3/combine-transactions/jsapi",
        "POST /v3/ecommerce/refunds/apply",
        "POST /v3/fund-app/mch-transfer/transfer-bills",
        "POST /v3/pay/partner/transactions/native",
        "POST /v3/profitsharing/return-orders",
        "POST /v3/transfer/batches",
    ] {
        assert!(repeated.contains(&name), "{name}");
    }
    // A scanned code is good for one payment, and of the others the provider does not say that a number counts once.
    for name in [
        "POST /v3/pay/transactions/codepay",
        "POST /v3/pay/partner/transactions/codepay",
        "POST /v3/merchant/fund/withdraw",
        "POST /v3/payscore/serviceorder",
        "POST /v3/refund/domestic/refunds/{refund_id}/apply-abnormal-refund",
        "POST /v3/merchant-service/complaints-v2/{complaint_id}/response",
    ] {
        let found = catalogue::find("wechat", name).unwrap();
        assert_eq!(found.repeat, Repeat::Never, "{name}");
    }
    println!(
        "{} operations are repeated by the merchant's number",
        repeated.len()
    );
    assert!(repeated.len() < 80);
    let v2 = |name| catalogue::find("wechat-v2", name).unwrap();
    assert_eq!(v2("POST /pay/orderquery").repeat, Repeat::Safe);
    assert_eq!(v2("POST /secapi/pay/refund").repeat, Repeat::SameNumber);
    assert_eq!(v2("POST /pay/micropay").repeat, Repeat::Never);
}

#[test]
fn single_operations_of_v2_have_a_host_of_their_own_or_ask_for_a_certificate() {
    let operations = || catalogue::operations("wechat-v2");
    let certified = operations().filter(|operation| operation.client_certificate);
    assert_eq!(certified.count(), 57);
    let hosts: Vec<_> = operations()
        .filter_map(|operation| operation.host)
        .collect();
    assert_eq!(hosts.len(), 5);
    assert!(hosts.contains(&"https://fraud.mch.weixin.qq.com"));
    assert!(catalogue::operations("wechat").all(|operation| operation.host.is_none()));
}
