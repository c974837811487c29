//! An allocator that stops the run when one allocation is absurd: libFuzzer's own limit counts only
//! memory that was touched, and a length that a stranger wrote is asked for without being touched.

use std::alloc::{GlobalAlloc, Layout, System};

/// No input is longer than 64 KiB; nothing that is read from one needs this much in one piece.
const MAX_PIECE: usize = 256 << 20;

pub struct Bounded;

#[global_allocator]
static BOUNDED: Bounded = Bounded;

fn check(size: usize) {
    if size > MAX_PIECE {
        // A panic would be caught by readers that guard their libraries.
        eprintln!("an allocation of {size} bytes\n{}", std::backtrace::Backtrace::force_capture());
        std::process::abort();
    }
}

// SAFETY: every call is handed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Bounded {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        check(layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        check(layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        check(size);
        // SAFETY: as the caller promises.
        unsafe { System.realloc(at, layout, size) }
    }
}
