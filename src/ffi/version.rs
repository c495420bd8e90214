use std::ffi::c_char;

/// The version of this ABI, 1. A binding compares it when it loads the library. Additions do not change it.
#[unsafe(no_mangle)]
pub extern "C" fn payseal_abi_version() -> u32 {
    1
}

/// The version of the library, such as "0.1.0": static, ended by NUL, never freed.
#[unsafe(no_mangle)]
pub extern "C" fn payseal_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}
