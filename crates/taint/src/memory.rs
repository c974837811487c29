//! Memory of a run that is as long as there are pots: zeros at first, and in huge pages where the system
//! has them. Those cost fewer faults as they fill and fewer walks through page tables afterwards.

use bytemuck::Pod;
use memmap2::{MmapMut, MmapOptions};

/// Records by number, zeros at first.
pub(crate) struct Records<T> {
    held: Held<T>,
}

enum Held<T> {
    Paged(MmapMut),
    Plain(Vec<T>),
}

impl<T: Pod> Records<T> {
    pub(crate) fn zeroed(count: usize) -> Records<T> {
        let bytes = count.saturating_mul(size_of::<T>()).max(1);
        let held = match MmapOptions::new().len(bytes).map_anon() {
            Ok(map) => {
                // A kernel without huge pages says no, and small ones do as well.
                #[cfg(target_os = "linux")]
                let _ = map.advise(memmap2::Advice::HugePage);
                Held::Paged(map)
            }
            Err(_) => Held::Plain(vec![T::zeroed(); count]),
        };
        Records { held }
    }

    #[inline]
    pub(crate) fn get(&self) -> &[T] {
        match &self.held {
            Held::Paged(map) => bytemuck::cast_slice(&map[..whole::<T>(map)]),
            Held::Plain(records) => records,
        }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self) -> &mut [T] {
        match &mut self.held {
            Held::Paged(map) => {
                let whole = whole::<T>(map);
                bytemuck::cast_slice_mut(&mut map[..whole])
            }
            Held::Plain(records) => records,
        }
    }
}

/// The bytes that are records: a map is never empty.
fn whole<T>(map: &[u8]) -> usize {
    map.len() - map.len() % size_of::<T>()
}
