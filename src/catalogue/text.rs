//! What a text may contain.

use std::net::{IpAddr, Ipv6Addr};

use super::Format;

/// What no text sent to a provider may contain, whatever the field: ends of lines (but where `lines` says so) and NUL, which could cut a
/// header or a signed message in two, and, but where `four_bytes` says so, characters that take four bytes in UTF-8, which the databases of some
/// providers do not hold.
pub(super) fn forbidden(text: &str, lines: bool, four_bytes: bool) -> Option<&'static str> {
    text.bytes().find_map(|byte| match byte {
        b'\r' | b'\n' if !lines => Some("contains an end of line"),
        0 => Some("contains a NUL character"),
        0xF0.. if !four_bytes => Some("contains a character of four bytes in UTF-8, such as an emoji; the provider takes one to three bytes"),
        _ => None,
    })
}

/// The first character that is not in the set.
pub(super) fn outside(text: &str, charset: u128) -> Option<char> {
    text.chars()
        .find(|&c| !c.is_ascii() || charset & (1 << c as u32) == 0)
}

/// The set as people write it: `0-9 A-Z a-z _ - |`.
pub(super) fn describe(charset: u128) -> String {
    let mut parts = Vec::new();
    let mut rest = charset;
    for (first, last) in [('0', '9'), ('A', 'Z'), ('a', 'z')] {
        let whole = (first..=last).fold(0, |set, c| set | 1u128 << c as u32);
        if rest & whole == whole {
            rest &= !whole;
            parts.push(format!("{first}-{last}"));
        }
    }
    parts.extend(
        (0x20..0x7f)
            .filter(|bit| rest & (1 << bit) != 0)
            .map(|bit| char::from(bit as u8).to_string()),
    );
    parts.join(" ")
}

/// What is wrong with the form.
pub(super) fn malformed(text: &str, format: Format) -> Option<&'static str> {
    match format {
        Format::Rfc3339 => (!is_rfc3339(text))
            .then_some("must be a time with its zone, such as 2018-06-08T10:34:56+08:00"),
        Format::Date => {
            let day = text.len() == 10 && is_rfc3339(&format!("{text}T00:00:00Z"));
            (!day).then_some("must be a day, such as 2018-06-08")
        }
        Format::DateTime => {
            let second =
                text.len() == 19 && is_rfc3339(&format!("{}Z", text.replacen(' ', "T", 1)));
            (!second || text.contains('T'))
                .then_some("must be a time such as 2018-06-08 10:34:56, of Beijing")
        }
        Format::Amount => hundredths(text)
            .is_none()
            .then_some("must be a decimal amount with two places at most, such as 88.88"),
        Format::Ip => text
            .parse::<IpAddr>()
            .is_err()
            .then_some("must be an IPv4 or IPv6 address"),
        Format::NotifyUrl => notify_url(text),
        Format::FileName | Format::FileSha256 => None,
    }
}

/// `88.8` → 8880: digits, and at most two more behind a point. Nothing else is an amount: no sign, no exponent, no separator of thousands.
pub(super) fn hundredths(text: &str) -> Option<i64> {
    let (whole, places) = text.split_once('.').unwrap_or((text, "00"));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !is_number(whole) || !is_number(places) || places.len() > 2 {
        return None;
    }
    let places = places.parse::<i64>().ok()? * [0, 10, 1][places.len()];
    whole
        .parse::<i64>()
        .ok()?
        .checked_mul(100)?
        .checked_add(places)
}

/// Why a text cannot stand for a placeholder of a path: what it would become is nothing, or more than one step, or a step back.
pub(super) fn no_path_step(text: &str) -> Option<&'static str> {
    match text {
        "" => Some("must not be empty"),
        "." | ".." => Some("must be one step of the path, not . or .."),
        _ if text.contains(['/', '\\', '?', '#', '%']) => {
            Some("must be one step of the path, without / \\ ? # %")
        }
        _ => None,
    }
}

/// Private addresses are allowed: a simulated provider on the same machine calls them.
pub fn notify_url(text: &str) -> Option<&'static str> {
    let scheme = ["https://", "http://"].into_iter().find(|s| {
        text.get(..s.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(s))
    });
    let Some(scheme) = scheme else {
        return Some("must be an absolute address that begins with https:// or http://");
    };
    if !text.bytes().all(|byte| byte.is_ascii_graphic())
        || text.contains(['\\', '"', '<', '>', '^', '`', '{', '|', '}'])
    {
        return Some("contains a character that an address cannot have; percent-encode it");
    }
    if text.contains(['?', '#']) {
        return Some(
            "must not carry a query or a fragment; tell orders apart by the path or by what the notification says",
        );
    }
    let authority = text[scheme.len()..].split('/').next().unwrap_or_default();
    if authority.contains('@') {
        return Some("must not carry a user name or a password");
    }
    let (host, port) = match authority
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
    {
        Some((address, port)) if address.parse::<Ipv6Addr>().is_ok() => (
            address,
            port.strip_prefix(':').or(port.is_empty().then_some("80")),
        ),
        Some(_) => ("", None),
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, Some("80")),
        },
    };
    if host.is_empty() || !port.is_some_and(|port| port.parse::<u16>().is_ok_and(|port| port > 0)) {
        return Some("must name a host, and its port, if any, as a number");
    }
    None
}

/// `YYYY-MM-DDTHH:MM:SS`, a fraction if any, and `Z` or `±HH:MM`.
fn is_rfc3339(text: &str) -> bool {
    let bytes = text.as_bytes();
    let number = |from: usize, to: usize| -> Option<u32> {
        let digits = bytes.get(from..to)?;
        digits.iter().try_fold(0, |sum, digit| {
            digit
                .is_ascii_digit()
                .then(|| sum * 10 + u32::from(digit - b'0'))
        })
    };
    let is = |at: usize, byte: u8| bytes.get(at) == Some(&byte);
    let (Some(year), Some(month), Some(day), Some(hour), Some(minute), Some(second)) = (
        number(0, 4),
        number(5, 7),
        number(8, 10),
        number(11, 13),
        number(14, 16),
        number(17, 19),
    ) else {
        return false;
    };
    if !(is(4, b'-') && is(7, b'-') && is(10, b'T') && is(13, b':') && is(16, b':')) {
        return false;
    }
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return false,
    };
    if !(1..=days).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return false;
    }
    let mut zone = 19;
    if is(zone, b'.') {
        zone += 1 + bytes[zone + 1..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if zone == 20 {
            return false;
        }
    }
    match bytes.get(zone) {
        Some(b'Z') => bytes.len() == zone + 1,
        Some(b'+' | b'-') => {
            bytes.len() == zone + 6
                && is(zone + 3, b':')
                && number(zone + 1, zone + 3).is_some_and(|hour| hour < 24)
                && number(zone + 4, zone + 6).is_some_and(|minute| minute < 60)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The operations of today restrict the characters of every placeholder; others will not.
    #[test]
    fn a_path_step_is_neither_nothing_nor_more_than_one() {
        for bad in ["", ".", "..", "a/b", "a\\b", "a?b", "a#b", "a%2Fb"] {
            assert!(no_path_step(bad).is_some(), "{bad:?}");
        }
        for good in ["1", "a.b", "...", "a|b*c-d_e@f", "订单"] {
            assert_eq!(no_path_step(good), None, "{good:?}");
        }
    }
}
