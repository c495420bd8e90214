//! A download over the built-in transport.

use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use crate::cancel::Cancel;
use crate::client::Core;
use crate::error::{Code, Error, Result};
#[cfg(feature = "transport")]
use crate::http::{Incoming, Transport};
#[cfg(feature = "transport")]
use crate::process::PerProcess;
use crate::wire::{Failure, FailureKind};

use super::machine::{Machine, Next};

/// What is read from the network at once.
const PIECE: usize = 64 << 10;

/// A file on its way. Used by one thread at a time, and in the process that made it.
pub struct Download {
    core: Arc<Core>,
    machine: Machine,
    cancel: Option<Cancel>,
    #[cfg(feature = "transport")]
    transport: Arc<PerProcess<Transport>>,
    #[cfg(feature = "transport")]
    incoming: Option<Incoming>,
    piece: Vec<u8>,
    process: u32,
}

impl Download {
    pub(crate) fn new(
        core: Arc<Core>,
        machine: Machine,
        cancel: Option<Cancel>,
        #[cfg(feature = "transport")] transport: Arc<PerProcess<Transport>>,
    ) -> Download {
        Download {
            core,
            machine,
            cancel,
            #[cfg(feature = "transport")]
            transport,
            #[cfg(feature = "transport")]
            incoming: None,
            piece: Vec::new(),
            process: std::process::id(),
        }
    }

    /// Reads decoded bytes into `out`, blocking: some, or 0 when all of the file came and every check has passed. **Until then nothing that was
    /// read may be relied on.** An error is final, and returned again each time.
    pub fn read(&mut self, out: &mut [u8]) -> Result<usize> {
        if out.is_empty() && !self.machine.is_done() {
            return Err(
                Error::new(Code::InvalidArgument, "there is no room to read into")
                    .with_field("out"),
            );
        }
        while self.go_on()? == Next::Take {
            let length = self.machine.take(out)?;
            if length > 0 {
                return Ok(length);
            }
        }
        Ok(0)
    }

    /// Reads all of it into a file at `path`, blocking: another name is used until every check has passed, and a file that was there is replaced
    /// only then.
    pub fn save(&mut self, path: &Path) -> Result<Value> {
        self.machine.save(path)?;
        while self.go_on()? != Next::Done {}
        Ok(self.machine.info())
    }

    /// The same without I/O of its own, for a host's HTTP client.
    pub fn machine(&mut self) -> Result<&mut Machine> {
        self.check_process()?;
        Ok(&mut self.machine)
    }

    pub fn info(&self) -> Value {
        self.machine.info()
    }

    /// Does what the machine asks for until there is something to take, or the end.
    fn go_on(&mut self) -> Result<Next> {
        self.check_process()?;
        if self.machine.needs_client_certificate() {
            self.core.can_present_certificate()?;
        }
        loop {
            let next = self.machine.step().inspect_err(|_| self.hang_up())?;
            if matches!(next, Next::Take | Next::Done) {
                return Ok(next);
            }
            if self.cancel.as_ref().is_some_and(Cancel::is_triggered) {
                self.hang_up();
                self.machine.fail(given_up())?;
                continue;
            }
            let done = match (next, &self.cancel) {
                (Next::Wait(time), Some(cancel)) => {
                    cancel.wait(time);
                    Ok(())
                }
                (Next::Wait(time), None) => {
                    std::thread::sleep(time);
                    Ok(())
                }
                (Next::Send, _) => self.send(),
                _ => self.receive(),
            };
            if let Err(failure) = done {
                self.hang_up();
                self.machine.fail(failure)?;
            }
        }
    }

    /// Sockets and files are the parent's: two processes would read each other's bytes.
    fn check_process(&self) -> Result<()> {
        match self.process == std::process::id() {
            true => Ok(()),
            false => Err(Error::new(
                Code::InvalidState,
                "the download belongs to the process that began it, and this is a child of that",
            )),
        }
    }
}

#[cfg(feature = "transport")]
impl Download {
    fn send(&mut self) -> std::result::Result<(), Failure> {
        let request = self.machine.request().map_err(broken)?;
        let incoming = self.transport.get().open(request, self.cancel.as_ref())?;
        let headers = incoming.headers.clone();
        self.machine
            .respond(incoming.status, headers)
            .map_err(broken)?;
        self.incoming = Some(incoming);
        Ok(())
    }

    fn receive(&mut self) -> std::result::Result<(), Failure> {
        self.piece.resize(PIECE, 0);
        let length = match &mut self.incoming {
            Some(incoming) => incoming.read(&mut self.piece)?,
            None => 0,
        };
        // What the machine makes of it, its next step says.
        let _ = match length {
            0 => {
                self.incoming = None;
                self.machine.ended()
            }
            _ => self.machine.receive(&self.piece[..length]),
        };
        Ok(())
    }

    fn hang_up(&mut self) {
        self.incoming = None;
    }
}

#[cfg(not(feature = "transport"))]
impl Download {
    fn send(&mut self) -> std::result::Result<(), Failure> {
        Err(Failure {
            kind: FailureKind::Cancelled { sent: false },
            code: Code::InvalidState,
            reason: "this build has no HTTP client of its own; drive the download with the host's"
                .into(),
        })
    }

    fn receive(&mut self) -> std::result::Result<(), Failure> {
        Ok(())
    }

    fn hang_up(&mut self) {}
}

#[cfg(feature = "transport")]
fn broken(error: Error) -> Failure {
    Failure {
        kind: FailureKind::Sent,
        code: error.code(),
        reason: error.message().to_owned(),
    }
}

fn given_up() -> Failure {
    Failure {
        kind: FailureKind::Cancelled { sent: true },
        code: Code::Cancelled,
        reason: "the download was cancelled".into(),
    }
}
