//! Memory of a run that is as long as there are pots: zeros at first. What is filled anyway comes in huge
//! pages where the system has them, which cost fewer faults and fewer walks through page tables; where
//! only a few places are touched, small pages cost less.

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
    /// Records of which most will be touched.
    pub(crate) fn to_fill(count: usize) -> Records<T> {
        let records = Records::sparse(count);
        #[cfg(target_os = "linux")]
        if let Held::Paged(map) = &records.held {
            // A kernel without huge pages says no, and small ones do as well.
            let _ = map.advise(memmap2::Advice::HugePage);
        }
        records
    }

    /// Records of which few may be touched.
    pub(crate) fn sparse(count: usize) -> Records<T> {
        let bytes = count.saturating_mul(size_of::<T>()).max(1);
        let held = match MmapOptions::new().len(bytes).map_anon() {
            Ok(map) => Held::Paged(map),
            Err(_) => Held::Plain(vec![T::zeroed(); count]),
        };
        Records { held }
    }

    /// Adds a record at the end; what was mapped is copied then.
    pub(crate) fn push(&mut self, record: T) {
        if let Held::Paged(_) = self.held {
            self.held = Held::Plain(self.get().to_vec());
        }
        if let Held::Plain(records) = &mut self.held {
            records.push(record);
        }
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
