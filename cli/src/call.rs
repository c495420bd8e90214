//! `payseal call`

use std::ffi::OsString;

use lexopt::ValueExt;
use lexopt::prelude::{Long, Short, Value};
use payseal::wire::json as strict;
use serde_json::json;

use crate::{Failure, input, output};

pub const USAGE: &str = "\
payseal call CONFIG OPERATION [--path NAME=VALUE]… [--query NAME=VALUE]… [--body FILE] [--payload FILE [--filename NAME]] [--info]

Sends one signed request and prints the answer, once it is verified. THE REQUEST IS REAL: a POST to WeChat Pay may move money.

  CONFIG              the configuration, a file in JSON; - is standard input
  OPERATION           method and path as the provider's documentation has them, placeholders and all, as one argument
  --path NAME=VALUE   the value of a placeholder; as often as there are placeholders
  --query NAME=VALUE  a parameter behind the question mark; as often as needed
  --body FILE         the body, in JSON, also for wechat-v2
  --payload FILE      raw bytes: of a file that is uploaded, or the exact body
  --filename NAME     the name of an uploaded file
  --info              how the answer came about, on standard error: host, attempts, serial number, clock difference

  payseal call config.json \"GET /v3/certificates\"
  payseal call config.json \"GET /v3/pay/transactions/out-trade-no/{out_trade_no}\" --path out_trade_no=TEA20260101000001
  payseal call config.json \"POST /v3/pay/transactions/native\" --body order.json
  payseal call config.json \"POST /v3/merchant/media/upload\" --payload shop.png --filename shop.png

Exit status: 0 the answer is there, 1 there is none, 2 the command cannot be understood, 3 money may have moved: query first.
";

pub fn run(arguments: Vec<OsString>) -> Result<(), Failure> {
    let (mut given, mut body, mut payload, mut info) = (Vec::new(), None, None, false);
    let mut params = json!({ "path": {}, "query": {}, "$": {} });
    let mut parser = lexopt::Parser::from_args(arguments);
    while let Some(argument) = parser.next()? {
        match argument {
            Long(part @ ("path" | "query")) => {
                let part = part.to_owned();
                let text = parser.value()?.string()?;
                let (name, value) = input::pair(&text)?;
                params[part][name] = value.into();
            }
            Long("body") => body = Some(parser.value()?),
            Long("payload") => payload = Some(parser.value()?),
            Long("filename") => params["$"]["filename"] = parser.value()?.string()?.into(),
            Long("info") => info = true,
            Long("help") | Short('h') => return output::text(USAGE),
            Value(value) => given.push(value),
            other => return Err(other.unexpected().into()),
        }
    }
    let [config, operation] = input::positional(given, ["CONFIG", "OPERATION"])?;
    let operation = operation
        .into_string()
        .map_err(|_| Failure::Usage("the operation's name is not UTF-8".into()))?;
    input::only_one_is_standard_input([Some(&config), body.as_ref(), payload.as_ref()])?;
    let payload = match payload {
        Some(file) => input::read(&file)?.to_vec(),
        None => Vec::new(),
    };
    let client = input::client(&config, None)?;
    let params = with_body(params.to_string(), body)?;
    let answer = client.execute(&operation, &params, &payload, None)?;
    if info {
        eprintln!("{}", answer.info_text());
    }
    output::bytes(&answer.body)?;
    match answer.body.last() {
        None | Some(b'\n') => Ok(()),
        Some(_) => output::line(""),
    }
}

/// The body stays the text that it is: the library reads it, and strictly.
fn with_body(params: String, body: Option<OsString>) -> Result<Vec<u8>, Failure> {
    let mut text = params.into_bytes();
    if let Some(file) = body {
        let body = input::read(&file)?;
        strict::parse(&body).map_err(|problem| {
            let file = file.to_string_lossy();
            Failure::File(format!("{file} is not a body in JSON: {problem}"))
        })?;
        text.pop();
        text.extend_from_slice(b",\"body\":");
        text.extend_from_slice(&body);
        text.push(b'}');
    }
    Ok(text)
}
