//! Other forms of path and query that a caller may have signed.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::causes::{self, Cause};

/// Of more parameters not every order is tried.
const MOST_ORDERED: usize = 5;
/// RFC 3986: what need not be encoded.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// Every form with what it would mean; the target itself is not among them. `host` is what the caller called
/// this place, `template` the path of the operation with its placeholders.
pub fn others(
    target: &str,
    hosts: &[&str],
    template: Option<&str>,
) -> Vec<(&'static Cause, String)> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mark = if query.is_empty() { "" } else { "?" };
    let mut others = Vec::new();
    for host in hosts {
        for scheme in ["http://", "https://", ""] {
            others.push((causes::URL_WITH_HOST, format!("{scheme}{host}{target}")));
            others.push((causes::URL_WITH_HOST, format!("{scheme}{host}{path}")));
        }
    }
    if !query.is_empty() {
        others.push((causes::QUERY_LEFT_OUT, path.to_owned()));
        others.push((causes::QUERY_LEFT_OUT, format!("{path}?")));
        for query in orders(query) {
            others.push((causes::QUERY_ORDER, format!("{path}?{query}")));
        }
    }
    if let Some(template) = template {
        others.push((causes::URL_TEMPLATE, template.to_owned()));
        others.push((causes::URL_TEMPLATE, format!("{template}{mark}{query}")));
    }
    for path in encodings(path, "/") {
        for query in encodings(query, "&=") {
            others.push((causes::URL_ENCODING, format!("{path}{mark}{query}")));
        }
    }
    let unversioned = path.find("/v3").map(|at| &path[at + 3..]);
    let ends = [
        path.strip_prefix('/'),
        path.strip_suffix('/'),
        unversioned.filter(|rest| !rest.is_empty()),
    ];
    let with_slash = format!("{path}/");
    for path in ends.into_iter().flatten().chain([with_slash.as_str()]) {
        others.push((causes::URL_PREFIX, format!("{path}{mark}{query}")));
    }
    others.retain(|(_, form)| form != target);
    others
}

/// The parameters in every order, or, of many, as they are sorted.
fn orders(query: &str) -> Vec<String> {
    let mut parameters: Vec<&str> = query.split('&').collect();
    if parameters.len() > MOST_ORDERED {
        parameters.sort_unstable();
        return vec![parameters.join("&")];
    }
    let mut all = Vec::new();
    permute(&mut parameters, 0, &mut all);
    all
}

fn permute(parameters: &mut [&str], from: usize, all: &mut Vec<String>) {
    if from == parameters.len() {
        return all.push(parameters.join("&"));
    }
    for chosen in from..parameters.len() {
        parameters.swap(from, chosen);
        permute(parameters, from + 1, all);
        parameters.swap(from, chosen);
    }
}

/// The text itself, decoded, and encoded in the ways of one library or another; `kept` separates its parts.
fn encodings(text: &str, kept: &str) -> Vec<String> {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let each = |change: &dyn Fn(&str) -> String| -> String {
        text.split_inclusive(|c| kept.contains(c))
            .map(|part| match part.char_indices().last() {
                Some((at, last)) if kept.contains(last) => format!("{}{last}", change(&part[..at])),
                _ => change(part),
            })
            .collect()
    };
    let encoded = |part: &str| utf8_percent_encode(&decoded(part), UNRESERVED).to_string();
    let mut forms = vec![
        text.to_owned(),
        each(&decoded),
        each(&|part: &str| decoded(&part.replace('+', "%20"))),
        each(&encoded),
        each(&|part: &str| encoded(part).replace("%20", "+")),
        each(&|part: &str| encoded(&part.replace('+', "%20"))),
        each(&|part: &str| hex_case(&encoded(part))),
        // Encoded once more.
        each(&|part: &str| utf8_percent_encode(part, UNRESERVED).to_string()),
        hex_case(text),
    ];
    forms.sort_unstable();
    forms.dedup();
    forms
}

/// The digits of percent-encoding in lower case.
fn hex_case(text: &str) -> String {
    let mut parts = text.split('%');
    let mut lower = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.char_indices().nth(2).map_or(part.len(), |(at, _)| at);
        lower.push('%');
        lower.push_str(&part[..digits].to_ascii_lowercase());
        lower.push_str(&part[digits..]);
    }
    lower
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_slip_is_among_the_forms_and_the_target_is_not() {
        let target = "/v3/pay/a%7Cb?x=1&y=2%20c";
        let forms = others(target, &["127.0.0.1:1"], Some("/v3/pay/{no}"));
        for (cause, form) in [
            (
                causes::URL_WITH_HOST,
                "https://127.0.0.1:1/v3/pay/a%7Cb?x=1&y=2%20c",
            ),
            (causes::QUERY_LEFT_OUT, "/v3/pay/a%7Cb"),
            (causes::QUERY_ORDER, "/v3/pay/a%7Cb?y=2%20c&x=1"),
            (causes::URL_ENCODING, "/v3/pay/a|b?x=1&y=2 c"),
            (causes::URL_ENCODING, "/v3/pay/a%7Cb?x=1&y=2+c"),
            (causes::URL_ENCODING, "/v3/pay/a%7cb?x=1&y=2%20c"),
            (causes::URL_TEMPLATE, "/v3/pay/{no}?x=1&y=2%20c"),
            (causes::URL_PREFIX, "/pay/a%7Cb?x=1&y=2%20c"),
        ] {
            assert!(
                forms.iter().any(|other| *other == (cause, form.to_owned())),
                "{form}"
            );
        }
        assert!(forms.iter().all(|(_, form)| form != target));
    }

    #[test]
    fn odd_texts_are_taken_as_they_come() {
        for target in ["", "?", "%", "/v3/%E8%8C?&=%zz", "/v3/茶?茶=%", "/%e"] {
            others(target, &[""], None);
        }
    }
}
