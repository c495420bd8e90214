//! Who the buyer is: codes, tokens, what they open.

use serde_json::{Value, json};

use super::stage::{App, own};
use crate::stage::{Reply, Request, Sandbox, Shop};

const TOKEN: &str = "alipay.system.oauth.token";

/// These methods have their parameters beside biz_content.
fn call(app: &App, method: &str, root: &str, extra: &[(&str, &str)]) -> Value {
    let mut fields = app.common(method);
    fields.extend(own(extra));
    let node = app.opened_as(root, &app.send(&app.signed(fields)));
    if node.get("sub_code").is_none() {
        super::facts::check(method, &node);
    }
    node
}

fn grant(app: &App, extra: &[(&str, &str)]) -> Value {
    call(app, TOKEN, "alipay_system_oauth_token_response", extra)
}

#[test]
fn a_code_is_exchanged_once_and_the_answer_has_no_code_of_success() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    let made = sandbox.control(
        "POST",
        "/alipay/auth-codes",
        json!({ "scope": "auth_user" }),
    );
    let code = made.json()["auth_code"].as_str().unwrap().to_owned();
    let by_code = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
    ];
    let tokens = grant(&app, &by_code);
    assert!(
        tokens.get("code").is_none() && tokens["expires_in"].is_number(),
        "{tokens}"
    );
    let again = call(&app, TOKEN, "error_response", &by_code);
    assert_eq!(
        (&again["code"], &again["sub_code"]),
        (&json!("40002"), &json!("isv.code-invalid"))
    );

    let refresh = tokens["refresh_token"].as_str().unwrap();
    let by_token = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    let renewed = grant(&app, &by_token);
    assert_ne!(renewed["access_token"], tokens["access_token"]);
    assert_eq!(
        call(&app, TOKEN, "error_response", &by_token)["sub_code"],
        "isv.refresh-token-invalid"
    );

    let share = |token: &str| {
        call(
            &app,
            "alipay.user.info.share",
            "alipay_user_info_share_response",
            &[("auth_token", token)],
        )
    };
    let who = share(renewed["access_token"].as_str().unwrap());
    assert_eq!(
        (&who["code"], &who["user_id"]),
        (&json!("10000"), &tokens["user_id"])
    );
    assert_eq!(share("nobody's")["sub_code"], "aop.invalid-auth-token");
}

#[test]
fn the_page_leads_back_with_a_code_for_its_scope() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    let open = |redirect: &str| {
        let target = format!(
            "/oauth2/publicAppAuthorize.htm?app_id={}&scope=auth_base&state=s1&redirect_uri={redirect}",
            app.id
        );
        Request::new("GET", &target, b"").send(app.port).unwrap()
    };
    let answer = open("http%3A%2F%2F127.0.0.1%3A9%2Fback");
    let back = answer.header("Location").unwrap();
    let fields = app.decoded(back.split_once('?').unwrap().1);
    let code = super::stage::value(&fields, "auth_code");
    assert_eq!(super::stage::value(&fields, "state"), "s1");
    let tokens = grant(
        &app,
        &[("grant_type", "authorization_code"), ("code", code)],
    );
    let token = tokens["access_token"].as_str().unwrap();
    let who = call(
        &app,
        "alipay.user.info.share",
        "alipay_user_info_share_response",
        &[("auth_token", token)],
    );
    assert_eq!(
        (&who["code"], &who["sub_code"]),
        (&json!("40006"), &json!("isv.insufficient-user-permissions"))
    );
    assert_eq!(open("https%3A%2F%2Fshop.example%2F").status, 400);
}

#[test]
fn an_app_acts_for_a_merchant_who_lets_it() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    let made = sandbox
        .control("POST", "/alipay/app-auth-codes", Value::Null)
        .json();
    let exchange = || {
        let body = json!({ "grant_type": "authorization_code", "code": made["app_auth_code"] });
        app.call("alipay.open.auth.token.app", body)
    };
    let tokens = exchange();
    assert_eq!(
        (&tokens["user_id"], &tokens["auth_app_id"]),
        (&made["seller_id"], &made["auth_app_id"])
    );
    assert_eq!(exchange()["sub_code"], "AUTH_CODE_NOT_EXIST");
    let token = tokens["app_auth_token"].as_str().unwrap();
    let known = app.call(
        "alipay.open.auth.token.app.query",
        json!({ "app_auth_token": token }),
    );
    assert_eq!(known["user_id"], made["seller_id"]);

    let shop = Shop::open(&[Reply::Text("success")]);
    let extra = [
        ("app_auth_token", token),
        ("notify_url", shop.notify_url.as_str()),
    ];
    let placed = app.call_with("alipay.trade.precreate", &extra, app.order("order-0001"));
    assert_eq!(placed["code"], "10000", "{placed}");
    sandbox.pay("order-0001");
    let told = app.told(&shop.next());
    let sent = |name: &str| super::stage::value(&told, name);
    assert_eq!(sent("app_id"), app.id);
    assert_eq!(
        (sent("auth_app_id"), sent("seller_id")),
        (
            made["auth_app_id"].as_str().unwrap(),
            made["seller_id"].as_str().unwrap()
        )
    );
    // In the app's own name there is no such trade.
    assert_eq!(app.query("order-0001")["sub_code"], "ACQ.TRADE_NOT_EXIST");
    let query = json!({ "out_trade_no": "order-0001" });
    let found = app.call_with("alipay.trade.query", &[("app_auth_token", token)], query);
    assert_eq!(found["trade_status"], "TRADE_SUCCESS");
}
