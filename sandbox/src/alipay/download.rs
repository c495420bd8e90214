//! `alipay.open.app.alipaycert.download`: a certificate that an answer was signed with.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;

use super::operations::{Ask, Operation, Reply, api};
use super::refusal::Refusal;

pub const OPERATIONS: &[Operation] = &[api("alipay.open.app.alipaycert.download", download)];

fn download(ask: &Ask) -> Result<Reply, Refusal> {
    let sn = ask.required("", "alipay_cert_sn")?;
    let ring = ask.sandbox.alipay.ring();
    let certificate = ring
        .find(sn)
        .ok_or_else(|| Refusal::business("CERT_NOT_EXIST", "证书不存在"))?;
    Ok(json!({ "alipay_cert_content": STANDARD.encode(&certificate.chain) }).into())
}
