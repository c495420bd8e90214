//! JSON, strictly: what is taken means the same to another parser, and what is only checked is judged alike.
#![no_main]

use payseal::wire::json;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Ok(value) = json::parse(data) {
        let other: serde_json::Value =
            serde_json::from_slice(data).expect("another parser takes it too");
        assert_eq!(value, other);
    }
    if json::check_object(data).is_ok() {
        serde_json::from_slice::<serde_json::Value>(data).expect("what passes the check is JSON");
    }
});
