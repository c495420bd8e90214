//! What a refusal means for money.

use serde_json::Value;

use crate::error::{Code, Error, Outcome};

/// The error that an answer stands for whose `return_code` or `result_code` says FAIL. `authenticated` says whether its signature
/// was verified: `return_code` FAIL has none, so it is nobody's word.
pub(super) fn refusal(fields: &serde_json::Map<String, Value>, authenticated: bool) -> Error {
    let text = |names: &[&str]| {
        let found = names.iter().find_map(|name| fields.get(*name)?.as_str());
        found.unwrap_or_default().to_owned()
    };
    let provider_code = text(&["err_code", "error_code", "retcode"]);
    let words = text(&[
        "err_code_des",
        "error_code_des",
        "return_msg",
        "result_msg",
        "retmsg",
    ]);
    let meaning = Meaning::of(&provider_code);
    let message = match provider_code.as_str() {
        "" => "the provider refused the request without a code".to_owned(),
        code => format!("the provider refused the request: {code}"),
    };
    let mut error = Error::new(meaning.code, message)
        .with("authenticated", authenticated)
        .with("advice", meaning.advice);
    if !authenticated || meaning.state_unknown {
        error = error.with_outcome(Outcome::Unknown);
    }
    if !provider_code.is_empty() {
        error = error.with("provider_code", provider_code.as_str());
    }
    if !words.is_empty() {
        error = error.with("provider_message", words.as_str());
    }
    if is_about_the_signature(&provider_code, &words) {
        error = error.with_hint("the provider could not verify our signature: is apiv2_key the current APIv2 key of this merchant, and does it take this sign_type?");
    }
    error
}

/// For a hint alone, never for a decision: texts for people change.
fn is_about_the_signature(code: &str, words: &str) -> bool {
    matches!(code, "SIGNERROR" | "SIGN_ERROR") || words.contains("签名错误")
}

struct Meaning {
    code: Code,
    advice: &'static str,
    /// Even a verified answer leaves open whether the request took effect.
    state_unknown: bool,
}

impl Meaning {
    fn of(code: &str) -> Meaning {
        let meaning = |code, advice, state_unknown| Meaning {
            code,
            advice,
            state_unknown,
        };
        match code {
            "ORDERPAID" | "ORDER_PAID" => meaning(Code::ProviderRejected, "already_done", false),
            // The payer is entering the password, or a bank has not answered: only a query tells.
            "USERPAYING" | "BANKERROR" | "BANK_ERROR" | "PROCESSING" | "SEND_FAILED"
            | "BIZ_PROCESSING" | "REFUNDING" | "CONFIRMING" => {
                meaning(Code::ProviderUnavailable, "query_first", true)
            }
            "FREQUENCY_LIMITED" | "FREQ_LIMIT" | "RATELIMIT_EXCEED" | "RATE_LIMITED"
            | "RATELIMIT_EXCEEDED" => meaning(Code::ProviderRateLimited, "retry_later", true),
            // A day's bill is there from ten o'clock of the next one.
            "BILL_CREATING" => meaning(Code::ProviderUnavailable, "retry_later", false),
            // The same number again, never another one: the first may have got through.
            "SYSTEMERROR" | "SYSTEM_ERROR" | "BIZERR_NEED_RETRY" => {
                meaning(Code::ProviderUnavailable, "retry_same", true)
            }
            _ => meaning(Code::ProviderRejected, "definite_failure", false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refused(code: &str, authenticated: bool) -> (Code, Outcome, String) {
        let fields = json!({ "err_code": code, "err_code_des": "words" });
        let error = refusal(fields.as_object().unwrap(), authenticated);
        assert_eq!(error.detail("provider_message").unwrap(), "words");
        let advice = error.detail("advice").unwrap().as_str().unwrap().to_owned();
        (error.code(), error.outcome(), advice)
    }

    #[test]
    fn codes_say_whether_money_may_have_moved() {
        for code in [
            "USERPAYING",
            "BANKERROR",
            "SYSTEMERROR",
            "BIZERR_NEED_RETRY",
            "FREQUENCY_LIMITED",
            "PROCESSING",
        ] {
            assert_eq!(refused(code, true).1, Outcome::Unknown, "{code}");
        }
        for code in [
            "NOTENOUGH",
            "ORDERCLOSED",
            "OUT_TRADE_NO_USED",
            "INVALID_REQUEST",
            "ORDERNOTEXIST",
            "NEWCODE",
        ] {
            assert_eq!(
                refused(code, true),
                (
                    Code::ProviderRejected,
                    Outcome::Rejected,
                    "definite_failure".into()
                ),
                "{code}"
            );
        }
        assert_eq!(
            refused("ORDERPAID", true),
            (
                Code::ProviderRejected,
                Outcome::Rejected,
                "already_done".into()
            )
        );
    }

    #[test]
    fn a_refusal_that_nobody_signed_leaves_the_outcome_open() {
        for code in ["ORDERPAID", "NOTENOUGH", "", "ORDERCLOSED"] {
            assert_eq!(refused(code, false).1, Outcome::Unknown, "{code}");
        }
    }
}
