//! The threads that kernels run on: one a core, started once, the caller being one of them.
//!
//! A step of a small model crosses some two hundred parallel regions of a few microseconds, so waking a sleeping thread
//! for each would cost more than the work. Workers therefore watch for the next region for a short while before they
//! sleep. They watch politely: where something else wants the core, they yield it.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

/// How long a worker watches before it sleeps: longer than the pauses within a step, far shorter than a blink.
const WATCH: Duration = Duration::from_micros(150);
/// Looks between two glances at the clock.
const LOOKS: usize = 64;

/// One parallel region: pieces `0..num_pieces` of a closure that lives on the caller's stack.
#[derive(Clone, Copy)]
struct Region {
    run: *const (dyn Fn(usize) + Sync),
    num_pieces: usize,
}

struct Shared {
    /// Number of the region, whether it is closed, and how many workers are inside: `number << 16 | CLOSED | inside`.
    state: AtomicU64,
    region: Mutex<Option<Region>>,
    next_piece: AtomicUsize,
    panicked: AtomicBool,
    asleep: Vec<AtomicBool>,
}

/// Set when the caller has found no more pieces: a worker that comes late stays out, so that nobody waits for it.
const CLOSED: u64 = 1 << 15;
const INSIDE_MASK: u64 = CLOSED - 1;
const NUMBER_SHIFT: u32 = 16;

// SAFETY: the pointer in `region` is only followed between the start of `run` and its end, while the closure lives.
unsafe impl Send for Shared {}
// SAFETY: as above; the closure is `Sync`.
unsafe impl Sync for Shared {}

/// A set of threads that run the pieces of one region at a time.
pub struct Pool {
    shared: Arc<Shared>,
    workers: Vec<Thread>,
    /// Regions of different callers take turns.
    turn: Mutex<()>,
}

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// The pool of this process.
pub fn pool() -> &'static Pool {
    static POOL: OnceLock<Pool> = OnceLock::new();
    POOL.get_or_init(|| Pool::new(std::thread::available_parallelism().map_or(1, usize::from)))
}

impl Pool {
    /// A pool of `num_threads`, the caller's included.
    pub fn new(num_threads: usize) -> Self {
        let shared = Arc::new(Shared {
            state: AtomicU64::new(CLOSED),
            region: Mutex::new(None),
            next_piece: AtomicUsize::new(0),
            panicked: AtomicBool::new(false),
            asleep: (1..num_threads).map(|_| AtomicBool::new(false)).collect(),
        });
        let spawn = |index: usize| {
            let shared = Arc::clone(&shared);
            let name = format!("kernel-{index}");
            std::thread::Builder::new().name(name).spawn(move || work(&shared, index)).ok()
        };
        // Where the system refuses a thread, the others do its work: the counts follow those that were started.
        let workers = (1..num_threads).map_while(spawn).map(|handle| handle.thread().clone());
        let workers = workers.collect();
        Self { shared, workers, turn: Mutex::new(()) }
    }

    /// Threads that take part, the caller included.
    pub fn num_threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Runs `piece(0)` to `piece(num_pieces - 1)`, in no order, and returns when all are done. Within a piece it runs
    /// its own pieces one after another.
    ///
    /// # Panics
    /// If a piece panicked.
    pub fn run(&self, num_pieces: usize, piece: impl Fn(usize) + Sync) {
        if num_pieces <= 1 || self.workers.is_empty() || INSIDE.get() {
            (0..num_pieces).for_each(piece);
            return;
        }
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = &*self.shared;
        let run: *const (dyn Fn(usize) + Sync + '_) = &raw const piece;
        // SAFETY: only the lifetime changes; nobody follows the pointer after this function has returned.
        let run: *const (dyn Fn(usize) + Sync) = unsafe { std::mem::transmute(run) };
        let region = Region { run, num_pieces };
        *shared.region.lock().unwrap_or_else(PoisonError::into_inner) = Some(region);
        shared.next_piece.store(0, Ordering::Relaxed);
        let number = (shared.state.load(Ordering::Relaxed) >> NUMBER_SHIFT) + 1;
        shared.state.store(number << NUMBER_SHIFT, Ordering::SeqCst);
        for (worker, asleep) in self.workers.iter().zip(&shared.asleep) {
            if asleep.load(Ordering::SeqCst) {
                worker.unpark();
            }
        }
        take_pieces(shared, region);
        shared.state.fetch_or(CLOSED, Ordering::AcqRel);
        let mut looks = 0;
        while shared.state.load(Ordering::Acquire) & INSIDE_MASK > 0 {
            look_again(&mut looks);
        }
        *shared.region.lock().unwrap_or_else(PoisonError::into_inner) = None;
        assert!(!shared.panicked.swap(false, Ordering::Relaxed), "a kernel panicked");
    }
}

/// A pointer that the pieces of a region share, each using a part of its own.
pub(super) struct Parts<T>(pub *mut T);

// SAFETY: see the type: no two threads use the same part, and what they use may change threads.
unsafe impl<T: Send> Sync for Parts<T> {}

impl Pool {
    /// Runs `part(index, items)` for every `part_len` of `items`, the last part being what is left.
    pub fn for_parts<T: Send>(&self, items: &mut [T], part_len: usize, part: impl Fn(usize, &mut [T]) + Sync) {
        let len = items.len();
        let start = Parts(items.as_mut_ptr());
        self.run(len.div_ceil(part_len), |index| {
            let start = &start;
            let from = index * part_len;
            // SAFETY: the parts lie within `items` and do not meet.
            let items = unsafe { std::slice::from_raw_parts_mut(start.0.add(from), part_len.min(len - from)) };
            part(index, items);
        });
    }
}

/// Waits a moment: first by pausing, then by giving the core to whoever wants it.
fn look_again(looks: &mut usize) {
    *looks += 1;
    if looks.is_multiple_of(LOOKS) { std::thread::yield_now() } else { std::hint::spin_loop() }
}

fn take_pieces(shared: &Shared, region: Region) {
    INSIDE.set(true);
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        loop {
            let piece = shared.next_piece.fetch_add(1, Ordering::Relaxed);
            if piece >= region.num_pieces {
                return;
            }
            // SAFETY: `Pool::run` has not returned, for it waits until every worker that entered has left.
            unsafe { (*region.run)(piece) };
        }
    }));
    INSIDE.set(false);
    if outcome.is_err() {
        shared.panicked.store(true, Ordering::Relaxed);
    }
}

fn work(shared: &Shared, index: usize) {
    let mut seen = 0;
    loop {
        let state = wait(shared, index, seen);
        seen = state >> NUMBER_SHIFT;
        if state & CLOSED != 0 {
            continue;
        }
        // Fails when the region is closed or another worker enters: look again at what it is now.
        if shared.state.compare_exchange(state, state + 1, Ordering::AcqRel, Ordering::Relaxed).is_err() {
            seen -= 1;
            continue;
        }
        let region = *shared.region.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(region) = region {
            take_pieces(shared, region);
        }
        shared.state.fetch_sub(1, Ordering::Release);
    }
}

/// Returns the state when its number differs from `seen`.
fn wait(shared: &Shared, index: usize, seen: u64) -> u64 {
    loop {
        let started = Instant::now();
        let mut looks = 0;
        while started.elapsed() < WATCH {
            for _ in 0..LOOKS {
                let state = shared.state.load(Ordering::Acquire);
                if state >> NUMBER_SHIFT != seen {
                    return state;
                }
                look_again(&mut looks);
            }
        }
        let asleep = &shared.asleep[index - 1];
        asleep.store(true, Ordering::SeqCst);
        // A region that began before the note was made would not wake us.
        while shared.state.load(Ordering::SeqCst) >> NUMBER_SHIFT == seen {
            std::thread::park();
        }
        asleep.store(false, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_runs_once() {
        let pool = Pool::new(3);
        for num_pieces in [0, 1, 2, 3, 50, 1000] {
            let counts: Vec<AtomicUsize> = (0..num_pieces).map(|_| AtomicUsize::new(0)).collect();
            pool.run(num_pieces, |piece| {
                counts[piece].fetch_add(1, Ordering::Relaxed);
            });
            assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == 1));
        }
    }

    #[test]
    fn sleeping_workers_are_woken() {
        let pool = Pool::new(2);
        for _ in 0..5 {
            std::thread::sleep(Duration::from_millis(3));
            let count = AtomicUsize::new(0);
            pool.run(8, |_| {
                count.fetch_add(1, Ordering::Relaxed);
            });
            assert_eq!(count.into_inner(), 8);
        }
    }

    #[test]
    fn callers_take_turns_and_regions_nest() {
        let pool = Pool::new(2);
        let count = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    pool.run(10, |_| {
                        pool.run(3, |_| {
                            count.fetch_add(1, Ordering::Relaxed);
                        });
                    });
                });
            }
        });
        assert_eq!(count.into_inner(), 120);
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_pool_lives_on() {
        let pool = Pool::new(2);
        let run = || pool.run(4, |piece| assert!(piece != 3, "piece three"));
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err());
        let count = AtomicUsize::new(0);
        pool.run(4, |_| {
            count.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(count.into_inner(), 4);
    }
}
