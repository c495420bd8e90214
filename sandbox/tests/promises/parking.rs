//! Parking: a car drives in, its owner is charged when it drives out, and what becomes of it is told.

use serde_json::{Value, json};

use crate::stage::{Answer, Merchant, Reply, Sandbox, Shop, fits_the_facts};

const ENTER: &str = "/v3/vehicle/parking/parkings";
const CHARGE: &str = "/v3/vehicle/transactions/parking";
const SUB: &str = "1600000001";
const PLATE: &str = "粤B888888";

struct Play {
    sandbox: Sandbox,
    merchant: Merchant,
    shop: Shop,
}

impl Play {
    fn new() -> Self {
        let sandbox = Sandbox::start();
        let merchant = sandbox.merchant();
        Self {
            sandbox,
            merchant,
            shop: Shop::open(&[Reply::Status(200)]),
        }
    }

    fn enter(&self, number: &str) -> Value {
        let answer = self.merchant.post(ENTER, &json!({
            "sub_mchid": SUB, "out_parking_no": number, "plate_number": PLATE, "plate_color": "BLUE", "notify_url": self.shop.notify_url,
            "start_time": "2026-01-01T10:00:00+08:00", "parking_name": "茶铺停车场", "free_duration": 1800,
        }));
        assert_eq!(answer.status, 200, "{}", answer.text());
        fits_the_facts(&format!("POST {ENTER}"), &answer.json());
        answer.json()
    }

    fn charge(&self, number: &str, parking_id: &Value) -> Answer {
        self.merchant.post(CHARGE, &json!({
            "appid": self.merchant.appid, "sub_appid": "wxcbda96de0b165489", "sub_mchid": SUB, "description": "停车", "out_trade_no": number,
            "trade_scene": "PARKING", "notify_url": self.shop.notify_url, "profit_sharing": "N", "amount": { "total": 500, "currency": "CNY" },
            "parking_info": {
                "parking_id": parking_id, "plate_number": PLATE, "plate_color": "BLUE", "start_time": "2026-01-01T10:00:00+08:00",
                "end_time": "2026-01-01T12:00:00+08:00", "parking_name": "茶铺停车场", "charging_duration": 5400, "device_id": "gate",
            },
        }))
    }

    fn query(&self, number: &str) -> Value {
        let answer = self.merchant.get(&format!(
            "/v3/vehicle/transactions/out-trade-no/{number}?sub_mchid={SUB}"
        ));
        fits_the_facts(
            "GET /v3/vehicle/transactions/out-trade-no/{out_trade_no}",
            &answer.json(),
        );
        answer.json()
    }

    fn next(&self, event_type: &str) -> Value {
        let received = self.shop.next();
        assert_eq!(received.envelope()["event_type"], event_type);
        received.opened(&self.merchant)
    }

    fn block(&self, reason: Value) -> Value {
        let wish = json!({ "plate_number": PLATE, "plate_color": "BLUE", "block_reason": reason });
        self.sandbox.control("POST", "/vehicles", wish).json()
    }
}

#[test]
fn a_car_that_drives_out_is_charged_and_its_payment_told() {
    let play = Play::new();
    let parking = play.enter("parking-1");
    assert_eq!(parking["state"], "NORMAL");
    assert_eq!(play.enter("parking-1"), parking);
    let accepted = play.charge("order-0001", &parking["id"]);
    fits_the_facts(&format!("POST {CHARGE}"), &accepted.json());
    assert_eq!(accepted.json()["trade_state"], "ACCEPTED");
    let told = play.next("TRANSACTION.SUCCESS");
    assert_eq!(
        (&told["trade_state"], &told["out_trade_no"]),
        (&json!("SUCCESS"), &json!("order-0001"))
    );
    assert_eq!(play.query("order-0001"), told);
    assert_eq!(
        play.charge("order-0001", &parking["id"]).json()["transaction_id"],
        told["transaction_id"]
    );
    let refund = json!({
        "sub_mchid": SUB, "transaction_id": told["transaction_id"], "out_refund_no": "refund-1",
        "amount": { "refund": 500, "total": 500, "currency": "CNY" },
    });
    assert_eq!(
        play.merchant
            .post("/v3/refund/domestic/refunds", &refund)
            .status,
        200
    );
}

#[test]
fn without_money_the_charge_fails_and_that_is_told() {
    let play = Play::new();
    play.sandbox
        .control("PUT", "/settings", json!({ "deductions": "fail" }));
    let parking = play.enter("parking-1");
    assert_eq!(play.charge("order-0001", &parking["id"]).status, 200);
    assert_eq!(play.next("TRANSACTION.FAIL")["trade_state"], "PAY_FAIL");
    assert_eq!(play.query("order-0001")["trade_state"], "PAY_FAIL");
    assert!(play.query("order-0001").get("transaction_id").is_none());
}

#[test]
fn a_plate_that_is_blocked_is_told_and_cannot_be_charged() {
    let play = Play::new();
    let parking = play.enter("parking-1");
    assert_eq!(play.block(json!("OVERDUE"))["told"], 1);
    let told = play.next("VEHICLE.ENTRANCE_STATE_CHANGE");
    assert_eq!(
        (
            &told["parking_state"],
            &told["parking_id"],
            &told["blocked_state_description"]
        ),
        (&json!("BLOCKED"), &parking["id"], &json!("OVERDUE"))
    );
    assert_eq!(play.enter("parking-2")["block_reason"], "OVERDUE");
    assert_eq!(
        play.charge("order-0001", &parking["id"]).refusal(),
        (400, "INVALID_REQUEST".into())
    );
    let find = format!(
        "/v3/vehicle/parking/services/find?appid={}&sub_mchid={SUB}&plate_number=%E7%B2%A4B888888&plate_color=BLUE&openid=o",
        play.merchant.appid
    );
    assert_eq!(play.merchant.get(&find).json()["service_state"], "PAUSE");
    play.block(Value::Null);
    assert_eq!(
        play.next("VEHICLE.ENTRANCE_STATE_CHANGE")["parking_state"],
        "NORMAL"
    );
    fits_the_facts(
        "GET /v3/vehicle/parking/services/find",
        &play.merchant.get(&find).json(),
    );
    assert_eq!(play.merchant.get(&find).json()["service_state"], "NORMAL");
}

#[test]
fn a_car_that_never_drove_in_and_an_unknown_charge_are_refused() {
    let play = Play::new();
    assert_eq!(
        play.charge("order-0001", &json!("1")).refusal(),
        (400, "INVALID_REQUEST".into())
    );
    let unknown = play.merchant.get(&format!(
        "/v3/vehicle/transactions/out-trade-no/order-0001?sub_mchid={SUB}"
    ));
    assert_eq!(unknown.refusal(), (404, "ORDER_NOT_EXIST".into()));
}
