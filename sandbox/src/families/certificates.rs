//! `/v3/certificates`: the platform's certificates, each sealed under the APIv3 key.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::clock;
use crate::crypto::random_text;
use crate::operations::{Input, Operation, Reply, operation};
use crate::problem::Problem;
use crate::sandbox::Sandbox;

pub const OPERATIONS: &[Operation] = &[operation("GET /v3/certificates", certificates)];

fn certificates(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    if !sandbox.settings().certificates {
        return Err(Problem::not_found(
            "无可用的平台证书，请在商户平台-API安全申请使用微信支付公钥",
        ));
    }
    let scheme = sandbox.merchant.scheme;
    match input.query("algorithm_type").as_deref().unwrap_or("RSA") {
        "ALL" => {}
        kind if kind == scheme.algorithm_type() => {}
        "SM2" => return Err(Problem::not_found("无可用的国密平台证书")),
        "RSA" => return Err(Problem::not_found("无可用的平台证书")),
        other => {
            return Err(Problem::parameter(
                "query",
                "algorithm_type",
                Some(&other.into()),
                "须为RSA、SM2、ALL之一 (not an allowed value)",
            ));
        }
    }
    let ring = sandbox.ring();
    let data: Vec<Value> = ring
        .valid()
        .map(|certificate| {
            let nonce = random_text(12);
            json!({
                "serial_no": certificate.serial,
                "effective_time": clock::rfc3339(certificate.effective),
                "expire_time": clock::rfc3339(certificate.expires),
                "encrypt_certificate": {
                    "algorithm": scheme.aead(),
                    "nonce": nonce,
                    "associated_data": "certificate",
                    "ciphertext": scheme.seal(&sandbox.merchant.apiv3_key, &nonce, "certificate", certificate.pem.as_bytes()),
                },
            })
        })
        .collect();
    Ok(json!({ "data": data }).into())
}
