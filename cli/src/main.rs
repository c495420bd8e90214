//! `payseal`: what a developer does by hand. It decides nothing: every command is a call of the library, or of the sandbox.

mod call;
mod doctor;
mod input;
mod open;
mod output;

use std::ffi::OsString;
use std::process::ExitCode;

const USAGE: &str = "\
payseal on the command line: for the day on which something does not work, and for the one before going live

  payseal doctor CONFIG [--online]          looks a configuration over, part by part; --online sends a test request
  payseal call CONFIG OPERATION             sends one signed request and prints the verified answer
  payseal open CONFIG NOTIFICATION          verifies and decrypts a saved notification, or says why it is refused
  payseal sandbox --dir DIR                 starts the simulated provider on loopback
  payseal COMMAND --help                    all options of a command, with examples
  payseal --version

CONFIG is a payseal configuration in JSON, the one that the service uses; - is standard input. For WeChat Pay APIv3:

  {\"provider\": \"wechat\", \"mchid\": \"1900000001\", \"merchant_serial\": \"5157F09E…\", \"apiv3_key\": \"32 bytes\",
   \"private_key\": \"-----BEGIN PRIVATE KEY-----\\n…\", \"platform_public_keys\": {\"PUB_KEY_ID_0119…\": \"-----BEGIN PUBLIC KEY-----\\n…\"}}

To begin without a merchant account, which makes a configuration:

  payseal sandbox --dir sandbox &
  payseal doctor sandbox/config.json --online
  payseal call sandbox/config.json \"GET /v3/certificates\"

Exit status: 0 all is well; 1 it is not, the reason is on standard error; 2 the command cannot be understood;
3 money may have moved: query the order before anything is repeated.
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
    let (done, usage) = match command.to_str() {
        Some("doctor") => (doctor::run(rest), doctor::USAGE),
        Some("call") => (call::run(rest), call::USAGE),
        Some("open") => (open::run(rest), open::USAGE),
        Some("sandbox") => return payseal_sandbox::run_with(rest),
        Some("--version" | "-V") => (
            output::line(concat!("payseal ", env!("CARGO_PKG_VERSION"))),
            USAGE,
        ),
        Some("--help" | "-h" | "help") => (output::text(USAGE), USAGE),
        Some("") => (Err(Failure::Usage("a command is missing".into())), USAGE),
        _ => {
            let problem = format!("there is no command {}", command.to_string_lossy());
            (Err(Failure::Usage(problem)), USAGE)
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.tell(usage),
    }
}

impl Failure {
    fn tell(self, usage: &str) -> ExitCode {
        match self {
            Failure::Usage(problem) => {
                eprint!("payseal: {problem}\n\n{usage}");
                ExitCode::from(2)
            }
            Failure::File(problem) => {
                eprintln!("payseal: {problem}");
                ExitCode::FAILURE
            }
            Failure::Payseal(error) => {
                eprint!("{}", output::error(&error));
                match output::may_have_moved_money(&error) {
                    true => ExitCode::from(3),
                    false => ExitCode::FAILURE,
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
