//! The table of operations: which request is which, and what an operation gets and gives.

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::catalogue::{self, Checked};
use crate::families::FAMILIES;
use crate::fields::{self, Field};
use crate::loopback;
use crate::problem::Problem;
use crate::sandbox::Sandbox;
use crate::signing::{self, Asked};
use crate::upload::Upload;

/// One line of a family's table: the provider's name, and what carries it out.
pub struct Operation {
    /// `"POST /v3/…/{placeholder}/…"`
    pub name: &'static str,
    perform: Perform,
    /// No family plays it: answered by a sample.
    pub sampled: bool,
}

enum Perform {
    /// Checks its request by itself.
    Input(fn(&Arc<Sandbox>, &Input) -> Result<Reply, Problem>),
    /// Gets a request that was held against the table of facts.
    Checked(fn(&Arc<Sandbox>, &Checked) -> Result<Reply, Problem>),
}

pub const fn operation(
    name: &'static str,
    perform: fn(&Arc<Sandbox>, &Input) -> Result<Reply, Problem>,
) -> Operation {
    Operation {
        name,
        perform: Perform::Input(perform),
        sampled: false,
    }
}

/// An operation whose request is checked against the table of facts before; the name is that of the facts.
pub const fn checked(
    name: &'static str,
    perform: fn(&Arc<Sandbox>, &Checked) -> Result<Reply, Problem>,
) -> Operation {
    Operation {
        name,
        perform: Perform::Checked(perform),
        sampled: false,
    }
}

impl Operation {
    pub const fn by_sample(self) -> Self {
        Self {
            sampled: true,
            ..self
        }
    }

    pub fn perform(&self, sandbox: &Arc<Sandbox>, input: &Input) -> Result<Reply, Problem> {
        match self.perform {
            Perform::Input(perform) => perform(sandbox, input),
            Perform::Checked(perform) => perform(sandbox, &catalogue::check(sandbox, input)?),
        }
    }

    /// Whether its request is a form with a file, of which the part `meta` is signed.
    pub fn takes_a_file(&self) -> bool {
        self.is_checked_by_facts() && catalogue::takes_a_file(self.name)
    }

    pub fn is_checked_by_facts(&self) -> bool {
        matches!(self.perform, Perform::Checked(_))
    }
}

/// What an operation answers, before it is signed.
pub enum Reply {
    Json(Value),
    /// Another status than 200; with or without a body.
    Status(StatusCode, Option<Value>),
    /// 204.
    Nothing,
    /// A download: the one thing that the provider sends unsigned.
    File(File),
}

impl From<Value> for Reply {
    fn from(value: Value) -> Self {
        Self::Json(value)
    }
}

pub struct File {
    pub content_type: &'static str,
    pub bytes: Vec<u8>,
}

/// Every operation by the provider's name, family by family.
pub fn names() -> Vec<&'static str> {
    operations().map(|operation| operation.name).collect()
}

/// The operations that have a behaviour of their own.
fn by_hand() -> impl Iterator<Item = &'static Operation> {
    FAMILIES.iter().copied().flatten()
}

fn operations() -> impl Iterator<Item = &'static Operation> {
    by_hand().chain(catalogue::operations())
}

/// A request that is one of the operations, with the decoded values of its placeholders.
pub struct Call {
    pub operation: &'static Operation,
    pub placeholders: Placeholders,
}

type Placeholders = Vec<(&'static str, String)>;

impl Call {
    pub fn placeholder(&self, name: &str) -> Option<&str> {
        self.placeholders
            .iter()
            .find(|(other, _)| *other == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Finds the operation of a request line; `Err(true)` when only the method is wrong. Of several that
/// match, the one with the fewest placeholders is meant. The table of facts is not looked at as long as
/// nobody asks for what only it knows.
pub fn route(method: &Method, path: &str) -> Result<Call, bool> {
    match among(by_hand(), method, path) {
        Ok(call) if call.placeholders.is_empty() => Ok(call),
        _ => among(operations(), method, path),
    }
}

fn among(
    operations: impl Iterator<Item = &'static Operation>,
    method: &Method,
    path: &str,
) -> Result<Call, bool> {
    let mut wrong_method = false;
    let mut found: Option<Call> = None;
    for operation in operations {
        let (verb, template) = operation.name.split_once(' ').unwrap_or_default();
        let Some(placeholders) = matches(template, path) else {
            continue;
        };
        if verb != method.as_str() {
            wrong_method = true;
        } else if found
            .as_ref()
            .is_none_or(|call| placeholders.len() < call.placeholders.len())
        {
            found = Some(Call {
                operation,
                placeholders,
            });
        }
    }
    found.ok_or(wrong_method)
}

fn matches(template: &'static str, path: &str) -> Option<Placeholders> {
    let mut placeholders = Placeholders::new();
    let mut parts = path.split('/');
    for expected in template.split('/') {
        let part = parts.next()?;
        let name = expected
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        match name {
            None if part == expected => {}
            None => return None,
            Some(name) => {
                let value = percent_decode_str(part).decode_utf8().ok()?;
                if value.is_empty() {
                    return None;
                }
                placeholders.push((name, value.into_owned()));
            }
        }
    }
    parts.next().is_none().then_some(placeholders)
}

/// What an operation may know of its request, after the signature has been checked.
pub struct Input<'a> {
    pub call: &'a Call,
    pub query: &'a str,
    pub body: &'a [u8],
    /// The parts of a form; its `body` is the whole of it.
    pub upload: Option<&'a Upload>,
    pub asked: Asked,
    /// The serial whose key opens sensitive fields.
    pub field_key: Option<String>,
}

impl Input<'_> {
    /// The decoded value of a placeholder of the operation's name.
    pub fn placeholder(&self, name: &str) -> &str {
        self.call.placeholder(name).unwrap_or_default()
    }

    pub fn query(&self, name: &str) -> Option<String> {
        self.query.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=')?;
            (key == name).then(|| percent_decode_str(value).decode_utf8_lossy().into_owned())
        })
    }

    pub fn required_query(&self, name: &str) -> Result<String, Problem> {
        self.query(name)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| Problem::parameter("query", name, None, "必填参数缺失 (required)"))
    }

    /// The body, checked against `fields`; its sealed fields have become their plaintext.
    pub fn checked_body(&self, sandbox: &Sandbox, fields: &[Field]) -> Result<Value, Problem> {
        let mut body = serde_json::from_slice(self.body).map_err(|_| {
            Problem::parameter("body", "/", None, "请求体不是合法的JSON (not valid JSON)")
        })?;
        fields::check(fields, &mut body, &|sealed| {
            signing::open_field(sandbox, self.field_key.as_deref(), sealed)
        })?;
        Ok(body)
    }
}

/// The merchant named in a request must be the one who signed it.
pub fn own_mchid(sandbox: &Sandbox, mchid: &Value) -> Result<(), Problem> {
    match mchid == sandbox.merchant.mchid.as_str() {
        true => Ok(()),
        false => Err(Problem::foreign_merchant()),
    }
}

pub fn own_appid(sandbox: &Sandbox, appid: &Value) -> Result<(), Problem> {
    match appid == sandbox.merchant.appid.as_str() {
        true => Ok(()),
        false => Err(Problem::appid_mismatch()),
    }
}

/// An address for notifications, if there is one, must be on this machine.
pub fn check_notify_url(body: &Value) -> Result<(), Problem> {
    check_address(body, "notify_url")
}

/// The same for an address that has another name.
pub fn check_address(body: &Value, name: &str) -> Result<(), Problem> {
    let Some(url) = body[name].as_str() else {
        return Ok(());
    };
    loopback::target(url)
        .map(drop)
        .map_err(|issue| Problem::parameter("body", &format!("/{name}"), Some(&url.into()), &issue))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_find_their_operation_and_its_decoded_placeholders() {
        let call = route(
            &Method::GET,
            "/v3/pay/transactions/out-trade-no/order%7C0001",
        )
        .ok()
        .unwrap();
        assert_eq!(
            (call.operation.name, call.placeholder("out_trade_no")),
            (
                "GET /v3/pay/transactions/out-trade-no/{out_trade_no}",
                Some("order|0001")
            )
        );
        assert_eq!(route(&Method::DELETE, "/v3/certificates").err(), Some(true));
        for unknown in [
            "/v3/certificates/",
            "/v3/pay/transactions/id/",
            "/v3/pay/transactions",
            "/v4/certificates",
        ] {
            assert_eq!(route(&Method::GET, unknown).err(), Some(false));
        }
    }

    #[test]
    fn every_operation_has_a_name_of_its_own() {
        let mut names = names();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(names.iter().all(|name| name.contains("/v3/")));
    }
}
