//! Looks a configuration over as an experienced colleague would: every part, not only the first that is wrong, and what will go wrong soon.
//!
//! Nothing here is needed to take money. It is for the day on which something does not work, and for the one before going live.

use serde::Serialize;
use serde_json::{Value, json as object};

use crate::call::{About, Delivered, Exchange};
use crate::client::Client;
use crate::config::Section;
use crate::crypto::Certificate;
use crate::error::{Code, Error, Result};
use crate::host::Host;
use crate::params::DoctorOptions;
use crate::provider::{Expected, SelfTest};
use crate::wire::json;

/// What was found, as documented in `docs/abi.md`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Whether nothing is wrong. Warnings do not count.
    pub healthy: bool,
    pub findings: Vec<Finding>,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// What was looked at: `private_key`, `echo`.
    pub check: String,
    pub status: Status,
    /// One sentence, never with a secret.
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Ok,
    /// It works, but not for long, or not as well as it could.
    Warning,
    Problem,
}

impl Finding {
    pub fn ok(check: impl Into<String>, message: impl Into<String>) -> Finding {
        Finding::new(check, Status::Ok, message)
    }

    pub fn warning(check: impl Into<String>, message: impl Into<String>) -> Finding {
        Finding::new(check, Status::Warning, message)
    }

    pub fn problem(check: impl Into<String>, message: impl Into<String>) -> Finding {
        Finding::new(check, Status::Problem, message)
    }

    fn new(check: impl Into<String>, status: Status, message: impl Into<String>) -> Finding {
        Finding {
            check: check.into(),
            status,
            message: message.into(),
            hint: None,
        }
    }

    pub fn with_hint(mut self, hint: impl Into<String>) -> Finding {
        self.hint = Some(hint.into());
        self
    }

    /// What an error says about `check`.
    pub fn of_error(check: impl Into<String>, error: &Error) -> Finding {
        let hint = error.detail("hint").and_then(Value::as_str);
        Finding {
            hint: hint.map(str::to_owned),
            ..Finding::problem(check, error.message())
        }
    }
}

/// Examines a configuration. Online, where `options` ask for it, a test request is sent to the provider with the built-in HTTP client.
/// An error says that the options cannot be read; whatever is wrong with the configuration is in the report.
pub fn examine(config: &[u8], host: Host, options: &[u8]) -> Result<Report> {
    let options = DoctorOptions::parse(options)?;
    let mut findings = match Section::parse(config) {
        Ok(mut section) => match section.text("provider").ok().flatten().as_deref() {
            Some("wechat") => crate::wechat::examine(&mut section, &host),
            Some("alipay") => crate::alipay::examine(&mut section, &host),
            Some("wechat-v2") => crate::wechat::v2::examine(&mut section, &host),
            _ => Vec::new(),
        },
        Err(_) => Vec::new(), // the client's own words about it follow
    };
    match Client::new(config, host) {
        Ok(client) => {
            findings.push(Finding::ok(
                "configuration",
                "a client can be made of it: every key is known and every part fits the others",
            ));
            if options.online {
                findings.extend(online(&client, &options));
            }
        }
        Err(error) => {
            let field = error.detail("field").and_then(Value::as_str);
            // What a check of its own has found is not told twice.
            let is_told = findings.iter().any(|finding| {
                finding.status == Status::Problem && Some(finding.check.as_str()) == field
            });
            if !is_told {
                findings.push(Finding::of_error(field.unwrap_or("configuration"), &error));
            }
        }
    }
    Ok(Report {
        healthy: findings
            .iter()
            .all(|finding| finding.status != Status::Problem),
        findings,
    })
}

/// A request that shows whether client and provider understand each other, if the provider has one.
fn online(client: &Client, options: &DoctorOptions) -> Vec<Finding> {
    let test = match client.self_test(options.notify_url.as_deref()) {
        Ok(Some(test)) => test,
        Ok(None) => {
            return vec![Finding::warning(
                "online",
                "this provider has no request that tests a client and changes nothing",
            )];
        }
        Err(error) => return vec![Finding::of_error("online", &error)],
    };
    let params =
        object!({ "body": test.body, "$": { "timeout_ms": options.timeout.as_millis() as u64 } });
    match client.execute(test.operation, params.to_string().as_bytes(), b"", None) {
        Ok(delivered) => answered(&test, &delivered),
        Err(error) if is_expected(&test, &error) => vec![passed(&test)],
        Err(error) => vec![failed(test.operation, &error)],
    }
}

fn passed(test: &SelfTest) -> Finding {
    Finding::ok("online", format!("{}: {}", test.operation, test.proves))
}

/// A no counts where the provider has signed it: anybody could say it otherwise.
fn is_expected(test: &SelfTest, error: &Error) -> bool {
    let code = error.detail("provider_code").and_then(Value::as_str);
    let is_authenticated = error.detail("authenticated") == Some(&Value::Bool(true));
    matches!(test.expects, Expected::Refusal(expected) if code == Some(expected))
        && is_authenticated
}

/// The answer is good as far as this provider's can be; what is left is what is in it, and the clocks.
fn answered(test: &SelfTest, delivered: &Delivered) -> Vec<Finding> {
    let body = json::parse(&delivered.body).unwrap_or_default();
    let mut findings = match test.expects {
        Expected::Echo(fields) => echoed(test, fields, &body, &delivered.about),
        Expected::Member(name) if body.get(name).is_none() => {
            let message = format!("{}: the answer has no {name}", test.operation);
            vec![Finding::problem("online", message)]
        }
        // That there is such an order after all says the same.
        Expected::Member(_) | Expected::Refusal(_) => vec![passed(test)],
    };
    if let About::Answer(Exchange {
        skew_s: Some(skew_s),
        ..
    }) = delivered.about
    {
        findings.push(clock(skew_s));
    }
    findings
}

/// What went through encryption and back.
fn echoed(test: &SelfTest, fields: &[&str], body: &Value, about: &About) -> Vec<Finding> {
    // Where only the signer has our key, what comes back encrypted stays so: nothing can be said of it here.
    let closed: &[&str] = match about {
        About::Answer(exchange) => &exchange.encrypted,
        About::Event(_) | About::Work(_) => &[],
    };
    let findings: Vec<Finding> = fields
        .iter()
        .filter(|field| !closed.contains(field) && body.get(**field) != test.body.get(**field))
        .map(|field| {
            Finding::problem("online", format!("the provider sent {field} back as something else"))
                .with_hint("if it was encrypted: is merchant_certificate the one that belongs to private_key, and is it the current one?")
        })
        .collect();
    if !findings.is_empty() {
        return findings;
    }
    let secret = match closed {
        [] => "what was encrypted came back",
        _ => "what came back encrypted only the signer's key could open",
    };
    let message = format!("{}: {}, and {secret}", test.operation, test.proves);
    vec![Finding::ok("online", message)]
}

/// Above this the clock is worth a word, although 300 seconds are allowed.
const SUSPICIOUS_SKEW_S: i64 = 30;

fn clock(skew_s: i64) -> Finding {
    let message = format!("the provider's clock and ours differ by {skew_s} seconds");
    match skew_s.abs() > SUSPICIOUS_SKEW_S {
        true => Finding::warning("clock", message)
            .with_hint("check NTP on this machine before the difference grows to 300 seconds"),
        false => Finding::ok("clock", message),
    }
}

fn failed(operation: &str, error: &Error) -> Finding {
    let mut finding = Finding::of_error("online", error);
    let told = |key| error.detail(key).and_then(Value::as_str);
    if let Some(words) = told("provider_message") {
        finding.message = format!("{}; its words: {words}", finding.message);
    }
    match told("provider_code") {
        Some("NO_AUTH" | "RESOURCE_NOT_EXISTS") => Finding {
            status: Status::Warning,
            ..finding.with_hint(format!(
                "the provider knows this merchant and accepted its signature, but does not offer it {operation}"
            ))
        },
        // Nothing is wrong with the keys: something that a caller gives with each request would be needed here.
        _ if error.code() == Code::ParamsInvalid => {
            let message = format!("{operation} could not be sent: {}", finding.message);
            Finding::warning("online", message)
                .with_hint("set what is missing in the configuration, and it is tested too")
        }
        _ => finding,
    }
}

/// A part of a configuration that is there and a text.
pub(crate) fn text(config: &mut Section, key: &'static str) -> Option<String> {
    config.text(key).ok().flatten()
}

/// Renewing a certificate takes people, so they are told a month before.
const SOON_S: i64 = 30 * 86_400;

pub(crate) fn certificate_lifetime(check: &str, certificate: &Certificate, now_s: i64) -> Finding {
    let serial = certificate.serial();
    let left_s = certificate.not_after().saturating_sub(now_s);
    let days = left_s / 86_400;
    if left_s < 0 {
        return Finding::problem(check, format!("the certificate {serial} has expired"));
    }
    if certificate.not_before() > now_s {
        return Finding::problem(check, format!("the certificate {serial} is not valid yet"))
            .with_hint("check this machine's clock");
    }
    let message = format!("the certificate {serial} is valid for {days} more days");
    match left_s < SOON_S {
        true => Finding::warning(check, message)
            .with_hint("replace it in time; the old and the new one may be used side by side"),
        false => Finding::ok(check, message),
    }
}
