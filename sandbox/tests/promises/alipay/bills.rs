//! Bills and receipts: files behind links that do not live long.

use std::process::Command;

use serde_json::{Value, json};

use super::stage::App;
use crate::stage::{Answer, Request, Sandbox, today};

const METHOD: &str = "alipay.data.dataservice.bill.downloadurl.query";

fn fetch(app: &App, url: &Value) -> Answer {
    let url = url.as_str().unwrap();
    let path = &url[url.find("/alipay/files/").unwrap()..];
    Request::new("GET", path, b"").send(app.port).unwrap()
}

/// Names and texts of the files in a ZIP, by Python; both were GBK.
fn unzip(sandbox: &Sandbox, bytes: &[u8]) -> Vec<(String, String)> {
    let path = sandbox.dir.join("bill.zip");
    std::fs::write(&path, bytes).unwrap();
    let program = "import json, sys, zipfile\n\
        archive = zipfile.ZipFile(sys.argv[1])\n\
        assert archive.testzip() is None\n\
        print(json.dumps([[one.filename.encode('cp437').decode('gbk'), archive.read(one).decode('gbk')] for one in archive.infolist()]))";
    let output = Command::new("python3")
        .args(["-c", program])
        .arg(&path)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_days_business_is_two_files_in_gbk() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    let day = json!({ "bill_type": "trade", "bill_date": today() });
    assert_eq!(
        app.call(METHOD, day.clone())["sub_code"],
        "isp.bill_not_exist"
    );
    app.precreate("order-0001");
    sandbox.pay("order-0001");
    let refund =
        json!({ "out_trade_no": "order-0001", "out_request_no": "r1", "refund_amount": "8.88" });
    app.call("alipay.trade.refund", refund);
    let found = app.call(METHOD, day);
    let file = fetch(&app, &found["bill_download_url"]);
    assert_eq!(
        (file.status, file.header("Content-Type")),
        (200, Some("application/zip"))
    );
    let files = unzip(&sandbox, &file.body);
    let date = today().replace('-', "");
    let names: Vec<_> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            format!("{}_{date}_业务明细.csv", app.seller),
            format!("{}_{date}_业务明细(汇总).csv", app.seller)
        ]
    );

    let lines: Vec<_> = files[0].1.lines().collect();
    assert_eq!(lines[0], "#支付宝业务明细查询");
    let columns: Vec<_> = lines[4].split(',').collect();
    assert_eq!(columns.len(), 25);
    let cell = |line: usize, name: &str| {
        let index = columns.iter().position(|column| *column == name).unwrap();
        lines[line]
            .split(',')
            .nth(index)
            .unwrap()
            .trim_end()
            .to_owned()
    };
    assert_eq!(
        (
            cell(5, "业务类型"),
            cell(5, "商户订单号"),
            cell(5, "商品名称")
        ),
        ("交易".into(), "order-0001".into(), "一杯茶".into())
    );
    assert_eq!(
        (cell(5, "商家实收（元）"), cell(5, "服务费（元）")),
        ("88.88".into(), "-0.53".into())
    );
    assert_eq!(
        (
            cell(6, "业务类型"),
            cell(6, "商家实收（元）"),
            cell(6, "退款批次号/请求号")
        ),
        ("退款".into(), "-8.88".into(), "r1".into())
    );
    assert!(
        lines[7].starts_with("#---") && lines[8].starts_with("#交易合计：1笔，商家实收共88.88元")
    );
    assert!(files[1].1.contains("合计"));
    // The month has the same, other days have nothing.
    let month = json!({ "bill_type": "trade", "bill_date": today()[..7] });
    assert_eq!(app.call(METHOD, month)["code"], "10000");
    let other = json!({ "bill_type": "trade", "bill_date": "2020-01-01" });
    assert_eq!(app.call(METHOD, other)["sub_code"], "isp.bill_not_exist");
    for (kind, date) in [("trade", "20260101"), ("none", "2026-01-01")] {
        let wrong = app.call(METHOD, json!({ "bill_type": kind, "bill_date": date }));
        assert_eq!(wrong["sub_code"], "INVALID_PARAMETER");
    }
}

#[test]
fn the_accounts_bill_has_every_movement_and_its_balance() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    app.precreate("order-0001");
    sandbox.pay("order-0001");
    let found = app.call(
        METHOD,
        json!({ "bill_type": "signcustomer", "bill_date": today() }),
    );
    let files = unzip(&sandbox, &fetch(&app, &found["bill_download_url"]).body);
    let lines: Vec<_> = files[0].1.lines().collect();
    assert_eq!(lines[0], "#支付宝账务明细查询");
    assert_eq!(lines[4].split(',').count(), 12);
    let balances: Vec<_> = lines[5..7]
        .iter()
        .map(|line| line.split(',').nth(8).unwrap().trim_end())
        .collect();
    assert_eq!(balances, ["1000000.00", "1000088.35"]);
}

#[test]
fn a_link_is_nobodys_guess_and_bills_may_come_the_next_day() {
    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    app.precreate("order-0001");
    sandbox.pay("order-0001");
    let link = format!("{}/alipay/files/x.csv.zip", sandbox.url);
    assert_eq!(fetch(&app, &link.into()).status, 403);
    sandbox.control("PUT", "/settings", json!({ "bills": "next_day" }));
    let day = json!({ "bill_type": "trade", "bill_date": today() });
    assert_eq!(app.call(METHOD, day)["sub_code"], "isp.bill_not_exist");
}

#[test]
fn a_receipt_is_made_a_while_after_it_was_applied_for() {
    let sandbox = Sandbox::start_with(&["--speed", "1"]);
    let app = App::of(&sandbox);
    let sent = transfer(&app);
    let apply = |key: &Value| {
        app.call(
            "alipay.data.bill.ereceipt.apply",
            json!({ "type": "FUND_DETAIL", "key": key }),
        )
    };
    assert_eq!(apply(&json!("1"))["sub_code"], "INVALID_PARAMETER");
    let file = apply(&sent["pay_fund_order_id"])["file_id"].clone();
    assert_eq!(apply(&sent["pay_fund_order_id"])["file_id"], file);
    let find = || {
        app.call(
            "alipay.data.bill.ereceipt.query",
            json!({ "file_id": file }),
        )
    };
    assert_eq!(find()["status"], "PROCESS");
    drop(sandbox);

    let sandbox = Sandbox::start();
    let app = App::of(&sandbox);
    let sent = transfer(&app);
    let file = app.call(
        "alipay.data.bill.ereceipt.apply",
        json!({ "type": "FUND_DETAIL", "key": sent["order_id"] }),
    )["file_id"]
        .clone();
    let mut found = Value::Null;
    let deadline = std::time::Instant::now() + crate::stage::PATIENCE;
    while found["status"] != "SUCCESS" {
        assert!(std::time::Instant::now() < deadline, "{found}");
        found = app.call(
            "alipay.data.bill.ereceipt.query",
            json!({ "file_id": file }),
        );
    }
    let receipt = fetch(&app, &found["download_url"]);
    assert!(receipt.body.starts_with(b"%PDF-") && receipt.text().contains("Amount CNY 1.00"));
}

fn transfer(app: &App) -> Value {
    let order = json!({
        "out_biz_no": "t-1",
        "trans_amount": "1.00",
        "product_code": "TRANS_ACCOUNT_NO_PWD",
        "biz_scene": "DIRECT_TRANSFER",
        "order_title": "t",
        "payee_info": { "identity": "2088102146225135", "identity_type": "ALIPAY_USER_ID" },
    });
    app.call("alipay.fund.trans.uni.transfer", order)
}
