//! `payseal-sandbox`: WeChat Pay and Alipay on loopback, with a merchant and keys of its own. Nothing it does
//! leaves this machine. See README.md.

mod alipay;
mod authorization;
mod books;
mod cashier;
mod catalogue;
mod certificates;
mod clock;
mod control;
mod crypto;
mod diagnosis;
mod exchanges;
mod families;
mod faults;
mod fields;
mod invoke;
mod keys;
mod listen;
mod loopback;
mod notifications;
mod operations;
mod orders;
mod post;
mod problem;
mod provider;
mod refunds;
mod sample;
mod sandbox;
mod scheme;
mod shangmi;
mod signing;
mod truncated;
mod upload;
mod v2;

use std::ffi::OsString;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::keys::Folder;
use crate::sandbox::Sandbox;
use crate::scheme::Scheme;

const USAGE: &str = "\
payseal-sandbox --dir DIR [--listen 127.0.0.1:PORT] [--speed N] [--scheme rsa|sm2] [--exit-with-stdin]

  --dir DIR              keys and configuration: written at the first start, kept afterwards
  --listen ADDRESS:PORT  a loopback address; port 0, the default, is any free one
  --speed N              divides the provider's waiting times: pauses between notifications, work on refunds
  --scheme rsa|sm2       the merchant's algorithms, decided at the first start: RSA, the default, or SM2, SM3 and SM4
  --exit-with-stdin      stop when standard input closes
";

struct Options {
    dir: PathBuf,
    listen: SocketAddr,
    speed: u32,
    /// None: what the folder says, or RSA.
    scheme: Option<Scheme>,
    exit_with_stdin: bool,
}

/// What the program `payseal-sandbox` does with its arguments, its own name not among them.
pub fn run_with(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let options = match options(arguments) {
        Ok(Some(options)) => options,
        Ok(None) => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprint!("payseal-sandbox: {error}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match run(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("payseal-sandbox: {error}");
            ExitCode::FAILURE
        }
    }
}

fn options(arguments: impl IntoIterator<Item = OsString>) -> Result<Option<Options>, String> {
    use lexopt::prelude::*;
    let mut dir = None;
    let mut options = Options {
        dir: PathBuf::new(),
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        speed: 1,
        scheme: None,
        exit_with_stdin: false,
    };
    let mut arguments = lexopt::Parser::from_args(arguments);
    while let Some(argument) = arguments.next().map_err(|error| error.to_string())? {
        match argument {
            Long("dir") => dir = Some(PathBuf::from(value(&mut arguments)?)),
            Long("listen") => options.listen = loopback_address(&value(&mut arguments)?)?,
            Long("speed") => {
                let speed = value(&mut arguments)?;
                options.speed = speed
                    .parse()
                    .ok()
                    .filter(|speed| *speed > 0)
                    .ok_or(format!("--speed {speed}: must be a whole number from 1 on"))?;
            }
            Long("scheme") => {
                let scheme = value(&mut arguments)?;
                let known = Scheme::parse(&scheme);
                options.scheme =
                    Some(known.ok_or(format!("--scheme {scheme}: there are rsa and sm2"))?);
            }
            Long("exit-with-stdin") => options.exit_with_stdin = true,
            Long("help") | Short('h') => return Ok(None),
            other => return Err(other.unexpected().to_string()),
        }
    }
    options.dir = dir.ok_or("--dir is missing")?;
    Ok(Some(options))
}

fn value(arguments: &mut lexopt::Parser) -> Result<String, String> {
    use lexopt::ValueExt;
    arguments
        .value()
        .and_then(|value| value.string())
        .map_err(|error| error.to_string())
}

fn loopback_address(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text
        .replace("localhost:", "127.0.0.1:")
        .parse()
        .map_err(|_| {
            format!("--listen {text}: must be an address with a port, like 127.0.0.1:8080")
        })?;
    if !address.ip().is_loopback() {
        return Err(format!(
            "--listen {text}: the sandbox never leaves loopback; use 127.0.0.1 or [::1]"
        ));
    }
    Ok(address)
}

#[tokio::main]
async fn run(options: Options) -> Result<(), String> {
    let stop = stopped(options.exit_with_stdin)?;
    let folder = Folder::open(&options.dir, options.scheme)?;
    let listener = TcpListener::bind(options.listen)
        .await
        .map_err(|error| format!("{} cannot be listened on: {error}", options.listen))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let sandbox = Sandbox::new(format!("http://{address}"), options.speed, folder)?;
    writeln!(std::io::stdout(), "sandbox: {}", sandbox.address)
        .map_err(|error| format!("the address cannot be told: {error}"))?;
    tokio::select! {
        () = listen::serve(listener, control::router(Arc::new(sandbox))) => Ok(()),
        // A pending read of standard input would keep the runtime from ending by itself.
        () = stop => std::process::exit(0),
    }
}

/// Ends with SIGTERM, SIGINT, or, when asked, with standard input.
fn stopped(exit_with_stdin: bool) -> Result<impl Future<Output = ()>, String> {
    let listen =
        |kind| signal(kind).map_err(|error| format!("signals cannot be received: {error}"));
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    let stdin_closed = async move {
        if !exit_with_stdin {
            return std::future::pending().await;
        }
        let mut stdin = tokio::io::stdin();
        let mut ignored = [0; 1024];
        while stdin.read(&mut ignored).await.is_ok_and(|read| read > 0) {}
    };
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = stdin_closed => {}
        }
    })
}
