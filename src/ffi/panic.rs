//! Catches panics without a word on the host's stderr.
//!
//! Rust's default hook prints the message of a panic before it can be caught, and a message may quote what the code tripped
//! over. While payseal is working the hook is silent and only notes the place in the source; panics of anyone else in the
//! process go to the hook that was there before.

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

static HOOK: Once = Once::new();

/// What `body` returns, or the place in the source where it panicked.
pub(super) fn catch<T>(body: impl FnOnce() -> T) -> Result<T, String> {
    HOOK.call_once(install);
    let before = INSIDE.replace(true); // a callback of the host may have called us again
    let result = panic::catch_unwind(AssertUnwindSafe(body));
    INSIDE.set(before);
    result.map_err(|payload| {
        std::mem::forget(payload); // its destructor is unknown code and might panic in turn
        PLACE.take()
    })
}

fn install() {
    let previous = panic::take_hook();
    panic::set_hook(Box::new(move |info| match INSIDE.get() {
        true => note(info),
        false => previous(info),
    }));
}

fn note(info: &PanicHookInfo) {
    if let Some(place) = info.location() {
        PLACE.replace(format!("{}:{}", place.file(), place.line()));
    }
}
