//! Secrets that may occur in no error, no log record and no `Debug`: every text that the tests get to see is searched for them.

use std::sync::LazyLock;

use super::merchant;

/// The password of a proxy, in tests that configure one.
pub const PROXY_PASSWORD: &str = "hunter2-canary-42";
/// A payer's name, which travels encrypted.
pub const PAYER_NAME: &str = "王小明CANARY";

/// Of an app at WeChat's platform, with what the platform gives it and its users.
pub const APP_SECRET: &str = "5eCreT0fTheApp5eCreT0fTheApp5eCr";
pub const ACCESS_TOKEN: &str = "72_AccessToken-abc";
pub const NEXT_ACCESS_TOKEN: &str = "73_AccessToken-def";
pub const JSAPI_TICKET: &str = "sM4AOVdWfPE4DxkXGEs8VMCPGGVy4wWdAL";
pub const SESSION_KEY: &str = "HyVFkGl5F5OQWJZZaNzBBg==";
pub const LOGIN_CODE: &str = "033abcLoginCodeCanary";

/// How long a part of a key must be to count as leaked.
const PART: usize = 12;

static SECRETS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut secrets = vec![
        PROXY_PASSWORD.to_owned(),
        PAYER_NAME.to_owned(),
        merchant::OPENID.to_owned(),
        merchant::PREVIOUS_APIV3_KEY.to_owned(),
        ACCESS_TOKEN.to_owned(),
        NEXT_ACCESS_TOKEN.to_owned(),
        LOGIN_CODE.to_owned(),
    ];
    let hex = |text: &str| text.bytes().map(|b| format!("{b:02x}")).collect::<String>();
    for key in [
        merchant::APIV3_KEY,
        merchant::PREVIOUS_APIV3_KEY,
        merchant::APIV2_KEY,
        merchant::PREVIOUS_APIV2_KEY,
        APP_SECRET,
        JSAPI_TICKET,
        SESSION_KEY,
    ] {
        secrets.extend(parts(key));
        secrets.push(hex(&key[..PART]));
    }
    let body: String = merchant::MERCHANT
        .private
        .lines()
        .filter(|line| !line.starts_with('-'))
        .collect();
    // The first bytes of every PKCS#8 key are the same.
    secrets.extend(parts(&body[48..]));
    secrets
});

fn parts(text: &str) -> impl Iterator<Item = String> {
    (0..=text.len() - PART)
        .step_by(PART / 2)
        .map(|at| text[at..at + PART].to_owned())
}

/// Fails when `text` gives a secret away.
#[track_caller]
pub fn check(text: &str) {
    if let Some(secret) = found_in(text) {
        panic!("the secret {secret:?} stands in {text:?}");
    }
}

pub fn found_in(text: &str) -> Option<&'static str> {
    let lower = text.to_lowercase();
    SECRETS
        .iter()
        .find(|secret| text.contains(secret.as_str()) || lower.contains(secret.as_str()))
        .map(String::as_str)
}
