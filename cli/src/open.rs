//! `payseal open`

use std::ffi::OsString;

use lexopt::ValueExt;
use lexopt::prelude::{Long, Short, Value};
use payseal::notification::Explanation;

use crate::{Failure, input, output};

pub const USAGE: &str = "\
payseal open CONFIG NOTIFICATION [--explain] [--at SECONDS]

Verifies and decrypts a saved notification and prints what it says; what is known about it goes to standard error. One that is
refused is explained: the body was encoded anew, headers were swapped, it is for another merchant, and so on.

  CONFIG        the configuration, a file in JSON; - is standard input
  NOTIFICATION  a file: header lines, an empty line, then the body exactly as it was received; a request line before them is
                skipped. For example

                    Wechatpay-Timestamp: 1700000000
                    Wechatpay-Nonce: 5JGF…
                    Wechatpay-Signature: uOVRn…
                    Wechatpay-Serial: PUB_KEY_ID_0119…

                    {\"id\":\"…\",\"resource\":{…}}

  --explain     only says, as JSON, whether it is accepted, and why not
  --at SECONDS  looks at it as at this time, in seconds since 1970: one that is older than five minutes is refused otherwise.
                Wechatpay-Timestamp says when it was sent

Exit status: 0 it is genuine, 1 it is not or cannot be read, 2 the command cannot be understood.
";

pub fn run(arguments: Vec<OsString>) -> Result<(), Failure> {
    let (mut files, mut explain, mut at_s) = (Vec::new(), false, None);
    let mut parser = lexopt::Parser::from_args(arguments);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("explain") => explain = true,
            Long("at") => at_s = Some(seconds(&parser.value()?.string()?)?),
            Long("help") | Short('h') => return output::text(USAGE),
            Value(file) => files.push(file),
            other => return Err(other.unexpected().into()),
        }
    }
    let [config, notification] = input::positional(files, ["CONFIG", "NOTIFICATION"])?;
    input::only_one_is_standard_input([Some(&config), Some(&notification)])?;
    let client = input::client(&config, at_s)?;
    let saved = input::read(&notification)?;
    let (headers, body) = parts(&saved)?;
    if explain {
        let explanation = client.explain_notification(headers, body)?;
        return tell(&explanation);
    }
    match client.open_notification(headers, body, b"") {
        Ok(opened) => {
            eprintln!("{}", opened.info_text());
            output::bytes(&opened.body)?;
            output::line("")
        }
        Err(error) => {
            if let Ok(Explanation {
                cause: Some(cause),
                hint: Some(hint),
                ..
            }) = client.explain_notification(headers, body)
            {
                eprintln!("payseal: {cause}: {hint}");
            }
            Err(error.into())
        }
    }
}

fn seconds(text: &str) -> Result<i64, Failure> {
    text.parse()
        .ok()
        .filter(|seconds| *seconds > 0)
        .ok_or_else(|| {
            Failure::Usage(format!(
                "--at {text:?} must be whole seconds since 1970, as in Wechatpay-Timestamp"
            ))
        })
}

fn tell(explanation: &Explanation) -> Result<(), Failure> {
    output::line(&serde_json::to_string(explanation).unwrap_or_default())?;
    match explanation.accepted {
        true => Ok(()),
        false => Err(Failure::Told),
    }
}

/// Header lines and body of a saved request. A request line before them is skipped.
fn parts(saved: &[u8]) -> Result<(&[u8], &[u8]), Failure> {
    let ends = [b"\r\n\r\n".as_slice(), b"\n\n"];
    let split = ends
        .into_iter()
        .filter_map(|end| {
            let at = saved.windows(end.len()).position(|window| window == end)?;
            Some((at, at + end.len()))
        })
        .min();
    let Some((head_ends, body_begins)) = split else {
        return Err(Failure::File(
            "the notification has no empty line between its header lines and its body".into(),
        ));
    };
    let head = &saved[..head_ends];
    let first_line = head.split(|b| *b == b'\n').next().unwrap_or_default();
    let head = match first_line.trim_ascii_end().ends_with(b"HTTP/1.1") {
        true => head.get(first_line.len() + 1..).unwrap_or_default(),
        false => head,
    };
    Ok((head, &saved[body_begins..]))
}
