//! Downloads: a link holds a token, lives five minutes, and answers without a signature.

use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;

use aws_lc_rs::digest;
use axum::http::StatusCode;
use flate2::{Compression, write::GzEncoder};
use time::macros::format_description;
use time::{Date, Duration, OffsetDateTime};

use crate::clock;
use crate::crypto::random_text;
use crate::operations::{File, Input, Operation, Reply, operation};
use crate::problem::Problem;
use crate::sandbox::{BillDays, Sandbox};

pub const OPERATIONS: &[Operation] = &[
    operation("GET /v3/billdownload/file", |sandbox, input| {
        download(sandbox, input, Place::Bill)
    }),
    operation("GET /v3/transferdownload/signfile", |sandbox, input| {
        download(sandbox, input, Place::Sign)
    }),
    operation(
        "GET /v3/transferdownload/elecvoucherfile",
        |sandbox, input| download(sandbox, input, Place::Voucher),
    ),
];

/// Which address serves a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Bill,
    Sign,
    Voucher,
}

impl Place {
    fn path(self) -> &'static str {
        match self {
            Self::Bill => "/v3/billdownload/file",
            Self::Sign => "/v3/transferdownload/signfile",
            Self::Voucher => "/v3/transferdownload/elecvoucherfile",
        }
    }
}

/// By token.
pub type Files = HashMap<String, Offered>;

pub struct Offered {
    place: Place,
    content_type: &'static str,
    bytes: Vec<u8>,
    expires: OffsetDateTime,
}

/// Even at great speed there must be time to fetch it.
const SHORTEST: Duration = Duration::seconds(5);
const LIFETIME: std::time::Duration = std::time::Duration::from_secs(5 * 60);

/// Puts a file where it can be fetched for five minutes; answers the link.
pub fn offer(
    sandbox: &Sandbox,
    files: &mut Files,
    place: Place,
    content_type: &'static str,
    bytes: Vec<u8>,
) -> String {
    let now = clock::now();
    files.retain(|_, file| now < file.expires);
    let token = random_text(43);
    let lifetime = Duration::try_from(sandbox.scaled(LIFETIME)).unwrap_or(Duration::MINUTE);
    let expires = now + lifetime.max(SHORTEST);
    files.insert(
        token.clone(),
        Offered {
            place,
            content_type,
            bytes,
            expires,
        },
    );
    let more = match place {
        Place::Bill | Place::Sign => "",
        Place::Voucher => "&source=sandbox",
    };
    format!("{}{}?token={token}{more}", sandbox.address, place.path())
}

fn download(sandbox: &Arc<Sandbox>, input: &Input, place: Place) -> Result<Reply, Problem> {
    let token = input.required_query("token")?;
    let ledger = sandbox.ledger();
    let file = ledger
        .families
        .files
        .get(&token)
        .filter(|file| file.place == place && clock::now() < file.expires)
        .ok_or_else(|| {
            Problem::coded(
                StatusCode::BAD_REQUEST,
                "INVALID_REQUEST",
                "下载链接无效或已过期，请重新申请",
            )
        })?;
    Ok(Reply::File(File {
        content_type: file.content_type,
        bytes: file.bytes.clone(),
    }))
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder
        .write_all(bytes)
        .and_then(|()| encoder.finish())
        .expect("memory takes every byte")
}

pub fn sha1(bytes: &[u8]) -> String {
    hex(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes)
}

pub fn sha256(bytes: &[u8]) -> String {
    hex(&digest::SHA256, bytes)
}

fn hex(algorithm: &'static digest::Algorithm, bytes: &[u8]) -> String {
    crate::crypto::hex_upper(digest::digest(algorithm, bytes).as_ref()).to_lowercase()
}

/// The day of `bill_date`, if a bill of it can exist by now.
pub fn bill_day(sandbox: &Sandbox, input: &Input) -> Result<Date, Problem> {
    let day = parse_day(&input.required_query("bill_date")?, "bill_date")?;
    let now = clock::now();
    let today = now.date();
    if day > today {
        return Err(unfit("bill_date", "不能晚于今天 (lies in the future)"));
    }
    if sandbox.settings().bills == BillDays::NextDay {
        if day == today {
            return Err(unfit(
                "bill_date",
                "不能为当日，次日10点后可获取 (a day's bill is there at 10:00 of the next)",
            ));
        }
        if today.previous_day() == Some(day) && now.hour() < 10 {
            return Err(Problem::coded(
                StatusCode::BAD_REQUEST,
                "STATEMENT_CREATING",
                "账单生成中，请在次日10点后获取",
            ));
        }
    }
    if today - day > Duration::days(92) {
        return Err(Problem::no_statement());
    }
    Ok(day)
}

/// A day that is over, for balances at its end.
pub fn past_day(text: &str, name: &str) -> Result<Date, Problem> {
    let day = parse_day(text, name)?;
    match day < clock::now().date() {
        true => Ok(day),
        false => Err(unfit(name, "须早于今天 (must be over)")),
    }
}

fn parse_day(text: &str, name: &str) -> Result<Date, Problem> {
    Date::parse(text, format_description!("[year]-[month]-[day]"))
        .map_err(|_| unfit(name, "须为YYYY-MM-DD (must be a date)"))
}

fn unfit(name: &str, issue: &str) -> Problem {
    Problem::parameter("query", name, None, issue)
}
