//! Beijing time, `2024-01-31 23:59:59`: how the gateway and its notifications write a time.

use crate::wire::time;

const FORM: &str = "dddd-dd-dd dd:dd:dd";

/// Unix seconds → Beijing time. None before 1970 and after 9999.
pub(super) fn beijing(unix_s: i64) -> Option<String> {
    time::write(unix_s, FORM)
}

/// Beijing time → Unix seconds. None where it has another form or there is no such time.
pub(super) fn unix(text: &str) -> Option<i64> {
    time::read(text, FORM)
}

/// In the form of RFC 3339.
pub(super) fn rfc3339(text: &str) -> Option<String> {
    unix(text).map(|_| format!("{}+08:00", text.replace(' ', "T")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_and_read_in_beijing() {
        assert_eq!(beijing(1_565_855_785).unwrap(), "2019-08-15 15:56:25");
        assert_eq!(unix("2019-08-15 15:56:25"), Some(1_565_855_785));
        assert_eq!(
            rfc3339("2019-08-15 15:56:25").unwrap(),
            "2019-08-15T15:56:25+08:00"
        );
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "2019-08-15",
            "2019-8-15 15:56:25",
            "2019-02-30 00:00:00",
            "2019-08-15T15:56:25",
            "2019-08-15 25:56:25",
            "２019-08-15 15:56",
        ] {
            assert_eq!(unix(text), None, "{text}");
        }
    }
}
