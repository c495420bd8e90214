//! `alipay.system.oauth.token` and `alipay.user.info.share`: who the buyer is, if the buyer lets the app know.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Query, State as Shared};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use crate::clock;
use crate::crypto::{random_digits, random_text};
use crate::loopback;
use crate::sandbox::Sandbox;

use super::canonical::write_form;
use super::charset::Charset;
use super::operations::{Ask, Operation, Party, Reply, api};
use super::parties::{BUYER_ID, BUYER_OPEN_ID};
use super::refusal::Refusal;

pub const OPERATIONS: &[Operation] = &[
    api("alipay.system.oauth.token", token),
    api("alipay.user.info.share", share),
    api("alipay.open.auth.token.app", app_token),
    api("alipay.open.auth.token.app.query", app_token_query),
];

const CODE_LIFETIME: Duration = Duration::minutes(10);
const ACCESS_S: i64 = 1_296_000;
const REFRESH_S: i64 = 2_592_000;
const APP_ACCESS_S: i64 = 31_536_000;
const APP_REFRESH_S: i64 = 32_140_800;

/// Codes and tokens that were handed out.
#[derive(Default)]
pub struct Grants {
    codes: HashMap<String, Grant>,
    access: HashMap<String, Grant>,
    refresh: HashMap<String, Grant>,
    /// Of merchants who let the app act for them.
    app_codes: HashMap<String, Party>,
    app_access: HashMap<String, Party>,
    app_refresh: HashMap<String, Party>,
}

#[derive(Clone)]
struct Grant {
    scope: String,
    at: OffsetDateTime,
}

impl Grants {
    fn code(&mut self, scope: &str) -> String {
        let code = random_text(32).to_lowercase();
        let grant = Grant {
            scope: scope.to_owned(),
            at: clock::now(),
        };
        self.codes.insert(code.clone(), grant);
        code
    }
}

/// Who is acted for: with a token its merchant, without one the app's own seller.
pub fn party(sandbox: &Sandbox, app_auth_token: Option<&str>) -> Result<Party, Refusal> {
    let app = &sandbox.alipay.app;
    let Some(token) = app_auth_token else {
        return Ok(Party {
            seller: app.pid.clone(),
            auth_app_id: app.id.clone(),
        });
    };
    let state = sandbox.alipay.state();
    let party = state.grants.app_access.get(token);
    party
        .cloned()
        .ok_or_else(|| Refusal::token("aop.invalid-app-auth-token", "无效的应用授权令牌"))
}

/// A merchant's code or the token for renewing, exchanged once.
fn app_token(ask: &Ask) -> Result<Reply, Refusal> {
    let mut state = ask.sandbox.alipay.state();
    let grants = &mut state.grants;
    let party = match ask.text("grant_type") {
        Some("authorization_code") => ask
            .text("code")
            .and_then(|code| grants.app_codes.remove(code))
            .ok_or_else(|| Refusal::business("AUTH_CODE_NOT_EXIST", "auth_code不存在"))?,
        Some("refresh_token") => ask
            .text("refresh_token")
            .and_then(|token| grants.app_refresh.remove(token))
            .ok_or_else(|| Refusal::business("REFRESH_TOKEN_NOT_EXIST", "刷新令牌不存在"))?,
        _ => {
            let words = "grant_type必须是authorization_code或者refresh_token";
            return Err(Refusal::business("GRANT_TYPE_INVALID", words));
        }
    };
    let [access, refresh] = ["BB", "BR"].map(|kind| format!("20{kind}{}", random_text(32)));
    grants.app_access.insert(access.clone(), party.clone());
    grants.app_refresh.insert(refresh.clone(), party.clone());
    Ok(json!({
        "app_auth_token": access,
        "app_refresh_token": refresh,
        "auth_app_id": party.auth_app_id,
        "expires_in": APP_ACCESS_S.to_string(),
        "re_expires_in": APP_REFRESH_S.to_string(),
        "user_id": party.seller,
    })
    .into())
}

fn app_token_query(ask: &Ask) -> Result<Reply, Refusal> {
    let token = ask.required("", "app_auth_token")?;
    let party = party(ask.sandbox, Some(token))?;
    Ok(json!({
        "user_id": party.seller,
        "auth_app_id": party.auth_app_id,
        "expires_in": APP_ACCESS_S,
        "auth_methods": super::names(),
        "status": "valid",
    })
    .into())
}

fn token(ask: &Ask) -> Result<Reply, Refusal> {
    let invalid = |sub_code: &str, words: &str| Err(Refusal::invalid(sub_code, words));
    let mut state = ask.sandbox.alipay.state();
    let grants = &mut state.grants;
    let grant = match ask.param("grant_type") {
        Some("authorization_code") => {
            // A code is good once.
            let code = ask.param("code").and_then(|code| grants.codes.remove(code));
            match code.filter(|grant| clock::now() - grant.at <= CODE_LIFETIME) {
                Some(grant) => grant,
                None => return invalid("isv.code-invalid", "授权码code无效"),
            }
        }
        Some("refresh_token") => {
            let token = ask.param("refresh_token");
            match token.and_then(|token| grants.refresh.remove(token)) {
                Some(grant) => grant,
                None => return invalid("isv.refresh-token-invalid", "刷新令牌refresh_token无效"),
            }
        }
        _ => return invalid("isv.grant-type-invalid", "grant_type参数不正确"),
    };
    let [access, refresh] =
        ["authusrB", "authusrR"].map(|kind| format!("{kind}{}", random_text(32)));
    let grant = Grant {
        at: clock::now(),
        ..grant
    };
    grants.access.insert(access.clone(), grant.clone());
    grants.refresh.insert(refresh.clone(), grant);
    Ok(Reply::Bare(json!({
        "access_token": access,
        "alipay_user_id": BUYER_ID,
        "auth_start": clock::plain(clock::now()),
        "expires_in": ACCESS_S,
        "open_id": BUYER_OPEN_ID,
        "re_expires_in": REFRESH_S,
        "refresh_token": refresh,
        "user_id": BUYER_ID,
    })))
}

fn share(ask: &Ask) -> Result<Reply, Refusal> {
    let state = ask.sandbox.alipay.state();
    let token = ask.param("auth_token");
    let grant = token.and_then(|token| state.grants.access.get(token));
    let fresh = grant.filter(|grant| clock::now() - grant.at <= Duration::seconds(ACCESS_S));
    let Some(grant) = fresh else {
        return Err(Refusal::token("aop.invalid-auth-token", "无效的访问令牌"));
    };
    if grant.scope != "auth_user" {
        let words = "用户权限不足，scope须为auth_user";
        return Err(Refusal::permission(
            "isv.insufficient-user-permissions",
            words,
        ));
    }
    Ok(json!({
        "user_id": BUYER_ID,
        "open_id": BUYER_OPEN_ID,
        "nick_name": "沙箱买家",
        "avatar": "",
        "province": "浙江省",
        "city": "杭州市",
        "gender": "F",
    })
    .into())
}

/// `POST /sandbox/alipay/app-auth-codes`: a merchant who has not been here before lets the app act for him.
pub async fn fresh_for_app(Shared(sandbox): Shared<Arc<Sandbox>>) -> Response {
    let party = Party {
        seller: format!("2088{}", random_digits(12)),
        auth_app_id: format!("2021{}", random_digits(12)),
    };
    let code = format!("P{}", random_text(31));
    let answer = json!({ "app_auth_code": code, "seller_id": party.seller, "auth_app_id": party.auth_app_id });
    sandbox.alipay.state().grants.app_codes.insert(code, party);
    (StatusCode::CREATED, Json(answer)).into_response()
}

/// `POST /sandbox/alipay/auth-codes`: a buyer has agreed.
pub async fn fresh(Shared(sandbox): Shared<Arc<Sandbox>>, body: Bytes) -> Response {
    let wish: Value = serde_json::from_slice(&body).unwrap_or_default();
    let scope = wish["scope"].as_str().unwrap_or("auth_user");
    let code = sandbox.alipay.state().grants.code(scope);
    (StatusCode::CREATED, Json(json!({ "auth_code": code }))).into_response()
}

#[derive(Deserialize)]
pub struct Authorize {
    app_id: String,
    scope: String,
    redirect_uri: String,
    state: Option<String>,
}

/// The page where a buyer agrees: here, without being asked.
pub async fn authorize(
    Shared(sandbox): Shared<Arc<Sandbox>>,
    Query(wish): Query<Authorize>,
) -> Response {
    let refused = |words: String| (StatusCode::BAD_REQUEST, words).into_response();
    if wish.app_id != sandbox.alipay.app.id {
        return refused("app_id: another app's".into());
    }
    if let Err(issue) = loopback::target_with_query(&wish.redirect_uri) {
        return refused(format!("redirect_uri: {issue}"));
    }
    let code = sandbox.alipay.state().grants.code(&wish.scope);
    let fields = [
        ("app_id", wish.app_id),
        ("source", "alipay_wallet".into()),
        ("scope", wish.scope),
        ("state", wish.state.unwrap_or_default()),
        ("auth_code", code),
    ]
    .map(|(name, value)| (name.to_owned(), value));
    let joint = if wish.redirect_uri.contains('?') {
        '&'
    } else {
        '?'
    };
    let query = write_form(Charset::Utf8, &fields);
    let target = format!("{}{joint}{query}", wish.redirect_uri);
    (StatusCode::FOUND, [(header::LOCATION, target)]).into_response()
}
