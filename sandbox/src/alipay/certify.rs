//! `alipay.user.certify.open.*`: a person shows the face, here by a click.

use serde_json::{Value, json};

use crate::crypto::random_text;
use crate::keys::MERCHANT_NAME;
use crate::loopback;
use crate::sandbox::Sandbox;

use super::operations::{Ask, Operation, Reply, api, page};
use super::refusal::Refusal;
use super::state::State;

pub const OPERATIONS: &[Operation] = &[
    api("alipay.user.certify.open.initialize", initialize),
    page("alipay.user.certify.open.certify", |ask| {
        let id = ask.required("", "certify_id")?;
        let mut state = ask.sandbox.alipay.state();
        let certification = state.certification(id)?;
        Ok(Reply::Page(format!("/cashier/{}", certification.id)))
    }),
    api("alipay.user.certify.open.query", query),
];

#[derive(Clone)]
pub struct Certification {
    id: String,
    outer_order_no: String,
    name: String,
    number: String,
    return_url: Option<String>,
    passed: bool,
}

fn initialize(ask: &Ask) -> Result<Reply, Refusal> {
    let outer_order_no = ask.short("", "outer_order_no", 32)?.to_owned();
    ask.required("", "biz_code")?;
    let person = ask.of(&ask.body["identity_param"]);
    if person.required("", "identity_type")? != "CERT_INFO" {
        return Err(Refusal::parameter("", "identity_type", "须为CERT_INFO"));
    }
    person.required("", "cert_type")?;
    let [name, number] =
        ["cert_name", "cert_no"].map(|name| person.required("", name).map(str::to_owned));
    let return_url = ask.body["merchant_config"]["return_url"].as_str();
    if let Some(Err(issue)) = return_url.map(loopback::target_with_query) {
        return Err(Refusal::parameter("", "return_url", &issue));
    }
    let certification = Certification {
        id: random_text(32).to_lowercase(),
        outer_order_no,
        name: name?,
        number: number?,
        return_url: return_url.map(str::to_owned),
        passed: false,
    };
    let mut state = ask.sandbox.alipay.state();
    let mut known = state.certifications.iter();
    if let Some(known) = known.find(|one| one.outer_order_no == certification.outer_order_no) {
        return Ok(json!({ "certify_id": known.id }).into());
    }
    let answer = json!({ "certify_id": certification.id });
    state.certifications.push(certification);
    Ok(answer.into())
}

fn query(ask: &Ask) -> Result<Reply, Refusal> {
    let id = ask.required("", "certify_id")?;
    let mut state = ask.sandbox.alipay.state();
    let certification = state.certification(id)?;
    let person = json!({ "cert_name": certification.name, "cert_no": certification.number });
    Ok(match certification.passed {
        true => json!({ "passed": "T", "identity_info": person.to_string() }),
        false => json!({ "passed": "F", "fail_reason": "未完成认证" }),
    }
    .into())
}

/// The face was shown.
pub fn pass(sandbox: &Sandbox, token: &str) {
    if let Ok(certification) = sandbox.alipay.state().certification(token) {
        certification.passed = true;
    }
}

/// What the page shows.
pub fn view(state: &mut State, token: &str) -> Option<Value> {
    let certification = state.certification(token).ok()?;
    let mut view = json!({
        "provider": "alipay",
        "deed": "certify",
        "merchant": MERCHANT_NAME,
        "description": "身份认证 Certification",
        "out_trade_no": certification.outer_order_no,
        "trade_type": "人脸 face",
        "state": if certification.passed { "paid" } else { "open" },
    });
    if certification.passed {
        view["return_url"] = certification.return_url.clone().into();
    }
    Some(view)
}

impl State {
    fn certification(&mut self, id: &str) -> Result<&mut Certification, Refusal> {
        let found = self.certifications.iter_mut().find(|one| one.id == id);
        found.ok_or_else(|| Refusal::business("CERTIFY_ID_NOT_EXIST", "认证单据不存在"))
    }
}
