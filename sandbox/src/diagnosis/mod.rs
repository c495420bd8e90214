//! Why a signature does not fit, found by trying: of every slip that is known to happen the text it would have led to is
//! made, and held against the signature.

mod body;
pub mod causes;
mod target;

use aws_lc_rs::digest;
use aws_lc_rs::signature::{RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Serialize;

use crate::sandbox::Sandbox;
use crate::scheme::Key;
use crate::shangmi;

use self::causes::Cause;

/// What is known of a request whose signature was refused. The five lines are those that should have been signed.
pub struct Refused<'a> {
    pub method: &'a str,
    pub target: &'a str,
    pub timestamp: &'a str,
    pub nonce: &'a str,
    pub body: &'a [u8],
    pub signature: &'a str,
    /// Of an upload the whole form, otherwise the body once more.
    pub whole: &'a [u8],
    /// The header Host.
    pub host: &'a str,
    /// The path of the operation with its placeholders.
    pub template: Option<&'a str>,
}

/// What was found. `signed` is the text that the caller has signed, where it is known.
#[derive(Clone)]
pub struct Finding {
    pub differences: Vec<Difference>,
    pub signed: Option<Vec<u8>>,
}

/// One thing that is wrong.
#[derive(Clone, Serialize)]
pub struct Difference {
    /// Of the signed text, from 1 on; none when it is no line.
    pub line: Option<usize>,
    #[serde(flatten)]
    pub cause: &'static Cause,
}

impl Finding {
    fn of(cause: &'static Cause) -> Self {
        Self {
            differences: vec![Difference { line: None, cause }],
            signed: None,
        }
    }
}

/// `earlier` is the text of an earlier request with the very same signature.
pub fn of_signature(sandbox: &Sandbox, request: &Refused, earlier: Option<&str>) -> Finding {
    let lines = Lines::of(request);
    if let Some(earlier) = earlier {
        return Finding {
            differences: vec![Difference {
                line: lines.first_that_differs(earlier),
                cause: causes::AUTHORIZATION_REUSED,
            }],
            signed: Some(earlier.as_bytes().to_vec()),
        };
    }
    let key = &sandbox.merchant.key;
    let (signature, is_standard) = match bytes_of(request.signature) {
        Some(found) => found,
        None => return Finding::of(causes::SIGNATURE_UNREADABLE),
    };
    // As long as an MD5 or an HMAC-SHA256.
    if matches!(signature.len(), 16 | 32) {
        return Finding::of(causes::SIGNATURE_OF_V2);
    }
    let der = shangmi::to_der(&signature).filter(|_| matches!(key, Key::Sm2(_)));
    if let Some(der) = der
        && key.verify(&lines.text(), &STANDARD.encode(der))
    {
        return Finding::of(causes::SIGNATURE_NOT_DER);
    }
    let evidence = Evidence::of(key, &signature);
    if let Evidence::Digest(name, _) = &evidence
        && *name != "SHA-256"
    {
        return Finding::of(causes::DIGEST_OTHER);
    }
    if evidence.fits(&lines.text()) && !is_standard {
        return Finding::of(causes::SIGNATURE_ENCODING);
    }
    if let Some(finding) = search(&lines, request, &evidence) {
        return finding;
    }
    let text = lines.text();
    if pads_otherwise(key, &text, &signature) {
        return Finding::of(causes::PADDING_OTHER);
    }
    let fits = |key: &Key| key.verify(&text, &STANDARD.encode(&signature));
    if fits(&sandbox.public_key.key) || sandbox.ring().all().iter().any(|it| fits(&it.key)) {
        return Finding::of(causes::KEY_OF_PLATFORM);
    }
    Finding::of(match evidence {
        Evidence::Digest(..) => causes::TEXT_OTHER,
        Evidence::OtherKey => causes::KEY_OTHER,
        Evidence::Unknown(..) => causes::NOTHING_FITS,
    })
}

/// What is known of the text from the signature.
enum Evidence<'a> {
    /// RSA: the name of the hash and its value stand in it.
    Digest(&'static str, Vec<u8>),
    /// RSA: this key has not made it.
    OtherKey,
    /// SM2: every text must be tried.
    Unknown(&'a Key, String),
}

impl<'a> Evidence<'a> {
    fn of(key: &'a Key, signature: &[u8]) -> Self {
        match key {
            Key::Rsa(rsa) => rsa
                .digest_in(signature)
                .map_or(Self::OtherKey, |(name, digest)| Self::Digest(name, digest)),
            Key::Sm2(_) => Self::Unknown(key, STANDARD.encode(signature)),
        }
    }

    fn fits(&self, text: &[u8]) -> bool {
        match self {
            Self::Digest(_, digest) => digest::digest(&digest::SHA256, text).as_ref() == digest,
            Self::OtherKey => false,
            Self::Unknown(key, signature) => key.verify(text, signature),
        }
    }

    /// So many texts of this length can be tried while somebody waits.
    fn can_try(&self, amount: Amount, length: usize) -> bool {
        let longest = match amount {
            Amount::Thousands => 64 << 10,
            Amount::TenThousands => 8 << 10,
        };
        matches!(self, Self::Digest(..)) && length <= longest
    }
}

#[derive(Clone, Copy)]
enum Amount {
    Thousands,
    TenThousands,
}

const TIME: usize = 2;
const BODY: usize = 4;

/// The five lines and how they are ended.
#[derive(Clone)]
struct Lines {
    lines: [Vec<u8>; 5],
    ends: Ends,
}

#[derive(Clone, Copy, PartialEq)]
enum Ends {
    Newline,
    NotTheLast,
    CarriageReturns,
    OneTooMany,
    Literal,
}

impl Lines {
    fn of(request: &Refused) -> Self {
        let lines = [
            request.method.as_bytes(),
            request.target.as_bytes(),
            request.timestamp.as_bytes(),
            request.nonce.as_bytes(),
            request.body,
        ];
        Self {
            lines: lines.map(<[u8]>::to_vec),
            ends: Ends::Newline,
        }
    }

    fn text(&self) -> Vec<u8> {
        let end: &[u8] = match self.ends {
            Ends::CarriageReturns => b"\r\n",
            Ends::Literal => b"\\n",
            _ => b"\n",
        };
        let mut text = self.lines.join(end);
        match self.ends {
            Ends::NotTheLast => {}
            Ends::OneTooMany => text.extend_from_slice(b"\n\n"),
            _ => text.extend_from_slice(end),
        }
        text
    }

    fn with(&self, changes: &[&Guess]) -> Self {
        let mut changed = self.clone();
        for guess in changes {
            changed.lines[guess.line].clone_from(&guess.text);
        }
        changed
    }

    fn first_that_differs(&self, text: &str) -> Option<usize> {
        let mut others = text.splitn(5, '\n');
        let differs = |(line, other): (&Vec<u8>, Option<&str>)| {
            let line = String::from_utf8_lossy(line);
            other.is_none_or(|other| other.trim_end_matches('\n') != line.trim_end_matches('\n'))
        };
        let at = self
            .lines
            .iter()
            .map(|line| (line, others.next()))
            .position(differs);
        at.map(|index| index + 1)
    }
}

/// Another text for one line.
struct Guess {
    line: usize,
    text: Vec<u8>,
    cause: &'static Cause,
}

fn search(lines: &Lines, request: &Refused, evidence: &Evidence) -> Option<Finding> {
    if matches!(evidence, Evidence::OtherKey) {
        return None;
    }
    let found = |lines: &Lines, guesses: &[&Guess], ends: Option<&'static Cause>| {
        let difference = |guess: &&Guess| Difference {
            line: Some(guess.line + 1),
            cause: guess.cause,
        };
        let last = (lines.ends != Ends::CarriageReturns && lines.ends != Ends::Literal)
            .then_some(BODY + 1);
        let ends = ends.map(|cause| Difference { line: last, cause });
        Finding {
            differences: guesses.iter().map(difference).chain(ends).collect(),
            signed: Some(lines.text()),
        }
    };
    let many = evidence.can_try(Amount::Thousands, request.body.len());
    let guesses = guesses(request, many);
    for guess in &guesses {
        let changed = lines.with(&[guess]);
        if evidence.fits(&changed.text()) {
            return Some(found(&changed, &[guess], None));
        }
    }
    let missing = match request.body.is_empty() {
        true => causes::EMPTY_BODY_LINE_MISSING,
        false => causes::LAST_NEWLINE_MISSING,
    };
    for (ends, cause) in [
        (Ends::NotTheLast, missing),
        (Ends::CarriageReturns, causes::CARRIAGE_RETURNS),
        (Ends::OneTooMany, causes::ONE_NEWLINE_TOO_MANY),
        (Ends::Literal, causes::LITERAL_BACKSLASH_N),
    ] {
        let ended = Lines {
            ends,
            ..lines.clone()
        };
        if evidence.fits(&ended.text()) {
            return Some(found(&ended, &[], Some(cause)));
        }
        for guess in guesses.iter().filter(|_| many) {
            let changed = ended.with(&[guess]);
            if evidence.fits(&changed.text()) {
                return Some(found(&changed, &[guess], Some(cause)));
            }
        }
    }
    if !evidence.can_try(Amount::TenThousands, request.body.len()) {
        return None;
    }
    // Two lines at once, but for the many times.
    let few: Vec<&Guess> = guesses.iter().filter(|guess| guess.line != TIME).collect();
    for (index, one) in few.iter().enumerate() {
        for other in few[index..].iter().filter(|other| other.line != one.line) {
            let changed = lines.with(&[one, other]);
            if evidence.fits(&changed.text()) {
                return Some(found(&changed, &[one, other], None));
            }
        }
    }
    None
}

fn guesses(request: &Refused, many: bool) -> Vec<Guess> {
    let mut guesses = Vec::new();
    let mut add = |line: usize, cause: &'static Cause, text: Vec<u8>| {
        guesses.push(Guess { line, text, cause });
    };
    let lower = request.method.to_ascii_lowercase();
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE", &lower] {
        if method != request.method {
            add(0, causes::METHOD_OTHER, method.into());
        }
    }
    let hosts = [request.host, "api.mch.weixin.qq.com"];
    for (cause, text) in target::others(request.target, &hosts, request.template) {
        add(1, cause, text.into_bytes());
    }
    if let Ok(seconds) = request.timestamp.parse::<i64>() {
        let near = if many { 300 } else { 5 };
        for away in (1..=near).flat_map(|away| [away, -away]) {
            let text = seconds.saturating_add(away).to_string();
            add(2, causes::TIMESTAMP_OTHER, text.into());
        }
        let most = if many { 999 } else { 0 };
        for part in 0..=most {
            let text = format!("{seconds}{part:03}");
            add(2, causes::TIMESTAMP_IN_MILLISECONDS, text.into());
        }
    }
    let nonce = request.nonce;
    let nonces = [
        nonce.to_ascii_lowercase(),
        nonce.to_ascii_uppercase(),
        nonce.replace('-', ""),
        request.timestamp.to_owned(),
        String::new(),
    ];
    for other in nonces.into_iter().filter(|other| other != nonce) {
        add(3, causes::NONCE_OTHER, other.into_bytes());
    }
    let query = request.target.split_once('?').map_or("", |(_, it)| it);
    for (cause, text) in body::others(request.body, query, request.whole) {
        add(BODY, cause, text);
    }
    guesses
}

/// The bytes of a signature, and whether it was written in standard base64.
fn bytes_of(signature: &str) -> Option<(Vec<u8>, bool)> {
    if let Some(bytes) = hex(signature) {
        return Some((bytes, false));
    }
    if let Ok(bytes) = STANDARD.decode(signature) {
        return Some((bytes, true));
    }
    let joined: String = signature.split_ascii_whitespace().collect();
    let url_safe = joined.trim_end_matches('=');
    let bytes = STANDARD.decode(&joined).ok();
    bytes
        .or_else(|| URL_SAFE_NO_PAD.decode(url_safe).ok())
        .map(|bytes| (bytes, false))
}

/// An even number of digits, at least those of an MD5.
fn hex(text: &str) -> Option<Vec<u8>> {
    if text.len() < 32 || !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok())
        .collect()
}

/// RSASSA-PSS by the same key.
fn pads_otherwise(key: &Key, text: &[u8], signature: &[u8]) -> bool {
    let Key::Rsa(key) = key else {
        return false;
    };
    UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, key.public_der())
        .verify(text, signature)
        .is_ok()
}
