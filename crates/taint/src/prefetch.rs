//! Fetching memory before it is needed. A replay waits for memory more than for anything else, and
//! knows some rows ahead which pots it will touch.
//!
//! This is the engine's only unsafe code: the processor's hint has no safe name in Rust yet.

/// Asks for the element's line of memory; it changes nothing, and is a hint that may be left out.
#[inline(always)]
pub(crate) fn prefetch<T>(all: &[T], at: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(element) = all.get(at) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch reads nothing and cannot fault, and the address is of a live element.
        #[allow(unsafe_code)]
        unsafe {
            _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(element).cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (all, at);
}
