//! The program; all of it is in the library, so that `payseal sandbox` starts the very same.

use std::process::ExitCode;

fn main() -> ExitCode {
    payseal_sandbox::run_with(std::env::args_os().skip(1))
}
