//! The provider's clock: seconds for signatures, RFC 3339 in Beijing time for everything people read.

use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset, macros::format_description};

const BEIJING: UtcOffset = time::macros::offset!(+8);

pub fn now() -> OffsetDateTime {
    let now = OffsetDateTime::now_utc().to_offset(BEIJING);
    now.replace_nanosecond(0).unwrap_or(now)
}

/// Milliseconds since 1970.
pub fn milliseconds() -> i64 {
    (OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000)
        .try_into()
        .unwrap_or(i64::MAX)
}

/// `2026-01-31T12:00:00+08:00`
pub fn rfc3339(time: OffsetDateTime) -> String {
    time.to_offset(BEIJING).format(&Rfc3339).unwrap_or_default()
}

pub fn parse_rfc3339(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}

/// `20260131120000`, as it stands inside prepay ids.
pub fn digits(time: OffsetDateTime) -> String {
    time.format(format_description!(
        "[year][month][day][hour][minute][second]"
    ))
    .unwrap_or_default()
}

/// `20260131`, as it stands inside transaction and refund ids.
pub fn date_digits(time: OffsetDateTime) -> String {
    time.format(format_description!("[year][month][day]"))
        .unwrap_or_default()
}

/// `2026-01-31 12:00:00`, as Alipay writes times.
pub fn plain(time: OffsetDateTime) -> String {
    time.to_offset(BEIJING).format(PLAIN).unwrap_or_default()
}

pub fn parse_plain(text: &str) -> Option<OffsetDateTime> {
    PrimitiveDateTime::parse(text, PLAIN)
        .ok()
        .map(|time| time.assume_offset(BEIJING))
}

const PLAIN: &[BorrowedFormatItem] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
