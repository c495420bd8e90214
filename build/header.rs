//! Generates the C header into OUT_DIR. A test compares it with the committed `include/payseal.h`; `make header` copies it there.

use std::path::Path;

/// In the order in which the header presents them.
const SOURCES: [&str; 15] = [
    "src/error.rs",
    "src/ffi/version.rs",
    "src/ffi/buffer.rs",
    "src/ffi/error.rs",
    "src/ffi/callbacks.rs",
    "src/ffi/client.rs",
    "src/ffi/cancel.rs",
    "src/ffi/call.rs",
    "src/ffi/download.rs",
    "src/ffi/notification.rs",
    "src/ffi/payments.rs",
    "src/ffi/crypto.rs",
    "src/ffi/doctor.rs",
    "src/ffi/qr.rs",
    "cbindgen.toml",
];

pub fn generate() {
    let root = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
    let out = std::env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    let config = cbindgen::Config::from_file(Path::new(&root).join("cbindgen.toml"))
        .expect("cbindgen.toml can be read");
    let mut builder = cbindgen::Builder::new().with_config(config);
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
        if source.ends_with(".rs") {
            builder = builder.with_src(Path::new(&root).join(source));
        }
    }
    let mut header = Vec::new();
    builder
        .generate()
        .expect("the header can be generated")
        .write(&mut header);
    let header = String::from_utf8(header).expect("a header is text");
    // The most used constants go without the name of their enum: PAYSEAL_OK, PAYSEAL_NOT_SENT, PAYSEAL_SEND.
    let header = ["CODE", "OUTCOME", "ACTION"]
        .iter()
        .fold(header, |text, name| {
            text.replace(&format!("PAYSEAL_{name}_"), "PAYSEAL_")
        });
    std::fs::write(Path::new(&out).join("payseal.h"), header).expect("OUT_DIR can be written");
}
