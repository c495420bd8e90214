//! Answers, signed and unsigned, of an operation whose answer has encrypted fields: verified bytes, or an error.
#![no_main]

use payseal::call::{Step, Steps};
use payseal_fuzz::{CLIENT, signed};

const OPERATION: &str = "GET /v3/fund-app/mch-transfer/transfer-bills/out-bill-no/{out_bill_no}";
const PARAMS: &[u8] = br#"{"path":{"out_bill_no":"BILL0001"}}"#;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((&kind, body)) = data.split_first() else {
        return;
    };
    let mut call = CLIENT.call(OPERATION, PARAMS, b"").unwrap();
    if call.step() != Step::Send {
        return; // after a thousand 502 the host is left alone for a moment
    }
    let status = [200, 204, 400, 401, 404, 500, 502, 302][usize::from(kind & 7)];
    let headers = if kind & 8 == 0 {
        signed(body)
    } else {
        String::new()
    };
    call.respond_raw(status, headers.as_bytes(), body).unwrap();
    assert_eq!(call.step(), Step::Done);
    if let Ok(delivered) = call.result() {
        assert!(
            status < 300 && kind & 8 == 0,
            "an unsigned answer was believed"
        );
        assert!(delivered.info_text().contains("\"verified\":true"));
    }
});
