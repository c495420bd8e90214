//! Configurations: refused with a word about the field, or good for a client; and the doctor finds words for all of them.
#![no_main]

use payseal::Client;
use payseal::doctor;
use payseal::host::Host;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Err(error) = Client::new(data, Host::default()) {
        assert!(!error.message().is_empty());
    }
    doctor::examine(data, Host::default(), b"").expect("a report about any configuration");
});
