//! Threads that compute masks while the model's thread computes logits.

use std::sync::{Arc, Mutex, PoisonError, mpsc};

type Job = Box<dyn FnOnce() + Send>;

/// A few threads with one queue. They end when this is dropped.
pub struct Workers {
    jobs: mpsc::Sender<Job>,
}

impl Workers {
    /// One for every four cores: a mask takes far less time than the step beside which it is computed.
    pub fn start() -> std::io::Result<Self> {
        let num_threads = std::thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(4));
        let (jobs, queue) = mpsc::channel::<Job>();
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..num_threads {
            let queue = Arc::clone(&queue);
            std::thread::Builder::new().name("guide".into()).spawn(move || {
                loop {
                    // The lock is held while waiting, and given up before working.
                    let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    match job {
                        Ok(job) => job(),
                        Err(_) => return,
                    }
                }
            })?;
        }
        Ok(Self { jobs })
    }

    /// Has `job` done. Where no thread is left to do it, what `job` holds is dropped, and whoever waits for it notices.
    pub fn send(&self, job: impl FnOnce() + Send + 'static) {
        let _ = self.jobs.send(Box::new(job));
    }
}
