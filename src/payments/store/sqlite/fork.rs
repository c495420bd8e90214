//! Locks of one's own after `fork`.
//!
//! SQLite remembers for the whole process which locks it holds on a file, by the file's device and inode. A forked child inherits the memory,
//! but not the locks: it would believe that it holds them, and the last process to close the file would delete the log in which the child still
//! writes. So every process sees files on devices of its own: what a child opens is never taken for what its parent had open, whose descriptors
//! stay open in the child and unused.

use std::ffi::{c_int, c_void};

use rusqlite::ffi;

use crate::error::{Code, Error, Result};

/// Tells the SQLite that is compiled in. Doing it again changes nothing.
pub fn separate_processes() -> Result<()> {
    // SAFETY: the default file system of SQLite lives as long as the program, its table of system calls takes what is called like the one it
    // replaces, and `fstat_of_this_process` is called like fstat.
    let code = unsafe {
        let vfs = ffi::sqlite3_vfs_find(std::ptr::null());
        match vfs.as_ref().and_then(|vfs| vfs.xSetSystemCall) {
            None => ffi::SQLITE_NOTFOUND,
            Some(set) => {
                let call: unsafe extern "C" fn(c_int, *mut libc::stat) -> c_int =
                    fstat_of_this_process;
                set(
                    vfs,
                    c"fstat".as_ptr(),
                    Some(
                        std::mem::transmute::<*const c_void, unsafe extern "C" fn()>(
                            call as *const c_void,
                        ),
                    ),
                )
            }
        }
    };
    if code == ffi::SQLITE_OK {
        return Ok(());
    }
    Err(Error::new(
        Code::StoreFailed,
        "the SQLite that is linked has no system calls of its own to replace; build payseal with the one it brings",
    ))
}

/// fstat, where each process sees another device.
unsafe extern "C" fn fstat_of_this_process(file: c_int, stat: *mut libc::stat) -> c_int {
    // SAFETY: SQLite gives what fstat takes.
    unsafe {
        let result = libc::fstat(file, stat);
        if result == 0 {
            let process = u64::from(std::process::id());
            (*stat).st_dev ^= (process.rotate_left(32) ^ process) as libc::dev_t;
        }
        result
    }
}
