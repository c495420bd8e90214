//! What is special about single paths: who answers there, and whether the answer is signed.

/// What comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AnswerKind {
    /// XML with a signature: without it, nothing is believed.
    Signed,
    /// XML that the provider documents without `sign`. Where one is there it is checked all the same.
    Unsigned,
    /// The same, in which these elements repeat and hold others.
    UnsignedLists(&'static [&'static str]),
    /// A file as it is; XML, unsigned, where there is none.
    File,
    /// JSON without a signature.
    Json,
    /// A page for the payer's browser, which no server of ours asks for.
    Page,
}

/// The paths whose documented answer has no field `sign`, each by its whole name and never "because there is none in the message".
///
/// The list was made from the documented fields of the answers of all 136 operations. Only a request over TLS to the provider's host
/// vouches for what comes back here: it is handed out as not verified, and a refusal among it leaves the outcome open.
const NOT_SIGNED: [(&str, AnswerKind); 28] = [
    ("/appauth/authindex", AnswerKind::Page),
    ("/appauth/getaccesstoken", AnswerKind::Json),
    ("/billcommentsp/batchquerycomment", AnswerKind::File),
    ("/mchrisk/querymchrisk", AnswerKind::Unsigned),
    ("/mchrisk/setmchriskcallback", AnswerKind::Unsigned),
    ("/mchrisk/syncmchriskresult", AnswerKind::Unsigned),
    (
        "/mmpaymkttransfers/gethbinfo",
        AnswerKind::UnsignedLists(&["hblist", "hbinfo"]),
    ),
    ("/mmpaymkttransfers/gettransferinfo", AnswerKind::Unsigned),
    (
        "/mmpaymkttransfers/promotion/paywwsptrans2pocket",
        AnswerKind::Unsigned,
    ),
    (
        "/mmpaymkttransfers/promotion/querywwsptrans2pocket",
        AnswerKind::Unsigned,
    ),
    (
        "/mmpaymkttransfers/promotion/transfers",
        AnswerKind::Unsigned,
    ),
    ("/mmpaymkttransfers/sendgroupredpack", AnswerKind::Unsigned),
    ("/mmpaymkttransfers/sendminiprogramhb", AnswerKind::Unsigned),
    ("/mmpaymkttransfers/sendredpack", AnswerKind::Unsigned),
    ("/mmpaysptrans/query_bank", AnswerKind::Unsigned),
    ("/papay/entrustweb", AnswerKind::Page),
    ("/papay/h5entrustweb", AnswerKind::Unsigned),
    ("/papay/partner/entrustweb", AnswerKind::Page),
    ("/papay/partner/h5entrustweb", AnswerKind::Unsigned),
    ("/pay/downloadbill", AnswerKind::File),
    ("/pay/downloadfundflow", AnswerKind::File),
    ("/payitil/report", AnswerKind::Unsigned),
    ("/risk/getpublickey", AnswerKind::Unsigned),
    ("/risk/getviolation", AnswerKind::Unsigned),
    ("/sandboxnew/pay/downloadbill", AnswerKind::File),
    ("/sandboxnew/pay/getsignkey", AnswerKind::Unsigned),
    (
        "/secapi/mch/submchmanage",
        AnswerKind::UnsignedLists(&["mchinfo"]),
    ),
    (SANDBOX_KEY, AnswerKind::Unsigned),
];

/// What comes back from a path, in the sandbox the same as outside.
pub(super) fn answer_kind(path: &str) -> AnswerKind {
    let path = path.strip_prefix(SANDBOX_PREFIX).unwrap_or(path);
    let found = NOT_SIGNED.iter().find(|(known, _)| *known == path);
    found.map_or(AnswerKind::Signed, |(_, kind)| *kind)
}

pub(super) const SANDBOX_PREFIX: &str = "/xdc/apiv2sandbox";
pub(super) const SANDBOX_KEY: &str = "/xdc/apiv2getsignkey/sign/getsignkey";

/// Where the sandbox has a path. It knows no client certificates, and so no `/secapi`.
pub(super) fn in_sandbox(path: &str) -> String {
    let is_there = |prefix: &str| path.starts_with(prefix);
    if is_there("/xdc/") || is_there("/sandboxnew/") {
        return path.to_owned();
    }
    let path = match path.strip_prefix("/secapi/pay/") {
        Some(rest) => format!("/pay/{rest}"),
        None => path.to_owned(),
    };
    format!("{SANDBOX_PREFIX}{path}")
}

/// The hosts that have single operations, as an index into a client's own list of them.
pub(super) const SPECIAL_HOSTS: [&str; 3] = [
    "fraud.mch.weixin.qq.com",
    "payapp.weixin.qq.com",
    "payapp.mch.weixin.qq.com",
];

pub(super) fn special_host(path: &str) -> Option<&'static str> {
    let [fraud, payapp, pages] = SPECIAL_HOSTS;
    match path {
        "/risk/getpublickey" => Some(fraud),
        _ if path.starts_with("/secsvc/") => Some(fraud),
        _ if path.starts_with("/face/") => Some(payapp),
        "/appauth/authindex" => Some(pages),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_listed_paths_may_answer_without_a_signature() {
        let signed = [
            "/pay/unifiedorder",
            "/secapi/pay/refund",
            "/pay/downloadbill/",
            "/PAY/downloadbill",
            "/pay/downloadbill2",
            "/mmpaymkttransfers/sendworkwxredpack",
            "/xdc/apiv2sandbox/pay/unifiedorder",
            "/xdc/apiv2sandbox",
            "",
        ];
        for path in signed {
            assert_eq!(answer_kind(path), AnswerKind::Signed, "{path}");
        }
        assert_eq!(
            answer_kind("/xdc/apiv2sandbox/pay/downloadbill"),
            AnswerKind::File
        );
    }

    #[test]
    fn the_sandbox_has_each_path_under_its_prefix() {
        for (path, there) in [
            ("/pay/unifiedorder", "/xdc/apiv2sandbox/pay/unifiedorder"),
            ("/secapi/pay/refund", "/xdc/apiv2sandbox/pay/refund"),
            (
                "/xdc/apiv2sandbox/pay/micropay",
                "/xdc/apiv2sandbox/pay/micropay",
            ),
            ("/sandboxnew/pay/refund", "/sandboxnew/pay/refund"),
        ] {
            assert_eq!(in_sandbox(path), there);
        }
    }
}
