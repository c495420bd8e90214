//! Header lines: whatever comes, no panic, and a field is what was written.
#![no_main]

use payseal::wire::Headers;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Ok(headers) = Headers::parse_bytes(data) {
        for name in ["wechatpay-serial", "wechatpay-signature"] {
            let first = headers.first(name);
            assert_eq!(first.is_some(), headers.contains(name));
            if let Ok(single) = headers.single(name) {
                assert_eq!(single, first);
            }
            assert!(first.is_none_or(|value| !value.contains(['\r', '\n', '\0'])));
        }
    }
});
