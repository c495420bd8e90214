//! `payseal open`

use std::ffi::OsString;

use lexopt::prelude::{Long, Value};
use payseal::notification::Explanation;

use crate::{Failure, input, output};

pub fn run(arguments: Vec<OsString>) -> Result<(), Failure> {
    let (mut files, mut explain) = (Vec::new(), false);
    let mut parser = lexopt::Parser::from_args(arguments);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("explain") => explain = true,
            Value(file) => files.push(file),
            other => return Err(other.unexpected().into()),
        }
    }
    let [config, notification] = input::positional(files, ["CONFIG", "NOTIFICATION"])?;
    let client = input::client(&config)?;
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
