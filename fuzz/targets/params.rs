//! Parameters of catalogued operations: checked, placed, encrypted and signed, or refused with the field.
#![no_main]

use std::sync::LazyLock;

use payseal::call::Step;
use payseal::catalogue;
use payseal_fuzz::CLIENT;

static NAMES: LazyLock<Vec<&str>> = LazyLock::new(|| {
    catalogue::operations("wechat")
        .map(|operation| operation.name)
        .collect()
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((which, params)) = data.split_at_checked(2) else {
        return;
    };
    let name = NAMES[usize::from(u16::from_le_bytes([which[0], which[1]])) % NAMES.len()];
    if let Ok(mut call) = CLIENT.call(name, params, b"")
        && call.step() == Step::Send
    {
        let request = call.request().unwrap();
        assert!(
            request.target.starts_with('/') && !request.target.contains([' ', '{', '\r', '\n'])
        );
        assert!(
            request
                .headers
                .iter()
                .all(|(_, value)| !value.contains(['\r', '\n']))
        );
    }
});
