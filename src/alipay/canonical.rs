//! What is signed of a form: `k=v` joined by `&`, sorted by name, values as they are. <https://opendocs.alipay.com/common/02khjm>

/// Fields with a name or a value that is empty take no part. The values are bytes, in the charset they are sent in.
pub(super) fn text<'a>(fields: impl Iterator<Item = (&'a str, &'a [u8])>) -> Vec<u8> {
    let mut fields: Vec<_> = fields
        .filter(|(name, value)| !name.is_empty() && !value.is_empty())
        .collect();
    fields.sort_unstable();
    let length = fields
        .iter()
        .map(|(name, value)| name.len() + value.len() + 2)
        .sum();
    let mut text = Vec::with_capacity(length);
    for (name, value) in fields {
        if !text.is_empty() {
            text.push(b'&');
        }
        text.extend_from_slice(name.as_bytes());
        text.push(b'=');
        text.extend_from_slice(value);
    }
    text
}

/// Names that mean something in a signed form. The text above joins raw values, so a value with `&total_amount=` in it can be read as two
/// fields: a genuine message whose subject holds such a thing could be split anew by whoever passes it on. Nothing that could be is taken.
const FIELDS: [&str; 46] = [
    "app_id",
    "auth_app_id",
    "auth_no",
    "biz_content",
    "body",
    "buyer_id",
    "buyer_logon_id",
    "buyer_open_id",
    "buyer_pay_amount",
    "charset",
    "fund_bill_list",
    "fund_change",
    "gmt_close",
    "gmt_create",
    "gmt_payment",
    "gmt_refund",
    "invoice_amount",
    "method",
    "msg_method",
    "notify_id",
    "notify_time",
    "notify_type",
    "open_id",
    "out_biz_no",
    "out_request_no",
    "out_trade_no",
    "passback_params",
    "point_amount",
    "receipt_amount",
    "refund_amount",
    "refund_fee",
    "refund_status",
    "seller_email",
    "seller_id",
    "send_back_fee",
    "sign",
    "sign_type",
    "subject",
    "timestamp",
    "total_amount",
    "total_fee",
    "trade_no",
    "trade_status",
    "utc_timestamp",
    "version",
    "voucher_detail_list",
];

/// Whether a field of messages has this name; others were put into `notify_url` by the merchant.
pub(super) fn is_field(name: &str) -> bool {
    FIELDS.contains(&name)
}

/// The first field whose value could be read as several.
pub(super) fn ambiguous<'a>(fields: impl Iterator<Item = (&'a str, &'a [u8])>) -> Option<&'a str> {
    let names_field = |part: &[u8]| {
        FIELDS.iter().any(|name| {
            part.strip_prefix(name.as_bytes())
                .is_some_and(|rest| rest.starts_with(b"="))
        })
    };
    fields
        .filter(|(_, value)| value.split(|byte| *byte == b'&').skip(1).any(names_field))
        .map(|(name, _)| name)
        .next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_fields_take_no_part_and_the_rest_is_sorted_by_bytes() {
        let fields: [(&str, &[u8]); 5] = [
            ("b", b"2"),
            ("a", b"x=1&y"),
            ("Z", b"9"),
            ("empty", b""),
            ("", b"nameless"),
        ];
        assert_eq!(text(fields.into_iter()), b"Z=9&a=x=1&y&b=2");
    }

    #[test]
    fn a_value_that_hides_a_field_is_found() {
        let hides = |value: &'static [u8]| ambiguous([("subject", value)].into_iter()).is_some();
        assert!(hides(b"x&total_amount=9999"));
        assert!(hides(b"x&&trade_no="));
        for harmless in [
            &b"a&b"[..],
            b"total_amount=1",
            b"x&total_amounts=1",
            b"fish & chips = 5",
        ] {
            assert!(!hides(harmless));
        }
    }
}
