//! Finds secrets that are left in the memory of this process.
//!
//! Freed memory is soon used again, which hides what was not wiped. So this binary's allocator keeps, inside
//! [`keeping_freed_memory`], whatever is freed, exactly as it was.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, PoisonError};
use zeroize::Zeroize;

#[global_allocator]
static ALLOCATOR: Hoarder = Hoarder;

/// Frees nothing on a thread that says so.
struct Hoarder;

thread_local! {
    static HOARDS: Cell<bool> = const { Cell::new(false) };
}

// SAFETY: everything is left to the system's allocator, except that a block may never be given back to it.
unsafe impl GlobalAlloc for Hoarder {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if !HOARDS.get() {
            unsafe { System.dealloc(block, layout) }
        }
    }
    // `realloc` stays the provided one, which copies and calls `dealloc`: growing leaves the old block behind.
}

pub fn keeping_freed_memory<T>(work: impl FnOnce() -> T) -> T {
    HOARDS.set(true);
    let result = work();
    HOARDS.set(false);
    result
}

const MASK: u8 = 0xA5;

/// What is searched for, kept masked so that the search does not find itself.
#[derive(Default)]
pub struct Canaries(Vec<Vec<u8>>);

impl Canaries {
    pub fn add(&mut self, secret: &[u8]) {
        self.0.push(secret.iter().map(|byte| byte ^ MASK).collect());
    }

    /// How many times any of them occurs in memory that this process can write.
    pub fn found(&self) -> usize {
        // One search at a time: each reads into a buffer, which another one would find.
        static SEARCH: Mutex<()> = Mutex::new(());
        let _alone = SEARCH.lock().unwrap_or_else(PoisonError::into_inner);
        let memory = File::open("/proc/self/mem").unwrap();
        let mut window = vec![0_u8; 1 << 20];
        let own = window.as_ptr() as u64..window.as_ptr() as u64 + window.len() as u64;
        let mut found = 0;
        for (start, end) in writable_memory() {
            for (mut at, end) in [(start, end.min(own.start)), (start.max(own.end), end)] {
                while at < end {
                    let length = window.len().min((end - at) as usize);
                    // A region may be gone by now: other tests run beside this one.
                    let Ok(read) = memory.read_at(&mut window[..length], at) else {
                        break;
                    };
                    found += self.found_in(&window[..read]);
                    if read < 64 || at + read as u64 >= end {
                        break;
                    }
                    at += read as u64 - 63;
                }
            }
        }
        window.zeroize();
        found
    }

    fn found_in(&self, bytes: &[u8]) -> usize {
        let mut first = [false; 256];
        self.0
            .iter()
            .for_each(|canary| first[usize::from(canary[0] ^ MASK)] = true);
        let mut found = 0;
        for at in 0..bytes.len() {
            if first[usize::from(bytes[at])] {
                found += self
                    .0
                    .iter()
                    .filter(|canary| occurs(canary, &bytes[at..]))
                    .count();
            }
        }
        found
    }
}

fn occurs(masked: &[u8], bytes: &[u8]) -> bool {
    bytes.len() >= masked.len()
        && masked
            .iter()
            .zip(bytes)
            .all(|(masked, byte)| masked ^ MASK == *byte)
}

fn writable_memory() -> Vec<(u64, u64)> {
    let maps = BufReader::new(File::open("/proc/self/maps").unwrap());
    let lines = maps
        .lines()
        .map(Result::unwrap)
        .filter(|line| line.contains(" rw"));
    let bounds = lines.map(|line| {
        let (start, end) = line.split(' ').next().unwrap().split_once('-').unwrap();
        (
            u64::from_str_radix(start, 16).unwrap(),
            u64::from_str_radix(end, 16).unwrap(),
        )
    });
    bounds.collect()
}
