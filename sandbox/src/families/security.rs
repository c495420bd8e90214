//! `POST /v3/security/echo`: what was sent comes back, in the clear and sealed, as an answer and as a notification.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::fields::{Field, Kind, optional, required};
use crate::notifications::{self, Event};
use crate::operations::{self, Input, Operation, Reply, operation};
use crate::problem::Problem;
use crate::sandbox::Sandbox;
use crate::signing;

pub const OPERATIONS: &[Operation] = &[operation("POST /v3/security/echo", echo)];

const ECHO: &[Field] = &[
    required("echo_message", Kind::Text { min: 1, max: 1024 }),
    optional("encrypted_echo_message", Kind::Sealed),
    optional("notify_url", Kind::Text { min: 1, max: 255 }),
];

fn echo(sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
    let body = input.checked_body(sandbox, ECHO)?;
    operations::check_notify_url(&body)?;
    let mut answer = json!({ "echo_message": body["echo_message"] });
    if let Some(plain) = body["encrypted_echo_message"].as_str() {
        answer["encrypted_echo_message"] = signing::seal_field(sandbox, plain).into();
    }
    if let Some(notify_url) = body["notify_url"].as_str() {
        tell(sandbox, input, &answer, notify_url);
    }
    Ok(answer.into())
}

fn tell(sandbox: &Arc<Sandbox>, input: &Input, answer: &Value, notify_url: &str) {
    let mut resource = json!({ "echo_message": answer["echo_message"] });
    if let Some(sealed) = answer.get("encrypted_echo_message") {
        // The notification's name for it differs by two letters.
        resource["encrypt_echo_message"] = sealed.clone();
    }
    let event = Event {
        event_type: "SECURITY_ECHO.SUCCESS",
        original_type: "security",
        summary: "安全回显",
        resource,
        number: answer["echo_message"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        notify_url: notify_url.to_owned(),
        asked: input.asked,
    };
    notifications::tell(sandbox, event);
}
