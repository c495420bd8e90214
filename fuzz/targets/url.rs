//! Hosts, addresses and names of operations: no address leads elsewhere than it says.
#![no_main]

use payseal::wire::url::{Address, Origin};
use payseal_fuzz::{CLIENT, cut};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(origin) = Origin::parse(text) {
        assert_eq!(Origin::parse(origin.as_str()).as_ref(), Ok(&origin));
        assert!(
            !origin.as_str()[8..].contains(['/', '@', '?', '#', '\\'])
                || origin.as_str().starts_with("http://")
        );
    }
    if let Ok(address) = Address::parse(text) {
        assert!(
            address.target.starts_with('/')
                && !address.target.contains([' ', '\r', '\n', '\0', '#'])
        );
    }
    let (operation, params) = cut(data);
    if let Ok(operation) = std::str::from_utf8(operation) {
        let _ = CLIENT.call(operation, params, b"");
    }
});
