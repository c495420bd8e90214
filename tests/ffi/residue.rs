//! What is left in memory when a client has been freed: nothing that was secret.
//!
//! The search runs in a process of its own that has seen the secrets in one place only, and has wiped that place.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::process::Command;
use std::ptr;

use payseal::ffi::*;
use serde_json::{Value, json};
use zeroize::Zeroize;

use crate::abi::{garbage, new_call, run, step, take};
use crate::support::merchant::{APPID, LONG, MCHID, MERCHANT_SERIAL, Pair, certificate, config};
use crate::support::openssl::{self, Folder};

const MARK: &str = "PAYSEAL_TEST_RESIDUE";
const MASK: u8 = 0xA5;

#[test]
fn after_a_client_is_freed_its_secrets_are_nowhere_in_memory() {
    let name = "after_a_client_is_freed_its_secrets_are_nowhere_in_memory";
    leaves_nothing(name, |pem, _, secret| {
        config(json!({ "private_key": pem, "apiv3_key": secret }))
    });
}

/// Its secret and its token go through addresses, bodies and answers, which a host's own HTTP client moves here.
#[test]
fn the_same_holds_for_an_app_and_its_token_after_they_were_sent() {
    let name = "the_same_holds_for_an_app_and_its_token_after_they_were_sent";
    leaves_nothing(
        name,
        |_, _, secret| json!({ "provider": "weixin", "appid": APPID, "secret": secret }),
    );
}

/// The key of the client certificate is the TLS library's too.
#[test]
fn the_same_holds_for_apiv2_with_its_client_certificate() {
    let name = "the_same_holds_for_apiv2_with_its_client_certificate";
    leaves_nothing(name, |pem, certificate, secret| {
        json!({
            "provider": "wechat-v2",
            "mchid": MCHID,
            "apiv2_key": secret,
            "appid": APPID,
            "client_certificate": certificate,
            "client_key": pem,
        })
    });
}

/// `make` gets a private key, a certificate for it and a secret of 32 bytes.
fn leaves_nothing(name: &str, make: impl Fn(&str, &str, &str) -> Value) {
    if let Ok(folder) = std::env::var(MARK) {
        return search(&folder);
    }
    let folder = Folder::new();
    let key = openssl::generate_rsa(2048);
    let public = String::from_utf8(openssl::public_half(&key)).unwrap();
    let pem = String::from_utf8(key.clone()).unwrap();
    let pair = Pair {
        private: pem.clone(),
        public,
    };
    let secret = "canary0Canary1Canary2Canary3Cana";
    let text = make(&pem, &certificate(&pair, MERCHANT_SERIAL, LONG), secret).to_string();
    folder.write("config.json", text.as_bytes());

    // What is searched for, masked so that the search does not find itself.
    let der = openssl::pkcs1_der(&key);
    let mut needles = vec![
        secret.as_bytes()[4..28].to_vec(),
        pem.as_bytes()[900..930].to_vec(),
    ];
    for number in integers(&der).skip(3).take(3) {
        let mut middle = number[number.len() / 2 - 16..number.len() / 2 + 16].to_vec();
        needles.push(middle.clone());
        middle.reverse(); // as a little-endian machine holds it
        needles.push(middle);
    }
    if text.contains("\"weixin\"") {
        let token = "tokenCanary3tokenCanary4tokenCanary5";
        let answer = json!({ "access_token": token, "expires_in": 7200 });
        folder.write("answer.json", answer.to_string().as_bytes());
        needles.push(token.as_bytes()[4..32].to_vec());
    }
    let masked: Vec<u8> = needles
        .iter()
        .flat_map(|needle| {
            [needle.len() as u8]
                .into_iter()
                .chain(needle.iter().map(|b| b ^ MASK))
        })
        .collect();
    folder.write("needles", &masked);

    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--nocapture", "--test-threads=1"])
        .arg(format!("residue::{name}"))
        .env(MARK, folder.path(""))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(said.contains("searched"), "{said}");
}

/// The INTEGERs of an RSAPrivateKey: version, n, e, d, p, q and so on.
fn integers(der: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut at = 4; // SEQUENCE with a length of two bytes
    std::iter::from_fn(move || {
        let (&tag, &first) = (der.get(at)?, der.get(at + 1)?);
        assert_eq!(tag, 2);
        let (head, len) = match first {
            0x82 => (4, usize::from(der[at + 2]) << 8 | usize::from(der[at + 3])),
            0x81 => (3, usize::from(der[at + 2])),
            len => (2, usize::from(len)),
        };
        let number = &der[at + head..at + head + len];
        at += head + len;
        Some(number)
    })
    .map(|number| number.strip_prefix(&[0]).unwrap_or(number))
}

fn search(folder: &str) {
    let needles = read(&format!("{folder}/needles"));
    let needles = Needles::of(&needles);
    let mut text = read(&format!("{folder}/config.json"));
    let mut client = ptr::null_mut();
    run(|e| unsafe { payseal_client_new(text.as_ptr(), text.len(), ptr::null(), &mut client, e) })
        .unwrap();
    text.zeroize();
    drop(text);
    // Used for what it is there for.
    let answer = format!("{folder}/answer.json");
    match std::fs::exists(&answer).unwrap() {
        true => send_and_receive(client, &answer),
        false => drop(crate::abi::invoke(client, &json!({ "prepay_id": "wx1" })).unwrap()),
    }
    let mut metrics = garbage();
    run(|e| unsafe { payseal_client_metrics(client, &mut metrics, e) }).unwrap();
    take(metrics);
    let before = needles.found();
    assert!(
        before.iter().sum::<usize>() > 0,
        "a key in use is not found: the search proves nothing"
    );
    payseal_client_free(client);
    let after = needles.found();
    assert!(
        after.iter().all(|count| *count == 0),
        "left in memory: {after:?}, before {before:?}"
    );
    println!("searched: {before:?} while in use, {after:?} afterwards");
}

/// A code is exchanged, a token fetched and used, by a host that wipes what passes through its hands.
fn send_and_receive(client: *mut payseal_client, answer: &str) {
    let query = json!({ "query": { "js_code": "033abc" } });
    let session = new_call(client, "GET /sns/jscode2session", &query).unwrap();
    read_request(session);
    payseal_call_free(session);
    let token = new_flow(client, "access_token");
    read_request(token);
    let mut answer = read(answer);
    run(|e| unsafe {
        payseal_call_respond(token, 200, ptr::null(), 0, answer.as_ptr(), answer.len(), e)
    })
    .unwrap();
    answer.zeroize();
    assert_eq!(step(token).unwrap().0, Action::Done as i32);
    let (mut body, mut info) = (garbage(), garbage());
    run(|e| unsafe { payseal_call_result(token, &mut body, &mut info, e) }).unwrap();
    take(body).zeroize();
    take(info);
    payseal_call_free(token);
    let ticket = new_flow(client, "jsapi_ticket");
    read_request(ticket);
    payseal_call_free(ticket);
}

fn new_flow(client: *mut payseal_client, name: &str) -> *mut payseal_call {
    let mut call = ptr::null_mut();
    run(|e| unsafe {
        payseal_call_new_flow(
            client,
            name.as_ptr(),
            name.len(),
            ptr::null(),
            0,
            &mut call,
            e,
        )
    })
    .unwrap();
    call
}

fn read_request(call: *mut payseal_call) {
    assert_eq!(step(call).unwrap().0, Action::Send as i32);
    let (mut head, mut body) = (garbage(), garbage());
    run(|e| unsafe { payseal_call_request(call, &mut head, e) }).unwrap();
    run(|e| unsafe { payseal_call_body(call, &mut body, e) }).unwrap();
    take(head).zeroize();
    take(body).zeroize();
}

/// Reads a file without leaving copies behind.
fn read(path: &str) -> Vec<u8> {
    let mut file = File::open(path).unwrap();
    let mut bytes = vec![0; file.metadata().unwrap().len() as usize];
    file.read_exact(&mut bytes).unwrap();
    bytes
}

struct Needles(Vec<Vec<u8>>);

impl Needles {
    fn of(mut masked: &[u8]) -> Needles {
        let mut needles = Vec::new();
        while let Some((len, rest)) = masked.split_first() {
            let (needle, rest) = rest.split_at(usize::from(*len));
            needles.push(needle.to_vec());
            masked = rest;
        }
        Needles(needles)
    }

    /// How often each occurs in memory that this process can write.
    fn found(&self) -> Vec<usize> {
        let memory = File::open("/proc/self/mem").unwrap();
        let mut window = vec![0_u8; 1 << 20];
        let own = window.as_ptr() as u64..window.as_ptr() as u64 + window.len() as u64;
        let mut found = vec![0; self.0.len()];
        for (start, end) in writable_memory() {
            for (mut at, end) in [(start, end.min(own.start)), (start.max(own.end), end)] {
                while at < end {
                    let length = window.len().min((end - at) as usize);
                    let Ok(read) = memory.read_at(&mut window[..length], at) else {
                        break;
                    };
                    self.count(&window[..read], &mut found);
                    if read < 64 || at + read as u64 >= end {
                        break;
                    }
                    at += read as u64 - 63;
                }
            }
        }
        window.zeroize();
        found
    }

    fn count(&self, bytes: &[u8], found: &mut [usize]) {
        for (needle, count) in self.0.iter().zip(found) {
            let first = needle[0] ^ MASK;
            for (at, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == first) {
                let rest = &bytes[at..];
                let is_there = rest.len() >= needle.len()
                    && needle
                        .iter()
                        .zip(rest)
                        .all(|(masked, byte)| masked ^ MASK == *byte);
                *count += usize::from(is_there);
            }
        }
    }
}

fn writable_memory() -> Vec<(u64, u64)> {
    let maps = BufReader::new(File::open("/proc/self/maps").unwrap());
    maps.lines()
        .map(Result::unwrap)
        .filter(|line| line.contains(" rw"))
        .map(|line| {
            let (start, end) = line.split(' ').next().unwrap().split_once('-').unwrap();
            let number = |text| u64::from_str_radix(text, 16).unwrap();
            (number(start), number(end))
        })
        .collect()
}
