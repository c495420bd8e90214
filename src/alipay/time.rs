//! Beijing time, `2024-01-31 23:59:59`: how the gateway and its notifications write a time.

use std::time::Duration;

use der::DateTime;

const EIGHT_HOURS: i64 = 8 * 3600;

/// Unix seconds → Beijing time. None before 1970 and after 9999.
pub(super) fn beijing(unix_s: i64) -> Option<String> {
    let shifted = u64::try_from(unix_s + EIGHT_HOURS).ok()?;
    let time = DateTime::from_unix_duration(Duration::from_secs(shifted)).ok()?;
    Some(format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
        time.year(),
        time.month(),
        time.day(),
        time.hour(),
        time.minutes(),
        time.seconds()
    ))
}

/// Beijing time → Unix seconds. None where it has another form or there is no such time.
pub(super) fn unix(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let form = b"dddd-dd-dd dd:dd:dd";
    let fits = bytes.len() == form.len()
        && bytes.iter().zip(form).all(|(byte, form)| match form {
            b'd' => byte.is_ascii_digit(),
            other => byte == other,
        });
    if !fits {
        return None;
    }
    let number = |from: usize, to: usize| text[from..to].parse::<u16>().ok();
    let small = |from: usize| u8::try_from(number(from, from + 2)?).ok();
    let time = DateTime::new(
        number(0, 4)?,
        small(5)?,
        small(8)?,
        small(11)?,
        small(14)?,
        small(17)?,
    )
    .ok()?;
    Some(time.unix_duration().as_secs() as i64 - EIGHT_HOURS)
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
