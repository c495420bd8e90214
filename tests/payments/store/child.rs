//! Another process.

use std::io::{Read, Write};

pub fn in_a_child(body: impl FnOnce() -> Vec<u8>) -> Vec<u8> {
    in_a_child_while(body, || ())
}

/// Runs `body` in a forked child and `here` meanwhile. The child never returns into the test harness.
pub fn in_a_child_while(body: impl FnOnce() -> Vec<u8>, here: impl FnOnce()) -> Vec<u8> {
    let (mut result, mut out) = std::io::pipe().unwrap();
    // SAFETY: the child runs the body, then ends.
    match unsafe { libc::fork() } {
        -1 => panic!("fork failed"),
        0 => {
            // SAFETY: ends a child that hangs; the status tells.
            unsafe { libc::alarm(30) };
            let body = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
            let written = body.is_ok_and(|bytes| out.write_all(&bytes).is_ok());
            // SAFETY: without destructors and exit handlers, which are the parent's.
            unsafe { libc::_exit(i32::from(!written)) }
        }
        child => {
            drop(out);
            here();
            let mut bytes = Vec::new();
            result.read_to_end(&mut bytes).unwrap();
            let mut status = 0;
            // SAFETY: our own child.
            assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
            assert!(
                libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0,
                "the child ended with {status:#x}"
            );
            bytes
        }
    }
}
