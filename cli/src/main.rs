//! `payseal`: what a developer does by hand. It decides nothing: every command is a call of the library, or of the sandbox.

mod call;
mod doctor;
mod input;
mod open;
mod output;

use std::ffi::OsString;
use std::process::ExitCode;

const USAGE: &str = "\
payseal doctor CONFIG [--online] [--notify-url URL] [--json]
payseal call CONFIG \"GET /v3/…\" [--path NAME=VALUE]… [--query NAME=VALUE]… [--body FILE] [--payload FILE] [--filename NAME] [--info]
payseal open CONFIG NOTIFICATION [--explain]
payseal sandbox --dir DIR [--listen 127.0.0.1:PORT] [--speed N]

  doctor    looks a configuration over; --online sends the provider's self-test
  call      sends one signed request and prints the verified answer; --info tells how it came about
  open      verifies and decrypts a saved notification: header lines, an empty line, then the body exactly as it was received;
            where it is refused, or with --explain, says why
  sandbox   starts the simulated provider on loopback

  CONFIG and FILE are files; - is standard input. CONFIG is a payseal configuration in JSON.

Exit status: 0 all is well, 1 it is not (the reason is on standard error), 2 the command cannot be understood, 3 money may have moved.
";

/// Why a command ended without success.
enum Failure {
    /// The command line is wrong.
    Usage(String),
    /// A file cannot be read or written.
    File(String),
    Payseal(payseal::Error),
    /// It was all said on standard output.
    Told,
}

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let command = arguments.next().unwrap_or_default();
    let rest: Vec<OsString> = arguments.collect();
    let done = match command.to_str() {
        Some("doctor") => doctor::run(rest),
        Some("call") => call::run(rest),
        Some("open") => open::run(rest),
        Some("sandbox") => return payseal_sandbox::run_with(rest),
        Some("--version" | "-V") => output::line(concat!("payseal ", env!("CARGO_PKG_VERSION"))),
        Some("--help" | "-h" | "help") => output::text(USAGE),
        Some("") => Err(Failure::Usage("a command is missing".into())),
        _ => Err(Failure::Usage(format!(
            "there is no command {}",
            command.to_string_lossy()
        ))),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.tell(),
    }
}

impl Failure {
    fn tell(self) -> ExitCode {
        match self {
            Failure::Usage(problem) => {
                eprint!("payseal: {problem}\n\n{USAGE}");
                ExitCode::from(2)
            }
            Failure::File(problem) => {
                eprintln!("payseal: {problem}");
                ExitCode::FAILURE
            }
            Failure::Payseal(error) => {
                eprint!("{}", output::error(&error));
                match error.outcome() {
                    payseal::Outcome::Unknown => ExitCode::from(3),
                    _ => ExitCode::FAILURE,
                }
            }
            Failure::Told => ExitCode::FAILURE,
        }
    }
}

impl From<lexopt::Error> for Failure {
    fn from(error: lexopt::Error) -> Failure {
        Failure::Usage(error.to_string())
    }
}

impl From<payseal::Error> for Failure {
    fn from(error: payseal::Error) -> Failure {
        Failure::Payseal(error)
    }
}
