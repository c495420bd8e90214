//! Why the sign of an APIv2 request does not fit, found by trying.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::diagnosis::causes::{self, Cause};
use crate::diagnosis::{Difference, Finding};
use crate::keys::Merchant;

use super::signing::{SignType, api_key, hash, sandbox_key, text};
use super::xml::{Fields, escaped, field};

/// What ends every text that is shown.
pub const HIDDEN_KEY: &str = "…";

/// `key` is the one that was expected.
pub fn of_sign(merchant: &Merchant, request: &Fields, expected: SignType, key: &str) -> Finding {
    let Some(sign) = field(request, "sign") else {
        return found(causes::V2_SIGN_MISSING, None, None);
    };
    let other = match expected {
        SignType::Md5 => SignType::HmacSha256,
        SignType::HmacSha256 => SignType::Md5,
    };
    let is_sign = |sign_type: SignType, key: &str, text: &str| {
        hash(sign_type, key, &format!("{text}{key}")).eq_ignore_ascii_case(sign)
    };
    let expected_text = text(request);
    if is_sign(expected, key, &expected_text) {
        return found(causes::V2_LOWER_CASE, None, Some(expected_text));
    }
    let (own, sandbox) = (api_key(merchant), sandbox_key(merchant));
    let keys = [
        (causes::V2_KEY_OF_V3, merchant.apiv3_key.as_str()),
        (causes::V2_KEY_OF_SANDBOX, &sandbox),
        (causes::V2_KEY_NOT_OF_SANDBOX, &own),
    ];
    for (cause, other_key) in keys.into_iter().filter(|(_, other)| *other != key) {
        for sign_type in [expected, other] {
            if is_sign(sign_type, other_key, &expected_text) {
                return found(cause, None, Some(expected_text));
            }
        }
    }
    for (cause, line, text) in texts(request) {
        for (sign_type, by_other) in [(expected, None), (other, Some(causes::V2_SIGN_TYPE_OTHER))] {
            if is_sign(sign_type, key, &text) {
                let first = cause.map(|cause| Difference { line, cause });
                let second = by_other.map(|cause| Difference { line: None, cause });
                return Finding {
                    differences: first.into_iter().chain(second).collect(),
                    signed: Some((text + HIDDEN_KEY).into_bytes()),
                };
            }
        }
    }
    let without_key = expected_text.trim_end_matches("&key=");
    for sign_type in [expected, other] {
        if hash(sign_type, key, without_key).eq_ignore_ascii_case(sign) {
            return Finding {
                signed: Some(without_key.as_bytes().to_vec()),
                ..found(causes::V2_KEY_LEFT_OUT, None, None)
            };
        }
    }
    found(causes::V2_NOTHING_FITS, None, None)
}

fn found(cause: &'static Cause, line: Option<usize>, text: Option<String>) -> Finding {
    Finding {
        differences: vec![Difference { line, cause }],
        signed: text.map(|text| (text + HIDDEN_KEY).into_bytes()),
    }
}

/// The expected text first, then those of every slip, with the line that differs: a field each.
fn texts(request: &Fields) -> Vec<(Option<&'static Cause>, Option<usize>, String)> {
    let mut texts = vec![(None, None, text(request))];
    let mut sorted: Vec<_> = request
        .iter()
        .filter(|(name, value)| name != "sign" && !value.is_empty())
        .cloned()
        .collect();
    let joined = |fields: &[(String, String)]| -> String {
        let pairs = fields
            .iter()
            .map(|(name, value)| format!("{name}={value}&"));
        pairs.collect::<String>() + "key="
    };
    texts.push((Some(causes::V2_NOT_SORTED), None, joined(&sorted)));
    sorted.sort_by(|one, other| one.0.cmp(&other.0));
    for left_out in 0..sorted.len() {
        let mut fields = sorted.clone();
        fields.remove(left_out);
        let cause = Some(causes::V2_FIELD_LEFT_OUT);
        texts.push((cause, Some(left_out + 1), joined(&fields)));
    }
    let mut with_empty: Vec<_> = request
        .iter()
        .filter(|(name, _)| name != "sign")
        .cloned()
        .collect();
    with_empty.sort_by(|one, other| one.0.cmp(&other.0));
    texts.push((Some(causes::V2_EMPTY_FIELDS), None, joined(&with_empty)));
    let changed = |change: &dyn Fn(&str) -> String| {
        let fields = sorted
            .iter()
            .map(|(name, value)| (name.clone(), change(value)));
        joined(&fields.collect::<Vec<_>>())
    };
    let encoded = |value: &str| utf8_percent_encode(value, NON_ALPHANUMERIC).to_string();
    // As most libraries encode, which leave some marks as they are.
    let usually = |value: &str| {
        let kept = [("%2D", "-"), ("%5F", "_"), ("%2E", "."), ("%7E", "~")];
        let text = encoded(value);
        kept.iter()
            .fold(text, |text, (from, to)| text.replace(from, to))
    };
    for text in [
        changed(&encoded),
        changed(&usually),
        changed(&|value: &str| usually(value).replace("%20", "+")),
    ] {
        texts.push((Some(causes::V2_VALUES_ENCODED), None, text));
    }
    for text in [
        changed(&|value: &str| escaped(value)),
        changed(&|value: &str| format!("<![CDATA[{value}]]>")),
    ] {
        texts.push((Some(causes::V2_VALUES_ESCAPED), None, text));
    }
    texts
}
