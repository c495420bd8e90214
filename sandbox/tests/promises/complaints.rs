//! Complaints: a payer complains, the merchant answers, and every step is remembered and told.

use serde_json::{Value, json};

use crate::stage::{
    Answer, Merchant, Reply, Request, Sandbox, Shop, digest, fits_the_facts, today,
};

const COMPLAINTS: &str = "/v3/merchant-service/complaints-v2";
const ADDRESS: &str = "/v3/merchant-service/complaint-notifications";

struct Play {
    sandbox: Sandbox,
    merchant: Merchant,
}

impl Play {
    /// An order of ¥1.00 is paid.
    fn new() -> Self {
        let sandbox = Sandbox::start();
        let merchant = sandbox.merchant();
        merchant.place("order-0001");
        sandbox.pay("order-0001");
        Self { sandbox, merchant }
    }

    /// The payer complains; answers the complaint's number.
    fn complain(&self, wish: Value) -> String {
        let answer = self
            .sandbox
            .control("POST", "/orders/order-0001/complain", wish);
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()["complaint_id"].as_str().unwrap().to_owned()
    }

    fn payer(&self, id: &str, what: &str, detail: &str) -> Answer {
        let path = format!("/complaints/{id}/{what}");
        self.sandbox
            .control("POST", &path, json!({ "detail": detail }))
    }

    fn post(&self, id: &str, what: &str, body: Value) -> Answer {
        self.merchant
            .post(&format!("{COMPLAINTS}/{id}/{what}"), &body)
    }

    fn respond(&self, id: &str, words: &str) -> Answer {
        let mchid = &self.merchant.mchid;
        self.post(
            id,
            "response",
            json!({ "complainted_mchid": mchid, "response_content": words }),
        )
    }

    fn complete(&self, id: &str) -> Answer {
        self.post(
            id,
            "complete",
            json!({ "complainted_mchid": self.merchant.mchid }),
        )
    }

    fn detail(&self, id: &str) -> Value {
        let answer = self.merchant.get(&format!("{COMPLAINTS}/{id}"));
        assert_eq!(answer.status, 200, "{}", answer.text());
        fits_the_facts(
            &format!("GET {COMPLAINTS}/{{complaint_id}}"),
            &answer.json(),
        );
        answer.json()
    }

    fn state(&self, id: &str) -> Value {
        self.detail(id)["complaint_state"].clone()
    }

    /// What was done, oldest first.
    fn steps(&self, id: &str) -> Vec<String> {
        let answer = self
            .merchant
            .get(&format!("{COMPLAINTS}/{id}/negotiation-historys"));
        fits_the_facts(
            &format!("GET {COMPLAINTS}/{{complaint_id}}/negotiation-historys"),
            &answer.json(),
        );
        let history = answer.json()["data"].as_array().unwrap().clone();
        history
            .iter()
            .rev()
            .map(|step| step["operate_type"].as_str().unwrap().to_owned())
            .collect()
    }

    fn list(&self, more: &str) -> Answer {
        let today = today();
        self.merchant.get(&format!(
            "{COMPLAINTS}?begin_date={today}&end_date={today}{more}"
        ))
    }
}

const WRONG_STATE: (u16, &str) = (400, "INVALID_REQUEST");

fn refusal(answer: &Answer) -> (u16, String) {
    answer.refusal()
}

fn is(code: (u16, &str)) -> (u16, String) {
    (code.0, code.1.to_owned())
}

#[test]
fn a_complaint_waits_is_answered_and_is_completed_and_its_history_grows() {
    let play = Play::new();
    let id = play.complain(json!({ "detail": "茶是冷的", "problem_description": "商品有问题" }));
    let detail = play.detail(&id);
    assert_eq!(
        (
            &detail["complaint_state"],
            &detail["complaint_detail"],
            &detail["incoming_user_response"],
            &detail["user_complaint_times"]
        ),
        (
            &json!("PENDING"),
            &json!("茶是冷的"),
            &json!(true),
            &json!(1)
        )
    );
    assert_eq!(
        detail["complaint_order_info"][0]["out_trade_no"],
        "order-0001"
    );
    assert_eq!(detail["complaint_order_info"][0]["amount"], 100);

    assert_eq!(play.respond(&id, "马上重做").status, 204);
    let detail = play.detail(&id);
    assert_eq!(
        (
            &detail["complaint_state"],
            &detail["incoming_user_response"]
        ),
        (&json!("PROCESSING"), &json!(false))
    );
    assert_eq!(play.payer(&id, "respond", "谢谢").status, 200);
    assert_eq!(play.detail(&id)["incoming_user_response"], true);
    assert_eq!(play.complete(&id).status, 204);
    assert_eq!(play.state(&id), "PROCESSED");
    assert_eq!(
        play.steps(&id),
        [
            "USER_CREATE_COMPLAINT",
            "USER_CREATE_COMPLAINT_SYSTEM_MESSAGE",
            "MERCHANT_RESPONSE",
            "USER_RESPONSE",
            "MERCHANT_CONFIRM_COMPLETE"
        ]
    );
    assert_eq!(refusal(&play.complete(&id)), is(WRONG_STATE));
    assert_eq!(refusal(&play.respond(&id, "再见")), is(WRONG_STATE));
}

#[test]
fn a_payer_complains_again_or_withdraws() {
    let play = Play::new();
    let id = play.complain(Value::Null);
    // One at a time.
    assert_eq!(
        play.sandbox
            .control("POST", "/orders/order-0001/complain", Value::Null)
            .status,
        409
    );
    assert_eq!(play.complete(&id).status, 204);
    assert_eq!(play.payer(&id, "continue", "还是冷的").status, 200);
    let detail = play.detail(&id);
    assert_eq!(
        (&detail["complaint_state"], &detail["user_complaint_times"]),
        (&json!("PENDING"), &json!(2))
    );
    assert_eq!(detail["incoming_user_response"], true);
    assert_eq!(play.payer(&id, "withdraw", "").status, 200);
    assert_eq!(play.state(&id), "PROCESSED");
    assert_eq!(play.steps(&id).last().unwrap(), "USER_REVOKE_COMPLAINT");
    assert_eq!(play.payer(&id, "withdraw", "").status, 400);
}

#[test]
fn the_payers_phone_is_sealed_for_the_merchant() {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let play = Play::new();
    let id = play.complain(json!({ "phone": "13900139000" }));
    for complaint in [play.detail(&id), play.list("").json()["data"][0].clone()] {
        let sealed = STANDARD
            .decode(complaint["payer_phone"].as_str().unwrap())
            .unwrap();
        let opened = crate::stage::decrypt_oaep(&play.merchant.private_key(), &sealed);
        assert_eq!(opened, b"13900139000");
    }
}

#[test]
fn complaints_are_listed_by_day_merchant_and_page() {
    let play = Play::new();
    let first = play.complain(Value::Null);
    play.complete(&first);
    let second = play.complain(Value::Null);
    let listed = play.list("").json();
    fits_the_facts(&format!("GET {COMPLAINTS}"), &listed);
    let ids = |listed: &Value| -> Vec<String> {
        let data = listed["data"].as_array().unwrap();
        data.iter()
            .map(|it| it["complaint_id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(ids(&listed), [second.clone(), first.clone()]);
    assert_eq!(
        (&listed["limit"], &listed["offset"], &listed["total_count"]),
        (&json!(10), &json!(0), &json!(2))
    );
    assert_eq!(ids(&play.list("&limit=1&offset=1").json()), [first]);
    assert_eq!(
        ids(&play
            .list(&format!("&complainted_mchid={}", play.merchant.mchid))
            .json())
        .len(),
        2
    );
    assert_eq!(
        play.list("&complainted_mchid=1900000109").json()["total_count"],
        0
    );
    let other = play.merchant.get(&format!(
        "{COMPLAINTS}?begin_date=2020-01-01&end_date=2020-01-31"
    ));
    assert_eq!(other.json()["total_count"], 0);
    for (query, field) in [
        ("begin_date=2020-01-01&end_date=2020-02-01", "end_date"),
        ("begin_date=2020-01-02&end_date=2020-01-01", "end_date"),
        ("begin_date=2020-1-2&end_date=2020-01-01", "begin_date"),
        ("end_date=2020-01-01", "begin_date"),
        (
            "begin_date=2020-01-01&end_date=2020-01-02&limit=51",
            "limit",
        ),
        ("begin_date=2020-01-01&end_date=2020-01-02&limit=0", "limit"),
        (
            "begin_date=2020-01-01&end_date=2020-01-02&offset=-1",
            "offset",
        ),
    ] {
        let refused = play.merchant.get(&format!("{COMPLAINTS}?{query}"));
        assert_eq!(refused.refusal(), (400, "PARAM_ERROR".into()), "{query}");
        assert_eq!(refused.json()["detail"]["field"], field, "{query}");
    }
}

#[test]
fn every_step_is_told_where_the_merchant_said_and_nowhere_after_he_took_it_back() {
    let play = Play::new();
    let none = (400, "RESOURCE_NOT_EXISTS".into());
    assert_eq!(play.merchant.get(ADDRESS).refusal(), none);
    let shop = Shop::open(&[Reply::Status(200)]);
    let address = json!({ "url": shop.notify_url });
    let put = |body: &Value| {
        let request = play
            .merchant
            .signed("PUT", ADDRESS, body.to_string().as_bytes());
        play.merchant
            .verified(request.send(play.sandbox.port).unwrap())
    };
    assert_eq!(put(&address).refusal(), none);
    let created = play
        .merchant
        .post(ADDRESS, &json!({ "url": "http://127.0.0.1:9/" }))
        .json();
    assert_eq!(created["mchid"], play.merchant.mchid.as_str());
    assert_eq!(
        play.merchant.post(ADDRESS, &address).refusal(),
        (400, "RESOURCE_ALREADY_EXISTS".into())
    );
    assert_eq!(
        put(&json!({ "url": "https://example.com/" })).json()["detail"]["field"],
        "/url"
    );
    assert_eq!(put(&address).json()["url"], shop.notify_url.as_str());
    assert_eq!(
        play.merchant.get(ADDRESS).json()["url"],
        shop.notify_url.as_str()
    );

    let next = |event_type: &str, action: &str, id: &str| {
        let received = shop.next();
        assert_eq!(received.envelope()["event_type"], event_type);
        let told = received.opened(&play.merchant);
        assert_eq!(told, json!({ "complaint_id": id, "action_type": action }));
    };
    let id = play.complain(Value::Null);
    next("COMPLAINT.CREATE", "CREATE_COMPLAINT", &id);
    play.respond(&id, "您好");
    next("COMPLAINT.STATE_CHANGE", "MERCHANT_RESPONSE", &id);
    play.payer(&id, "respond", "嗯");
    next("COMPLAINT.STATE_CHANGE", "USER_RESPONSE", &id);
    play.complete(&id);
    next("COMPLAINT.STATE_CHANGE", "MERCHANT_CONFIRM_COMPLETE", &id);
    play.payer(&id, "continue", "不");
    next("COMPLAINT.STATE_CHANGE", "CONTINUE_COMPLAINT", &id);

    let request = play.merchant.signed("DELETE", ADDRESS, b"");
    assert_eq!(request.send(play.sandbox.port).unwrap().status, 204);
    play.respond(&id, "您好");
    let told = play.sandbox.look("/notifications?out_trade_no=order-0001");
    let complaints = |told: &Value| {
        let all = told.as_array().unwrap().iter();
        all.filter(|it| it["event_type"].as_str().unwrap().starts_with("COMPLAINT"))
            .count()
    };
    assert_eq!(complaints(&told), 5);
}

#[test]
fn images_are_uploaded_answered_with_and_fetched() {
    let play = Play::new();
    let payers = "iVBORw0KGgo=";
    let id = play.complain(json!({ "images": [payers] }));
    let link = play.detail(&id)["complaint_media_list"][0]["media_url"][0]
        .as_str()
        .unwrap()
        .to_owned();
    let fetch = |link: &str| {
        play.merchant
            .signed("GET", link.strip_prefix(&play.sandbox.url).unwrap(), b"")
            .send(play.sandbox.port)
            .unwrap()
    };
    assert_eq!(fetch(&link).body, b"\x89PNG\r\n\x1a\n");

    let file = b"\x89PNG picture";
    let meta = json!({ "filename": "a.png", "sha256": digest("sha256", file) });
    let uploaded = play
        .merchant
        .upload("/v3/merchant-service/images/upload", &meta, file, "file");
    let media_id = play.merchant.verified(uploaded).json()["media_id"].clone();
    let answer = |images: Value| {
        play.post(&id, "response", json!({ "complainted_mchid": play.merchant.mchid, "response_content": "看图", "response_images": images }))
    };
    assert_eq!(
        answer(json!(["unknown"])).json()["detail"]["field"],
        "/response_images/0"
    );
    assert_eq!(
        answer(json!(vec![media_id.clone(); 5])).json()["detail"]["field"],
        "/response_images"
    );
    assert_eq!(answer(json!([media_id])).status, 204);
    let history = play
        .merchant
        .get(&format!("{COMPLAINTS}/{id}/negotiation-historys?limit=1"))
        .json();
    assert_eq!(
        (
            &history["total_count"],
            history["data"].as_array().unwrap().len()
        ),
        (&json!(3), 1)
    );
    let picture = fetch(history["data"][0]["image_list"][0].as_str().unwrap());
    assert_eq!(
        (picture.body.as_slice(), picture.header("Content-Type")),
        (&file[..], Some("image/png"))
    );
    assert_eq!(
        play.merchant
            .get("/v3/merchant-service/images/unknown")
            .status,
        404
    );
}

#[test]
fn a_refund_that_is_asked_for_is_approved_made_and_ends_the_complaint() {
    let play = Play::new();
    let shop = Shop::open(&[Reply::Status(200)]);
    play.merchant
        .post(ADDRESS, &json!({ "url": shop.notify_url }));
    let id = play.complain(json!({ "problem_type": "REFUND", "apply_refund_amount": 60 }));
    assert_eq!(play.detail(&id)["apply_refund_amount"], 60);
    let decide = |body: Value| play.post(&id, "update-refund-progress", body);
    assert_eq!(
        decide(json!({ "action": "APPROVE" })).json()["detail"]["field"],
        "/launch_refund_day"
    );
    assert_eq!(
        decide(json!({ "action": "REJECT" })).json()["detail"]["field"],
        "/reject_reason"
    );
    assert_eq!(
        decide(json!({ "action": "MAYBE" })).json()["detail"]["field"],
        "/action"
    );
    let approval = json!({ "action": "APPROVE", "launch_refund_day": 0 });
    assert_eq!(decide(approval.clone()).status, 204);
    assert_eq!(refusal(&decide(approval)), is(WRONG_STATE));
    assert_eq!(play.state(&id), "PROCESSING");
    assert_eq!(
        play.merchant.refund("order-0001", "refund-1", 60).status,
        200
    );
    let actions: Vec<Value> = (0..3)
        .map(|_| shop.next().opened(&play.merchant)["action_type"].clone())
        .collect();
    assert_eq!(
        actions,
        [
            "CREATE_COMPLAINT",
            "MERCHANT_APPROVE_REFUND",
            "REFUND_SUCCESS"
        ]
    );
    let detail = play.detail(&id);
    assert_eq!(
        (
            &detail["complaint_state"],
            &detail["complaint_full_refunded"]
        ),
        (&json!("PROCESSED"), &json!(false))
    );
    assert_eq!(
        play.steps(&id)[2..],
        [
            "MERCHANT_APPROVE_REFUND",
            "COMPLAINT_PARTIAL_REFUNDED_SYSTEM_MESSAGE",
            "COMPLAINT_REFUND_RECEIVED_SYSTEM_MESSAGE"
        ]
    );
}

#[test]
fn a_refund_that_is_refused_ends_the_complaint_with_the_reason() {
    let play = Play::new();
    let other = play.complain(Value::Null);
    let rejection = json!({ "action": "REJECT", "reject_reason": "已经使用" });
    assert_eq!(
        refusal(&play.post(&other, "update-refund-progress", rejection.clone())),
        is(WRONG_STATE)
    );
    play.complete(&other);
    let id = play.complain(json!({ "problem_type": "REFUND" }));
    assert_eq!(
        play.post(&id, "update-refund-progress", rejection).status,
        204
    );
    assert_eq!(play.state(&id), "PROCESSED");
    assert_eq!(play.steps(&id).last().unwrap(), "MERCHANT_REFUSE_RERUND");
}

#[test]
fn the_cashier_takes_a_complaint_about_what_was_paid_there() {
    let play = Play::new();
    let cashier = play.sandbox.look("/orders/order-0001")["cashier_url"].clone();
    let path = cashier
        .as_str()
        .unwrap()
        .strip_prefix(&play.sandbox.url)
        .unwrap();
    let complain = |body: &[u8]| {
        let request = Request::new("POST", &format!("{path}/complain"), body);
        request.send(play.sandbox.port).unwrap()
    };
    assert_eq!(complain(b"{\"detail\":\"\"}").status, 400);
    let made = complain("{\"detail\":\"茶是冷的\"}".as_bytes());
    assert_eq!(made.status, 201, "{}", made.text());
    let id = made.json()["complaint_id"].as_str().unwrap().to_owned();
    assert_eq!(play.detail(&id)["complaint_detail"], "茶是冷的");
}

#[test]
fn a_fault_may_wait_for_the_complaint_about_one_order() {
    let play = Play::new();
    let id = play.complain(Value::Null);
    play.sandbox
        .fault(json!({ "fault": "system_error", "out_trade_no": "order-0001" }));
    assert_eq!(play.complete(&id).refusal(), (500, "SYSTEM_ERROR".into()));
    assert_eq!(play.state(&id), "PENDING");
}

#[test]
fn who_is_not_complained_about_may_not_answer_and_what_does_not_exist_is_not_found() {
    let play = Play::new();
    let id = play.complain(Value::Null);
    let foreign = json!({ "complainted_mchid": "1900000109", "response_content": "您好" });
    assert_eq!(
        play.post(&id, "response", foreign.clone()).refusal(),
        (403, "NO_AUTH".into())
    );
    assert_eq!(
        play.post(&id, "complete", foreign).refusal(),
        (403, "NO_AUTH".into())
    );
    let missing = play.post(
        &id,
        "response",
        json!({ "complainted_mchid": play.merchant.mchid }),
    );
    assert_eq!(missing.json()["detail"]["field"], "/response_content");
    assert_eq!(play.steps(&id).len(), 2);
    let unknown = (404, "RESOURCE_NOT_EXISTS".into());
    assert_eq!(play.complete("2000").refusal(), unknown);
    assert_eq!(
        play.merchant.get(&format!("{COMPLAINTS}/2000")).refusal(),
        unknown
    );
    let unpaid = play.merchant.place("order-0002");
    assert!(unpaid["code_url"].is_string());
    assert_eq!(
        play.sandbox
            .control("POST", "/orders/order-0002/complain", Value::Null)
            .status,
        409
    );
}

#[test]
fn a_payer_who_waits_is_answered_at_once_and_only_once() {
    let play = Play::new();
    let id = play.complain(json!({ "need_immediate_service": true }));
    let body = json!({
        "complainted_mchid": play.merchant.mchid, "idempotent_id": "one",
        "message": { "blocks": [{ "type": "TEXT", "text": { "text": "您好" } }], "sender_identity": "MANUAL" },
    });
    let first = play
        .post(&id, "response-immediate-service", body.clone())
        .json();
    assert_eq!(
        play.post(&id, "response-immediate-service", body.clone())
            .json(),
        first
    );
    assert_eq!(play.steps(&id).len(), 3);
    play.complete(&id);
    let usual = play.complain(Value::Null);
    assert_eq!(
        refusal(&play.post(&usual, "response-immediate-service", body)),
        is(WRONG_STATE)
    );
}
