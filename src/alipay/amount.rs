//! Amounts in yuan, as decimal texts: read strictly into fen, and never as a float.

/// `88`, `88.8` or `88.88` → fen. None for anything else, such as a sign, an exponent, a third decimal or spaces.
pub(super) fn fen(yuan: &str) -> Option<u64> {
    let (whole, part) = yuan.split_once('.').unwrap_or((yuan, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() > 2 {
        return None;
    }
    let scale = if part.len() == 1 { 10 } else { 1 };
    let whole: u64 = whole.parse().ok()?;
    whole
        .checked_mul(100)?
        .checked_add(part.parse::<u64>().ok()? * scale)
}

/// Fen → yuan with two decimals.
pub(super) fn yuan(fen: u64) -> String {
    format!("{}.{:02}", fen / 100, fen % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yuan_become_fen_exactly() {
        for (yuan, expected) in [
            ("0.01", 1),
            ("88", 8800),
            ("88.8", 8880),
            ("88.88", 8888),
            ("100000000.00", 10_000_000_000),
        ] {
            assert_eq!(fen(yuan), Some(expected), "{yuan}");
        }
    }

    #[test]
    fn fen_become_yuan_and_back_exactly() {
        for (amount, text) in [
            (1, "0.01"),
            (10, "0.10"),
            (100, "1.00"),
            (8888, "88.88"),
            (10_000_000_000, "100000000.00"),
            (u64::MAX, "184467440737095516.15"),
        ] {
            assert_eq!(yuan(amount), text);
            assert_eq!(fen(text), Some(amount));
        }
    }

    #[test]
    fn what_is_no_plain_amount_is_none() {
        for text in [
            "",
            ".",
            "1.",
            ".1",
            "1.001",
            "-1",
            "+1",
            "1e2",
            " 1",
            "1 ",
            "1,00",
            "9999&total_amount=0.01",
            "１",
            "99999999999999999999",
        ] {
            assert_eq!(fen(text), None, "{text}");
        }
    }
}
