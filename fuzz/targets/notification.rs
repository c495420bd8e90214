//! Notifications: arbitrary ones, genuine envelopes and genuine plaintexts; opened, explained and routed.
#![no_main]

use payseal::route;
use payseal_fuzz::{CLIENT, cut, envelope, signed};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((&kind, rest)) = data.split_first() else {
        return;
    };
    let (headers, body) = match kind % 3 {
        0 => {
            let (headers, body) = cut(rest);
            (headers.to_vec(), body.to_vec())
        }
        1 => (signed(rest).into_bytes(), rest.to_vec()),
        _ => {
            let body = envelope(rest);
            (signed(&body).into_bytes(), body)
        }
    };
    let opened = CLIENT.open_notification(&headers, &body, b"");
    if let Ok(opened) = &opened {
        assert!(
            kind % 3 != 0,
            "a notification that nobody signed was believed"
        );
        assert_eq!(
            kind % 3 == 2,
            opened.body.as_slice() == rest || kind % 3 == 1
        );
    }
    if let Ok(explanation) = CLIENT.explain_notification(&headers, &body) {
        assert_eq!(explanation.accepted, opened.is_ok());
    }
    if let Ok(place) = route([&*CLIENT], &headers, &body) {
        assert_eq!(place, 0);
    }
});
