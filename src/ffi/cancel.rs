use std::ptr;

use crate::cancel::Cancel;
use crate::error::{Code, Error, Result};

use super::boundary::{call, infallible, output};
use super::error::payseal_error;
use super::handle::{Guard, Table};

/// Gives up a blocking call from another thread. May be triggered from anywhere and freed at any time; freed before the call that it was passed to has
/// returned, it can no longer be triggered, and the call goes on to its end.
pub struct payseal_cancel {
    _private: (),
}

static CANCELS: Table<Cancel> = Table::new(0x5EA2);

/// NULL is no cancel.
pub(super) fn borrow(cancel: *const payseal_cancel) -> Result<Option<Guard<Cancel>>> {
    match (cancel.is_null(), CANCELS.get(cancel.addr() as u64)) {
        (true, _) => Ok(None),
        (false, Some(guard)) => Ok(Some(guard)),
        (false, None) => Err(super::client::invalid_handle("cancel")),
    }
}

/// Makes a cancel, to be passed to payseal_client_execute.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_cancel_new(
    cancel: *mut *mut payseal_cancel,
    error: *mut *mut payseal_error,
) -> i32 {
    unsafe {
        call(error, || {
            let out = output(cancel, "cancel")?;
            *out = ptr::null_mut();
            let handle = CANCELS
                .insert(Cancel::default())
                .ok_or_else(|| Error::new(Code::Internal, "there are too many handles"))?;
            *out = ptr::without_provenance_mut(handle as usize);
            Ok(())
        })
    }
}

/// Makes the call that was given this cancel return PAYSEAL_CANCELLED soon: at once while it waits or exchanges data; while it looks up a name or connects, when
/// that ends, after timeouts.resolve_ms and timeouts.connect_ms at most. A call that is given it later returns without sending anything. Triggering again changes nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn payseal_cancel_trigger(
    cancel: *const payseal_cancel,
    error: *mut *mut payseal_error,
) -> i32 {
    unsafe {
        call(error, || {
            borrow(cancel)?
                .ok_or_else(|| super::client::invalid_handle("cancel"))?
                .trigger();
            Ok(())
        })
    }
}

/// Frees a cancel. NULL and one that was freed already are fine.
#[unsafe(no_mangle)]
pub extern "C" fn payseal_cancel_free(cancel: *mut payseal_cancel) {
    infallible(false, || CANCELS.remove(cancel.addr() as u64));
}
