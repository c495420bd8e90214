//! `sign_engine`: a request from parameters to signed bytes, as the C ABI does it, beside a bare RSA signature by aws-lc-rs over a message of the same
//! length. Prints one JSON line for the report. Needs the openssl command line, for a key.

use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use payseal::call::Step;
use payseal::host::Host;

const OPERATION: &str = "POST /v3/pay/transactions/jsapi";
const PARAMS: &str = r#"{"body":{"appid":"wxd678efh567hg6787","description":"Image形象店-深圳腾大-QQ公仔","out_trade_no":"1217752501201407033233368018",
    "notify_url":"https://www.weixin.qq.com/wxpay/pay.php","amount":{"total":100,"currency":"CNY"},"payer":{"openid":"oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"}}}"#;
const ROUNDS: usize = 60;
const BATCH: u32 = 25;

fn main() {
    let pem = key();
    let config = serde_json::json!({
        "provider": "wechat", "mchid": "1900000001", "merchant_serial": "5157F09EFDC096DE15EBE81A47057A7232F1B8E1",
        "private_key": pem, "apiv3_key": "0123456789abcdef0123456789abcdef",
        "platform_public_keys": { "PUB_KEY_ID_0119000000012024": public_half(&key()) },
    });
    let client = payseal::Client::new(config.to_string().as_bytes(), Host::default())
        .expect("the configuration is complete");
    let ours = || {
        let mut call = client
            .call(OPERATION, PARAMS.as_bytes(), &[])
            .expect("the parameters are right");
        assert_eq!(call.step(), Step::Send);
        black_box(call.request().expect("a request").headers.len());
    };

    let bare = RsaKeyPair::from_pkcs8(&der(&pem)).expect("a key of openssl");
    let (message, random) = (vec![b'x'; 400], SystemRandom::new());
    let peer = || {
        let mut signature = vec![0; bare.public_modulus_len()];
        bare.sign(&RSA_PKCS1_SHA256, &random, &message, &mut signature)
            .expect("a signature");
        black_box(signature);
    };

    // In turns, so that whatever else the machine does falls on both alike; the best batch counts.
    let (mut best_ours, mut best_peer) = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        best_ours = best_ours.min(batch(ours));
        best_peer = best_peer.min(batch(peer));
    }
    let rate = |best: Duration| 1.0 / best.as_secs_f64();
    let line = serde_json::json!({
        "name": "sign_engine", "ours": rate(best_ours).round(), "peer": rate(best_peer).round(), "unit": "signatures/s",
        "ratio": (rate(best_ours) / rate(best_peer) * 1000.0).round() / 1000.0,
    });
    println!("{line}");
}

fn batch(work: impl Fn()) -> Duration {
    let start = Instant::now();
    (0..BATCH).for_each(|_| work());
    start.elapsed() / BATCH
}

fn key() -> String {
    openssl(
        &[
            "genpkey",
            "-algorithm",
            "RSA",
            "-pkeyopt",
            "rsa_keygen_bits:2048",
        ],
        "",
    )
}

fn public_half(pem: &str) -> String {
    openssl(&["pkey", "-pubout"], pem)
}

fn der(pem: &str) -> Vec<u8> {
    let body: String = pem
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .collect();
    payseal::crypto::base64::decode(body.as_bytes()).expect("PEM of openssl")
}

fn openssl(arguments: &[&str], input: &str) -> String {
    use std::io::Write;
    use std::process::Stdio;
    let mut child = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("openssl is installed");
    child
        .stdin
        .take()
        .expect("piped")
        .write_all(input.as_bytes())
        .expect("openssl reads");
    String::from_utf8(child.wait_with_output().expect("openssl ends").stdout).expect("PEM is text")
}
