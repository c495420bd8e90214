//! A user's leave to use a service: asked for by the merchant, given and taken back by the user, ended by either.

use std::sync::Arc;

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::check_number;
use crate::catalogue::Checked;
use crate::clock;
use crate::crypto::random_text;
use crate::notifications::{self, Event};
use crate::operations::{Reply, own_appid};
use crate::problem::Problem;
use crate::sandbox::Sandbox;
use crate::signing::Asked;

/// As they were asked for.
#[derive(Default)]
pub struct Permissions(Vec<Permission>);

pub struct Permission {
    request: Value,
    token: String,
    openid: Option<String>,
    opened: Option<OffsetDateTime>,
    closed: Option<OffsetDateTime>,
    asked: Asked,
}

impl Permissions {
    pub fn all(&self) -> &[Permission] {
        &self.0
    }

    pub fn is_open(&self, service_id: &str, openid: &str) -> bool {
        self.of(service_id, openid)
            .is_some_and(|permission| permission.state() == "AVAILABLE")
    }

    /// The latest that this user gave for the service.
    fn of(&self, service_id: &str, openid: &str) -> Option<&Permission> {
        let gave = |it: &&Permission| {
            it.request["service_id"] == service_id && it.openid.as_deref() == Some(openid)
        };
        self.0.iter().rev().find(gave)
    }

    fn by_code(&self, code: &str) -> Option<&Permission> {
        self.0.iter().find(|it| it.code() == code)
    }
}

impl Permission {
    pub fn code(&self) -> &str {
        self.request["authorization_code"]
            .as_str()
            .unwrap_or_default()
    }

    fn state(&self) -> &'static str {
        match (self.opened, self.closed) {
            (None, _) => "UNBINDUSER",
            (Some(_), None) => "AVAILABLE",
            (Some(_), Some(_)) => "UNAVAILABLE",
        }
    }

    pub fn answer(&self, sandbox: &Sandbox) -> Value {
        let mut answer = self.request.clone();
        answer["mchid"] = sandbox.merchant.mchid.as_str().into();
        answer["authorization_state"] = self.state().into();
        if let Some(openid) = &self.openid {
            answer["openid"] = openid.as_str().into();
        }
        for (name, at) in [
            ("authorization_success_time", self.opened),
            ("cancel_authorization_time", self.closed),
        ] {
            if let Some(at) = at {
                answer[name] = clock::rfc3339(at).into();
            }
        }
        answer
    }
}

pub fn apply(sandbox: &Arc<Sandbox>, request: &Checked) -> Result<Reply, Problem> {
    own_appid(sandbox, &request.body["appid"])?;
    let code = request.text("authorization_code");
    check_number("/authorization_code", code)?;
    let mut ledger = sandbox.ledger();
    let permissions = &mut ledger.families.permissions;
    let token = match permissions.by_code(code) {
        Some(permission) if permission.request == request.body => permission.token.clone(),
        Some(_) => return Err(Problem::different_parameters()),
        None => {
            let token = random_text(100);
            permissions.0.push(Permission {
                request: request.body.clone(),
                token: token.clone(),
                openid: None,
                opened: None,
                closed: None,
                asked: request.asked,
            });
            token
        }
    };
    Ok(json!({ "apply_permissions_token": token }).into())
}

pub fn by_code(sandbox: &Arc<Sandbox>, request: &Checked) -> Result<Reply, Problem> {
    let ledger = sandbox.ledger();
    let permission = ledger
        .families
        .permissions
        .by_code(request.parameter("authorization_code"))
        .filter(|it| it.request["service_id"] == request.parameter("service_id"))
        .ok_or_else(unknown)?;
    Ok(request.shaped(&permission.answer(sandbox)).into())
}

/// Of a user who gave no leave it says so.
pub fn by_openid(sandbox: &Arc<Sandbox>, request: &Checked) -> Result<Reply, Problem> {
    let (service_id, openid) = (request.parameter("service_id"), request.parameter("openid"));
    let ledger = sandbox.ledger();
    let answer = match ledger.families.permissions.of(service_id, openid) {
        Some(permission) => permission.answer(sandbox),
        None => json!({
            "service_id": service_id,
            "appid": request.parameter("appid"),
            "mchid": sandbox.merchant.mchid,
            "openid": openid,
            "authorization_state": "UNAVAILABLE",
        }),
    };
    Ok(request.shaped(&answer).into())
}

pub fn state(sandbox: &Arc<Sandbox>, request: &Checked) -> Result<Reply, Problem> {
    let (service_id, openid) = (request.parameter("service_id"), request.parameter("openid"));
    let open = sandbox
        .ledger()
        .families
        .permissions
        .is_open(service_id, openid);
    Ok(json!({
        "service_id": service_id,
        "appid": request.parameter("appid"),
        "openid": openid,
        "use_service_state": if open { "AVAILABLE" } else { "UNAVAILABLE" },
    })
    .into())
}

pub fn end_by_code(sandbox: &Arc<Sandbox>, request: &Checked) -> Result<Reply, Problem> {
    end(
        sandbox,
        request.parameter("authorization_code"),
        request.text("service_id"),
    )
}

pub fn end_by_openid(sandbox: &Arc<Sandbox>, request: &Checked) -> Result<Reply, Problem> {
    let (service_id, openid) = (request.text("service_id"), request.parameter("openid"));
    let ledger = sandbox.ledger();
    let permission = ledger
        .families
        .permissions
        .of(service_id, openid)
        .ok_or_else(unknown)?;
    let code = permission.code().to_owned();
    drop(ledger);
    end(sandbox, &code, service_id)
}

fn end(sandbox: &Arc<Sandbox>, code: &str, service_id: &str) -> Result<Reply, Problem> {
    let ledger = sandbox.ledger();
    let known = ledger.families.permissions.by_code(code);
    if known.is_none_or(|it| it.request["service_id"] != service_id) {
        return Err(unknown());
    }
    drop(ledger);
    close(sandbox, code)?;
    Ok(Reply::Nothing)
}

fn unknown() -> Problem {
    Problem::not_found("授权记录不存在")
}

/// The user gives leave.
pub fn open(sandbox: &Arc<Sandbox>, code: &str, openid: &str) -> Result<Value, Problem> {
    change(
        sandbox,
        code,
        ("PAYSCORE.USER_OPEN_SERVICE", "授权成功"),
        |permission| {
            if permission.opened.is_some() {
                return Err(Problem::request(
                    268435509,
                    "授权协议号已被使用，请使用新的授权协议号",
                ));
            }
            permission.openid = Some(openid.to_owned());
            permission.opened = Some(clock::now());
            Ok(())
        },
    )
}

/// The user or the merchant ends it.
pub fn close(sandbox: &Arc<Sandbox>, code: &str) -> Result<Value, Problem> {
    change(
        sandbox,
        code,
        ("PAYSCORE.USER_CLOSE_SERVICE", "解除授权成功"),
        |permission| {
            if permission.state() != "AVAILABLE" {
                return Err(Problem::request(
                    268435510,
                    "用户未授权或已解除授权，当前状态无需操作",
                ));
            }
            permission.closed = Some(clock::now());
            Ok(())
        },
    )
}

/// Changes a permission and tells it where its request said, if it said so.
fn change(
    sandbox: &Arc<Sandbox>,
    code: &str,
    (event_type, summary): (&'static str, &'static str),
    change: impl FnOnce(&mut Permission) -> Result<(), Problem>,
) -> Result<Value, Problem> {
    let mut ledger = sandbox.ledger();
    let found = ledger
        .families
        .permissions
        .0
        .iter_mut()
        .find(|it| it.code() == code);
    let permission = found.ok_or_else(unknown)?;
    change(permission)?;
    let answer = permission.answer(sandbox);
    let event = Event {
        event_type,
        original_type: "payscore",
        summary,
        resource: json!({
            "appid": answer["appid"],
            "mchid": answer["mchid"],
            "service_id": answer["service_id"],
            "openid": answer["openid"],
            "user_service_status": event_type.trim_start_matches("PAYSCORE."),
            "openorclose_time": clock::digits(clock::now()),
            "authorization_code": code,
        }),
        number: code.to_owned(),
        notify_url: permission.request["notify_url"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        asked: permission.asked,
    };
    drop(ledger);
    sandbox.announce(json!({ "change": "payscore_permission", "authorization_code": code }));
    if !event.notify_url.is_empty() {
        notifications::tell(sandbox, event);
    }
    Ok(answer)
}
