//! Times as the providers write them: in Beijing, eight hours ahead and without daylight saving.

use std::time::Duration;

use der::DateTime;

const EIGHT_HOURS: i64 = 8 * 3600;

/// Unix seconds → a text of this form, in which each `d` stands for the next digit of year, month, day, hour, minute, second:
/// `dddd-dd-dd dd:dd:dd`. None before 1970 and after 9999.
pub(crate) fn write(unix_s: i64, form: &str) -> Option<String> {
    let shifted = u64::try_from(unix_s.checked_add(EIGHT_HOURS)?).ok()?;
    let time = DateTime::from_unix_duration(Duration::from_secs(shifted)).ok()?;
    let digits = format!(
        "{:04}{:02}{:02}{:02}{:02}{:02}",
        time.year(),
        time.month(),
        time.day(),
        time.hour(),
        time.minutes(),
        time.seconds()
    );
    let mut digits = digits.chars();
    form.chars()
        .map(|c| if c == 'd' { digits.next() } else { Some(c) })
        .collect()
}

/// A text of such a form → Unix seconds. None where it has another form or there is no such time.
pub(crate) fn read(text: &str, form: &str) -> Option<i64> {
    if text.len() != form.len() {
        return None;
    }
    let mut digits = String::with_capacity(14);
    for (byte, form) in text.bytes().zip(form.bytes()) {
        match form {
            b'd' if byte.is_ascii_digit() => digits.push(byte as char),
            b'd' => return None,
            other if other != byte => return None,
            _ => {}
        }
    }
    let small = |from: usize| digits.get(from..from + 2)?.parse::<u8>().ok();
    let time = DateTime::new(
        digits.get(..4)?.parse().ok()?,
        small(4)?,
        small(6)?,
        small(8)?,
        small(10)?,
        small(12)?,
    )
    .ok()?;
    Some(time.unix_duration().as_secs() as i64 - EIGHT_HOURS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_and_read_in_beijing_in_any_form() {
        for (form, text) in [
            ("dddd-dd-dd dd:dd:dd", "2019-08-15 15:56:25"),
            ("dddd-dd-ddTdd:dd:dd+08:00", "2019-08-15T15:56:25+08:00"),
            ("dddddddddddddd", "20190815155625"),
        ] {
            assert_eq!(write(1_565_855_785, form).unwrap(), text);
            assert_eq!(read(text, form), Some(1_565_855_785), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        let form = "dddd-dd-ddTdd:dd:dd+08:00";
        for text in [
            "",
            "2019-08-15T15:56:25Z",
            "2019-08-15T15:56:25+09:00",
            "2019-02-30T00:00:00+08:00",
            "2019-08-15T25:56:25+08:00",
            "2019-08-15 15:56:25+08:00",
            "２019-08-15T15:56:2+08:00",
        ] {
            assert_eq!(read(text, form), None, "{text}");
        }
        assert_eq!(write(i64::MAX, form), None);
        assert_eq!(write(-EIGHT_HOURS - 1, form), None);
        assert_eq!(write(300_000_000_000, form), None);
    }
}
