//! `operation_check`: what checking the parameters of one JSAPI order by the catalogue costs. `client_catalogue`: what going once through all operations
//! costs, which is all that the catalogue adds to making a client. Both stand beside their limit. `client_new.rust`: from the text of a configuration to a
//! ready client, self-test of the key included. Prints one JSON line for each.

use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};

use payseal::catalogue;
use payseal::host::Host;
use serde_json::{Map, Value, json};

const ROUNDS: usize = 60;

fn main() {
    let operation = catalogue::find("wechat", "POST /v3/pay/transactions/jsapi")
        .expect("a catalogued operation");
    let (nothing, body) = (Map::new(), order());
    let check = || {
        let result = catalogue::check(black_box(&operation), &nothing, &nothing, Some(&body));
        black_box(result).expect("the parameters are right");
    };
    let micros = best(1000, check).as_secs_f64() * 1e6;
    report("operation_check", micros, Some(20.0), "µs");

    let catalogue = || {
        drop(black_box(
            catalogue::operations("wechat")
                .map(|operation| operation.name)
                .collect::<Vec<_>>(),
        ))
    };
    let micros = best(20, catalogue).as_secs_f64() * 1e6;
    report("client_catalogue", micros, Some(3000.0), "µs");

    let config = config();
    let client = || {
        black_box(payseal::Client::new(config.as_bytes(), Host::default()))
            .expect("the configuration is complete");
    };
    let millis = best(5, client).as_secs_f64() * 1e3;
    report("client_new.rust", millis, None, "ms");
}

/// The order of the provider's documentation with every part it has.
fn order() -> Value {
    json!({
        "appid": "wxd678efh567hg6787", "mchid": "1900000001", "description": "Image形象店-深圳腾大-QQ公仔",
        "out_trade_no": "1217752501201407033233368018", "time_expire": "2018-06-08T10:34:56+08:00", "attach": "自定义数据",
        "notify_url": "https://www.weixin.qq.com/wxpay/pay.php", "goods_tag": "WXG", "support_fapiao": false,
        "amount": {"total": 100, "currency": "CNY"}, "payer": {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},
        "detail": {"cost_price": 608800, "invoice_id": "微信123", "goods_detail": [
            {"merchant_goods_id": "1246464644", "wechatpay_goods_id": "1001", "goods_name": "iPhoneX", "quantity": 1, "unit_price": 528800},
        ]},
        "scene_info": {"payer_client_ip": "14.23.150.211", "device_id": "013467007045764",
            "store_info": {"id": "0001", "name": "腾讯大厦分店", "area_code": "440305", "address": "广东省深圳市南山区科技中一道10000号"}},
        "settle_info": {"profit_sharing": false},
    })
}

fn config() -> String {
    let platform = key();
    let config = json!({
        "provider": "wechat", "mchid": "1900000001", "merchant_serial": "5157F09EFDC096DE15EBE81A47057A7232F1B8E1",
        "private_key": key(), "apiv3_key": "0123456789abcdef0123456789abcdef",
        "platform_public_keys": { "PUB_KEY_ID_0119000000012024": public_half(&platform) },
    });
    config.to_string()
}

/// Of the best batch, so that whatever else the machine does falls out.
fn best(batch: u32, work: impl Fn()) -> Duration {
    let run = |_| {
        let start = Instant::now();
        (0..batch).for_each(|_| work());
        start.elapsed() / batch
    };
    (0..ROUNDS).map(run).min().expect("some rounds")
}

fn report(name: &str, ours: f64, limit: Option<f64>, unit: &str) {
    let ratio = limit.map(|limit| (limit / ours * 1000.0).round() / 1000.0);
    let ours = (ours * 100.0).round() / 100.0;
    let line = json!({ "name": name, "ours": ours, "peer": limit, "unit": unit, "ratio": ratio });
    println!("{line}");
}

fn key() -> String {
    let arguments = [
        "genpkey",
        "-algorithm",
        "RSA",
        "-pkeyopt",
        "rsa_keygen_bits:2048",
    ];
    openssl(&arguments, "")
}

fn public_half(pem: &str) -> String {
    openssl(&["pkey", "-pubout"], pem)
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
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(input.as_bytes()).expect("openssl reads");
    drop(stdin);
    let output = child.wait_with_output().expect("openssl ends");
    String::from_utf8(output.stdout).expect("PEM is text")
}
