//! One download as a state machine without sockets: apply for the files, fetch one after another, decode, check.
//!
//! Every exchange in it is a [`Call`], so what is repeated, when and where is decided there. Whoever drives it sends `request`, hands over
//! the head of the answer with `respond`, then its body in pieces with `receive` until `ended`; or says with `fail` that it broke off.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::call::{Call, Delivered, Step, Stream};
use crate::client::Core;
use crate::error::{Code, Error, Result};
use crate::params::Params;
use crate::wire::{Failure, FailureKind, Request, Response, json as strict};

use super::coding::Coding;
use super::decoder::{Decoded, Decoder, Limits};
use super::file::{Beginning, File, Files, Terms};
use super::request::{Ask, DownloadRequest, Options};
use super::save::Saving;

/// Addresses are valid for five minutes; one that is older than this is not tried any more.
const ADDRESS_LIFETIME: Duration = Duration::from_secs(290);
/// The pauses between looks at a file that is being made; the last one for all that follow.
const PACE: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
];
/// For one round of decoding into a file.
const PIECE: usize = 64 << 10;

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Send `request`, then call `respond` or `fail`.
    Send,
    /// Come back after this time.
    Wait(Duration),
    /// Hand over the next piece of the answer's body with `receive`, or say `ended` or `fail`.
    Receive,
    /// Take decoded bytes with `take`.
    Take,
    /// All of it came and is what it should be.
    Done,
}

pub struct Machine {
    core: Arc<Core>,
    ask: Ask,
    terms: Terms,
    options: Options,
    deadline: Instant,
    stage: Stage,
    files: Vec<File>,
    /// Which of them is next, or under way.
    index: usize,
    /// When the addresses were given out; None where the caller brought them.
    applied: Option<Instant>,
    /// Looks at a file that is being made.
    looks: usize,
    wait_until: Instant,
    /// The address of this part was refused already, and applied for anew.
    renewed: bool,
    saving: Option<Saving>,
    /// Of the parts that are whole.
    received: u64,
    produced: u64,
    attempts: u32,
    host: Option<String>,
    failure: Option<Error>,
}

enum Stage {
    Apply,
    Applying(Box<Call>),
    /// The whole answer is collected: it is about files, or says no.
    Collecting(Box<Call>, Response),
    Pausing(Instant),
    Open,
    Fetching(Box<Call>),
    /// The answer may be a file or say why there is none: its first bytes tell.
    Beginning(Box<Call>, Response),
    Decoding(Box<Decoding>),
    Done,
    /// In between, or failed.
    Over,
}

struct Decoding {
    call: Box<Call>,
    head: Response,
    decoder: Decoder,
    /// All that was fed is used up.
    is_hungry: bool,
    /// Bytes of this part were given to the caller.
    is_seen: bool,
}

impl Machine {
    pub(crate) fn new(core: Arc<Core>, params: &[u8]) -> Result<Machine> {
        let DownloadRequest {
            ask,
            terms,
            options,
        } = DownloadRequest::parse(params)?;
        let operation = match &ask {
            Ask::Operation { name, .. } => Some(name.as_str()),
            Ask::Known(_) => None,
        };
        let terms = core
            .provider
            .file_terms(operation, &terms, options.allow_unverified)?;
        let now = Instant::now();
        let mut machine = Machine {
            deadline: now + options.timeout,
            wait_until: now + options.wait,
            stage: Stage::Apply,
            files: Vec::new(),
            index: 0,
            applied: None,
            looks: 0,
            renewed: false,
            saving: None,
            received: 0,
            produced: 0,
            attempts: 0,
            host: None,
            failure: None,
            core,
            ask,
            terms,
            options,
        };
        match &machine.ask {
            Ask::Known(answer) => {
                let answer = answer.clone();
                machine.learn(&answer)?;
                machine.stage = Stage::Open;
            }
            Ask::Operation { .. } => machine.stage = machine.apply()?,
        }
        Ok(machine)
    }

    /// Goes on until something is to be done outside. The error with which the download ended is returned again each time.
    pub fn step(&mut self) -> Result<Next> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        self.advance()
            .inspect_err(|error| self.end_with(error.clone()))
    }

    /// What to send while `step` says `Send`.
    pub fn request(&self) -> Result<&Request> {
        match &self.stage {
            Stage::Applying(call) | Stage::Fetching(call) => call.request(),
            _ => Err(out_of_turn("there is nothing to send now")),
        }
    }

    /// Whether the connection for `request` has to present a certificate of ours; a host's own HTTP client knows where to find it.
    pub(crate) fn needs_client_certificate(&self) -> bool {
        matches!(&self.stage, Stage::Applying(call) | Stage::Fetching(call) if call.needs_client_certificate())
    }

    /// The head of the answer to `request`: its body follows, of whatever status it is.
    pub fn respond(&mut self, status: u16, headers: crate::wire::Headers) -> Result<()> {
        self.request()?;
        let head = Response {
            status,
            headers,
            body: Vec::new(),
        };
        self.stage = match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Fetching(call) if call.expects_file() && (200..300).contains(&status) => {
                match self.terms.in_answer {
                    true => Stage::Beginning(call, head),
                    false => {
                        let decoder = self.decoder(&self.files[self.index].coding);
                        let decoder = decoder.inspect_err(|error| self.end_with(error.clone()))?;
                        Stage::Decoding(Box::new(Decoding::new(call, head, decoder)))
                    }
                }
            }
            Stage::Fetching(call) | Stage::Applying(call) => Stage::Collecting(call, head),
            other => other,
        };
        Ok(())
    }

    /// The same from what a host's own HTTP client hands back.
    pub fn respond_raw(&mut self, status: u32, headers: &[u8]) -> Result<()> {
        match Response::read(status, headers, b"") {
            Ok(mut head) => self.respond(head.status, std::mem::take(&mut head.headers)),
            Err(problem) => self.fail(Failure {
                kind: FailureKind::Sent,
                code: Code::ResponseInvalid,
                reason: format!("the answer is not proper HTTP: {problem}"),
            }),
        }
    }

    /// The next piece of the body, while `step` says `Receive`.
    pub fn receive(&mut self, piece: &[u8]) -> Result<()> {
        let most = self.core.max_response_bytes();
        if let Err(error) = self.left() {
            self.refuse(error.clone());
            return Err(self.failure.clone().unwrap_or(error));
        }
        match &mut self.stage {
            Stage::Decoding(decoding) if decoding.is_hungry => {
                decoding.is_hungry = piece.is_empty();
                if let Err(error) = decoding.decoder.feed(piece) {
                    self.refuse(error.clone());
                    return Err(self.failure.clone().unwrap_or(error));
                }
                Ok(())
            }
            Stage::Collecting(_, response) | Stage::Beginning(_, response) => {
                response.body.extend_from_slice(piece);
                self.begin()?;
                match &self.stage {
                    Stage::Collecting(_, response) | Stage::Beginning(_, response)
                        if response.body.len() as u64 > most =>
                    {
                        self.fail(Failure {
                            kind: FailureKind::Sent,
                            code: Code::ResponseTooLarge,
                            reason: format!("the answer is longer than {most} bytes"),
                        })
                    }
                    _ => Ok(()),
                }
            }
            _ => Err(out_of_turn("no piece is wanted now")),
        }
    }

    /// The body is at its end; may be said right after its last piece.
    pub fn ended(&mut self) -> Result<()> {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Decoding(mut decoding) if !decoding.decoder.is_ended() => {
                decoding.is_hungry = false;
                decoding.decoder.end();
                self.stage = Stage::Decoding(decoding);
                Ok(())
            }
            Stage::Collecting(mut call, response) => {
                call.respond(response)?;
                self.stage = self.under_way(call);
                Ok(())
            }
            beginning @ Stage::Beginning(..) => {
                self.stage = beginning;
                let error = Error::new(
                    Code::BodyInvalid,
                    "the answer is empty, which no file of this provider is",
                );
                self.refuse(error.clone());
                Err(self.failure.clone().unwrap_or(error))
            }
            other => {
                self.stage = other;
                Err(out_of_turn("no body is on its way"))
            }
        }
    }

    /// There is no answer to `request`, or it broke off. That the host gave up on purpose may be said at any time.
    pub fn fail(&mut self, failure: Failure) -> Result<()> {
        let given_up = matches!(failure.kind, FailureKind::Cancelled { .. });
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Applying(mut call) => {
                let said = call.fail(failure);
                self.stage = Stage::Applying(call);
                said
            }
            Stage::Fetching(mut call) => {
                let said = call.fail(failure);
                self.stage = Stage::Fetching(call);
                said
            }
            Stage::Collecting(mut call, _) | Stage::Beginning(mut call, _) => {
                let said = call.fail(failure);
                self.stage = self.under_way(call);
                said
            }
            Stage::Decoding(decoding) => self.broke_off(*decoding, failure),
            Stage::Over => Ok(()),
            other if !given_up => {
                self.stage = other;
                Err(out_of_turn("no request is on its way"))
            }
            Stage::Done => {
                self.stage = Stage::Done;
                Ok(())
            }
            _ => {
                self.end_with(Error::new(Code::Cancelled, failure.reason));
                Ok(())
            }
        }
    }

    /// Decoded bytes, while `step` says `Take`; 0 when there are none now.
    pub fn take(&mut self, out: &mut [u8]) -> Result<usize> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        if out.is_empty() || self.saving.is_some() {
            return Ok(0);
        }
        let length = self.decode(out)?;
        if let Stage::Decoding(decoding) = &mut self.stage {
            decoding.is_seen |= length > 0;
        }
        Ok(length)
    }

    /// From now on what is decoded goes to a file at `path`, which is there when all of it came and is right.
    pub fn save(&mut self, path: &Path) -> Result<()> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        let is_begun = match &self.stage {
            Stage::Decoding(decoding) => decoding.is_seen,
            Stage::Done => true,
            _ => false,
        };
        if is_begun || self.produced > 0 || self.saving.is_some() {
            return Err(out_of_turn(
                "a part of the file was read already, or is being saved",
            ));
        }
        let suffix = self.core.host.nonce()?;
        self.saving = Some(Saving::begin(path, &suffix[..8])?);
        Ok(())
    }

    /// How far it is, as documented in `docs/abi.md`.
    pub fn info(&self) -> Value {
        let (received, produced) = self.counts();
        let digests: Vec<Value> = self
            .files
            .iter()
            .map(|file| match &file.coding.digest {
                Some(digest) => {
                    json!({ "hash_type": digest.kind.name(), "hash_value": hex(&digest.value) })
                }
                None => Value::Null,
            })
            .collect();
        let is_whole = matches!(self.stage, Stage::Done);
        json!({
            "complete": is_whole,
            "verified": is_whole && !digests.iter().any(Value::is_null),
            "bytes": produced,
            "received_bytes": received,
            "parts": digests,
            "attempts": self.attempts,
            "host": self.host,
        })
    }

    /// Whether `step` leads somewhere else than to an error.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self.stage, Stage::Done)
    }

    fn advance(&mut self) -> Result<Next> {
        loop {
            self.stage = match std::mem::replace(&mut self.stage, Stage::Over) {
                Stage::Apply => self.apply()?,
                Stage::Applying(mut call) => match call.step() {
                    Step::Done => self.applied(call.result()?)?,
                    step => {
                        self.stage = Stage::Applying(call);
                        return Ok(outside(step));
                    }
                },
                coming @ (Stage::Collecting(..) | Stage::Beginning(..)) => {
                    self.stage = coming;
                    return Ok(Next::Receive);
                }
                Stage::Pausing(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    if !left.is_zero() {
                        self.stage = Stage::Pausing(until);
                        return Ok(Next::Wait(left));
                    }
                    Stage::Apply
                }
                Stage::Open => self.open()?,
                Stage::Fetching(mut call) => match call.step() {
                    Step::Done => self.refused(call.result())?,
                    step => {
                        self.stage = Stage::Fetching(call);
                        return Ok(outside(step));
                    }
                },
                Stage::Decoding(decoding) => {
                    let is_hungry = decoding.is_hungry;
                    self.stage = Stage::Decoding(decoding);
                    if is_hungry {
                        return Ok(Next::Receive);
                    }
                    if self.saving.is_none() {
                        return Ok(Next::Take);
                    }
                    self.decode_into_file()?;
                    std::mem::replace(&mut self.stage, Stage::Over)
                }
                Stage::Done => {
                    if let Some(saving) = self.saving.take() {
                        saving.keep()?;
                    }
                    self.stage = Stage::Done;
                    return Ok(Next::Done);
                }
                Stage::Over => return Err(out_of_turn("the download is over")),
            }
        }
    }

    /// Executes the operation: its answer says where the files are, or is the file.
    fn apply(&self) -> Result<Stage> {
        let Ask::Operation { name, params } = &self.ask else {
            return Err(out_of_turn("there is nothing to apply for"));
        };
        let mut params: Params = (**params).clone();
        let left = self.left()?;
        let call = |params| Call::operation(self.core.clone(), name, params);
        if self.terms.in_answer {
            params.options.timeout = Some(left);
            let call = call(params)?.streaming(self.stream());
            return Ok(Stage::Fetching(Box::new(call)));
        }
        params.options.timeout = Some(left.min(self.core.settings.total));
        Ok(Stage::Applying(Box::new(call(params)?)))
    }

    fn stream(&self) -> Stream {
        Stream {
            head_timeout: self.core.settings.total,
            // What is compressed can be longer than what it stands for, by little.
            max_bytes: self.options.limits.max_bytes.saturating_add(1 << 20),
        }
    }

    fn decoder(&self, coding: &Coding) -> Result<Decoder> {
        let limits = Limits {
            max_bytes: self.options.limits.max_bytes.saturating_sub(self.produced),
            ..self.options.limits
        };
        Decoder::new(coding, limits)
    }

    fn left(&self) -> Result<Duration> {
        match self.deadline.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Err(Error::new(
                Code::Timeout,
                "the time of the download is over",
            )),
            left => Ok(left),
        }
    }

    fn applied(&mut self, delivered: Delivered) -> Result<Stage> {
        let answer = strict::parse_object(&delivered.body).map_err(|problem| {
            Error::new(
                Code::BodyInvalid,
                format!("the answer cannot be read: {problem}"),
            )
        })?;
        if let Some(state) = self.learn(&answer)? {
            let pause = PACE[self.looks.min(PACE.len() - 1)];
            self.looks += 1;
            let until = Instant::now() + pause;
            if until >= self.wait_until.min(self.deadline) {
                return Err(Error::new(
                    Code::ProviderUnavailable,
                    format!("the file is still being made: it is {state}"),
                )
                .with_outcome(crate::Outcome::Rejected)
                .with("provider_code", state)
                .with("authenticated", true)
                .with("advice", "retry_later")
                .with_hint("$.wait_ms says how long to wait for it"));
            }
            return Ok(Stage::Pausing(until));
        }
        self.applied = Some(Instant::now());
        Ok(Stage::Open)
    }

    /// Takes in what the provider says about the files, or says what it calls a file that is not ready.
    fn learn(&mut self, answer: &Map<String, Value>) -> Result<Option<String>> {
        let hosts = &self.core.settings.hosts;
        match self.core.provider.files(answer, &self.terms, hosts)? {
            Files::Preparing(state) => Ok(Some(state)),
            Files::Ready(files) => {
                let digest = |file: &File| file.coding.digest.clone();
                let same = self.index == 0
                    || files.len() == self.files.len()
                        && files[..self.index]
                            .iter()
                            .map(digest)
                            .eq(self.files[..self.index].iter().map(digest));
                if !same {
                    return Err(Error::new(
                        Code::ResponseMismatch,
                        "the provider made the file anew while parts of the old one were read: start again",
                    ));
                }
                self.files = files;
                Ok(None)
            }
        }
    }

    fn open(&mut self) -> Result<Stage> {
        let file = self.files.get(self.index);
        let Some(address) = file.and_then(|file| file.address.as_ref()) else {
            return Ok(Stage::Done);
        };
        let left = self.left()?;
        if self
            .applied
            .is_some_and(|at| at.elapsed() > ADDRESS_LIFETIME)
        {
            return Ok(Stage::Apply);
        }
        let settings = &self.core.settings;
        let prepared = self.core.provider.fetch(address, &settings.hosts)?;
        let attempts = self.options.max_attempts.unwrap_or(settings.max_attempts);
        let trace_id = self.options.trace_id.clone();
        let call = Call::file(
            self.core.clone(),
            prepared,
            left,
            attempts,
            trace_id,
            self.stream(),
        );
        Ok(Stage::Fetching(Box::new(call)))
    }

    /// No attempt brought a file. An address may have expired: then the provider gives another, once a part.
    fn refused(&mut self, result: Result<Delivered>) -> Result<Stage> {
        let error = match result {
            Err(error) => error,
            Ok(_) => return Err(out_of_turn("the file was passed by")),
        };
        let can_renew = self.applied.is_some() && !self.renewed;
        if can_renew && error.code() == Code::ProviderRejected {
            self.renewed = true;
            return Ok(Stage::Apply);
        }
        Err(error)
    }

    /// Looks at what came of an answer that may be a file; what is left of it goes where it belongs.
    fn begin(&mut self) -> Result<()> {
        let Stage::Beginning(_, head) = &self.stage else {
            return Ok(());
        };
        let found = self.core.provider.begin_file(&self.terms, head);
        let decoder = match found {
            Ok(Beginning::Unclear) => return Ok(()),
            Ok(Beginning::Refusal) => None,
            Ok(Beginning::File(coding)) => {
                let decoder = self.decoder(&coding);
                self.files = vec![File {
                    address: None,
                    coding,
                }];
                Some(decoder)
            }
            Err(error) => Some(Err(error)),
        };
        let decoder = match decoder.transpose() {
            Ok(decoder) => decoder,
            Err(error) => {
                self.refuse(error.clone());
                return Err(self.failure.clone().unwrap_or(error));
            }
        };
        self.stage = match (std::mem::replace(&mut self.stage, Stage::Over), decoder) {
            (Stage::Beginning(call, mut head), Some(mut decoder)) => {
                decoder.feed(&std::mem::take(&mut head.body))?;
                let mut decoding = Decoding::new(call, head, decoder);
                decoding.is_hungry = false;
                Stage::Decoding(Box::new(decoding))
            }
            (Stage::Beginning(call, head), None) => Stage::Collecting(call, head),
            (other, _) => other,
        };
        Ok(())
    }

    fn decode(&mut self, out: &mut [u8]) -> Result<usize> {
        let Stage::Decoding(decoding) = &mut self.stage else {
            return Ok(0);
        };
        if decoding.is_hungry {
            return Ok(0);
        }
        match decoding.decoder.decode(out) {
            Ok(Decoded::Bytes(length)) => Ok(length),
            Ok(Decoded::Hungry) => {
                decoding.is_hungry = true;
                Ok(0)
            }
            Ok(Decoded::End) => self.part_is_whole().map(|()| 0),
            Err(error) => {
                self.refuse(error.clone());
                Err(self.failure.clone().unwrap_or(error))
            }
        }
    }

    fn decode_into_file(&mut self) -> Result<()> {
        let mut piece = [0; PIECE];
        while let Stage::Decoding(decoding) = &self.stage
            && !decoding.is_hungry
        {
            let length = self.decode(&mut piece)?;
            if let Some(saving) = &mut self.saving {
                saving.write(&piece[..length])?;
            }
        }
        Ok(())
    }

    fn part_is_whole(&mut self) -> Result<()> {
        let Stage::Decoding(decoding) = std::mem::replace(&mut self.stage, Stage::Over) else {
            return Ok(());
        };
        let Decoding {
            mut call,
            head,
            decoder,
            ..
        } = *decoding;
        call.respond(head)?;
        let Step::Done = call.step() else {
            return Err(out_of_turn("the file was passed by"));
        };
        if let crate::call::About::Answer(exchange) = call.result()?.about {
            self.attempts += exchange.attempts;
            self.host = exchange.host;
        }
        self.received += decoder.received();
        self.produced += decoder.produced();
        self.index += 1;
        self.renewed = false;
        self.stage = Stage::Open;
        // Whoever reads sees the end at once.
        if self.index == self.files.len() {
            self.stage = Stage::Done;
        }
        Ok(())
    }

    /// Where it is saved, nobody has seen anything of this part: what was written of it is forgotten.
    fn broke_off(&mut self, decoding: Decoding, failure: Failure) -> Result<()> {
        let Decoding {
            mut call, is_seen, ..
        } = decoding;
        call.interrupted(failure, is_seen)?;
        self.stage = Stage::Fetching(call);
        if let Some(saving) = &mut self.saving
            && let Err(error) = saving.rewind(self.produced)
        {
            self.end_with(error.clone());
            return Err(error);
        }
        Ok(())
    }

    /// What came is not the file.
    fn refuse(&mut self, error: Error) {
        let error = match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Decoding(decoding) => ended(decoding.call, error),
            Stage::Beginning(call, _) => ended(call, error),
            _ => error,
        };
        self.end_with(error);
    }

    fn end_with(&mut self, error: Error) {
        self.stage = Stage::Over;
        self.saving = None;
        self.failure.get_or_insert(error);
    }

    fn under_way(&self, call: Box<Call>) -> Stage {
        match call.is_file() {
            true => Stage::Fetching(call),
            false => Stage::Applying(call),
        }
    }

    fn counts(&self) -> (u64, u64) {
        match &self.stage {
            Stage::Decoding(decoding) => (
                self.received + decoding.decoder.received(),
                self.produced + decoding.decoder.produced(),
            ),
            _ => (self.received, self.produced),
        }
    }
}

impl Decoding {
    fn new(call: Box<Call>, head: Response, decoder: Decoder) -> Decoding {
        Decoding {
            call,
            head,
            decoder,
            is_hungry: true,
            is_seen: false,
        }
    }
}

/// What the call makes of the error with which the file ends.
fn ended(mut call: Box<Call>, error: Error) -> Error {
    call.refuse(error.clone());
    call.result().err().unwrap_or(error)
}

fn outside(step: Step) -> Next {
    match step {
        Step::Send => Next::Send,
        Step::Wait(time) => Next::Wait(time),
        Step::Done => Next::Done,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn out_of_turn(message: &str) -> Error {
    Error::new(Code::InvalidState, message)
}
