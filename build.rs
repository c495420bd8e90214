//! Compiles the operation catalogue into the library and generates the C header.

#[path = "build/catalogue.rs"]
mod catalogue;
#[path = "build/facts.rs"]
mod facts;
#[path = "build/header.rs"]
mod header;
#[path = "build/load.rs"]
mod load;
#[path = "build/model.rs"]
mod model;
#[path = "build/overlay.rs"]
mod overlay;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    catalogue::compile();
    header::generate();
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        // The number is payseal_abi_version().
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libpayseal.so.1");
    }
}
