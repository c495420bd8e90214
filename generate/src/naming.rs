//! The provider's names in the habits of each language.

/// `out_trade_no` → `OutTradeNo`; `OTHER_BANKCARD` → `OtherBankcard`.
pub fn pascal(name: &str) -> String {
    words(name).map(|word| capitalized(&word)).collect()
}

/// `out_trade_no` → `outTradeNo`
pub fn camel(name: &str) -> String {
    let mut words = words(name);
    let first = words.next().unwrap_or_default();
    first + &words.map(|word| capitalized(&word)).collect::<String>()
}

/// `trade_state`, `USERPAYING` → `TRADE_STATE_USERPAYING`
pub fn screaming(parts: &[&str]) -> String {
    parts
        .iter()
        .flat_map(|part| words(part))
        .map(|word| word.to_uppercase())
        .collect::<Vec<_>>()
        .join("_")
}

/// What Go writes in capitals, and where the provider runs two words together.
const INITIALISMS: [(&str, &str); 17] = [
    ("api", "API"),
    ("appid", "AppID"),
    ("cny", "CNY"),
    ("id", "ID"),
    ("ip", "IP"),
    ("mchid", "MchID"),
    ("oauth", "OAuth"),
    ("openid", "OpenID"),
    ("pos", "POS"),
    ("qq", "QQ"),
    ("qr", "QR"),
    ("qrcode", "QRCode"),
    ("rsa", "RSA"),
    ("sm2", "SM2"),
    ("ubo", "UBO"),
    ("unionid", "UnionID"),
    ("url", "URL"),
];

/// Families whose names run several words together, as the names of packages do.
const FAMILIES: [(&str, &str); 9] = [
    ("busifavor", "BusiFavor"),
    ("fundapp", "FundApp"),
    ("merchantfund", "MerchantFund"),
    ("merchantmedia", "MerchantMedia"),
    ("merchantservice", "MerchantService"),
    ("partnerpay", "PartnerPay"),
    ("paygift", "PayGift"),
    ("payscore", "PayScore"),
    ("profitsharing", "ProfitSharing"),
];

/// `payscore` → `PayScore`
pub fn family(name: &str) -> String {
    let known = FAMILIES.iter().find(|(together, _)| *together == name);
    known.map_or_else(|| pascal(name), |(_, apart)| (*apart).to_owned())
}

/// `transaction_id` → `TransactionID`
pub fn go_exported(name: &str) -> String {
    let in_go = |word: String| {
        INITIALISMS
            .iter()
            .find(|(plain, _)| *plain == word)
            .map_or_else(|| capitalized(&word), |(_, go)| (*go).to_owned())
    };
    words(name).map(in_go).collect()
}

/// `transaction_id` → `transactionID`; the first word in small letters.
pub fn go_local(name: &str) -> String {
    let mut words = words(name);
    let first = words.next().unwrap_or_default();
    first + &words.map(|word| go_exported(&word)).collect::<String>()
}

/// The name, with `_` behind it where the language uses it for itself.
pub fn unreserved(name: String, reserved: &[&str]) -> String {
    if reserved.contains(&name.as_str()) {
        name + "_"
    } else {
        name
    }
}

/// `Orders a payment.` → `orders a payment.`; `WeChat Pay` and `H5` stay as they are.
pub fn uncapitalized(text: &str) -> String {
    let first = text.split(' ').next().unwrap_or_default();
    if first
        .chars()
        .skip(1)
        .any(|c| c.is_uppercase() || c.is_numeric())
    {
        return text.to_owned();
    }
    let mut letters = text.chars();
    letters
        .next()
        .into_iter()
        .flat_map(char::to_lowercase)
        .chain(letters)
        .collect()
}

/// `PayerIdentity` → `payer_identity`
pub fn snake(name: &str) -> String {
    name.chars()
        .enumerate()
        .flat_map(|(at, c)| {
            (at > 0 && c.is_uppercase())
                .then_some('_')
                .into_iter()
                .chain(c.to_lowercase())
        })
        .collect()
}

/// What one item of a list is called: `sub_orders` → `sub_order`, `plan_detail_list` → `plan_detail`, `goods` → `goods`.
pub fn item_of(name: &str) -> String {
    let name = name
        .strip_suffix("_list")
        .filter(|rest| !rest.is_empty())
        .unwrap_or(name);
    if let Some(rest) = name.strip_suffix("historys") {
        return format!("{rest}history");
    }
    if let Some(rest) = name.strip_suffix("ies") {
        return format!("{rest}y");
    }
    for ending in ["sses", "xes", "ches"] {
        if name.ends_with(ending) {
            return name[..name.len() - 2].to_owned();
        }
    }
    match name.strip_suffix('s') {
        Some(one)
            if !["goods", "ss", "us", "is"]
                .iter()
                .any(|end| name.ends_with(end)) =>
        {
            one.to_owned()
        }
        _ => name.to_owned(),
    }
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .chain(letters)
        .collect()
}

fn words(name: &str) -> impl Iterator<Item = String> + '_ {
    name.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_each_languages_habit() {
        assert_eq!(pascal("out_trade_no"), "OutTradeNo");
        assert_eq!(pascal("OTHER_BANKCARD"), "OtherBankcard");
        assert_eq!(camel("h5_info"), "h5Info");
        assert_eq!(go_exported("payer_client_ip"), "PayerClientIP");
        assert_eq!(go_exported("sub_mchid"), "SubMchID");
        assert_eq!(go_local("transaction_id"), "transactionID");
        assert_eq!(go_local("id"), "id");
        assert_eq!(
            screaming(&["trade_state", "USERPAYING"]),
            "TRADE_STATE_USERPAYING"
        );
        assert_eq!(uncapitalized("Orders a payment."), "orders a payment.");
        assert_eq!(uncapitalized("WeChat Pay score."), "WeChat Pay score.");
        assert_eq!(item_of("sub_orders"), "sub_order");
        assert_eq!(item_of("goods"), "goods");
        assert_eq!(item_of("plan_detail_list"), "plan_detail");
        assert_eq!(unreserved("from".into(), &["from"]), "from_");
    }
}
