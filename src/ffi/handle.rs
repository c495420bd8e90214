//! Handles: checked places in a table, not addresses.
//!
//! A handle looks like a pointer, but is never dereferenced: it holds a kind, a place and the generation of what lives there. So NULL, a freed handle, one
//! freed twice, one of another kind or a made-up number is recognised. An object that is freed while another thread uses it lives until that use ends.
//!
//! The tables, one a kind, are the library's process-wide state, next to the panic hook. They are lock-free: a thread of the parent that held a lock at the moment of
//! `fork` would leave it locked in the child for ever.

use std::cell::UnsafeCell;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};

use once_cell::race::OnceBox;

/// First chunk of places; each further chunk is twice as large.
const FIRST: usize = 64;
const CHUNKS: usize = 18; // 64 · (2^18 − 1): close to 2^24 places

const PLACE_BITS: u32 = 24;
const GENERATION_BITS: u32 = 24;
const GENERATION_MASK: u64 = (1 << GENERATION_BITS) - 1;

/// `state` of a place: generation << 33 | live << 32 | users.
const LIVE: u64 = 1 << 32;
const USERS: u64 = LIVE - 1;

#[cfg(not(target_pointer_width = "64"))]
compile_error!("handles need 64 bits: kind, generation and place");

/// All objects of one kind.
pub(super) struct Table<T> {
    /// The upper 16 bits of its handles. No address of a process begins so: a handle that is dereferenced by mistake faults at once.
    kind: u16,
    chunks: [OnceBox<Box<[Place<T>]>>; CHUNKS],
    used: AtomicU32,
    /// The first free place + 1, and a counter against reuse in between, in the upper half.
    free: AtomicU64,
}

struct Place<T> {
    state: AtomicU64,
    next_free: AtomicU32,
    value: UnsafeCell<Option<T>>,
}

// A value is written only while its place is not live and has no users, and read only by users.
unsafe impl<T: Send + Sync> Sync for Table<T> {}

impl<T: Send + Sync> Table<T> {
    pub const fn new(kind: u16) -> Table<T> {
        Table {
            kind,
            chunks: [const { OnceBox::new() }; CHUNKS],
            used: AtomicU32::new(0),
            free: AtomicU64::new(0),
        }
    }

    /// The handle of a new object; None when the table is full.
    pub fn insert(&self, value: T) -> Option<u64> {
        let index = self.vacant()?;
        let place = self.place(index)?;
        let generation = (place.state.load(SeqCst) >> 33).wrapping_add(1) & GENERATION_MASK;
        // SAFETY: the place is neither live nor in the free list, so this thread alone knows it.
        unsafe { *place.value.get() = Some(value) };
        place.state.store(generation << 33 | LIVE, SeqCst);
        Some((self.kind as u64) << 48 | generation << PLACE_BITS | index as u64)
    }

    /// The object, for as long as the guard lives.
    pub fn get(&'static self, handle: u64) -> Option<Guard<T>> {
        let (place, index, generation) = self.find(handle)?;
        place
            .state
            .fetch_update(SeqCst, SeqCst, |state| {
                (is_live(state, generation) && state & USERS < USERS).then(|| state + 1)
            })
            .ok()?;
        Some(Guard {
            table: self,
            place,
            index,
            _thread: PhantomData,
        })
    }

    /// Frees the object, now or when its last user is done. False when there is no such object.
    pub fn remove(&'static self, handle: u64) -> bool {
        let Some((place, index, generation)) = self.find(handle) else {
            return false;
        };
        match place.state.fetch_update(SeqCst, SeqCst, |state| {
            is_live(state, generation).then_some(state & !LIVE)
        }) {
            Ok(state) => {
                if state & USERS == 0 {
                    self.vacate(place, index);
                }
                true
            }
            Err(_) => false,
        }
    }

    fn find(&self, handle: u64) -> Option<(&Place<T>, u32, u64)> {
        let index = (handle & ((1 << PLACE_BITS) - 1)) as u32;
        let generation = handle >> PLACE_BITS & GENERATION_MASK;
        let known = handle >> 48 == self.kind as u64 && index < self.used.load(SeqCst);
        known
            .then(|| self.existing(index))
            .flatten()
            .map(|place| (place, index, generation))
    }

    fn vacant(&self) -> Option<u32> {
        let mut head = self.free.load(SeqCst);
        while let Some(index) = (head as u32).checked_sub(1) {
            let next = self.existing(index)?.next_free.load(SeqCst);
            let counter = (head >> 32).wrapping_add(1) << 32;
            match self
                .free
                .compare_exchange(head, counter | next as u64, SeqCst, SeqCst)
            {
                Ok(_) => return Some(index),
                Err(now) => head = now,
            }
        }
        let most = (FIRST * ((1 << CHUNKS) - 1)) as u32;
        self.used
            .fetch_update(SeqCst, SeqCst, |used| {
                (used < most.min(1 << PLACE_BITS)).then_some(used + 1)
            })
            .ok()
    }

    fn vacate(&self, place: &Place<T>, index: u32) {
        // SAFETY: not live and without users: nobody else can reach the value.
        unsafe { *place.value.get() = None };
        let mut head = self.free.load(SeqCst);
        loop {
            place.next_free.store(head as u32, SeqCst);
            let counter = (head >> 32).wrapping_add(1) << 32;
            match self
                .free
                .compare_exchange(head, counter | (index + 1) as u64, SeqCst, SeqCst)
            {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    fn existing(&self, index: u32) -> Option<&Place<T>> {
        let (chunk, offset) = locate(index);
        self.chunks
            .get(chunk)?
            .get()
            .and_then(|places| places.get(offset))
    }

    fn place(&self, index: u32) -> Option<&Place<T>> {
        let (chunk, offset) = locate(index);
        let places = self
            .chunks
            .get(chunk)?
            .get_or_init(|| Box::new((0..FIRST << chunk).map(|_| Place::new()).collect()));
        places.get(offset)
    }
}

impl<T> Place<T> {
    fn new() -> Place<T> {
        Place {
            state: AtomicU64::new(0),
            next_free: AtomicU32::new(0),
            value: UnsafeCell::new(None),
        }
    }
}

fn is_live(state: u64, generation: u64) -> bool {
    state & LIVE != 0 && state >> 33 & GENERATION_MASK == generation
}

/// The chunk of a place and its offset there.
fn locate(index: u32) -> (usize, usize) {
    let scaled = index as usize / FIRST + 1;
    let chunk = scaled.ilog2() as usize;
    (chunk, index as usize - FIRST * ((1 << chunk) - 1))
}

/// Someone is using the object; it is not freed meanwhile.
pub(super) struct Guard<T: Send + Sync + 'static> {
    table: &'static Table<T>,
    place: &'static Place<T>,
    index: u32,
    _thread: PhantomData<*const ()>,
}

impl<T: Send + Sync> Deref for Guard<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the place has a user, so its value is there and is not written.
        unsafe { (*self.place.value.get()).as_ref().unwrap_unchecked() }
    }
}

impl<T: Send + Sync> Drop for Guard<T> {
    fn drop(&mut self) {
        let state = self.place.state.fetch_sub(1, SeqCst) - 1;
        if state & (LIVE | USERS) == 0 {
            self.table.vacate(self.place, self.index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_freed_handle_a_foreign_one_and_a_made_up_one_are_recognised() {
        static A: Table<u32> = Table::new(0x5001);
        static B: Table<u32> = Table::new(0x5002);
        let one = A.insert(1).unwrap();
        let other = B.insert(2).unwrap();
        assert_eq!((*A.get(one).unwrap(), *B.get(other).unwrap()), (1, 2));
        assert!(A.get(other).is_none() && B.get(one).is_none());
        for made_up in [0, 1, u64::MAX, one + 1, one ^ 1 << 30, one & 0xffff_ffff] {
            assert!(
                A.get(made_up).is_none() && !A.remove(made_up),
                "{made_up:x}"
            );
        }
        assert!(A.remove(one) && !A.remove(one) && A.get(one).is_none());
        let reused = A.insert(3).unwrap();
        assert_ne!(reused, one);
        assert!(
            A.get(one).is_none(),
            "the place is used again, the old handle stays dead"
        );
    }

    #[test]
    fn what_is_freed_during_use_lives_until_the_use_ends() {
        static TABLE: Table<Arc<()>> = Table::new(0x5003);
        let value = Arc::new(());
        let handle = TABLE.insert(value.clone()).unwrap();
        let guard = TABLE.get(handle).unwrap();
        assert!(TABLE.remove(handle) && TABLE.get(handle).is_none());
        assert_eq!(Arc::strong_count(&value), 2);
        drop(guard);
        assert_eq!(Arc::strong_count(&value), 1);
    }

    #[test]
    fn places_cover_all_chunks_without_gap() {
        let mut expected = (0, 0);
        for index in 0..FIRST as u32 * 7 {
            assert_eq!(locate(index), expected);
            expected = if expected.1 + 1 == FIRST << expected.0 {
                (expected.0 + 1, 0)
            } else {
                (expected.0, expected.1 + 1)
            };
        }
    }

    #[test]
    fn many_threads_insert_use_and_free_without_loss() {
        static TABLE: Table<(Arc<()>, u64)> = Table::new(0x5004);
        let (count, rounds) = (Arc::new(()), if cfg!(miri) { 50 } else { 5_000 });
        std::thread::scope(|scope| {
            for thread in 0..8u64 {
                let count = count.clone();
                scope.spawn(move || {
                    for n in 0..rounds {
                        let handle = TABLE.insert((count.clone(), thread << 32 | n)).unwrap();
                        let user = scope_get(handle);
                        assert_eq!(user, Some(thread << 32 | n));
                        assert!(TABLE.remove(handle) && !TABLE.remove(handle));
                    }
                });
            }
        });
        fn scope_get(handle: u64) -> Option<u64> {
            TABLE.get(handle).map(|value| value.1)
        }
        assert_eq!(Arc::strong_count(&count), 1);
        assert!(TABLE.used.load(SeqCst) <= 8, "places are used again");
    }
}
