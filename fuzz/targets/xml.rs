//! Flat XML: what is taken is written and read back as the same, and holds nothing that only a more liberal parser would see.
#![no_main]

use payseal::wire::xml;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Ok(fields) = xml::read(data) {
        let names: std::collections::HashSet<_> = fields.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), fields.len(), "a field stands twice");
        assert!(
            !data.windows(9).any(|window| window == b"<!DOCTYPE"),
            "a DOCTYPE passed"
        );
        let written = xml::write(
            fields
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        );
        assert_eq!(xml::read(&written).as_ref(), Ok(&fields));
    }
    let _ = xml::read_with_lists(data, &["coupon_list", "hongbao"]);
});
