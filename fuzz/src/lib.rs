//! What the fuzz targets hold the readers to, beyond "no panic".

pub mod guarded;
#[allow(unsafe_code)] // an allocator cannot be written without
pub mod memory;
pub mod reading;
pub mod spans;
