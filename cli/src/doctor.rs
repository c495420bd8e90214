//! `payseal doctor`

use std::ffi::OsString;
use std::fmt::Write;

use lexopt::ValueExt;
use lexopt::prelude::{Long, Short, Value};
use payseal::doctor::{self, Report, Status};
use payseal::host::Host;
use serde_json::json;

use crate::{Failure, input, output};

pub const USAGE: &str = "\
payseal doctor CONFIG [--online] [--notify-url URL] [--json]

Looks a configuration over, part by part: what is wrong, also behind the first mistake, and what ends within a month.

  CONFIG            the configuration, a file in JSON; - is standard input
  --online          also sends one request that moves no money and shows whether both sides understand each other
                      wechat      POST /v3/security/echo: signatures, encryption, clocks
                      wechat-v2   POST /pay/orderquery for an order that nobody placed: merchant id, app id, APIv2 key
                      weixin      POST /cgi-bin/stable_token: app id and secret; the token in use stays as it is
  --notify-url URL  with --online and wechat: where WeChat Pay may send its test notification
  --json            the report as JSON

Exit status: 0 nothing is wrong (warnings do not count), 1 something is, 2 the command cannot be understood.
";

pub fn run(arguments: Vec<OsString>) -> Result<(), Failure> {
    let (mut files, mut as_json) = (Vec::new(), false);
    let mut options = json!({});
    let mut parser = lexopt::Parser::from_args(arguments);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("online") => options["online"] = true.into(),
            Long("notify-url") => options["notify_url"] = parser.value()?.string()?.into(),
            Long("json") => as_json = true,
            Long("help") | Short('h') => return output::text(USAGE),
            Value(file) => files.push(file),
            other => return Err(other.unexpected().into()),
        }
    }
    let [config] = input::positional(files, ["CONFIG"])?;
    let report = doctor::examine(
        &input::read(&config)?,
        Host::default(),
        options.to_string().as_bytes(),
    )?;
    match as_json {
        true => output::line(&serde_json::to_string(&report).unwrap_or_default())?,
        false => output::text(&told(&report))?,
    }
    match report.healthy {
        true => Ok(()),
        false => Err(Failure::Told),
    }
}

fn told(report: &Report) -> String {
    let mut text = String::new();
    for finding in &report.findings {
        let mark = match finding.status {
            Status::Ok => "ok     ",
            Status::Warning => "warning",
            Status::Problem => "PROBLEM",
        };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{mark}  {}: {}", finding.check, finding.message);
        if let Some(hint) = &finding.hint {
            let _ = writeln!(text, "         {hint}");
        }
    }
    text.push_str(match report.healthy {
        true => "nothing is wrong\n",
        false => "this configuration does not work as it is\n",
    });
    text
}
