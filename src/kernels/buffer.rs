//! Memory that begins at a cache line, in huge pages where the system gives them: a pass over a gigabyte of weights
//! touches a quarter of a million small pages, and the walk for each costs more than the reading.
//!
//! Zeros cost nothing until they are written to: what a cache holds room for and nobody fills is never resident. The
//! allocator's zeroed memory would be, because at such an alignment it is written.

use std::ops::{Deref, DerefMut};

use memmap2::MmapMut;

const HUGE_PAGE: usize = 2 << 20;

/// Bytes, zeroed at first.
pub struct Buffer {
    pages: MmapMut,
    start: usize,
    len: usize,
}

impl Buffer {
    /// # Panics
    /// If the system has no memory of that size.
    pub fn zeroed(len: usize) -> Self {
        let is_huge = len >= HUGE_PAGE;
        let spare = if is_huge { HUGE_PAGE } else { 0 };
        let pages = MmapMut::map_anon((len + spare).max(1))
            .unwrap_or_else(|error| panic!("{len} bytes of memory cannot be had: {error}"));
        let start = if is_huge { pages.as_ptr().align_offset(HUGE_PAGE) } else { 0 };
        #[cfg(target_os = "linux")]
        if is_huge {
            // A refusal changes nothing but speed.
            let _ = pages.advise(memmap2::Advice::HugePage);
        }
        Self { pages, start, len }
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.pages[self.start..self.start + self.len]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.pages[self.start..self.start + self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_zero_and_begin_where_they_must() {
        for (len, align) in [(0, 64), (1, 64), (4097, 64), (HUGE_PAGE, HUGE_PAGE), (3 * HUGE_PAGE + 5, HUGE_PAGE)] {
            let mut buffer = Buffer::zeroed(len);
            assert_eq!((buffer.len(), buffer.as_ptr().align_offset(align)), (len, 0));
            assert!(buffer.iter().step_by(997).all(|byte| *byte == 0));
            if let Some(last) = buffer.last_mut() {
                *last = 7;
            }
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_not_written_to_is_not_resident() {
        let resident = || -> usize {
            let pages = fs_err::read_to_string("/proc/self/statm").unwrap();
            pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
        };
        let before = resident();
        let buffer = Buffer::zeroed(1 << 30);
        assert!(resident() < before + (512 << 20), "a gigabyte of zeros was written");
        drop(buffer);
    }
}
