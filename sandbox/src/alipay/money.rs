//! Amounts: decimal yuan in texts on the wire, whole fen inside.

/// `88.88`, `88.8` or `88`: digits, at most two of them behind a point, and more than nothing.
pub fn fen(yuan: &str) -> Option<i64> {
    let (whole, part) = yuan.split_once('.').unwrap_or((yuan, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() > 2 || whole.len() > 12 {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let part: i64 = format!("{part:0<2}").parse().ok()?;
    Some(whole * 100 + part).filter(|fen| *fen > 0)
}

pub fn yuan(fen: i64) -> String {
    let sign = if fen < 0 { "-" } else { "" };
    let fen = fen.unsigned_abs();
    format!("{sign}{}.{:02}", fen / 100, fen % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_has_one_reading() {
        for (text, wanted) in [("88.88", 8888), ("88.8", 8880), ("88", 8800), ("0.01", 1)] {
            assert_eq!(fen(text), Some(wanted));
        }
        for text in [
            "",
            ".",
            "1.",
            ".5",
            "0",
            "0.00",
            "-1",
            "+1",
            "1e2",
            "1,0",
            "1.001",
            " 1",
            "１",
            "1000000000000000000",
        ] {
            assert_eq!(fen(text), None, "{text}");
        }
        assert_eq!([yuan(1), yuan(8880)], ["0.01", "88.80"]);
    }
}
