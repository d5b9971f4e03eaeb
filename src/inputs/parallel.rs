//! Spreading a job over threads.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// More threads than this gain nothing on a page cache and hurt on a disk.
const MAX_THREADS: usize = 16;

/// How many threads can work at the same time. Finding out takes as long as reading ten small files.
pub(super) fn cores() -> usize {
    thread::available_parallelism()
        .map_or(1, NonZero::get)
        .min(MAX_THREADS)
}

/// What `job` makes of each number below `count`, in their order, or the error for the smallest
/// number that has one, whichever thread met one first.
///
/// `threads` threads, this one among them, take the next number each as soon as they are free.
/// `state` makes what a thread keeps from one number to the next.
pub(super) fn map<S, T: Send, E: Send>(
    count: usize,
    threads: usize,
    state: impl Fn() -> S + Sync,
    job: impl Fn(&mut S, usize) -> Result<T, E> + Sync,
) -> Result<Vec<T>, E> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut state = state();
        let mut done = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return Ok(done);
            }
            let result = job(&mut state, number).map_err(|error| (number, error))?;
            done.push((number, result));
        }
    };
    let results = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let own = work();
        let others = others
            .into_iter()
            .map(|other| other.join().expect("the job does not panic"));
        std::iter::once(own).chain(others).collect::<Vec<_>>()
    });
    in_order(results)
}

/// What one thread did, or the first error that it met, each with its number.
type Done<T, E> = Result<Vec<(usize, T)>, (usize, E)>;

/// Numbers are taken in their order, and a thread stops at its first error: all numbers before the
/// smallest that has one were dealt with.
fn in_order<T, E>(results: Vec<Done<T, E>>) -> Result<Vec<T>, E> {
    let mut all = Vec::new();
    let mut errors = Vec::new();
    for result in results {
        match result {
            Ok(done) => all.extend(done),
            Err(error) => errors.push(error),
        }
    }
    if let Some((_, error)) = errors.into_iter().min_by_key(|(number, _)| *number) {
        return Err(error);
    }
    all.sort_unstable_by_key(|(number, _)| *number);
    Ok(all.into_iter().map(|(_, result)| result).collect())
}

#[cfg(test)]
mod tests {
    use super::map;

    #[test]
    fn results_have_the_order_of_their_numbers() {
        for threads in [1, 3] {
            let doubled = map(1000, threads, || (), |(), number| Ok::<_, ()>(number * 2));
            assert_eq!(doubled, Ok((0..1000).map(|number| number * 2).collect()));
        }
    }

    #[test]
    fn the_first_error_in_order_is_the_one_that_is_told() {
        let job = |(): &mut (), number| {
            if number % 100 == 50 {
                Err(number)
            } else {
                Ok(())
            }
        };
        for threads in [1, 3] {
            assert_eq!(map(1000, threads, || (), job), Err(50));
        }
    }
}
