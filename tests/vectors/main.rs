//! Replays `target/vectors/vectors.json`: what openssl has computed, payseal must compute, and what it must refuse, payseal refuses. README.md
//! beside this file describes the cases; the other languages replay the same ones.

mod exchange;
mod primitive;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use payseal::host::{Clock, Host, Random};
use payseal::{Client, Error, Result};
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Deserialize)]
pub struct Case {
    id: String,
    kind: String,
    what: String,
    pub input: Map<String, Value>,
    pub expect: Map<String, Value>,
}

impl Case {
    pub fn text(&self, field: &str) -> &str {
        self.input[field].as_str().unwrap()
    }

    /// A field `…_base64`; absent and null are empty.
    pub fn bytes(&self, field: &str) -> Vec<u8> {
        STANDARD
            .decode(self.input.get(field).and_then(Value::as_str).unwrap_or(""))
            .unwrap()
    }

    pub fn json(&self, field: &str) -> Vec<u8> {
        self.input[field].to_string().into_bytes()
    }

    pub fn expects_bytes(&self, field: &str, got: &[u8]) {
        assert_eq!(self.expect[field], STANDARD.encode(got), "{field}");
    }

    pub fn client(&self) -> Result<Client> {
        let mut host = Host::default();
        if let Some(now_ms) = self.input.get("now_ms").and_then(Value::as_i64) {
            host.clock = Box::new(Dictated {
                now_ms,
                random: Vec::new(),
            });
        }
        if let Some(hex) = self.input.get("random_hex").and_then(Value::as_str) {
            let random = (0..hex.len() / 2)
                .map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
                .collect();
            host.random = Box::new(Dictated { now_ms: 0, random });
        }
        Client::new(&self.json("config"), host)
    }
}

/// The clock and the random source that a case dictates.
struct Dictated {
    now_ms: i64,
    random: Vec<u8>,
}

impl Clock for Dictated {
    fn now_ms(&self) -> Result<i64> {
        Ok(self.now_ms)
    }
}

impl Random for Dictated {
    fn fill(&self, out: &mut [u8]) -> Result<()> {
        let source = self.random.iter().cycle();
        out.iter_mut()
            .zip(source)
            .for_each(|(byte, given)| *byte = *given);
        Ok(())
    }
}

fn cases() -> &'static [Case] {
    static CASES: OnceLock<Vec<Case>> = OnceLock::new();
    CASES.get_or_init(|| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/vectors/vectors.json");
        let text = std::fs::read(&path)
            .unwrap_or_else(|error| panic!("{}: {error}; run make vectors", path.display()));
        serde_json::from_slice(&text).unwrap()
    })
}

/// `run` asserts what a success must look like; an error that it returns must be the one that the case expects.
fn replay(kind: &str, run: fn(&Case) -> Result<()>) {
    let cases: Vec<&Case> = cases().iter().filter(|case| case.kind == kind).collect();
    assert!(
        !cases.is_empty(),
        "no case of kind {kind}: run make vectors"
    );
    for case in cases {
        println!("{}: {}", case.id, case.what);
        let got = run(case);
        let got = got.as_ref().err().map(seen).unwrap_or_default();
        let wanted: BTreeMap<_, _> = ["code", "code_name", "outcome", "field"]
            .into_iter()
            .filter_map(|name| Some((name, case.expect.get(name)?.clone())))
            .collect();
        if wanted.is_empty() {
            assert_eq!(got, BTreeMap::new(), "{} fails", case.id);
        }
        for (name, value) in wanted {
            assert_eq!(
                got.get(name),
                Some(&value),
                "{} of {}: {got:?}",
                name,
                case.id
            );
        }
    }
}

fn seen(error: &Error) -> BTreeMap<&'static str, Value> {
    let mut seen = BTreeMap::from([
        ("code", Value::from(error.code() as i32)),
        ("code_name", error.code().name().into()),
        ("outcome", Value::from(error.outcome() as i32)),
        ("message", error.message().into()),
    ]);
    seen.extend(error.detail("field").map(|field| ("field", field.clone())));
    seen
}

#[test]
fn wrong_configurations_are_refused_when_the_client_is_made() {
    replay("client", |case| case.client().map(drop));
}

#[test]
fn requests_are_signed_as_openssl_signs_them() {
    replay("request", exchange::request);
}

#[test]
fn answers_are_believed_only_when_openssl_would() {
    replay("answer", exchange::answer);
}

#[test]
fn notifications_are_opened_only_when_they_are_the_platforms() {
    replay("notification", exchange::notification);
}

#[test]
fn client_side_parameters_are_signed_as_openssl_signs_them() {
    replay("invoke", exchange::invoke);
}

#[test]
fn signatures_are_the_bytes_that_openssl_makes() {
    replay("sign", primitive::sign);
}

#[test]
fn only_signatures_that_fit_are_verified() {
    replay("verify", primitive::verify);
}

#[test]
fn sealed_boxes_are_the_bytes_that_another_library_makes() {
    replay("seal", primitive::seal);
}

#[test]
fn only_untouched_boxes_are_opened() {
    replay("open", primitive::open);
}

#[test]
fn digests_are_those_of_openssl() {
    replay("digest", primitive::digest);
}
